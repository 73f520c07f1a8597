"""The board of what is starting."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import path

from pipeline.desk.answers import done
from pipeline.desk.door import Request, door
from pipeline.desk.forms import whole
from pipeline.desk.models import Flag
from pipeline.desk.roles import Ability
from pipeline.desk.services.emerging import ACTS, KINDS, SPANS, Asked, JudgedError, board, cards, judge, visible

PAGE = 10


def _asked(query: QueryDict) -> Asked:
    """What is unknown or broken is passed over."""
    state, kind, days = query.get("state", ""), query.get("kind", ""), query.get("days", "30")
    return Asked(
        state=state if state in Flag.State.values else "",
        kind=kind if kind in KINDS else "",
        days=int(days) if days in map(str, SPANS) else 30,
    )


@door(Ability.EMERGING, "GET")
def emerging(request: Request) -> HttpResponse:
    """Tendencies, newest night first."""
    asked = _asked(request.GET)
    flags, counts, now = board(request.user, asked)
    page = Paginator(flags, PAGE).get_page(request.GET.get("page"))
    states = [(state, name, counts.get(state, 0)) for state, name in Flag.State.choices]
    told = {"asked": asked, "page": page, "states": states, "total": sum(counts.values()), "kinds": KINDS.items(), "spans": SPANS.items()}
    return render(request, "desk/emerging.html", told | {"acts": ACTS.items(), "cards": cards(page, request.user, now)})


@door(Ability.EMERGING, "GET")
def one(request: Request, flag_id: int) -> HttpResponse:
    """One tendency on a page of its own."""
    return _one(request, *_flag(request, flag_id))


@door(Ability.JUDGE, "POST")
def act(request: Request, flag_id: int) -> HttpResponse:
    """Acknowledge, watch or dismiss; 409 with what was typed and what is there now when somebody was first."""
    flag, now = _flag(request, flag_id)
    state, reason = request.POST.get("state", ""), request.POST.get("reason", "")
    try:
        judge(flag, request.user, state, reason, whole(request.POST, "seen"))
    except JudgedError as exc:
        mine = {"sentence": str(exc), "mine": ACTS[state], "reason": reason}
        return _one(request, flag, now, status=409, **mine)
    return done(request, f"“{flag.told['title']}”：已记为“{Flag.State(state).label}”。", "emerging")


def _flag(request: Request, flag_id: int) -> tuple[Flag, dict[str, str]]:
    flags, now = visible(request.user)
    flag = flags.filter(pk=flag_id).first()
    if flag is None:
        raise Http404("没有这条苗头，或它不归您研判。")
    return flag, now


def _one(request: Request, flag: Flag, now: dict[str, str], *, status: int = 200, **told: str) -> HttpResponse:
    flag.refresh_from_db()
    (card,) = cards([flag], request.user, now)
    return render(request, "desk/emerging.html", {"one": card, "cards": [card], "acts": ACTS.items()} | told, status=status)


urlpatterns = [
    path("emerging/", emerging, name="emerging"),
    path("emerging/<int:flag_id>/", one, name="emerging_one"),
    path("emerging/<int:flag_id>/act/", act, name="emerging_act"),
]
