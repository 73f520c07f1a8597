"""What the regulation on handling petitions (信访工作条例, in force since 2022-05-01) says of time: its clocks, and why they may stand still.

Articles 22, 23 and 36 were read as petition offices quote them on their public sites; 34 and 35 are told in our own words, their days and the
approval checked against such sites but not against the printed text. Which step of the work starts and ends a clock stands in desk/workflow.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

REGISTER_DAYS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One clock of the regulation.

    Attributes:
        key, name: for the program, for people. done: the verb of its end, as in “应于11月23日办结”.
        article, text: where it stands and what it says.
        days: how many, 工作日 when `working`. soon: with how many of them left it is soon.
        right: one may, and need not: it runs out without being late.
        extendable_days: the most that one extension may add.
    """

    key: str
    name: str
    done: str
    article: str
    text: str
    days: int
    soon: int
    working: bool = False
    right: bool = False
    extendable_days: int = 0


RULES: Mapping[str, Rule] = MappingProxyType({rule.key: rule for rule in (
    Rule(
        key="register", name="登记受理", done="登记", article="《信访工作条例》第二十二条", days=REGISTER_DAYS, soon=3,
        text="“收到信访事项，应当予以登记，并区分情况，在15日内分别按照下列方式处理”",
    ),
    Rule(
        key="object", name="退回异议", done="结束", article="《信访工作条例》第二十三条", days=5, soon=1, working=True, right=True,
        text="“不属于本机关、单位或者本系统职权范围的，有关机关、单位应当自收到之日起5个工作日内提出异议，并详细说明理由”",
    ),
    Rule(
        key="notice", name="书面告知", done="告知", article="《信访工作条例》第二十三条", days=15, soon=3,
        text="“属于本机关、单位职权范围的，有关机关、单位应当自收到之日起15日内书面告知信访人接收情况以及处理途径和程序”",
    ),
    Rule(
        key="conclude", name="办结", done="办结", article="《信访工作条例》第三十四条", days=60, soon=5, extendable_days=30,
        text="自受理之日起60日内办结；情况复杂的，经本机关、单位负责人批准可以延期，最多30日，并告知信访人理由。",
    ),
    Rule(
        key="ask_review", name="申请复查", done="提出", article="《信访工作条例》第三十五条", days=30, soon=5, right=True,
        text="对处理意见不服的，可以自收到书面答复之日起30日内请求复查。",
    ),
    Rule(
        key="review", name="复查答复", done="答复", article="《信访工作条例》第三十五条", days=30, soon=5,
        text="自收到复查请求之日起30日内提出复查意见，并书面答复。",
    ),
    Rule(
        key="ask_recheck", name="申请复核", done="提出", article="《信访工作条例》第三十六条", days=30, soon=5, right=True,
        text="“信访人对复查意见不服的，可以自收到书面答复之日起30日内向复查机关、单位的上一级机关、单位请求复核。”",
    ),
    Rule(
        key="recheck", name="复核答复", done="答复", article="《信访工作条例》第三十六条", days=30, soon=5,
        text="“收到复核请求的机关、单位应当自收到复核请求之日起30日内提出复核意见。”“听证所需时间不计算在前款规定的期限内。”",
    ),
)})  # fmt: skip
"""In the order in which a matter meets them."""

OWN_RULE = "《信访工作条例》没有规定这种暂停，这是本单位自定的做法：理由和起止日期必须写入卷宗。"


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseKind:
    """A reason for which a clock may stand still: for which rules, how many days at most at one time (None: no limit), on what ground."""

    key: str
    name: str
    rules: frozenset[str]
    most: int | None
    basis: str


PAUSES: Mapping[str, PauseKind] = MappingProxyType({kind.key: kind for kind in (
    PauseKind(
        key="hearing", name="听证", rules=frozenset({"recheck"}), most=None,
        basis="《信访工作条例》第三十六条：“听证所需时间不计算在前款规定的期限内。”",
    ),
    PauseKind(key="appraisal", name="鉴定检测", rules=frozenset({"conclude"}), most=60, basis=OWN_RULE),
    PauseKind(key="material", name="补充材料", rules=frozenset({"conclude"}), most=30, basis=OWN_RULE),
    PauseKind(key="mediation", name="调解", rules=frozenset({"conclude"}), most=30, basis=OWN_RULE),
)})  # fmt: skip
