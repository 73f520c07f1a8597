"""模型: which model is in use, whether what comes in and what it says stays as it was, whether people agree, and what is worth labelling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

from pipeline.desk import charts
from pipeline.desk.door import Request, door
from pipeline.desk.roles import Ability
from pipeline.desk.services import drift
from pipeline.desk.services.card import card
from pipeline.desk.services.day import office_day
from pipeline.desk.services.labelling import to_label
from pipeline.errors import ModelFolderError
from pipeline.scoring.labels import load_labels

LINES = 6
"""Issues that the picture of the mix names; the others are put together."""


@door(Ability.MODEL, "GET")
def model(request: Request) -> HttpResponse:
    today, letters = office_day(), drift.seen()
    weeks = drift.weeks(letters, today)
    before, now, measures = drift.measures(letters, today)
    agreement = drift.agreement(letters)
    context = {
        "letters": letters,
        "most": drift.LETTERS,
        "oldest": min((letter.on for letter in letters if letter.on), default=None),
        "weeks": weeks,
        "before": before,
        "now": now,
        "enough": drift.ENOUGH,
        "measures": measures,
        "agreement": agreement,
        "answers": drift.answers(letters) if agreement else [],
        "unsure": to_label(letters, request.user),
        **_charts(weeks, agreement),
        **_card(),
    }
    return render(request, "desk/model.html", context)


def _card() -> dict[str, Any]:
    """A broken or missing model folder is told; the rest of the page is still of use."""
    try:
        return {"card": card()}
    except ModelFolderError as exc:
        return {"card": None, "card_fault": str(exc)}


def _charts(weeks: Sequence[drift.Week], kept: Sequence[drift.Kept]) -> dict[str, charts.Option]:
    names = [f"{week.begin.month}月{week.begin.day}日" for week in weeks]
    scores = (("平均风险", "risk"), ("苗头和紧急件占比", "early"), ("模型拿不准占比", "unsure"))
    stayed = (("类别", "issue"), ("等级", "level"), ("迹象（八种全部）", "signals"))
    return {
        "scores_chart": charts.lines(names, {name: [_per_cent(getattr(week, key)) for week in weeks] for name, key in scores}, "%"),
        "issues_chart": charts.mix(names, _issues(weeks)),
        "length_chart": charts.lines(
            names, {"长度中位数（字）": [week.length for week in weeks], "来信（封）": [week.letters for week in weeks]}
        ),
        "agreement_chart": charts.lines(
            [one.month for one in kept], {name: [_per_cent(getattr(one, key)) for one in kept] for name, key in stayed}, "%"
        ),
    }


def _issues(weeks: Sequence[drift.Week]) -> dict[str, charts.Values]:
    """The mix of issues: the most frequent by name, the others together."""
    issues = load_labels().issues
    totals = [sum(week.issues[at] * week.letters for week in weeks if week.issues) for at in range(len(issues))]
    named = sorted(range(len(issues)), key=lambda at: -totals[at])[:LINES]
    groups = {issues[at]: [at] for at in named} | {"其余类别": [at for at in range(len(issues)) if at not in named]}
    return {
        name: [_per_cent(sum(week.issues[at] for at in group)) if week.issues else None for week in weeks] for name, group in groups.items()
    }


def _per_cent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)


urlpatterns = [path("model/", model, name="model")]
