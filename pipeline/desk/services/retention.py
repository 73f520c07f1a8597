"""Retention: the clear text of letters whose matter has long been closed is erased; the masked text stays. The writer's keyed digest gives way to a
number drawn at random, by which the writers of one matter can still be counted, and from which nobody can be found again.

The content's SHA-256 stays too, so that the nightly run still knows the letter when it comes again. Letters of live matters are never touched.
What has been erased is not erased again, so that the work can be stopped at any time and begun anew.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from pipeline.desk.services.connection import translated
from pipeline.desk.services.day import office_day
from pipeline.desk.services.events import record
from pipeline.desk.services.letters import masked
from pipeline.desk.workflow import DONE

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk import models

BATCH = 500
"""Letters that are erased in one transaction."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What the next run would erase."""

    letters: int
    matters: int


def last_day(days: int) -> date:
    """Matters closed on this day or before have been kept long enough."""
    return office_day() - timedelta(days=days + 1)


def rule(days: int) -> str:
    """The rule as the register of erasures tells it."""
    return f"事项办结超过 {days} 天：原文改存遮盖后的文字，来信人标识换成无法还原的随机编号"


def planned(days: int) -> Planned:
    """How much is due."""
    with translated("read what is due for erasure"):
        counts = _due(days).aggregate(letters=Count("pk"), matters=Count("link__matter", distinct=True))
        return Planned(counts["letters"], counts["matters"])


def erase(days: int, *, by: models.User | None = None, most: int | None = None) -> int:
    """Erase what is due, at most `most` letters; returns how many. Each batch is one transaction with its event."""
    done = 0
    with translated("erase letters"):
        _overwrite_freed_pages()
        while most is None or done < most:
            count = _erase_batch(days, by, BATCH if most is None else min(BATCH, most - done))
            if not count:
                break
            done += count
        if done:
            _empty_write_ahead_log()
    return done


def _due(days: int) -> Any:
    from pipeline.desk.models import Letter

    return Letter.objects.filter(
        erasure=None, link__matter__live=False, link__matter__status__in=DONE, link__matter__closed_on__lte=last_day(days)
    )


def _erase_batch(days: int, by: models.User | None, count: int) -> int:
    from pipeline.desk.models import Erasure, Letter, Matter, Original

    with transaction.atomic():
        names = list(_due(days).values_list("link__matter", flat=True).order_by("pk")[:count])
        # locked until the end, so that no matter comes back into the queue meanwhile
        still = list(Matter.objects.select_for_update().filter(pk__in=set(names), live=False).values_list("pk", flat=True))
        letters = list(_due(days).filter(link__matter__in=still).select_related("link").order_by("pk")[:count])
        ids = [letter.pk for letter in letters]
        Original.objects.bulk_update([_overwritten(letter) for letter in letters], ["title", "body", "place_hint", "extra"], batch_size=100)
        Letter.objects.bulk_update(_renumbered(letters), ["writer_ref"], batch_size=100)
        now = timezone.now()
        Erasure.objects.bulk_create((Erasure(at=now, letter_id=pk, rule=rule(days)) for pk in ids), ignore_conflicts=True)
        if ids:
            record("retention", by=by, after={"letters": len(ids), "days": days})
    return len(ids)


def _renumbered(letters: Sequence[models.Letter]) -> Sequence[models.Letter]:
    """The writers of each matter as random numbers; an unknown writer stays unknown."""
    numbers: defaultdict[tuple[str, str], str] = defaultdict(lambda: f"erased-{secrets.token_hex(8)}")
    for letter in letters:
        if letter.writer_ref:
            letter.writer_ref = numbers[letter.link.matter_id, letter.writer_ref]
    return letters


def _overwritten(letter: models.Letter) -> models.Original:
    from pipeline.desk.models import Original

    told = masked(letter)
    return Original(letter_id=letter.pk, title=told.title, body=told.body, place_hint="", extra={})


def _overwrite_freed_pages() -> None:
    """SQLite leaves old text in the file where it was until the space is used again; this makes it write zeros there."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete=ON")


def _empty_write_ahead_log() -> None:
    """The log beside the file holds old pages too. While somebody reads it stays for the next time."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.fetchall()
