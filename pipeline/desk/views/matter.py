"""The matter page: where it stands, what may be done next, its letters, clocks, course and growth; and each act on it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.timezone import localtime

from pipeline.desk import charts
from pipeline.desk.answers import attached, done
from pipeline.desk.door import Request, address, door, named_matter, the_matter
from pipeline.desk.forms import whole
from pipeline.desk.models import Matter, Note
from pipeline.desk.roles import Ability
from pipeline.desk.services import claims, regroup, steps
from pipeline.desk.services.claims import HeldError, LateError
from pipeline.desk.services.deadlines import deadlines
from pipeline.desk.services.dossiers import printed
from pipeline.desk.services.letters import newest
from pipeline.desk.services.standing import rests
from pipeline.desk.services.timeline import course, weeks
from pipeline.desk.services.units import unit_names
from pipeline.desk.services.ways import suggested_way
from pipeline.desk.views.late import late
from pipeline.desk.workflow import FIELDS, GIVEN, STEPS, Outcome, Satisfaction, Way, allowed
from pipeline.errors import MatterError
from pipeline.scoring.labels import load_labels
from pipeline.triage.policy import load_policy
from pipeline.triage.regulation import OWN_RULE

PRESETS = ((95, "立即"), (75, "优先"), (40, "一般"), (15, "可缓"))
LETTERS = 50
"""Letters before “全部”."""
KINDS = (Note.Kind.STEP, Note.Kind.REPLY, Note.Kind.REMARK)


@door(Ability.READ, "GET")
def show(request: Request, matter_id: str) -> HttpResponse:
    """The matter. Who has it in hand and looks at it keeps it."""
    matter = the_matter(request, matter_id)
    mine = matter.holder_id == request.user.pk and claims.shown_holder(matter) != ""
    if mine:
        matter = claims.claim(matter, request.user)
    return render(request, "desk/matter.html", _page(request, matter, mine))


def _page(request: Request, matter: Matter, mine: bool) -> dict[str, Any]:
    user, everything = request.user, "all" in request.GET
    entries, more = course(matter, user, whole=everything)
    grown = weeks(matter)
    return {
        "here": reverse("matter", args=[matter.pk]),
        "matter": matter,
        "mine": mine,
        "holder": claims.shown_holder(matter),
        "added": load_policy().clocks[matter.band],
        "rests": rests(matter),
        "deadlines": deadlines(matter),
        "own_rule": OWN_RULE,
        "steps": allowed(matter.status, user.role) if user.can(Ability.WORK) else [],
        "units": unit_names(),
        "outcomes": Outcome.choices,
        "ways": Way.choices,
        "satisfactions": Satisfaction.choices,
        "kinds": [(kind.value, kind.label) for kind in KINDS],
        "presets": PRESETS,
        "issues": load_labels().issues,
        "suggested_way": suggested_way(matter),
        "letters": newest(matter, None if everything else LETTERS),
        "entries": entries,
        "more_entries": more,
        "whole": everything,
        "weeks": grown,
        "growth": charts.growth(
            [f"{monday.month}月{monday.day}日" for monday, _, _ in grown],
            [count for _, count, _ in grown],
            [total for _, _, total in grown],
        ),
        "suggested": regroup.suggested(matter, user),
        "decisions": regroup.decided(matter, user),
    }


@door(Ability.WORK, "POST")
def claim(request: Request, matter_id: str) -> HttpResponse:
    """Take it in hand."""
    held = claims.take(the_matter(request, matter_id), request.user)
    return done(request, f"已认领，{localtime(held.held_until):%H:%M} 前别人不能改动；您一直在看就一直归您。", "matter", matter_id)


@door(Ability.WORK, "POST")
def release(request: Request, matter_id: str) -> HttpResponse:
    """Let it go."""
    let_go = claims.release(the_matter(request, matter_id), request.user)
    return done(request, "已放回，别人可以认领。" if let_go else "这件事项本来就不在您手里。", "matter", matter_id)


@door(Ability.WORK, "POST")
def step(request: Request, matter_id: str) -> HttpResponse:
    """A step of the workflow."""
    matter, key = the_matter(request, matter_id), request.POST.get("step", "")
    given = {name: request.POST.get(name, "") for name in GIVEN}
    try:
        steps.take_step(matter, request.user, key, given, **_opened(request))
    except (HeldError, LateError) as exc:
        return late(request, matter, exc, key)
    if not Matter.objects.for_user(request.user).filter(pk=matter_id).exists():
        return done(request, f"已{STEPS[key].name}，事项不再归本单位办理。")
    return done(request, f"已记录“{STEPS[key].name}”。", "matter", matter_id)


@door(Ability.WORK, "POST")
def edit(request: Request, matter_id: str) -> HttpResponse:
    """Leader, plan, way, satisfaction."""
    matter = the_matter(request, matter_id)
    given = {name: request.POST[name].replace("\r\n", "\n") for name in FIELDS if name in request.POST}
    try:
        steps.edit(matter, request.user, given, **_opened(request))
    except (HeldError, LateError) as exc:
        return late(request, matter, exc, "")
    return done(request, "已保存。", "matter", matter_id)


def _opened(request: Request) -> dict[str, int]:
    """The token and version with which the form was opened. Without them the form counts as opened before everything."""
    return {name: whole(request.POST, name, -1) for name in ("token", "version")}


@door(Ability.WORK, "POST")
def note(request: Request, matter_id: str) -> HttpResponse:
    """Write down a step taken, a reply or a remark."""
    steps.note(the_matter(request, matter_id), request.user, request.POST.get("kind", ""), request.POST.get("text", ""))
    return done(request, "已记下。", "matter", matter_id)


@door(Ability.TRIAGE, "POST")
def priority(request: Request, matter_id: str) -> HttpResponse:
    """Put it higher or lower in the queue; "" gives it back to the model."""
    matter, asked = the_matter(request, matter_id), request.POST.get("priority", "")
    values = {str(value): float(value) for value, _ in PRESETS}
    if asked and asked not in values:
        raise MatterError("请从立即、优先、一般、可缓、按模型中选一个。")
    steps.set_priority(matter, request.user, values.get(asked), request.POST.get("reason", ""))
    return done(request, "已改优先级；夜间任务不会再改它。" if asked else "优先级已交还给模型。", "matter", matter_id)


@door(Ability.TRIAGE, "POST")
def issue(request: Request, matter_id: str) -> HttpResponse:
    """Say what the matter's issue is; "" goes back to the model's."""
    matter, asked = the_matter(request, matter_id), request.POST.get("issue", "")
    steps.set_issue(matter, request.user, asked)
    return done(request, "已改事项类别。", "matter", matter_id)


@door(Ability.ASSIGN, "POST")
def extend(request: Request, matter_id: str) -> HttpResponse:
    """Approve an extension."""
    matter, days = the_matter(request, matter_id), whole(request.POST, "days", -1)
    if days < 0:
        raise MatterError("延期天数要写数字，例如 15。")
    steps.extend(matter, request.user, request.POST.get("rule", ""), days, request.POST.get("reason", ""))
    return done(request, "已批准延期；请告知信访人延期理由。", "matter", matter_id)


@door(Ability.ASSIGN, "POST")
def pause(request: Request, matter_id: str) -> HttpResponse:
    """Stop a clock: approved like an extension."""
    asked = [request.POST.get(name, "") for name in ("rule", "key", "reason")]
    steps.pause(the_matter(request, matter_id), request.user, *asked)
    return done(request, "已暂停计时。", "matter", matter_id)


@door(Ability.WORK, "POST")
def resume(request: Request, matter_id: str) -> HttpResponse:
    """Let a stopped clock run again."""
    steps.resume(the_matter(request, matter_id), request.user, request.POST.get("rule", ""))
    return done(request, "已恢复计时。", "matter", matter_id)


@door(Ability.TRIAGE, "POST")
def merge(request: Request, matter_id: str) -> HttpResponse:
    """Put another matter into this one."""
    matter, other = the_matter(request, matter_id), named_matter(request, "other")
    regroup.merge(matter, other, request.user)
    return done(request, f"事项 {other.pk} 已并入本事项；可在“合并与拆分”里撤销。", "matter", matter_id)


@door(Ability.TRIAGE, "POST")
def decline(request: Request, matter_id: str) -> HttpResponse:
    """The two stay apart."""
    matter, other = the_matter(request, matter_id), named_matter(request, "other")
    regroup.decline(matter, other, request.user)
    return done(request, f"已记下：与事项 {other.pk} 不是同一件，不再提示。", "matter", matter_id)


@door(Ability.TRIAGE, "POST")
def split(request: Request, matter_id: str) -> HttpResponse:
    """Take the chosen letters out into a matter of their own."""
    matter = the_matter(request, matter_id)
    made = regroup.split(matter, request.POST.getlist("letters"), request.user)
    return done(request, f"已拆出为事项 {made}；可在“合并与拆分”里撤销。", "matter", matter_id)


@door(Ability.TRIAGE, "POST")
def move(request: Request, matter_id: str) -> HttpResponse:
    """Take the chosen letters out into another matter."""
    matter, other = the_matter(request, matter_id), named_matter(request, "other")
    regroup.move(matter, request.POST.getlist("letters"), other, request.user)
    return done(request, f"已移到事项 {other.pk}；可在“合并与拆分”里撤销。", "matter", matter_id)


@door(Ability.TRIAGE, "POST")
def undo(request: Request, matter_id: str) -> HttpResponse:
    """Undo a merge, split or move."""
    shown = regroup.undo(the_matter(request, matter_id), whole(request.POST, "decision"), request.user)
    return done(request, "已撤销。", "matter", shown)


@door(Ability.EXPORT, "POST")
def dossier(request: Request, matter_id: str) -> HttpResponse:
    """The dossier as a Word file, recorded."""
    return attached(*printed(the_matter(request, matter_id), request.user, request.POST.get("purpose", ""), address(request)))


ACTS = {
    "claim": claim, "release": release, "step": step, "edit": edit, "note": note, "priority": priority, "issue": issue, "extend": extend,
    "pause": pause, "resume": resume, "merge": merge, "decline": decline, "split": split, "move": move, "undo": undo, "dossier": dossier,
}  # fmt: skip
"""Each act has the address matter/<key>/<act>/ and the name matter_<act>."""

urlpatterns = [
    path("matter/<key:matter_id>/", show, name="matter"),
    *(path(f"matter/<key:matter_id>/{name}/", act, name=f"matter_{name}") for name, act in ACTS.items()),
]
