"""One act on many matters: matter by matter, so that what somebody else holds or what is refused does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import F

from pipeline.desk.roles import ABILITIES, Ability
from pipeline.desk.services import regroup, steps
from pipeline.desk.services.claims import HeldError, give, let_go_again
from pipeline.desk.services.units import check_unit
from pipeline.errors import MatterError

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import Matter, User

MOST = 200


@dataclass(frozen=True, slots=True)
class Done:
    """How many matters the act was done for, and a sentence for each that it was not done for."""

    count: int
    refused: tuple[str, ...]


def workers() -> list[User]:
    """The people that a matter can be given to."""
    from pipeline.desk.models import User

    roles = [role for role, can in ABILITIES.items() if Ability.WORK in can]
    return list(User.objects.filter(is_active=True, role__in=roles).order_by("unit", "name", "pk"))


def hand_over(matter: Matter, user: User, to: User) -> None:
    """Give a matter to somebody. Raises MatterError when that person cannot see it or no longer works here."""
    from pipeline.desk.models import Matter

    if not to.can(Ability.WORK):
        raise MatterError(f"{to.name}不能办理事项，请另选一人。")
    if not Matter.objects.for_user(to).filter(pk=matter.pk).exists():
        raise MatterError(f"事项 {matter.pk}：还没有转给{to.unit or to.name}，请先转办。")
    give(matter, user, to)


def assign(user: User, ids: Sequence[str], to: User) -> Done:
    """Give the matters to somebody."""
    return _done(*_chosen(user, ids), lambda matter: hand_over(matter, user, to))


def route(user: User, ids: Sequence[str], unit: str) -> Done:
    """Say whose matters they are, without handing them over yet. Raises MatterError for an unknown unit."""
    check_unit(unit)
    return _each(user, ids, lambda matter: steps.route(matter, user, unit))


def forward(user: User, ids: Sequence[str], unit: str) -> Done:
    """Hand the matters over to a unit (转办). Raises MatterError for an unknown unit."""
    check_unit(unit)
    return _each(user, ids, lambda matter: steps.take_step(matter, user, "forward", {"unit": unit}))


def set_issue(user: User, ids: Sequence[str], issue: str) -> Done:
    """Say what the matters' issue is. Raises MatterError for an unknown issue."""
    steps.check_issue(issue)
    return _each(user, ids, lambda matter: steps.set_issue(matter, user, issue))


def merge(user: User, ids: Sequence[str]) -> tuple[str, Done]:
    """Put the matters into the first of them by rank; returns its id. Raises MatterError when there are not two."""
    matters, missing = _chosen(user, ids)
    if len(matters) < 2:
        raise MatterError("合并至少要选两件事项。")
    kept = matters[0]
    done = _done(matters[1:], missing, lambda matter: regroup.merge(kept, matter, user))
    let_go_again(kept, user)
    return kept.pk, done


def _each(user: User, ids: Sequence[str], act: Callable[[Matter], object]) -> Done:
    def in_passing(matter: Matter) -> None:
        act(matter)
        let_go_again(matter, user)  # two hundred claims must not keep the others out

    return _done(*_chosen(user, ids), in_passing)


def _chosen(user: User, ids: Sequence[str]) -> tuple[list[Matter], list[str]]:
    """The matters in the order of the queue, and a sentence for those that are not there for this person."""
    from pipeline.desk.models import Matter

    wanted = set(ids)
    if not wanted:
        raise MatterError("没有选中事项，请先勾选。")
    if len(wanted) > MOST:
        raise MatterError(f"一次最多选 {MOST} 件，选了 {len(wanted)} 件；请分几次做。")
    matters = list(Matter.objects.for_user(user).filter(pk__in=wanted).select_related("holder").order_by(F("rank").desc(), "matter_id"))
    missing = len(wanted) - len(matters)
    return matters, [f"有 {missing} 件没有找到，可能已并入别的事项，或不归您办理。"] if missing else []


def _done(matters: Sequence[Matter], missing: Sequence[str], act: Callable[[Matter], object]) -> Done:
    count, refused = 0, list(missing)
    for matter in matters:
        try:
            act(matter)
            count += 1
        except (HeldError, MatterError) as exc:
            refused.append(str(exc))
    return Done(count, tuple(refused))
