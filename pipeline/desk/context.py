"""What stands round every page: the ways to go, and what everybody must know now."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from pipeline.desk.models import Run
from pipeline.desk.roles import Ability
from pipeline.desk.services.day import office_day
from pipeline.settings import load_settings
from pipeline.triage.clocks import calendar_known

NAV = (
    ("queue", "队列", "q", Ability.READ),
    ("emerging", "苗头看板", "e", Ability.EMERGING),
    ("figures", "统计", "f", Ability.FIGURES),
    ("model", "模型", "m", Ability.MODEL),
    ("audit", "审计", "u", Ability.AUDIT),
    ("people", "管理", "p", Ability.ADMIN),
)
"""(name of the page's address, what it is called, its key, who sees it)"""


def frame(request: HttpRequest) -> dict[str, Any]:
    """For base.html nav, banners and the model version; for every page `can`, what this person may do by the names of Ability. One query."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"nav": [], "banners": [], "can": {}}
    last = Run.objects.order_by("-pk").first()
    return {
        "nav": [
            {"url": reverse(name), "name": shown, "jump": key, "current": request.path.startswith(reverse(name)) and (name != "queue" or request.path == reverse(name))}
            for name, shown, key, ability in NAV
            if user.can(ability)
        ],
        "banners": _banners(last),
        "can": {ability.value: user.can(ability) for ability in Ability},
        "model_version": last.model_version if last else "",
    }  # fmt: skip


def _banners(last: Run | None) -> list[tuple[str, str]]:
    day = office_day()
    told = []
    if load_settings().today:
        told.append(("info", f"演示：各页按 {day:%Y年%-m月%-d日} 计时。"))
    if last and last.status == Run.Status.STOPPED:
        told.append(("warn", "上一次夜间运行没有完成，部分来信可能还没有进入队列：请通知运维重新运行。"))
    if not calendar_known(day.year):
        told.append(("warn", f"{day.year} 年的放假安排尚未公布，工作日暂按周一至周五计。"))
    return told
