"""Where a matter stands in the queue: its priority, its unit, its nearest clock, and the order that follows from them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from pipeline.desk.services.connection import translated
from pipeline.desk.services.day import office_day
from pipeline.desk.services.letters import told_of
from pipeline.desk.workflow import ANSWERED
from pipeline.scoring.labels import load_labels
from pipeline.triage.clocks import Band, Clock, Pause, band, due, nearest
from pipeline.triage.policy import load_policy, prioritise
from pipeline.triage.regulation import REGISTER_DAYS

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk import models

TIME = ("due_on", "due_clock", "band", "rank")
COLUMNS = ("priority", "reasons", "area", "signal_bits", "channel", "fresh", "unit", "unit_why", *TIME)
AHEAD = timedelta(days=6)
"""A clock due later than this is calm (clocks.band), whatever it is."""
ROWS = 200
"""Matters that are read and written at once, with all their letters."""


def stand(matter: models.Matter, items: Sequence[models.QueueItem], running: Sequence[models.Clock], today: date) -> None:
    """Set the queue's columns of a matter from its letters (`items`, with their letter) and its clocks; does not save."""
    lead = max(items, key=lambda item: (_priority(item), item.pk))
    matter.priority, matter.reasons = _priority(lead), _reasons(lead)
    matter.area = "/".join(_usual(items))
    matter.signal_bits = bits(matter.signals)
    matter.channel = min(items, key=lambda item: (item.letter.received_at is not None, item.letter.received_at, item.pk)).letter.channel
    waiting = [item.due_on for item in items if item.status == item.Status.OPEN]
    matter.fresh = len(waiting)
    if not matter.unit_by_person:
        matter.unit, matter.unit_why = lead.unit, lead.unit_why
    tell_time(matter, waiting, running, today)


def tell_time(matter: models.Matter, waiting: Sequence[date], running: Sequence[models.Clock], today: date) -> None:
    """Set what a matter's nearest clock makes of it. `waiting`: the days by which its open letters must be registered."""
    first = nearest([*clocks_of(running), *register_clock(waiting)], today)
    matter.due_on = due(first, today) if first else None
    matter.due_clock = first.rule if first else ""
    matter.band = int(band(first, today)) if first else 0
    matter.rank = rank(matter)


def rank(matter: models.Matter) -> float:
    """The order of the queue: a person's priority as it is, else the policy's, less when answered, with what the nearest clock adds."""
    if matter.human_priority is not None:
        return matter.human_priority
    share = load_policy().answered if rests(matter) else 1.0
    return round(matter.priority * share + load_policy().clocks[matter.band], 2)


def rests(matter: models.Matter) -> bool:
    """Whether the office has answered and no new letter waits: only the petitioner may act now."""
    return matter.status in ANSWERED and not matter.fresh


def bits(signals: Iterable[str]) -> int:
    """Signals as a number: bit 0 is the first of data/labels.toml."""
    names = load_labels().signals
    return sum(1 << names.index(signal) for signal in signals)


def clocks_of(rows: Iterable[models.Clock]) -> list[Clock]:
    """Stored clocks as triage/clocks.py reckons with them."""
    return [
        Clock(
            rule=row.rule,
            started_on=row.started_on,
            ended_on=row.ended_on,
            extended=row.extended,
            pauses=tuple(Pause(key, date.fromisoformat(since), date.fromisoformat(until) if until else None) for key, since, until in row.pauses),
        )
        for row in rows
    ]  # fmt: skip


def register_clock(waiting: Sequence[date]) -> list[Clock]:
    """The clock of registering, of the letter that has waited longest; none when every letter is registered."""
    return [Clock(rule="register", started_on=min(waiting) - timedelta(days=REGISTER_DAYS))] if waiting else []


def restand(names: Iterable[str]) -> None:
    """Count the queue's columns of these matters anew and save them."""
    anew(names, COLUMNS)


def anew(
    names: Iterable[str], columns: Sequence[str], change: Callable[[models.Matter, Sequence[models.QueueItem]], None] | None = None
) -> None:
    """Let these matters stand anew in the queue, after `change`, and save the columns. Those without letters are left out.

    Part by part, each in a transaction that holds its rows: people go on working meanwhile, and what they change is not written over.
    """
    from pipeline.desk.models import Matter

    names, day = sorted(names), office_day()
    for begin in range(0, len(names), ROWS):
        with transaction.atomic():
            part = Matter.objects.select_for_update().filter(pk__in=names[begin : begin + ROWS]).order_by("pk").prefetch_related("clocks")
            matters = list(part)
            held = items_of([matter.pk for matter in matters])
            there = [matter for matter in matters if matter.pk in held]
            for matter in there:
                if change:
                    change(matter, held[matter.pk])
                stand(matter, held[matter.pk], list(matter.clocks.all()), day)
            _save(there, columns)


def _save(matters: Sequence[models.Matter], columns: Sequence[str]) -> None:
    """One prepared statement a matter: a tenth of the time of bulk_update."""
    from pipeline.desk.models import Matter

    fields = [Matter._meta.get_field(name) for name in columns]
    values = [[*(field.get_db_prep_save(getattr(matter, field.attname), connection) for field in fields), matter.pk] for matter in matters]
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE desk_matter SET {', '.join(f'{field.column} = %s' for field in fields)} WHERE matter_id = %s", values)


def tide() -> int:
    """As days go by clocks come nearer: tell the time of what is due within days and not yet told as late; returns how many matters moved."""
    from pipeline.desk.models import Matter

    day, moved = office_day(), 0
    with translated("tell the time"):
        near = Matter.objects.filter(live=True, due_on__lte=day + AHEAD, band__lt=Band.LATE)
        names = sorted(near.values_list("pk", flat=True))
        for begin in range(0, len(names), ROWS):
            with transaction.atomic():
                moved += _tell_anew(names[begin : begin + ROWS], day)
    return moved


def _tell_anew(names: Sequence[str], day: date) -> int:
    from pipeline.desk.models import Matter, QueueItem

    waiting: dict[str, list[date]] = defaultdict(list)
    there = QueueItem.objects.filter(letter__link__matter__in=names, status=QueueItem.Status.OPEN)
    for name, due_on in there.values_list("letter__link__matter", "due_on"):
        waiting[name].append(due_on)
    changed = []
    for matter in Matter.objects.select_for_update().filter(pk__in=names).order_by("pk").prefetch_related("clocks"):
        before = [getattr(matter, name) for name in TIME]
        tell_time(matter, waiting[matter.pk], list(matter.clocks.all()), day)
        if before != [getattr(matter, name) for name in TIME]:
            changed.append(matter)
    _save(changed, TIME)
    return len(changed)


def place_old() -> int:
    """Give matters that an older version made their place in the queue; returns how many. Nothing to do on other nights: no priority is zero."""
    from pipeline.desk.models import Matter

    with translated("place matters in the queue"):
        names = list(Matter.objects.filter(priority=0, letters__gt=0, united_into=None).values_list("pk", flat=True))
        restand(names)
        return len(names)


def items_of(names: Sequence[str]) -> dict[str, list[models.QueueItem]]:
    """The letters of these matters, by matter, each with its letter, link and score."""
    from pipeline.desk import models

    held: dict[str, list[models.QueueItem]] = {}
    for item in models.QueueItem.objects.filter(letter__link__matter__in=names).select_related("letter", "letter__link", "score"):
        held.setdefault(item.letter.link.matter_id, []).append(item)
    return held


def _priority(item: models.QueueItem) -> float:
    return float(item.priority if item.human_priority is None else item.human_priority)


def _reasons(item: models.QueueItem) -> list[Any]:
    """What carried the letter's priority: with what a person said, where somebody corrected it."""
    if item.human_priority is None:
        return list(item.reasons)
    return [[reason.text, reason.share] for reason in prioritise(told_of(item), load_policy()).reasons]


def _usual(items: Sequence[models.QueueItem]) -> tuple[Any, ...]:
    """The place that most letters are about; the earliest of equals."""
    places = Counter(tuple(item.letter.path) for item in items if item.letter.path)
    return places.most_common(1)[0][0] if places else ()
