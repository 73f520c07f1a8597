"""Matters in the store: which letters are linked, what a night adds, what people decide.

A night only adds: letters that have no matter get one, and whole matters that nobody has decided on may be put together. What a person merged,
split or moved is kept as a Decision and never undone by a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F, Max

from pipeline.desk.services.connection import translated
from pipeline.desk.services.events import record
from pipeline.desk.services.letters import masked, score_of, told_of
from pipeline.desk.services.standing import COLUMNS, anew
from pipeline.desk.workflow import DONE, Status
from pipeline.errors import MatterError
from pipeline.intake.letter import SHANGHAI, RedactedLetter
from pipeline.matters.linking import Night, Suggestion
from pipeline.matters.matter import Matter, RiskModel, Sighting, sighting_of, summarise
from pipeline.matters.trace import Trace
from pipeline.matters.trends import Flag, Trend
from pipeline.scoring.score import Score

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk import models

ROWS = 2_000
"""Rows that are read or written at once."""

Linked = tuple[list[str], list[str], list[bytes]]


class Matters:
    """The matters of an open queue."""

    def last_day(self) -> date | None:
        """The day of the newest letter, office time; None when no letter has a date."""
        from pipeline.desk.models import Letter

        with translated("read letters"):
            last = Letter.objects.aggregate(last=Max("received_at"))["last"]
            return last.astimezone(SHANGHAI).date() if last else None

    def linked(self, version: str) -> Iterator[Linked]:
        """Linked letters whose embedding is of this model, oldest first, in parts: letter ids, matter ids, traces as stored."""
        from pipeline.desk.models import Link

        with translated("read links"):
            rows = Link.objects.filter(model_version=version).order_by("letter__received_at", "letter")
            for part in _parts(rows.values_list("letter", "matter", "trace").iterator(ROWS)):
                yield [row[0] for row in part], [row[1] for row in part], [bytes(row[2]) for row in part]

    def count(self, version: str) -> int:
        """Linked letters whose embedding is of this model."""
        from pipeline.desk.models import Link

        with translated("read links"):
            return Link.objects.filter(model_version=version).count()

    def traces(self, letter_ids: Sequence[str]) -> dict[str, Trace]:
        """What linking keeps of these letters, by id."""
        from pipeline.desk.models import Link

        with translated("read links"):
            found: dict[str, Trace] = {}
            for begin in range(0, len(letter_ids), ROWS):
                rows = Link.objects.filter(letter__in=letter_ids[begin : begin + ROWS]).values_list("letter", "trace")
                found |= {letter: Trace.from_bytes(letter, bytes(trace)) for letter, trace in rows}
            return found

    def decided(self) -> list[str]:
        """Matters that a person has decided on."""
        from pipeline.desk.models import Matter as Table

        with translated("read matters"):
            return list(Table.objects.filter(by_person=True).values_list("pk", flat=True))

    def unlinked(self, count: int) -> list[tuple[RedactedLetter, Score]]:
        """The first `count` letters that belong to no matter yet, oldest first."""
        from pipeline.desk.models import QueueItem

        with translated("read letters"):
            items = QueueItem.objects.filter(letter__link=None).select_related("letter", "score")
            items = items.order_by(F("letter__received_at").asc(nulls_first=True), "letter")[:count]
            return [(masked(item.letter), score_of(item.score)) for item in items]

    def outdated(self, version: str, count: int) -> list[RedactedLetter]:
        """Linked letters whose embedding is of another model than `version`, newest first."""
        from pipeline.desk.models import Letter

        with translated("read letters"):
            letters = Letter.objects.filter(link__isnull=False).exclude(link__model_version=version)
            return [masked(letter) for letter in letters.order_by("-received_at", "letter_id")[:count]]

    def renew(self, traces: Sequence[Trace], version: str) -> None:
        """Keep new traces of linked letters; their matters stay."""
        from pipeline.desk.models import Link

        with translated("save links"), transaction.atomic():
            for trace in traces:
                Link.objects.filter(letter=trace.letter_id).update(trace=trace.to_bytes(), model_version=version)

    def save(self, night: Night, traces: Mapping[str, Trace], version: str, model: RiskModel, today: date) -> None:
        """Keep what a batch of letters came to, in one transaction."""
        from pipeline.desk import models

        with translated("save matters"), transaction.atomic():
            for gone, kept in night.united:
                _unite(gone, kept)
            touched = {one.matter_id for one in night.linked} | {kept for _, kept in night.united}
            _ensure(touched)
            models.Link.objects.bulk_create(
                models.Link(
                    letter_id=one.letter_id, matter_id=one.matter_id, bond=one.bond, model_version=version, trace=traces[one.letter_id].to_bytes()
                )
                for one in night.linked
            )  # fmt: skip
            _suggest(night.suggestions)
            refresh(touched, model, today)

    def refresh_since(self, since: date, done: Set[str], model: RiskModel, today: date) -> None:
        """Count again the matters that had a letter lately: what is new, what grows and the risk change as days go by. Not those that are `done`."""
        from pipeline.desk.models import Matter as Table

        with translated("count matters"):
            lately = Table.objects.filter(last_on__gte=since, united_into=None).values_list("pk", flat=True)
            refresh(set(lately) - done, model, today)

    def of(self, letter_ids: Sequence[str]) -> dict[str, str]:
        """letter -> matter, for those that have one."""
        from pipeline.desk.models import Link

        with translated("read links"):
            return dict(Link.objects.filter(letter__in=letter_ids).values_list("letter", "matter"))

    def sightings(self, since: date) -> list[Sighting]:
        """What the letters received from a day on lend to their matters, oldest first; letters without a date are left out."""
        from pipeline.desk.models import QueueItem

        begin = datetime(since.year, since.month, since.day, tzinfo=SHANGHAI)
        with translated("read letters"):
            items = QueueItem.objects.filter(letter__received_at__gte=begin).order_by("letter__received_at", "letter")
            return [_sighting(item) for item in items.select_related("letter", "letter__link", "score").iterator(ROWS) if _has_link(item)]

    def flags(self) -> list[Flag]:
        """The tendencies seen so far, as the watch asks for them, oldest first."""
        from pipeline.desk.models import Flag as Table

        with translated("read tendencies"):
            return [Flag(key=row.key, on=row.on, writers=row.told["writers"]) for row in Table.objects.order_by("on", "pk")]

    def trends(self, since: date) -> list[Trend]:
        """Tendencies that began to show from a day on, newest first."""
        from pipeline.desk.models import Flag as Table

        with translated("read tendencies"):
            return [_trend(row.told) for row in Table.objects.filter(on__gte=since).order_by("-on", "pk")]

    def save_flags(self, run: int, trends: Sequence[Trend]) -> None:
        """Keep the tendencies that a run saw begin."""
        from pipeline.desk.models import Flag as Table

        with translated("save tendencies"):
            Table.objects.bulk_create(
                Table(run_id=run, on=trend.on, kind=trend.kind, key=trend.key, matter_id=trend.matter_id or None, told=_told(trend))
                for trend in trends
            )

    def top(self, count: int) -> list[Matter]:
        """Matters of two letters and more by falling risk."""
        from pipeline.desk.models import Matter as Table

        with translated("read matters"):
            rows = Table.objects.filter(united_into=None, letters__gte=2).order_by("-risk", "matter_id")[:count]
            return [_matter(row) for row in rows]

    def one(self, matter_id: str) -> Matter:
        """One matter; raises MatterError when there is none."""
        return _matter(get(matter_id))

    def letters(self, matter_id: str) -> list[tuple[str, str]]:
        """(letter, masked heading) of a matter, oldest first."""
        from pipeline.desk.models import Link

        with translated("read matters"):
            links = Link.objects.filter(matter=get(matter_id)).select_related("letter").order_by("letter__received_at", "letter")
            return [(link.letter_id, masked(link.letter).heading) for link in links]

    def suggestions(self, count: int) -> list[Suggestion]:
        """Matters that a person might put together, surest first."""
        from pipeline.desk.models import Suggestion as Table

        with translated("read suggestions"):
            rows = Table.objects.filter(declined=False, one__united_into=None, other__united_into=None).order_by("-bond", "one", "other")
            return [Suggestion(row.one_id, row.other_id, row.bond) for row in rows[:count]]


def _parts(rows: Iterable[Any]) -> Iterator[list[Any]]:
    part: list[Any] = []
    for row in rows:
        part.append(row)
        if len(part) == ROWS:
            yield part
            part = []
    if part:
        yield part


def _has_link(item: models.QueueItem) -> bool:
    return hasattr(item.letter, "link")


def _sighting(item: models.QueueItem) -> Sighting:
    """An undated letter counts about when it came: on the day by which it must be registered. What a person said goes before the model."""
    letter = item.letter
    return sighting_of(masked(letter), told_of(item), letter.writer_ref, tuple(letter.path), letter.link.matter_id, item.due_on)


def get(matter_id: str) -> models.Matter:
    """The row of a matter; raises MatterError when there is none or when it was put into another."""
    from pipeline.desk.models import Matter as Table

    found = Table.objects.filter(pk=matter_id).first()
    if found is None:
        raise MatterError(f"事项 {matter_id}：没有这个事项，请核对编号。")
    if found.united_into_id:
        raise MatterError(f"事项 {matter_id}：已并入 {found.united_into_id}，请改用后者。")
    return found


def _ensure(names: Iterable[str]) -> None:
    from pipeline.desk.models import Matter as Table

    Table.objects.bulk_create((Table(matter_id=name) for name in sorted(names)), ignore_conflicts=True)


def _unite(gone: str, kept: str) -> None:
    from pipeline.desk import models

    models.Link.objects.filter(matter=gone).update(matter=kept)
    models.Matter.objects.filter(pk=gone).update(united_into=kept, letters=0, live=False)
    models.Matter.objects.filter(united_into=gone).update(united_into=kept)


def _suggest(suggestions: Iterable[Suggestion]) -> None:
    from pipeline.desk.models import Matter as Table
    from pipeline.desk.models import Suggestion as Asked

    pairs = {tuple(sorted((told.one, told.other))): told.bond for told in suggestions}
    there = set(Table.objects.filter(pk__in={name for pair in pairs for name in pair}).values_list("pk", flat=True))
    Asked.objects.bulk_create(
        (Asked(one_id=one, other_id=other, bond=bond) for (one, other), bond in sorted(pairs.items()) if {one, other} <= there),
        update_conflicts=True, unique_fields=["one", "other"], update_fields=["bond"],
    )  # fmt: skip


def refresh(names: Iterable[str], model: RiskModel, today: date) -> None:
    """Write down again what follows from the letters of these matters, and where they stand in the queue."""

    def count(matter: models.Matter, items: Sequence[models.QueueItem]) -> None:
        for name, value in asdict(summarise([_sighting(item) for item in items], today, model)).items():
            setattr(matter, name, list(value) if isinstance(value, tuple) else value)
        _bring_back(matter, items)

    anew(names, [*COUNTED, *BROUGHT_BACK, *COLUMNS], count)


COUNTED = tuple(name for name in Matter.__dataclass_fields__ if name != "matter_id")
BROUGHT_BACK = ("status", "live", "handed", "closed_on")


def _bring_back(matter: models.Matter, items: Sequence[models.QueueItem]) -> None:
    """A letter that came after its matter was closed brings the matter back into the queue; the outcome stays to be read."""
    if matter.status in DONE and any(item.status == item.Status.OPEN for item in items):
        record("brought_back", matter=matter, before={"status": matter.status}, after={"status": Status.OPEN})
        matter.status, matter.live, matter.handed, matter.closed_on = Status.OPEN, True, False, None


def _matter(row: models.Matter) -> Matter:
    return Matter(
        **{name: getattr(row, name) for name in Matter.__dataclass_fields__ if name not in ("places", "signals", "first_on", "last_on")},
        places=tuple(row.places),
        signals=tuple(row.signals),
        first_on=row.first_on or date.min,
        last_on=row.last_on or date.min,
    )


def _told(trend: Trend) -> dict[str, Any]:
    return asdict(trend) | {"since": trend.since.isoformat(), "on": trend.on.isoformat()}


def _trend(told: Mapping[str, Any]) -> Trend:
    days = {name: date.fromisoformat(told[name]) for name in ("since", "on")}
    return Trend(**{**told, **days, "words": tuple(told["words"]), "letters": tuple((letter, title) for letter, title in told["letters"])})
