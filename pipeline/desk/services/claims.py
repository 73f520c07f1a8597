"""Who has a matter in hand. Two people never hold one; a claim expires when idle; a save that comes too late is refused with what is there now.

A claim is one conditional update, so it needs no lock that outlives a statement. Its token rises with every claim: a form carries the token
under which it was opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from pipeline.desk.services.connection import translated
from pipeline.desk.services.events import record
from pipeline.errors import ZhiweiError

if TYPE_CHECKING:
    from pipeline.desk.models import Matter, User


class HeldError(ZhiweiError):
    """Somebody else has the matter in hand; the sentence says who and until when."""


class LateError(ZhiweiError):
    """The form was opened under a claim that is over and the matter was changed since: both versions must be shown. `matter`: as it is now."""

    def __init__(self, matter: Matter) -> None:
        super().__init__(f"事项 {matter.pk}：您打开后已有人改动，您的修改没有保存。请对照现在的内容再改。")
        self.matter = matter


def claim(matter: Matter, user: User) -> Matter:
    """Take a matter in hand, or keep it; returns it with its token.

    Raises:
        HeldError: another person holds it.
    """
    with translated("claim a matter"), transaction.atomic():
        return _claim(matter.pk, user)


def _claim(matter_id: str, user: User) -> Matter:
    from pipeline.desk.models import Matter

    now = timezone.now()
    until = now + timedelta(minutes=settings.CLAIM_MINUTES)
    mine = Q(holder=user, held_until__gt=now)
    free = Q(holder=None) | Q(held_until__lte=now) | Q(holder=user)
    changed = Matter.objects.filter(free, pk=matter_id, united_into=None).update(
        token=Case(When(mine, then=F("token")), default=F("token") + Value(1)), holder=user, held_until=until
    )
    matter = Matter.objects.select_related("holder").get(pk=matter_id)
    if not changed:
        raise _refusal(matter)
    return matter


def _refusal(matter: Matter) -> ZhiweiError:
    if matter.united_into_id:
        return HeldError(f"事项 {matter.pk}：已并入 {matter.united_into_id}，请改用后者。")
    return HeldError(f"事项 {matter.pk}：{shown_holder(matter)}，请稍后，或请其放回。")


def shown_holder(matter: Matter) -> str:
    """“某某正在查看（14:35 前）”; empty when nobody has it in hand."""
    if matter.holder is None or matter.held_until is None or matter.held_until <= timezone.now():
        return ""
    return f"{matter.holder.name}正在查看（{timezone.localtime(matter.held_until):%H:%M} 前）"


def take(matter: Matter, user: User) -> Matter:
    """Claim by hand: as `claim`, and told in the events when it is new."""
    with translated("claim a matter"), transaction.atomic():
        held = _claim(matter.pk, user)
        if held.token != matter.token:
            record("claimed", by=user, matter=held, after={"token": held.token})
        return held


def give(matter: Matter, user: User, to: User) -> None:
    """Say whose work a matter is: the supervisor's right. Whoever else has it in hand just now loses it."""
    from pipeline.desk.models import Matter

    with translated("assign a matter"), transaction.atomic():
        before = Matter.objects.values_list("assignee__name", flat=True).get(pk=matter.pk)
        stays = When(holder=to, then=F("holder"))
        Matter.objects.filter(pk=matter.pk).update(assignee=to, holder=Case(stays, default=Value(None)), token=F("token") + 1)
        record("assigned", by=user, matter=matter, before={"assignee": before or ""}, after={"assignee": to.name})


def release(matter: Matter, user: User) -> bool:
    """Let a matter go; False when it was not in this person's hand."""
    from pipeline.desk.models import Matter

    with translated("release a matter"), transaction.atomic():
        let_go = bool(Matter.objects.filter(pk=matter.pk, holder=user).update(holder=None, held_until=None))
        if let_go:
            record("released", by=user, matter=matter)
        return let_go


def let_go_again(before: Matter, user: User) -> None:
    """After an act in passing: what was free before the act is free again. `before`: the matter as it was then."""
    from pipeline.desk.models import Matter

    if not shown_holder(before):
        Matter.objects.filter(pk=before.pk, holder=user).update(holder=None, held_until=None)


@contextmanager
def holding(matter: Matter, user: User, *, token: int | None = None, version: int | None = None) -> Iterator[Matter]:
    """A transaction in which this person has the matter in hand: every change to a matter is made inside it.

    `token`, `version`: what the form was opened with; None for a one-click act that needs neither. A free matter is claimed for the act; the claim stays.

    Raises:
        HeldError: another person holds it.
        LateError: the claim of the form is over, and the matter was changed since the form was opened.
    """
    with translated("change a matter"), transaction.atomic():
        held = _claim(matter.pk, user)
        if token is not None and held.token != token and held.version != version:
            raise LateError(held)
        yield held


def keep(
    held: Matter,
    user: User,
    kind: str,
    changed: Iterable[str],
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    letter: str | None = None,
) -> None:
    """Inside `holding`: save the changed fields, one version on, and tell it in the events."""
    held.version += 1
    held.save(update_fields=[*changed, "version"])
    record(kind, by=user, matter=held, letter=letter, before=before, after=after)
