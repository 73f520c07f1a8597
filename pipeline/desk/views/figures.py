"""The office's figures, what stands behind each number, and the ledger to Excel and back."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse

from pipeline.desk import charts
from pipeline.desk.answers import attached
from pipeline.desk.door import Request, address, door
from pipeline.desk.forms import brought
from pipeline.desk.roles import Ability
from pipeline.desk.services import ledger as ledgers
from pipeline.desk.services.cases import Asked, behind, cases
from pipeline.desk.services.day import office_day
from pipeline.desk.services.figures import Group, Period, counted, figures, month, shown
from pipeline.desk.services.rates import BY, RATES
from pipeline.errors import MatterError

PAGE = 50
MONTHS_BACK = 36
SHOWN = 12
"""Groups in the picture."""
KEPT = "ledger"
"""Where the session keeps what a returned ledger would change, until it is confirmed."""
TOLD = 20


def _months() -> list[tuple[str, str]]:
    """(2026-04, 2026年4月) of the months that can be chosen, newest first."""
    day, found = office_day().replace(day=1), []
    for _ in range(MONTHS_BACK):
        found.append((f"{day:%Y-%m}", shown("month", f"{day:%Y-%m}")))
        day = (day - timedelta(days=1)).replace(day=1)
    return found


def _period(query: QueryDict) -> Period:
    """The months asked for; by default the last three. What is broken is passed over."""
    today = office_day()
    begin, end = month(query.get("from", "")), month(query.get("until", ""))
    return Period.of(begin or _earlier(end or today, 2), end or max(today, begin or today))


def _earlier(day: date, months: int) -> date:
    for _ in range(months):
        day = day.replace(day=1) - timedelta(days=1)
    return day


def _frame(request: Request, period: Period) -> dict[str, Any]:
    """What the pages of the figures share."""
    months, chosen = _months(), (f"{period.first:%Y-%m}", f"{period.last:%Y-%m}")
    more = [(one, shown("month", one)) for one in dict.fromkeys(chosen) if one not in dict(months)]
    return {"period": period, "begin": chosen[0], "end": chosen[1], "months": sorted([*months, *more], reverse=True)}


@door(Ability.FIGURES, "GET")
def page(request: Request) -> HttpResponse:
    """The four rates of a period."""
    period, by = _period(request.GET), request.GET.get("by", "unit")
    by = by if by in BY else "unit"
    groups, total = figures(request.user, period, by, office_day())
    told = {
        "by": by,
        "by_name": BY[by],
        "ways": BY.items(),
        "rates": RATES.values(),
        "total": _line(total),
        "groups": [_line(one) for one in groups],
    }
    return render(request, "desk/figures.html", _frame(request, period) | told | {"picture": _picture(groups, by), "shown": SHOWN})


def _line(group: Group) -> dict[str, Any]:
    return {"value": group.value, "name": group.name, "cells": [(RATES[key], tally) for key, tally in group.tallies.items()]}


def _picture(groups: list[Group], by: str) -> charts.Option:
    """Over months the last groups, else the first: the table has all."""
    part = groups[-SHOWN:] if by == "month" else groups[:SHOWN]
    shares = {rate.name: [one.tallies[key].share for one in part] for key, rate in RATES.items()}
    values = {name: [None if share is None else round(100 * share, 1) for share in some] for name, some in shares.items()}
    return charts.rates([one.name for one in part], values, over_time=by == "month")


@door(Ability.READ, "GET")
def letters(request: Request) -> HttpResponse:
    """The letters or matters behind one number."""
    rate = RATES.get(request.GET.get("rate", ""))
    by, result = request.GET.get("by", "unit"), request.GET.get("result", "")
    value = request.GET.get("value")
    if rate is None or by not in BY or result not in ("", *rate.results) or "\0" in (value or ""):
        raise Http404("没有这个数字。")
    asked = Asked(rate=rate.key, period=_period(request.GET), by=by, value=value, result=result)
    part = Paginator(cases(request.user, asked, office_day()), PAGE).get_page(request.GET.get("page"))
    back = f"{reverse('figures')}?{urlencode({'from': f'{asked.period.first:%Y-%m}', 'until': f'{asked.period.last:%Y-%m}', 'by': by})}"
    told = {"asked": asked, "rate": rate, "by_name": BY[by], "page": part, "rows": behind(rate.key, part), "back": back}
    return render(request, "desk/figures_letters.html", _frame(request, asked.period) | told)


@door(Ability.EXPORT, "GET")
def ledger(request: Request) -> HttpResponse:
    """Take a ledger out; give one back."""
    return _ledger(request)


def _ledger(request: Request, **told: Any) -> HttpResponse:
    units = counted(request.user).exclude(unit="").order_by("unit").values_list("unit", flat=True).distinct()
    lists = {"units": units, "columns": ledgers.EDITABLE.values()}
    limits = {"most": settings.UPLOAD_MOST_BYTES // 1024**2, "most_rows": ledgers.MOST_ROWS, "most_changes": ledgers.MOST_CHANGES}
    return render(request, "desk/ledger.html", _frame(request, _period(request.GET)) | lists | limits | told)


@door(Ability.EXPORT, "POST")
def export(request: Request) -> HttpResponse:
    """The ledger as an xlsx file."""
    form = request.POST
    purpose, unit, live = form.get("purpose", ""), form.get("unit", ""), form.get("live") == "1"
    return attached(*ledgers.export(request.user, _period(form), purpose, address(request), unit=unit, live=live))


@door(Ability.LEDGER, "POST")
def bring_back(request: Request) -> HttpResponse:
    """Show what a returned ledger would change. The server keeps that; the browser gets only its number."""
    found = ledgers.preview(request.user, brought(request, "从本页导出、填好的台账（xlsx）"))
    number = secrets.token_urlsafe(16)
    kept = [{"matter_id": one.matter_id, "version": one.version, "fields": one.fields} for one in found.changes]
    request.session[KEPT] = {"number": number, "changes": kept}
    return _ledger(request, preview=found, number=number)


@door(Ability.LEDGER, "POST")
def confirm(request: Request) -> HttpResponse:
    """Make the changes that were shown."""
    kept = request.session.get(KEPT)
    if not kept or kept["number"] != request.POST.get("number"):
        raise MatterError("这次预览已经用过、过期或被后来的一次替换，请重新上传台账。")
    del request.session[KEPT]
    done, refused = ledgers.apply(request.user, kept["changes"])
    if done:
        messages.success(request, f"已更新 {len(done)} 件事项。")
    for sentence in refused[:TOLD]:
        messages.warning(request, sentence)
    if len(refused) > TOLD:
        messages.warning(request, f"另有 {len(refused) - TOLD} 件没有更新，请重新导出后再改。")
    return redirect("ledger")


urlpatterns = [
    path("figures/", page, name="figures"),
    path("figures/letters/", letters, name="figures_letters"),
    path("figures/ledger/", ledger, name="ledger"),
    path("figures/ledger/export/", export, name="ledger_export"),
    path("figures/ledger/return/", bring_back, name="ledger_return"),
    path("figures/ledger/confirm/", confirm, name="ledger_confirm"),
]
