"""Steps of the workflow, and what else people change about a matter. Each in one transaction, under a claim, told in the events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from pipeline.desk.services.claims import holding, keep
from pipeline.desk.services.day import office_day
from pipeline.desk.services.events import record
from pipeline.desk.services.standing import clocks_of, rank, restand
from pipeline.desk.services.units import check_unit
from pipeline.desk.workflow import CHOICES, DONE, FIELDS, GIVEN, STEPS, Outcome, Status, Step, allowed
from pipeline.errors import MatterError
from pipeline.scoring.labels import load_labels
from pipeline.triage import clocks
from pipeline.triage.regulation import RULES

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import Matter, User

LEADER = 60
"""Characters of the leader's name: it goes into the events as it is."""
MOVED = ("status", "live", "closed_on", "unit", "unit_why", "unit_by_person", "outcome", "handed", "holder", "held_until")
"""What a step may change of a matter."""


def take_step(
    matter: Matter,
    user: User,
    key: str,
    given: Mapping[str, str] | None = None,
    *,
    token: int | None = None,
    version: int | None = None,
) -> Matter:
    """Take one step of the workflow.

    Args:
        given: what the step asks for: unit, reason, text, outcome.

    Raises:
        MatterError: the step is not in the table for this state and role, or something it asks for is missing or wrong.
        HeldError, LateError: see `claims.holding`.
    """
    given = {name: value.strip() for name, value in (given or {}).items() if value.strip()}
    with holding(matter, user, token=token, version=version) as held:
        step = _allowed(held, user, key)
        _check(step, given)
        before = {"status": held.status, "unit": held.unit}
        today = office_day()
        _change(held, step, given, today)
        _write_down(held, user, step, given)
        _run_clocks(held, step, today)
        after = {"status": held.status, "unit": held.unit} | {name: given[name] for name in ("reason", "outcome") if name in given}
        keep(held, user, key, MOVED, before=before, after=after)
        restand([held.pk])
        held.refresh_from_db()
        return held


def _allowed(matter: Matter, user: User, key: str) -> Step:
    step = STEPS.get(key)
    if step is None or step not in allowed(matter.status, user.role) or not user.can(step.ability):
        name = step.name if step else key
        raise MatterError(f"事项 {matter.pk}：现在是“{Status(matter.status).label}”，不能“{name}”；请刷新后看可用的步骤。")
    return step


def _check(step: Step, given: Mapping[str, str]) -> None:
    missing = [shown for name, shown in GIVEN.items() if name in step.asks and not given.get(name)]
    if missing:
        raise MatterError(f"{step.name}：还缺{'、'.join(missing)}，请补上再提交。")
    if "unit" in step.asks:
        check_unit(given["unit"])
    if "outcome" in step.asks and given["outcome"] not in Outcome.values:
        raise MatterError(f"{step.name}：办理结果应为{'、'.join(Outcome.labels)}之一。")


def _change(matter: Matter, step: Step, given: Mapping[str, str], today: date) -> None:
    if step.target is not None:
        matter.status = step.target
        matter.live = step.target not in DONE
        matter.closed_on = today if step.target in DONE else None
    if "unit" in step.asks:
        matter.unit, matter.unit_why, matter.unit_by_person = given["unit"], "人工转办", True
    if "outcome" in step.asks:
        matter.outcome = given["outcome"]
    if step.hands:
        matter.handed = True
    if step.target == Status.OPEN:
        matter.handed = False
    if step.hands or step.target in DONE | {Status.OPEN}:
        matter.holder, matter.held_until = None, None  # the next in line need not wait for this person's claim to run out


def _write_down(matter: Matter, user: User, step: Step, given: Mapping[str, str]) -> None:
    from pipeline.desk.models import Note

    text = given.get("text") or given.get("reason")
    if text:
        kind = Note.Kind.REPLY if "text" in step.asks else Note.Kind.STEP
        Note.objects.create(at=timezone.now(), by=user, matter=matter, kind=kind, text=f"{step.name}：{text}")


def _run_clocks(matter: Matter, step: Step, today: date) -> None:
    from pipeline.desk.models import Clock, QueueItem

    if step.registers:
        waiting = QueueItem.objects.filter(letter__link__matter=matter, status=QueueItem.Status.OPEN)
        waiting.update(status=QueueItem.Status.REGISTERED, registered_on=today)
    ending = tuple(RULES) if step.target in DONE else step.ends
    Clock.objects.filter(matter=matter, rule__in=ending, ended_on=None).update(ended_on=today)
    there = set(Clock.objects.filter(matter=matter, rule__in=step.starts, ended_on=None).values_list("rule", flat=True))
    Clock.objects.bulk_create(Clock(matter=matter, rule=rule, started_on=today) for rule in step.starts if rule not in there)


def edit(matter: Matter, user: User, given: Mapping[str, str], *, token: int | None = None, version: int | None = None) -> Matter:
    """Change the leader, the plan, the way or the satisfaction; a plan that was replaced is kept as a note.

    Raises:
        MatterError: an unknown choice, or too long a leader. HeldError, LateError: see `claims.holding`.
    """
    from pipeline.desk.models import Note

    if len(given.get("leader", "").strip()) > LEADER:
        raise MatterError(f"包保领导最多 {LEADER} 个字。")
    for name, choices in CHOICES.items():
        if name in FIELDS and given.get(name) and given[name] not in choices.values:
            raise MatterError(f"{FIELDS[name]}：应为{'、'.join(choices.labels)}之一，请重新选择。")
    with holding(matter, user, token=token, version=version) as held:
        changed = [name for name in FIELDS if name in given and getattr(held, name) != given[name].strip()]
        if "plan" in changed and held.plan:
            Note.objects.create(at=timezone.now(), by=user, matter=held, kind=Note.Kind.PLAN, text=held.plan)
        before = {name: getattr(held, name) for name in changed if name != "plan"}
        for name in changed:
            setattr(held, name, given[name].strip())
        if changed:
            after = {name: getattr(held, name) for name in before} | {"fields": changed}
            keep(held, user, "edited", changed, before=before, after=after)
        return held


def note(matter: Matter, user: User, kind: str, text: str) -> None:
    """Write down a step taken, a reply or a remark; it changes nothing of the matter, so nobody needs to hold it."""
    from pipeline.desk.models import Note

    if not text.strip():
        raise MatterError("内容是空的，请写明再提交。")
    if kind not in (Note.Kind.STEP, Note.Kind.REPLY, Note.Kind.REMARK):
        raise MatterError("应为办理经过、答复、备注之一。")
    with transaction.atomic():
        Note.objects.create(at=timezone.now(), by=user, matter=matter, kind=kind, text=text.strip())
        record("noted", by=user, matter=matter, after={"kind": kind})


def route(matter: Matter, user: User, unit: str) -> Matter:
    """Say whose matter it is, without handing it over yet; no run changes it afterwards.

    Raises:
        MatterError: an unknown unit, or another one has the matter in hand: that is a step of the workflow, with its clocks.
    """
    check_unit(unit)
    with holding(matter, user) as held:
        if held.handed:
            raise MatterError(f"事项 {held.pk}：已转给{held.unit}办理；要换单位，请由该单位退回，或由科长“改转”。")
        before, held.unit, held.unit_why, held.unit_by_person = held.unit, unit, "人工指定", True
        keep(held, user, "routed", ("unit", "unit_why", "unit_by_person"), before={"unit": before}, after={"unit": unit})
        return held


def check_issue(issue: str) -> None:
    """Raises MatterError for what is no issue."""
    if issue not in load_labels().issues:
        raise MatterError("没有这个类别，请从列表中选。")


def set_issue(matter: Matter, user: User, issue: str) -> Matter:
    """Say what the matter's issue is; "" goes back to what its letters say. Raises MatterError for an unknown one."""
    if issue:
        check_issue(issue)
    with holding(matter, user) as held:
        before, held.human_issue = held.human_issue or held.issue, issue
        keep(held, user, "issue_set", ("human_issue",), before={"issue": before}, after={"issue": issue or held.issue})
        return held


def set_priority(matter: Matter, user: User, value: float | None, reason: str) -> Matter:
    """Say where the matter stands in the queue, 0..100; None gives it back to the policy. No run changes it."""
    if value is not None and not 0 <= value <= 100:
        raise MatterError("优先级应在 0 到 100 之间。")
    if value is not None and not reason.strip():
        raise MatterError("改优先级要写一句理由。")
    with holding(matter, user) as held:
        before, held.human_priority = held.human_priority, value
        held.rank = rank(held)
        after = {"priority": value, "reason": reason.strip()}
        keep(held, user, "prioritised", ("human_priority", "rank"), before={"priority": before}, after=after)
        return held


def extend(matter: Matter, user: User, rule: str, days: int, reason: str) -> None:
    """Put a clock's date off, once, with its reason; the supervisor's approval (Art 34)."""
    _on_clock(matter, user, rule, "extended", reason, lambda clock, today: clocks.extend(clock, days, today))


def pause(matter: Matter, user: User, rule: str, key: str, reason: str) -> None:
    """Stop a clock for a reason of triage.regulation.PAUSES."""
    _on_clock(matter, user, rule, "paused", reason, lambda clock, today: clocks.pause(clock, key, today))


def resume(matter: Matter, user: User, rule: str) -> None:
    """Let a stopped clock run again."""
    _on_clock(matter, user, rule, "resumed", "恢复计时", clocks.resume)


def _on_clock(matter: Matter, user: User, rule: str, kind: str, reason: str, act: Any) -> None:
    from pipeline.desk.models import Clock

    if not reason.strip():
        raise MatterError("延期和暂停都要写明理由。")
    with holding(matter, user) as held:
        row = Clock.objects.filter(matter=held, rule=rule, ended_on=None).first()
        if row is None:
            raise MatterError(f"事项 {held.pk}：没有正在走的这个时限，请刷新后再看。")
        today = office_day()
        clock = clocks_of([row])[0]
        changed = act(clock, today)
        row.extended = changed.extended
        row.pauses = [[one.key, one.since.isoformat(), one.until.isoformat() if one.until else None] for one in changed.pauses]
        row.save(update_fields=["extended", "pauses"])
        after = {"rule": rule, "due": clocks.due(changed, today).isoformat(), "reason": reason.strip()}
        keep(held, user, kind, (), before={"due": clocks.due(clock, today).isoformat()}, after=after)
        restand([held.pk])
