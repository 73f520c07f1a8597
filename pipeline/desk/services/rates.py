"""The four rates of the figures and what exactly each is: one place that the page shows and the counting follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pipeline.triage.regulation import RULES


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A rate and what exactly it is: the page shows this, and nothing else says it.

    Attributes:
        good, of: what is counted above and below the line. day: which day puts a case into a month. left_out: what is not counted.
        basis: the article. unit: 封 or 件. results: the parts of `of` by key; "good" is all that is above the line.
        beside: what "part" is called, shown beside the rate.
    """

    key: str
    name: str
    good: str
    of: str
    day: str
    left_out: str
    basis: str
    unit: str
    results: Mapping[str, str]
    beside: str = ""


REGISTER, CONCLUDE, SETTLED, SATISFIED = "register", "conclude", "settled", "satisfied"
_ANSWER_DAY = "最近一次办结（答复）的那天。"
_NOT_ANSWERED = "答复以后又来信或重新办理、还没有再次答复的；不予受理的；已并入别的事项的。"
RATES: Mapping[str, Rate] = MappingProxyType({rate.key: rate for rate in (
    Rate(
        key=REGISTER, name="及时受理率", unit="封", basis=f"{RULES['register'].article}：收到之日起 {RULES['register'].days} 日内登记并作出处理。",
        good="在登记期限当天或之前登记的来信（受理、转办、不予受理都算登记）。", of="已登记的来信，加上过了登记期限还没有登记的来信。",
        day="登记的那天；逾期的按登记期限那天。", left_out="还没有登记、也还没有过期的来信。",
        results={"good": "按期登记", "bad": "逾期登记或逾期未登记"},
    ),
    Rate(
        key=CONCLUDE, name="按期办结率", unit="件", basis=f"{RULES['conclude'].article}：自受理之日起 {RULES['conclude'].days} 日内办结，可延期一次，最多 30 日。",
        good="在办结期限当天或之前答复的事项；期限含批准的延期和登记在案的暂停。", of="已答复的事项，加上过了办结期限还没有答复的事项；重新办理的另算一次。",
        day="答复的那天；逾期的按办结期限那天。", left_out="正在办理、还没有过期的；不予受理的；已并入别的事项的。",
        results={"good": "按期办结", "bad": "逾期办结或逾期未办结"},
    ),
    Rate(
        key=SETTLED, name="化解率", unit="件", basis="本单位指标，条例没有规定算法。", good="办理结果填“化解”的事项，以最近一次答复、复查、复核或归档时填的为准。",
        of="已答复、填了办理结果的事项。部分化解算在分母，不算在分子，另列件数。", day=_ANSWER_DAY, left_out=_NOT_ANSWERED,
        results={"good": "化解", "part": "部分化解", "bad": "未化解"}, beside="部分化解",
    ),
    Rate(
        key=SATISFIED, name="满意率", unit="件", basis="本单位指标，条例没有规定算法。", good="满意度填“满意”或“基本满意”的事项；其中基本满意另列件数。",
        of="已答复、填了满意度的事项。", day=_ANSWER_DAY, left_out=f"没有填满意度的；{_NOT_ANSWERED}",
        results={"good": "满意和基本满意", "part": "其中基本满意", "bad": "不满意"}, beside="基本满意",
    ),
)})  # fmt: skip
BY: Mapping[str, str] = MappingProxyType({"unit": "责任单位", "issue": "问题类别", "place": "乡镇街道", "month": "月份"})
