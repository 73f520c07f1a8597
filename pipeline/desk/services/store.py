"""The only door between the nightly run and the queue's database.

A Store holds the run lock from opening to closing: one run at a time works on a queue. The lock belongs to the operating system (SQLite) or
to the database session (PostgreSQL), so it ends with the process however that ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Count
from django.db.models.functions import Coalesce
from django.utils import timezone

from pipeline.desk.services.connection import connect, file_lock, migrate, session_lock, translated
from pipeline.desk.services.decisions import Decisions, pairs
from pipeline.desk.services.entries import Entry, save
from pipeline.desk.services.events import seal
from pipeline.desk.services.letters import masked, score_of
from pipeline.desk.services.matters import Matters
from pipeline.desk.services.search import catch_up
from pipeline.desk.services.standing import place_old, tide
from pipeline.intake.letter import SHANGHAI, RedactedLetter
from pipeline.matters.matter import RiskModel
from pipeline.scoring.labels import load_labels
from pipeline.scoring.score import Evidence, Score
from pipeline.triage.policy import Priority, Ranked, Reason

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk import models


@dataclass(frozen=True, slots=True)
class Known:
    """A letter that is in the store: the SHA-256 of its content (hex), and whether its place comes from the model asked for."""

    content: str
    scored: bool


class Store:
    """An open queue. Belongs to the thread that opened it; close it, or use it in a `with`."""

    def __init__(self, lock: AbstractContextManager[Any]) -> None:
        self._lock = lock
        self.matters = Matters()

    @classmethod
    def open(cls, url: str, *, wait: float = 0) -> Store:
        """Connect, take the run lock (waiting at most `wait` seconds), create or migrate the tables.

        Raises:
            QueueError: another run works on this queue; the database cannot be reached or written; its tables are of a newer version.
        """
        path = connect(url)
        lock = file_lock(path, wait) if path else session_lock(wait)
        lock.__enter__()
        try:
            with translated("open"):
                migrate()
        except BaseException:
            cls(lock).close()
            raise
        return cls(lock)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        try:
            self._lock.__exit__(None, None, None)
        finally:
            connection.close()

    def start_run(self, inputs: Sequence[str], model_version: str) -> int:
        """Enter a run in the ledger; returns its number. Runs that were killed are marked as stopped: the lock says none is at work."""
        from pipeline.desk.models import Run

        with translated("start a run"):
            Run.objects.filter(status=Run.Status.RUNNING).update(status=Run.Status.STOPPED)
            return int(Run.objects.create(started_at=timezone.now(), inputs=list(inputs), model_version=model_version).pk)

    def finish_run(self, run: int, counts: Mapping[str, int], *, done: bool) -> None:
        """Close the ledger entry with its counts."""
        from pipeline.desk.models import Run

        status = Run.Status.DONE if done else Run.Status.STOPPED
        with translated("finish a run"):
            Run.objects.filter(pk=run).update(finished_at=timezone.now(), status=status, counts=dict(counts))
        seal(everywhere=True)

    def known(self, letter_ids: Sequence[str], model_version: str) -> dict[str, Known]:
        """Which of these letters are in the store, by id."""
        from pipeline.desk.models import Letter as Table

        with translated("look letters up"):
            found = Table.objects.filter(pk__in=letter_ids).values_list("pk", "content_sha256", "item__score__model_version")
            return {letter_id: Known(content, version == model_version) for letter_id, content, version in found}

    def save_chunk(self, run: int, entries: Sequence[Entry]) -> None:
        """Save new letters with their place, and give known letters the new model's score and place; all in one transaction.

        A letter that is there keeps its text, its due date, its status and what people decided on it.
        """
        with translated("save letters"), transaction.atomic():
            save(run, entries, self.known([entry.letter.letter_id for entry in entries], ""))

    def refresh_desk(self) -> None:
        """What the desk needs once a night: clocks told by the new day, what an older version left put into the queue and made searchable."""
        place_old()
        tide()
        catch_up()

    def rows(self, letter_ids: Sequence[str]) -> dict[str, Ranked]:
        """Letters of the store as they stand in the queue, by id."""
        from pipeline.desk.models import QueueItem

        with translated("read letters"):
            items = QueueItem.objects.filter(pk__in=letter_ids).select_related("letter", "letter__link", "score")
            return {item.pk: _ranked(item) for item in items}

    def top(self, count: int) -> list[Ranked]:
        """The open letters that come first: by a person's priority where there is one, else the policy's; then by due date."""
        from pipeline.desk.models import QueueItem

        with translated("read the queue"):
            return [_ranked(item) for item in _by_priority(QueueItem)[:count]]

    def overdue(self, today: date, count: int) -> tuple[list[Ranked], int]:
        """The open letters whose registration was due before a day, in the order of the queue, at most `count`; and how many there are in all."""
        from pipeline.desk.models import QueueItem

        with translated("read the queue"):
            late = _by_priority(QueueItem).filter(due_on__lt=today)
            return [_ranked(item) for item in late[:count]], late.count()

    def waiting(self) -> dict[int, int]:
        """Open letters by level."""
        from pipeline.desk.models import QueueItem

        with translated("read the queue"):
            rows = QueueItem.objects.filter(status=QueueItem.Status.OPEN).values_list("level").annotate(count=Count("pk"))
            return dict(rows.order_by("level"))

    def received(self, since: date, until: date) -> dict[tuple[str, int], int]:
        """Letters received from one day to another, both included, by the model's issue and level."""
        from pipeline.desk.models import QueueItem

        begin, end = (datetime.combine(day, time(), SHANGHAI) for day in (since, until + timedelta(days=1)))
        issues = load_labels().issues
        with translated("read letters"):
            rows = QueueItem.objects.filter(letter__received_at__gte=begin, letter__received_at__lt=end).values_list(
                "score__issue", "level"
            )
            return dict(Counter((issues[int(np.argmax(issue))], level) for issue, level in rows.iterator()))

    def decisions(self, by: str, model: RiskModel, today: date) -> Decisions:
        """What a person decides about matters; raises MatterError without a name."""
        return Decisions(by, model, today)

    def decided_pairs(self) -> list[tuple[str, str, bool]]:
        """Pairs of letters that people put together (True) or took apart."""
        return pairs()

    def unexplained(self, count: int, model_version: str) -> list[tuple[RedactedLetter, Score]]:
        """Of the `count` open letters that come first, those whose score is of this model and has no evidence yet, in that order."""
        from pipeline.desk.models import QueueItem

        with translated("read the queue"):
            items = list(_by_priority(QueueItem)[:count])
            return [
                (masked(item.letter), score_of(item.score))
                for item in items
                if item.score.evidence is None and item.score.model_version == model_version
            ]

    def save_evidence(self, letter_id: str, model_version: str, evidence: Sequence[Evidence]) -> None:
        """Keep the sentences that carried a score."""
        from pipeline.desk.models import Score as Table

        told = [[one.answer, one.sentence, one.fall] for one in evidence]
        with translated("save evidence"):
            Table.objects.filter(letter_id=letter_id, model_version=model_version).update(evidence=told)


def _by_priority(items: type[models.QueueItem]) -> Any:
    """The open letters in the order of the queue."""
    open_ones = items.objects.filter(status=items.Status.OPEN).select_related("letter", "letter__link", "score")
    return open_ones.order_by(Coalesce("human_priority", "priority").desc(), "due_on", "letter")


def _ranked(item: models.QueueItem) -> Ranked:
    letter = item.letter
    return Ranked(
        letter_id=letter.letter_id,
        received_at=letter.received_at,
        title=masked(letter).heading,
        place=letter.place,
        matter_id=letter.link.matter_id if hasattr(letter, "link") else "",
        unit=item.unit,
        score=score_of(item.score),
        priority=Priority(item.priority, tuple(Reason(text, share) for text, share in item.reasons)),
        due_on=item.due_on,
        human_priority=item.human_priority,
        evidence=tuple(Evidence(*told) for told in item.score.evidence or ()),
    )
