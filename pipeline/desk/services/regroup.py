"""Which letters make up a matter, as a person decides at the desk: `decisions.py`, with every matter of the act in this person's hand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from pipeline.desk.services.claims import holding
from pipeline.desk.services.corrections import check_reason
from pipeline.desk.services.day import office_day
from pipeline.desk.services.decisions import Decisions
from pipeline.desk.services.reading import MATTER
from pipeline.desk.services.risk import current_risk
from pipeline.desk.services.timeline import ELSEWHERE
from pipeline.errors import MatterError

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import Decision, Letter, Matter, User

SHOWN = 20
"""Decisions that the matter page lists."""


@contextmanager
def _deciding(user: User, *matters: Matter) -> Iterator[Decisions]:
    """Nobody regroups what another has in hand. Always claimed in the same order, so that two people cannot wait for each other."""
    with ExitStack() as hands:
        for matter in sorted(matters, key=lambda one: one.pk):
            hands.enter_context(holding(matter, user))
        yield Decisions(user.name, current_risk(), office_day(), user)


def merge(kept: Matter, gone: Matter, user: User) -> None:
    """Put the letters of one matter into another. Raises MatterError, HeldError."""
    with _deciding(user, kept, gone) as decisions:
        decisions.merge(kept.pk, gone.pk)


def split(matter: Matter, letters: Sequence[str], user: User) -> str:
    """Take letters out into a new matter; returns its id. Raises MatterError, HeldError."""
    with _deciding(user, matter) as decisions:
        return decisions.split(matter.pk, letters)


def move(matter: Matter, letters: Sequence[str], other: Matter, user: User) -> None:
    """Take letters out into another matter. Raises MatterError, HeldError."""
    with _deciding(user, matter, other) as decisions:
        decisions.move(matter.pk, letters, other.pk)


def decline(one: Matter, other: Matter, user: User) -> None:
    """Two matters that look alike stay apart. Raises MatterError, HeldError."""
    with _deciding(user, one, other) as decisions:
        decisions.decline(one.pk, other.pk)


def undo(matter: Matter, decision: int, user: User) -> str:
    """Undo a decision about this matter; returns the matter to show then: this one, or that into which its letters went back.

    Raises:
        MatterError: no such decision, or the letters have moved on. HeldError: somebody else has one of the matters in hand.
    """
    from pipeline.desk.models import Decision

    told = Decision.objects.filter(Q(matter=matter) | Q(other=matter), pk=decision).select_related("matter", "other").first()
    if told is None:
        raise MatterError("没有可以撤销的合并、拆分或移动，可能已经撤销过。")
    there = {one.pk: one for one in (matter, told.matter, told.other) if one.united_into_id is None}
    with _deciding(user, *there.values()) as decisions:
        decisions.undo(decision)
    matter.refresh_from_db(fields=["united_into"])
    return str(matter.united_into_id or matter.pk)


def take_out(letter: Letter, matter: Matter, user: User, reason: str, other: Matter | None = None) -> str:
    """Say that a letter is not of its matter: it goes to `other`, or becomes one of its own. Kept for training; returns its new matter's id.

    Raises:
        MatterError: an unknown reason code, or it is the only letter. HeldError: somebody else has one of the matters in hand.
    """
    from pipeline.desk.models import Correction

    check_reason(reason)
    with transaction.atomic():
        bond = letter.link.bond
        if other is None:
            after = split(matter, [letter.pk], user)
        else:
            move(matter, [letter.pk], other, user)
            after = other.pk
        Correction.objects.create(
            at=timezone.now(), by=user, letter=letter, answer=MATTER, before=matter.pk, after=after, reason=reason,
            model_version=letter.item.score.model_version, shown=bond,
        )  # fmt: skip
        return after


def suggested(matter: Matter, user: User) -> list[Matter]:
    """Matters that look like this one and that this person may see, surest first."""
    from pipeline.desk.models import Matter, Suggestion

    rows = Suggestion.objects.filter(Q(one=matter) | Q(other=matter), declined=False).order_by("-bond", "pk")
    names = [row.other_id if row.one_id == matter.pk else row.one_id for row in rows]
    seen = Matter.objects.for_user(user).in_bulk(names)
    return [seen[name] for name in names if name in seen]


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """What was decided about a matter, in words; `undoable` while its letters are still where it put them."""

    pk: int
    at: datetime
    by: str
    what: str
    undoable: bool


def decided(matter: Matter, user: User) -> list[DecisionLine]:
    """The newest decisions about a matter, as this person may know of them."""
    from pipeline.desk.models import Decision, Matter

    rows = Decision.objects.filter(Q(matter=matter) | Q(other=matter)).select_related("other", "undone").order_by("-at", "-pk")[:SHOWN]
    where = _where(rows)
    hidden = Matter.objects.hidden_from(user, {name for row in rows for name in (row.matter_id, row.other_id)})
    return [DecisionLine(row.pk, row.at, row.by, _said(row, matter, hidden), _undoable(row, where)) for row in rows]


def _where(rows: Iterable[Decision]) -> dict[str, str]:
    from pipeline.desk.models import Link

    return dict(Link.objects.filter(letter__in={letter for row in rows for letter in row.letters}).values_list("letter", "matter"))


def _undoable(row: Decision, where: dict[str, str]) -> bool:
    """As `Decisions.undo` asks it."""
    kinds = (row.Kind.MERGED, row.Kind.SPLIT, row.Kind.MOVED)
    if row.kind not in kinds or hasattr(row, "undone"):
        return False
    return row.other.united_into_id is None and all(where.get(letter) == row.other_id for letter in row.letters)


def _said(row: Decision, matter: Matter, hidden: Collection[str]) -> str:
    count, here = len(row.letters), row.matter_id == matter.pk
    source, target = (ELSEWHERE if name in hidden else name for name in (row.matter_id, row.other_id))
    return {
        row.Kind.MERGED: f"并入事项 {target}（{count} 封）" if here else f"事项 {source} 并入本事项（{count} 封）",
        row.Kind.SPLIT: f"拆出 {count} 封，成为事项 {target}" if here else f"由事项 {source} 拆出（{count} 封）",
        row.Kind.MOVED: f"移出 {count} 封到事项 {target}" if here else f"由事项 {source} 移来 {count} 封",
        row.Kind.DECLINED: f"与事项 {target if here else source} 不是同一件，不合并",
        row.Kind.UNDONE: f"撤销：{count} 封退回事项 {target}" if here else f"撤销：{count} 封由事项 {source} 退回",
    }[row.kind]
