"""The way by which a matter may be settled (化解渠道), suggested with its reason: ordered rules, the first that fits wins. Pure; a person decides.

What goes where follows the division of the law: danger first; a question is answered; what is before a court or an arbitrator stays there; what an
authority decides is asked of it; what private people dispute is mediated; for what the law on legal aid names (法律援助法), legal aid is offered.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

MEDIATION, ADMINISTRATION, COURT, LEGAL_AID, EXPLANATION = "mediation", "administration", "court", "legal_aid", "explanation"


@dataclass(frozen=True, slots=True)
class Suggested:
    """`way`: one of the five above (the desk's Way); `reason`: a short Chinese sentence."""

    way: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; an empty condition holds always.

    Attributes:
        words, also: any of these (patterns) stands in the text, and any of those. done: only what has happened counts, not what is intended.
        issues, signals: any of these. most: the highest level. least: the lowest.
    """

    way: str
    reason: str
    words: str = ""
    also: str = ""
    done: bool = False
    issues: frozenset[str] = frozenset()
    signals: frozenset[str] = frozenset()
    least: int = 0
    most: int = 3


INTENDED = re.compile(r"没有法院|再不|否则|不然|准备|打算|想要?去|只好|大不了|要不要|没有起诉|不想|不愿")
"""A clause with one of these tells what may come, not what is."""
CLAUSE = re.compile(r"[，,。；;！!？?\n]")
WAGES = r"欠薪|工钱|血汗钱|(?:拖欠|克扣|不给|不发|没发|欠着?).{0,12}(?:工资|薪水|工程款里的人工费)|(?:工资|薪水).{0,10}(?:拖欠|没发|不发|没给|不给|没结|未发|一分没)"
OFFICES = r"征收|征地|拆迁|回迁|安置|补贴|补助|低保|医保|社保|养老金|执法|罚款|审批|证照|办证|确权|排污|污水|废气|粉尘|油烟|违建|超标|假种子|假药|食品|无证"

RULES: tuple[Rule, ...] = (
    Rule(
        way=ADMINISTRATION, signals=frozenset({"safety"}), least=2,
        reason="有现实的人身危险：先由主管单位到场处置，其他渠道随后",
    ),
    Rule(way=EXPLANATION, most=0, reason="是咨询或建议：把政策和办理途径讲清楚即可"),
    Rule(
        way=EXPLANATION, words=r"请问|咨询|想问|问一下|怎么办理|如何办理|需要什么(?:材料|手续)|什么时候能办", also=r"政策|办理|材料|手续|条件|标准|资格", most=1,
        reason="主要是问政策和手续：把政策和办理途径讲清楚即可",
    ),
    Rule(
        way=ADMINISTRATION, issues=frozenset({"纪检监察"}),
        reason="反映公职人员违纪违法：由有管辖权的机关核查，不宜调解",
    ),
    Rule(
        way=LEGAL_AID, words=r"(?:请不起|没钱请|雇不起)律师|打不起官司|没钱(?:打官司|起诉|立案)|交不起诉讼费",
        reason="打官司有经济困难：告知可向法律援助中心申请援助",
    ),
    Rule(
        way=COURT, done=True,
        words=r"判决|法院.{0,4}(?:判|裁定|受理|执行|立案|调解|开庭)|执行局|起诉|仲裁|不予立案|立案庭|开庭|上诉|再审|强制执行|胜诉|败诉",
        reason="已经判决、仲裁或起诉：按诉访分离，引导走诉讼、执行或监督程序",
    ),
    Rule(
        way=LEGAL_AID, words=WAGES, also=r"拒付|拒不|赖账|不承认|不认账|跑路|失联|联系不上|找不到(?:老板|人)|躲|注销|没签(?:劳动)?合同|没有(?:劳动)?合同",
        reason="欠薪而用人方拒付或找不到人：在劳动监察之外，可申请法律援助讨要报酬",
    ),
    Rule(way=ADMINISTRATION, words=WAGES, reason="拖欠工资：由人社部门劳动监察责令支付"),
    Rule(
        way=LEGAL_AID, words=r"工伤|职业病|尘肺|矽肺|(?:工地|厂里|车间|干活|上班|打工).{0,10}(?:摔伤|砸伤|受伤|摔断|压伤|绞伤)",
        reason="因工受伤的认定和赔偿：属于可以申请法律援助的事项",
    ),
    Rule(
        way=LEGAL_AID, words=r"家暴|家庭暴力|赡养费|抚养费|扶养费|遗弃",
        reason="家庭暴力和赡养、抚养、扶养：属于可以申请法律援助的事项",
    ),
    Rule(
        way=LEGAL_AID, words=r"(?:被骗|骗我们?|骗老|诱骗|哄骗|忽悠|欺骗).{0,14}(?:合同|协议|签字|按手印)|(?:合同|协议).{0,14}(?:被骗|骗局|欺诈|诈骗|忽悠)",
        reason="被骗签订合同：可申请法律援助，由律师帮助撤销合同、追回损失",
    ),
    Rule(
        way=MEDIATION, words=r"邻居|邻里|院墙|地界|地边|楼上|隔壁|相邻|兄弟分家|彩礼",
        reason="邻里、相邻和家庭纠纷：先由村（社区）、乡镇人民调解委员会调解",
    ),
    Rule(
        way=MEDIATION, words=r"物业(?:公司|费|服务|不|管理)|业委会|公共收益|停车费",
        reason="物业服务纠纷：由社区和物业纠纷调解组织调解，住建部门指导",
    ),
    Rule(
        way=MEDIATION, words=r"医患|医疗(?:事故|纠纷|损害)|误诊|手术.{0,8}(?:失败|出事)",
        reason="医疗纠纷：由医疗纠纷人民调解委员会调解，需要的先做鉴定",
    ),
    Rule(way=ADMINISTRATION, words=OFFICES, reason="由行政机关批准、给付或查处的事项：由主管部门依职权办理"),
    Rule(way=ADMINISTRATION, signals=frozenset({"misconduct"}), reason="反映单位不作为或乱作为：由其上级或主管部门核查答复"),
    Rule(
        way=MEDIATION, words=r"合同|违约|定金|押金|退款|退钱|退费|租金|欠款|借款|借钱|货款|保险公司|拒赔|赔偿|赔钱|赔付|会员卡|预付|承包费",
        reason="合同、钱款和赔偿的民事纠纷：双方愿意的先调解，调解不成再走诉讼",
    ),
    Rule(way=ADMINISTRATION, reason="没有更合适的渠道：由责任单位依职权调查处理并答复"),
)  # fmt: skip


def suggest(issue: str, signals: Collection[str], level: int, text: str) -> Suggested:
    """The first rule that fits a matter: the name of its issue, the keys of its signals, its level 0..3, the masked text of its leading letter."""
    happened = "。".join(clause for clause in CLAUSE.split(text) if not INTENDED.search(clause))
    for rule in RULES:
        if _fits(rule, issue, signals, level, happened if rule.done else text):
            return Suggested(rule.way, rule.reason)
    raise AssertionError("the last rule fits everything")


def _fits(rule: Rule, issue: str, signals: Collection[str], level: int, text: str) -> bool:
    return (
        rule.least <= level <= rule.most
        and (not rule.issues or issue in rule.issues)
        and (not rule.signals or not rule.signals.isdisjoint(signals))
        and (not rule.words or re.search(rule.words, text) is not None)
        and (not rule.also or re.search(rule.also, text) is not None)
    )
