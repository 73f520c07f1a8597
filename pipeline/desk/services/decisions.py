"""What people decide about matters: put together, take apart, move, leave apart. Each is kept with who and when, and no run undoes it.

Training reads the decisions as pairs of letters that are, or are not, of one matter (`pairs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import product
from typing import TYPE_CHECKING

from pipeline.desk.services.connection import translated
from pipeline.desk.services.matters import get, refresh
from pipeline.errors import MatterError
from pipeline.matters.linking import matter_name
from pipeline.matters.matter import RiskModel

if TYPE_CHECKING:
    from pipeline.desk import models

PAIRS = 5
"""A decision about many letters teaches by at most so many letters of each side."""


class Decisions:
    """Decisions of one person, told with the model by which a matter's risk is counted anew."""

    def __init__(self, by: str, model: RiskModel, today: date) -> None:
        if not by.strip():
            raise MatterError("请写明是谁决定的：合并、拆分和移动都要留名。")
        self.by, self.model, self.today = by.strip(), model, today

    def merge(self, kept: str, gone: str) -> None:
        """Put the letters of `gone` into `kept`; raises MatterError when one is missing or both are the same."""
        from django.db import transaction

        if kept == gone:
            raise MatterError(f"事项 {kept}：不能和自己合并，请给出两个不同的事项。")
        with translated("merge matters"), transaction.atomic():
            target, source = get(kept), get(gone)
            going, there = _letters(source), _letters(target)
            _move(going, target)
            source.united_into, source.letters = target, 0
            source.save(update_fields=["united_into", "letters"])
            self._keep("merged", source, target, going, there)

    def split(self, matter_id: str, letters: Sequence[str]) -> str:
        """Take letters out of a matter into a new one; returns its id. Raises MatterError when they are not some, and not all, of its letters."""
        from django.db import transaction

        from pipeline.desk.models import Matter

        with translated("split a matter"), transaction.atomic():
            source = get(matter_id)
            stay = self._others(source, letters)
            target = Matter.objects.create(matter_id=_free_name(min(letters)))
            _move(letters, target)
            self._keep("split", source, target, letters, stay)
            return str(target.pk)

    def move(self, matter_id: str, letters: Sequence[str], other: str) -> None:
        """Take letters out of a matter into another that is there; raises MatterError as `split` does."""
        from django.db import transaction

        with translated("move letters"), transaction.atomic():
            source, target = get(matter_id), get(other)
            if source.pk == target.pk:
                raise MatterError(f"事项 {matter_id}：信件已经在这个事项里。")
            stay = self._others(source, letters)
            _move(letters, target)
            self._keep("moved", source, target, letters, stay)

    def decline(self, one: str, other: str) -> None:
        """Two matters that were suggested stay apart, and are not suggested again."""
        from django.db import transaction

        from pipeline.desk.models import Suggestion

        first, second = sorted((one, other))
        with translated("decline a suggestion"), transaction.atomic():
            matters = [get(first), get(second)]
            Suggestion.objects.update_or_create(
                one=matters[0], other=matters[1], defaults={"declined": True}, create_defaults={"declined": True, "bond": 0}
            )
            self._keep("declined", matters[0], matters[1], _letters(matters[0]), _letters(matters[1]))

    def _others(self, matter: models.Matter, letters: Sequence[str]) -> list[str]:
        inside = _letters(matter)
        strange = sorted(set(letters) - set(inside))
        if strange or not letters:
            raise MatterError(f"事项 {matter.pk}：{'、'.join(strange) or '没有给出信件'}，应当是这个事项里的信件编号。")
        stay = [letter for letter in inside if letter not in set(letters)]
        if not stay:
            raise MatterError(f"事项 {matter.pk}：不能把全部信件都拿走；要并入别的事项，请用合并。")
        return stay

    def _keep(self, kind: str, source: models.Matter, target: models.Matter, letters: Sequence[str], stayed: Sequence[str]) -> None:
        from django.utils import timezone

        from pipeline.desk.models import Decision, Matter

        Decision.objects.create(
            at=timezone.now(), kind=kind, by=self.by, matter=source, other=target, letters=list(letters), stayed=list(stayed)
        )
        Matter.objects.filter(pk__in=[source.pk, target.pk]).update(by_person=True)
        refresh([source.pk, target.pk], self.model, self.today)


def pairs() -> list[tuple[str, str, bool]]:
    """Pairs of letters that people put together or took apart; of a later decision about the same pair the later."""
    from pipeline.desk.models import Decision

    with translated("read decisions"):
        found: dict[tuple[str, str], bool] = {}
        for told in Decision.objects.order_by("at", "pk"):
            for one, other in product(sorted(told.letters)[:PAIRS], sorted(told.stayed)[:PAIRS]):
                found[min(one, other), max(one, other)] = told.kind == Decision.Kind.MERGED
        return [(one, other, same) for (one, other), same in sorted(found.items())]


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
