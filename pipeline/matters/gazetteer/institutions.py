"""Government departments by the names they go by in letters, former ones too."""

from __future__ import annotations

import re
from collections.abc import Iterator

DEPARTMENTS = {
    "公安局": "公安局 公安分局 交警大队 派出所",
    "教育局": "教育局 教体局 教委",
    "人社局": "人社局 社保局 人力资源和社会保障局 人力资源社会保障局 劳动局 就业局 劳动监察大队",
    "农业农村局": "农业农村局 农业局 畜牧局 农委",
    "住建局": "住建局 住建委 住房和城乡建设局 住房城乡建设局 房产局 房管局 住房保障局",
    "自然资源局": "自然资源局 自然资源和规划局 国土局 国土资源局 城乡规划局 规划局 不动产登记中心",
    "卫健局": "卫健局 卫健委 卫生健康局 卫生局 卫计局 卫计委",
    "民政局": "民政局",
    "市场监管局": "市场监管局 市场监督管理局 市监局 市场局 工商局 质监局 食药监局 物价局",
    "生态环境局": "生态环境局 环保局 环境保护局",
    "交通局": "交通局 交通运输局 公路局 运管局 运管所",
    "林草局": "林草局 林业和草原局 林业局",
    "应急局": "应急局 应急管理局 安监局",
    "消防救援队": "消防救援大队 消防大队 消防队",
    "水利局": "水利局 水务局",
    "医保局": "医保局 医疗保障局",
    "司法局": "司法局 司法所",
    "财政局": "财政局",
    "税务局": "税务局 国税局 地税局",
    "审计局": "审计局",
    "发改局": "发改局 发改委 发展和改革局",
    "商务局": "商务局",
    "文旅局": "文旅局 文广旅局 文化和旅游局 旅游局 文化局",
    "城管局": "城管执法局 城管局 城市管理局 综合执法局 行政执法局",
    "退役军人局": "退役军人事务局 退役军人局",
    "信访局": "信访局",
    "法院": "人民法院 法院",
    "检察院": "人民检察院 检察院",
    "纪委监委": "纪委监委 纪检委 纪委 监委",
    "工信局": "工信局 经信局",
    "邮政局": "邮政局 邮局",
}
NAMES = {name: department for department, names in DEPARTMENTS.items() for name in names.split()}
LISTENS = "信访局"
"""The office that every letter goes to is no second department."""

_LENGTHS = sorted({len(name) for name in NAMES}, reverse=True)
_FOUND_BY_ENDING = frozenset({"派出所", "法院", "检察院", "人民法院", "人民检察院"})
_IN_TEXT = frozenset(NAMES) - _FOUND_BY_ENDING
_LAST = re.compile(f"[{''.join(sorted({name[-1] for name in _IN_TEXT}))}]")
LEVELS = frozenset("县市区省州镇乡")


def offices(text: str) -> Iterator[tuple[int, int]]:
    """Where offices are named in a text. Only a level is taken from before the name, so that 向县人社局 gives 县人社局."""
    for match in _LAST.finditer(text):
        start = _start(text, match.end(), _IN_TEXT)
        if start is not None:
            yield start - (text[start - 1 : start] in LEVELS), match.end()


def _start(text: str, end: int, names: frozenset[str] | dict[str, str]) -> int | None:
    """Where the longest of the names that ends there begins."""
    return next((end - length for length in _LENGTHS if length <= end and text[end - length : end] in names), None)


def department(name: str) -> str | None:
    """The department that an institution is or belongs to (县国土局 -> 自然资源局); None for schools, hospitals, companies, banks."""
    start = _start(name, len(name), NAMES)
    return None if start is None else NAMES[name[start:]]
