"""The queue 队列: the page, its rows, and what is done from it."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path

from pipeline.desk.answers import attached, back, done, is_htmx
from pipeline.desk.door import Request, address, door, the_matter
from pipeline.desk.forms import whole
from pipeline.desk.models import Access, User
from pipeline.desk.roles import Ability
from pipeline.desk.services import bulk, claims, coverage, queue, saved, search, selection
from pipeline.desk.services.access import note_access
from pipeline.desk.services.filters import COLUMNS, DAYS, FLAGS, NAMES, Choices, Filters, choices, parse
from pipeline.desk.services.letters import newest
from pipeline.errors import MatterError
from pipeline.scoring.labels import load_labels

RARE = ("channel", "order", "status", "unit")
"""Conditions that are folded away until one is set."""
UNFOLDED = 30
"""Letters of the fold under a row."""
TOLD = 10
"""Of the matters that an act was refused for so many are named."""


@door(Ability.READ, "GET")
def show(request: Request) -> HttpResponse:
    user, offered = request.user, choices(request.user)
    filters, problems = parse(request.GET, offered)
    take = _take(request)
    page = queue.page(user, filters, whole(request.GET, "page", 1))
    for problem in problems:
        messages.warning(request, problem)
    context = {
        "filters": filters,
        "query": filters.to_query(),
        "here": f"{request.path}?{filters.to_query()}&page={page.number}",
        "lists": _lists(filters, offered),
        "rare": any(getattr(filters, name) for name in (*RARE, *DAYS)),
        "flags": [(name, shown, getattr(filters, name)) for name, shown in FLAGS.items()],
        "columns": COLUMNS,
        "shows": filters.shows(),
        "page": page,
        "views": saved.views(user),
        "cover": coverage.coverage(user, take),
        "cut": 0 if filters.narrowed or filters.order else take - (page.number - 1) * queue.PAGE,
        "people": bulk.workers() if user.can(Ability.ASSIGN) else [],
        "units": list(offered["unit"]),
        "issues": load_labels().issues,
        "masked": search.MASK.search(filters.q),
        "common": _remember(request, filters.q, page.count),
        "most": (search.MOST_LETTERS, bulk.MOST, selection.MOST),
    }
    return render(request, "desk/queue.html", context)


def _lists(filters: Filters, offered: Choices) -> list[dict[str, object]]:
    return [
        {"name": name, "shown": shown, "options": offered[name], "chosen": getattr(filters, name), "rare": name in RARE}
        for name, shown in NAMES.items()
        if offered[name]
    ]


def _take(request: Request) -> int:
    """How many matters the office can take today: as asked, else as asked before."""
    asked = whole(request.GET, "take")
    if 1 <= asked <= coverage.MOST_TAKE:
        request.session["take"] = asked
    return int(request.session.get("take", coverage.TAKE))


def _remember(request: Request, question: str, count: int) -> bool:
    """Keep a search once, not each page of it; tells whether its words are too common to look at every letter."""
    before = request.session.get("searched")
    if before and before["q"] == question:
        return bool(before["common"])
    if not question:
        request.session.pop("searched", None)
        return False
    note_access(Access.Kind.SEARCH, request.user, address(request), detail={"words": question, "found": count})
    request.session["searched"] = {"q": question, "common": search.common(question)}
    return bool(request.session["searched"]["common"])


def _asked(request: Request) -> Filters:
    """The filters of the page that a form was sent from."""
    return parse(QueryDict(request.POST.get("next", "").partition("?")[2]), choices(request.user))[0]


@door(Ability.READ, "GET")
def letters(request: Request, matter_id: str) -> HttpResponse:
    matter = the_matter(request, matter_id)
    return render(request, "desk/_queue_letters.html", {"matter": matter, "letters": newest(matter, UNFOLDED)})


@door(Ability.WORK, "POST")
def claim(request: Request, matter_id: str) -> HttpResponse:
    matter = the_matter(request, matter_id)
    try:
        claims.take(matter, request.user)
    except claims.HeldError:
        if not is_htmx(request):
            raise
        return _row(request, matter_id, 409)
    return _row(request, matter_id) if is_htmx(request) else done(request, f"已认领：{matter.title}")


@door(Ability.WORK, "POST")
def release(request: Request, matter_id: str) -> HttpResponse:
    matter = the_matter(request, matter_id)
    let_go = claims.release(matter, request.user)
    if is_htmx(request):
        return _row(request, matter_id)
    return done(request, f"已放回：{matter.title}" if let_go else "这件事项不在您手里，没有变动。")


def _row(request: Request, matter_id: str, status: int = 200) -> HttpResponse:
    rows = queue.rows(request.user, [matter_id])
    if not rows:
        raise Http404("没有这个事项，或它不归您办理。")
    context = {"row": rows[0], "here": request.POST.get("next", ""), "shows": _asked(request).shows()}
    return render(request, "desk/_queue_row.html", context, status=status)


@door(Ability.ASSIGN, "GET", "POST")
def assign(request: Request, matter_id: str) -> HttpResponse:
    matter = the_matter(request, matter_id)
    if request.method == "POST":
        to = _person(request)
        bulk.hand_over(matter, request.user, to)
        return done(request, f"已指派给{to.name}：{matter.title}")
    name = "desk/_queue_assign.html" if is_htmx(request) else "desk/queue_assign.html"
    return render(request, name, {"matter": matter, "people": bulk.workers(), "here": request.GET.get("next", "")})


def _person(request: Request) -> User:
    chosen = whole(request.POST, "person")
    found = User.objects.filter(pk=chosen, is_active=True).first()
    if found is None:
        raise MatterError("请选一个人。")
    return found


@door(Ability.ASSIGN, "POST")
def bulk_assign(request: Request) -> HttpResponse:
    to = _person(request)
    return _tell(request, bulk.assign(request.user, _chosen(request), to), f"已指派给{to.name}")


@door(Ability.TRIAGE, "POST")
def bulk_route(request: Request) -> HttpResponse:
    return _bulk_unit(request, bulk.route, "责任单位已改为")


@door(Ability.TRIAGE, "POST")
def bulk_forward(request: Request) -> HttpResponse:
    return _bulk_unit(request, bulk.forward, "已转办")


def _bulk_unit(request: Request, act: Callable[[User, list[str], str], bulk.Done], words: str) -> HttpResponse:
    unit = request.POST.get("unit", "")
    return _tell(request, act(request.user, _chosen(request), unit), f"{words}{unit}")


@door(Ability.TRIAGE, "POST")
def bulk_issue(request: Request) -> HttpResponse:
    issue = request.POST.get("issue", "")
    return _tell(request, bulk.set_issue(request.user, _chosen(request), issue), f"类别已改为{issue}")


@door(Ability.TRIAGE, "POST")
def bulk_merge(request: Request) -> HttpResponse:
    kept, done = bulk.merge(request.user, _chosen(request))
    return _tell(request, done, f"已并入事项 {kept}")


def _chosen(request: Request) -> list[str]:
    return request.POST.getlist("m")


def _tell(request: Request, done: bulk.Done, words: str) -> HttpResponse:
    if done.count:
        messages.success(request, f"{words}：{done.count} 件。")
    if done.refused:
        rest = f" 另有 {len(done.refused) - TOLD} 件同样没有办成。" if len(done.refused) > TOLD else ""
        messages.warning(request, f"没有办成的：{' '.join(done.refused[:TOLD])}{rest}")
    return redirect(back(request))


@door(Ability.EXPORT, "POST")
def export(request: Request) -> HttpResponse:
    form, purpose = request.POST.get("form", "xlsx"), request.POST.get("purpose", "")
    return attached(*selection.export(request.user, _chosen(request), _asked(request), form, purpose, address(request)))


@door(Ability.READ, "POST")
def save_view(request: Request) -> HttpResponse:
    view = saved.save(request.user, request.POST.get("name", ""), _asked(request), shared=request.POST.get("shared") == "1")
    return done(request, f"已保存视图“{view.name}”。")


@door(Ability.READ, "POST")
def drop_view(request: Request, view_id: int) -> HttpResponse:
    if not saved.drop(request.user, view_id):
        raise Http404("没有这个视图，或它不是您的。")
    return done(request, "视图已删除。")


urlpatterns = [
    path("", show, name="queue"),
    path("queue/letters/<key:matter_id>/", letters, name="queue_letters"),
    path("queue/claim/<key:matter_id>/", claim, name="queue_claim"),
    path("queue/release/<key:matter_id>/", release, name="queue_release"),
    path("queue/assign/<key:matter_id>/", assign, name="queue_assign"),
    path("queue/bulk/assign/", bulk_assign, name="queue_bulk_assign"),
    path("queue/bulk/route/", bulk_route, name="queue_bulk_route"),
    path("queue/bulk/forward/", bulk_forward, name="queue_bulk_forward"),
    path("queue/bulk/issue/", bulk_issue, name="queue_bulk_issue"),
    path("queue/bulk/merge/", bulk_merge, name="queue_bulk_merge"),
    path("queue/export/", export, name="queue_export"),
    path("queue/views/", save_view, name="queue_save_view"),
    path("queue/views/<int:view_id>/delete/", drop_view, name="queue_drop_view"),
]
