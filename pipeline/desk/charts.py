"""What the pages draw, as ECharts options: a page puts one into a JSON script, desk.js draws it. Pure; None is a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Option = dict[str, Any]
Values = Sequence[float | None]
BARS = 22
"""The widest bar, in pixels."""


def lines(names: Sequence[str], series: Mapping[str, Values], unit: str = "") -> Option:
    """A line a series over the same names."""
    return {
        "tooltip": {"trigger": "axis"},
        "legend": {"top": 0, "type": "scroll"},
        "grid": {"left": 44, "right": 14, "top": 34, "bottom": 26},
        "xAxis": {"type": "category", "data": list(names)},
        "yAxis": {"type": "value", "min": 0, "axisLabel": {"formatter": f"{{value}}{unit}"}},
        "series": [{"name": name, "type": "line", "data": list(values)} for name, values in series.items()],
    }


def mix(names: Sequence[str], series: Mapping[str, Values]) -> Option:
    """Per cents that make up a hundred, as stacked bars."""
    option = lines(names, series, "%")
    for one in option["series"]:
        one.update(type="bar", stack="mix")
    option["yAxis"]["max"] = 100
    return option


def rates(names: Sequence[str], series: Mapping[str, Values], *, over_time: bool) -> Option:
    """Per cents: lines over time, else bars of groups that may have long names."""
    option = lines(names, series, "%")
    option["yAxis"]["max"] = 100
    option["grid"] |= {"bottom": 48}
    option["xAxis"]["axisLabel"] = {"interval": 0, "hideOverlap": True, "width": 88, "overflow": "break"}
    for one in option["series"]:
        one.update({"symbolSize": 8} if over_time else {"type": "bar", "barMaxWidth": BARS})
    return option


def growth(names: Sequence[str], counts: Sequence[int], totals: Sequence[int]) -> Option:
    """Letters of each week as bars, letters so far as a line with an axis of its own."""
    return {
        "tooltip": {"trigger": "axis"},
        "legend": {"data": ["当周来信", "累计来信"], "top": 0},
        "grid": {"left": 36, "right": 36, "top": 34, "bottom": 24},
        "xAxis": {"type": "category", "data": list(names)},
        "yAxis": [{"type": "value", "minInterval": 1}, {"type": "value", "minInterval": 1, "splitLine": {"show": False}}],
        "series": [
            {"name": "当周来信", "type": "bar", "data": list(counts), "barMaxWidth": BARS},
            {"name": "累计来信", "type": "line", "yAxisIndex": 1, "data": list(totals)},
        ],
    }


def course(names: Sequence[str], counts: Sequence[int], every: str, night: str, expected: float, usual: str) -> Option:
    """Letters of each day or week (`every`), all so far, the night of the flag, and how many writers would be ordinary by then."""
    so_far = [sum(counts[: at + 1]) for at in range(len(counts))]
    marks = [
        {
            "yAxis": round(expected, 2),
            "label": {"formatter": f"往常 {usual} 人", "position": "insideEndTop", "backgroundColor": "#fff", "padding": [1, 3]},
        },
        {"xAxis": night, "label": {"formatter": "发现", "position": "end"}, "lineStyle": {"type": "solid"}},
    ]
    return {
        "grid": {"left": 34, "right": 14, "top": 46, "bottom": 22},
        "legend": {"top": 0, "left": 0, "itemHeight": 9, "data": [every, "累计来信"]},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": list(names)},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {"name": every, "type": "bar", "data": list(counts), "barMaxWidth": BARS},
            {
                "name": "累计来信", "type": "line", "step": "end", "symbol": "none", "data": so_far,
                "markLine": {"symbol": "none", "silent": True, "lineStyle": {"color": "#566171", "type": "dashed"}, "data": marks},
            },
        ],
    }  # fmt: skip


def against(writers: int, expected: float, usual: str) -> Option:
    """Writers that would be ordinary beside those that wrote."""
    return {
        "grid": {"left": 44, "right": 70, "top": 8, "bottom": 8},
        "xAxis": {"type": "value", "show": False},
        "yAxis": {"type": "category", "inverse": True, "data": ["往常", "这次"], "axisLine": {"show": False}, "axisTick": {"show": False}},
        "series": [
            {
                "name": "来信人数", "type": "bar", "barMaxWidth": BARS,
                "data": [
                    {"value": round(expected, 2), "itemStyle": {"color": "#9aa5b1"}, "label": {"formatter": f"{usual} 人"}},
                    {"value": writers, "label": {"formatter": f"{writers} 人"}},
                ],
                "label": {"show": True, "position": "right"},
            }
        ],
    }  # fmt: skip
