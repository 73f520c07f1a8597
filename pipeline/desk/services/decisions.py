"""What people decide about matters: put together, take apart, move, leave apart. Each is kept with who and when, and no run undoes it.

Training reads the decisions as pairs of letters that are, or are not, of one matter (`pairs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import product
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from pipeline.desk.services.connection import translated
from pipeline.desk.services.events import record
from pipeline.desk.services.matters import get, refresh
from pipeline.desk.workflow import DONE, Status
from pipeline.errors import MatterError
from pipeline.matters.linking import matter_name
from pipeline.matters.matter import RiskModel

if TYPE_CHECKING:
    from pipeline.desk import models

PAIRS = 5
"""A decision about many letters teaches by at most so many letters of each side."""


class Decisions:
    """Decisions of one person, told with the model by which a matter's risk is counted anew. `user`: the person at the desk, for the events."""

    def __init__(self, by: str, model: RiskModel, today: date, user: models.User | None = None) -> None:
        if not by.strip():
            raise MatterError("请写明是谁决定的：合并、拆分和移动都要留名。")
        self.by, self.model, self.today, self.user = by.strip(), model, today, user

    def merge(self, kept: str, gone: str) -> None:
        """Put the letters of `gone` into `kept`. Of a clock that runs for both the earlier start holds from now on, also when the merge is undone.

        Raises:
            MatterError: one is missing, both are the same, or only `gone` is being handled: its state and clocks would be lost.
        """
        if kept == gone:
            raise MatterError(f"事项 {kept}：不能和自己合并，请给出两个不同的事项。")
        with translated("merge matters"), transaction.atomic():
            target, source = get(kept), get(gone)
            if source.status != Status.OPEN and target.status == Status.OPEN:
                raise MatterError(
                    f"事项 {gone} 已在办理（{Status(source.status).label}），{kept} 还没有：请反过来，把 {kept} 并入 {gone}。"
                )
            going, there = _letters(source), _letters(target)
            _move(going, target)
            _keep_earlier_clocks(source, target)
            _put_into(source, target)
            self._keep("merged", source, target, going, there)

    def split(self, matter_id: str, letters: Sequence[str]) -> str:
        """Take letters out of a matter into a new one; returns its id. Raises MatterError when they are not some, and not all, of its letters."""
        from pipeline.desk.models import Matter

        with translated("split a matter"), transaction.atomic():
            source, letters = get(matter_id), sorted(set(letters))
            stay = self._others(source, letters)
            target = Matter.objects.create(matter_id=_free_name(min(letters)))
            _move(letters, target)
            self._keep("split", source, target, letters, stay)
            return str(target.pk)

    def move(self, matter_id: str, letters: Sequence[str], other: str) -> None:
        """Take letters out of a matter into another that is there; raises MatterError as `split` does."""
        with translated("move letters"), transaction.atomic():
            source, target, letters = get(matter_id), get(other), sorted(set(letters))
            if source.pk == target.pk:
                raise MatterError(f"事项 {matter_id}：信件已经在这个事项里。")
            stay = self._others(source, letters)
            _move(letters, target)
            self._keep("moved", source, target, letters, stay)

    def decline(self, one: str, other: str) -> None:
        """Two matters that were suggested stay apart, and are not suggested again. Raises MatterError when both are the same."""
        from pipeline.desk.models import Suggestion

        first, second = sorted((one, other))
        if first == second:
            raise MatterError(f"事项 {one}：不能和自己比，请给出两个不同的事项。")
        with translated("decline a suggestion"), transaction.atomic():
            matters = [get(first), get(second)]
            Suggestion.objects.update_or_create(
                one=matters[0], other=matters[1], defaults={"declined": True}, create_defaults={"declined": True, "bond": 0}
            )
            self._keep("declined", matters[0], matters[1], _letters(matters[0]), _letters(matters[1]))

    def undo(self, decision: int) -> None:
        """Put the letters back where they were; raises MatterError when they have moved on since, or there is nothing to undo."""
        from pipeline.desk.models import Decision

        with translated("undo a decision"), transaction.atomic():
            told = Decision.objects.select_for_update().filter(pk=decision).select_related("matter", "other").first()
            if told is None or told.kind in (Decision.Kind.DECLINED, Decision.Kind.UNDONE) or Decision.objects.filter(undoes=told).exists():
                raise MatterError("没有可以撤销的合并、拆分或移动，可能已经撤销过。")
            source, target = told.matter, told.other
            if target.united_into_id or not set(told.letters) <= set(_letters(target)):
                raise MatterError(f"事项 {target.pk}：此后信件又有变动，不能直接撤销；请用拆分或移动来改正。")
            _take_out(source)
            _move(told.letters, source)
            left = _letters(target)
            if not left:
                _put_into(target, source)
            self._keep("undone", target, source, told.letters, left, undoes=told)

    def _others(self, matter: models.Matter, letters: Sequence[str]) -> list[str]:
        inside = _letters(matter)
        strange = sorted(set(letters) - set(inside))
        if strange or not letters:
            raise MatterError(f"事项 {matter.pk}：{'、'.join(strange) or '没有给出信件'}，应当是这个事项里的信件编号。")
        stay = [letter for letter in inside if letter not in set(letters)]
        if not stay:
            raise MatterError(f"事项 {matter.pk}：不能把全部信件都拿走；要并入别的事项，请用合并。")
        return stay

    def _keep(
        self,
        kind: str,
        source: models.Matter,
        target: models.Matter,
        letters: Sequence[str],
        stayed: Sequence[str],
        undoes: models.Decision | None = None,
    ) -> None:
        from pipeline.desk.models import Decision, Matter

        Decision.objects.create(
            at=timezone.now(), kind=kind, by=self.by, matter=source, other=target, letters=list(letters), stayed=list(stayed), undoes=undoes
        )
        for one, other in ((source, target), (target, source)):
            record(kind, by=self.user, matter=one, after={"by": self.by, "other": other.pk, "letters": len(letters)})
        Matter.objects.filter(pk__in=[source.pk, target.pk]).update(by_person=True, version=F("version") + 1)
        refresh([source.pk, target.pk], self.model, self.today)


def pairs() -> list[tuple[str, str, bool]]:
    """Pairs of letters that people put together or took apart; of a later decision about the same pair the later. What was undone teaches nothing."""
    from pipeline.desk.models import Decision

    with translated("read decisions"):
        found: dict[tuple[str, str], bool] = {}
        for told in Decision.objects.filter(undoes=None, undone=None).order_by("at", "pk"):
            for one, other in product(sorted(told.letters)[:PAIRS], sorted(told.stayed)[:PAIRS]):
                found[min(one, other), max(one, other)] = told.kind == Decision.Kind.MERGED
        return [(one, other, same) for (one, other), same in sorted(found.items())]


def _keep_earlier_clocks(source: models.Matter, target: models.Matter) -> None:
    from pipeline.desk.models import Clock

    started = dict(Clock.objects.filter(matter=source, ended_on=None).values_list("rule", "started_on"))
    for clock in Clock.objects.filter(matter=target, ended_on=None, rule__in=started):
        Clock.objects.filter(pk=clock.pk).update(started_on=min(clock.started_on, started[clock.rule]))


def _put_into(source: models.Matter, target: models.Matter) -> None:
    source.united_into, source.letters, source.live, source.holder = target, 0, False, None
    source.save(update_fields=["united_into", "letters", "live", "holder"])


def _take_out(matter: models.Matter) -> None:
    """A matter that was put into another is one of its own again."""
    matter.united_into, matter.live = None, matter.status not in DONE
    matter.save(update_fields=["united_into", "live"])


def _letters(matter: models.Matter) -> list[str]:
    return sorted(matter.links.values_list("letter", flat=True))


def _move(letters: Sequence[str], target: models.Matter) -> None:
    from pipeline.desk.models import Link

    Link.objects.filter(letter__in=letters).update(matter=target, by_person=True, bond=1.0)


def _free_name(letter_id: str) -> str:
    from pipeline.desk.models import Matter

    name, number = matter_name(letter_id), 2
    while Matter.objects.filter(pk=name).exists():
        name, number = f"{matter_name(letter_id)}-{number}", number + 1
    return name
