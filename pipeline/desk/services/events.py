"""The chain of events: recorded by whoever acts, sealed shortly after, checked by `verify`.

Sealing stands apart from recording, so that fifty people who act at once do not wait for each other at the end of one chain. A seal is the SHA-256
of the seal before it and all that the event says; a changed, missing or inserted event breaks every seal after it. Whoever writes the last seal
down (the audit page and `python -m pipeline.desk verify` show it) can also tell that nothing was cut off at the end.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from pipeline.desk.services.connection import translated
from pipeline.desk.services.letters import masked_numbers

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from pipeline.desk.models import Access, Event, Matter, User

CHAIN_LOCK = 0x5A68_5365_616C
"""The key of the sealing lock on PostgreSQL: "ZhSeal"."""
FIRST = "0" * 64
BATCH = 1_000
BEHIND = 1_000
"""Events before the last sealed one among which an unsealed one is still looked for after each save."""
UNSEALED_FOR = timedelta(hours=24)
"""An event older than this without a seal is told by `verify`: the nightly run seals what is left."""


def record(
    kind: str,
    *,
    by: User | None = None,
    matter: Matter | str | None = None,
    letter: str | None = None,
    run: int | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Event:
    """Write one event; belongs into the transaction of what it tells. Never a word of a letter in `before` or `after`.

    `reason`, where `after` has one, is typed by a person: its numbers are masked, since no one can take it out of the chain again.
    """
    from pipeline.desk.models import Event

    told = dict(after or {})
    if "reason" in told:
        told["reason"] = masked_numbers(told["reason"])
    matter_id = matter if isinstance(matter, str) or matter is None else matter.pk
    return Event.objects.create(
        at=timezone.now(),
        kind=kind,
        by=by,
        matter_id=matter_id,
        letter_id=letter,
        run_id=run,
        before=dict(before or {}),
        after=told,
    )


def seal(*, everywhere: bool = False) -> int:
    """Seal the events that have no seal yet, in the order they were written; returns how many. Gives way to another that is sealing.

    Looks among the last events; `everywhere`, once a night, among all: an event of a transaction that took long may have come in far behind.
    """
    from pipeline.desk.models import Seal

    done = 0
    with translated("seal events"):
        while True:
            with transaction.atomic():
                if not _alone():
                    return done
                events = list(_unsealed(everywhere)[:BATCH])
                digest = Seal.objects.order_by("-pk").values_list("digest", flat=True).first() or FIRST
                seals = []
                for event in events:
                    digest = _digest(digest, event)
                    seals.append(Seal(event=event, digest=digest))
                Seal.objects.bulk_create(seals)
            done += len(events)
            if len(events) < BATCH:
                return done


def _unsealed(everywhere: bool) -> QuerySet[Event]:
    from pipeline.desk.models import Event, Seal

    events = Event.objects.filter(~Exists(Seal.objects.filter(event=OuterRef("pk")))).order_by("pk")
    if everywhere:
        return events
    last = Seal.objects.order_by("-pk").values_list("event", flat=True).first() or 0
    return events.filter(pk__gt=last - BEHIND)


def _alone() -> bool:
    """SQLite has one writer at a time; on PostgreSQL a lock of the transaction says who seals."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [CHAIN_LOCK])
        return bool(cursor.fetchone()[0])


def _digest(before: str, event: Event) -> str:
    told = [
        event.pk, event.at.isoformat(), event.kind, event.by_id, event.run_id, event.letter_id, event.matter_id, event.before, event.after,
    ]  # fmt: skip
    return hashlib.sha256(f"{before}\n{_written(told)}".encode()).hexdigest()


def content_of(row: Access) -> str:
    """SHA-256 (hex) over all that a kept reading says; stands in the event of it, so that the chain guards readings too."""
    told = [row.pk, row.at.isoformat(), row.by_id, row.kind, row.letter_id, row.matter_id, row.purpose, row.address, row.detail]
    return hashlib.sha256(_written(told).encode()).hexdigest()


def _written(told: Sequence[object]) -> str:
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Verified:
    """What checking the chain found: sealed events, unsealed ones, the last seal, and the first fault as a Chinese sentence ("" when whole)."""

    sealed: int
    unsealed: int
    head: str
    fault: str


def verify() -> Verified:
    """Check every seal from the first on."""
    from pipeline.desk.models import Event, Seal

    digest, sealed, fault = FIRST, 0, ""
    with translated("verify events"):
        for row in Seal.objects.select_related("event").order_by("pk").iterator(BATCH):
            digest = _digest(digest, row.event)
            if digest != row.digest:
                fault = f"事件 {row.event_id}（{row.event.at:%Y-%m-%d %H:%M}）与封存时不一致：此处或此前的记录被改动、删除或插入。"
                break
            sealed += 1
        fault = fault or _missing_reading()
        unsealed = Event.objects.filter(seal=None)
        late = unsealed.filter(at__lt=timezone.now() - UNSEALED_FOR).count()
        if not fault and late:
            fault = f"有 {late} 条事件超过 24 小时没有封存：请运行夜间任务，或查封存记录是否被删。"
        return Verified(sealed, unsealed.count(), digest if sealed else "", fault)


def _missing_reading() -> str:
    """The first reading that is not as its event says, as a sentence."""
    from pipeline.desk.models import Access, Event

    told = {after["access"]: after["sha256"] for after in Event.objects.filter(kind="accessed").values_list("after", flat=True)}
    for row in Access.objects.order_by("pk").iterator(BATCH):
        if told.pop(row.pk, "") != content_of(row):
            return f"查阅记录 {row.pk}（{row.at:%Y-%m-%d %H:%M}）与登记时不一致：被改动或插入。"
    return f"查阅记录 {min(told)} 不见了：被删除。" if told else ""


def last_seal() -> tuple[int, str]:
    """The number of the last sealed event and its seal; (0, "") when nothing is sealed."""
    from pipeline.desk.models import Seal

    return Seal.objects.order_by("-pk").values_list("event_id", "digest").first() or (0, "")
