"""The suggested way of settling a matter: invented sentences, and which channel a clerk of the office would name."""

import pytest

from pipeline.triage.ways import ADMINISTRATION, COURT, EXPLANATION, LEGAL_AID, MEDIATION, RULES, suggest

CASES = [
    ("劳动和社会保障", (), 2, "工地拖欠二十名农民工工资三个月，到现在一分没给。", ADMINISTRATION, "劳动监察"),
    ("劳动和社会保障", (), 2, "厂里欠薪半年，请求人社局出面。", ADMINISTRATION, "劳动监察"),
    ("劳动和社会保障", (), 2, "老板拖欠我们工钱，人已经跑路，电话联系不上。", LEGAL_AID, "法律援助"),
    ("劳动和社会保障", (), 2, "包工头不承认欠我们的工资，说没签合同就不给。", LEGAL_AID, "拒付"),
    ("劳动和社会保障", (), 2, "仲裁裁决公司付我们工资，公司至今不执行。", COURT, "诉访分离"),
    ("劳动和社会保障", (), 1, "我在木材厂车间被压伤，厂里不给认定，也不赔偿。", LEGAL_AID, "因工受伤"),
    ("劳动和社会保障", (), 2, "丈夫在矿上干了十年得了尘肺，单位推脱。", LEGAL_AID, "因工受伤"),
    ("劳动和社会保障", (), 1, "医保报销卡在窗口半年，一直不给办。", ADMINISTRATION, "主管部门"),
    ("政法", (), 1, "法院判决下来两年了，对方就是不还钱。", COURT, "诉访分离"),
    ("政法", (), 1, "法院受理后一年没有开庭。", COURT, "诉访分离"),
    ("城乡建设", (), 1, "没有法院的裁定就来推我家的房，这是违法拆迁。", ADMINISTRATION, "依职权"),
    ("农村农业", (), 2, "执法大队说卖种子的已经立案，可是半年没有下文。", ADMINISTRATION, "依职权"),
    ("政法", (), 1, "我已经起诉，县里迟迟不立案。", COURT, "诉访分离"),
    ("政法", (), 1, "邻居垒院墙占了我家半米宅基地，说再不让就去法院起诉。", MEDIATION, "邻里"),
    ("政法", (), 1, "想打官司要回承包费，可是家里困难请不起律师。", LEGAL_AID, "经济困难"),
    ("政法", (), 2, "妹妹多次遭受家暴，派出所调解后又打。", LEGAL_AID, "家庭暴力"),
    ("民政", (), 1, "三个儿子都不给老人赡养费。", LEGAL_AID, "赡养"),
    ("城乡建设", (), 1, "法院对面的路灯坏了一个月没人修。", ADMINISTRATION, "责任单位"),
    ("城乡建设", (), 1, "楼上漏水把我家天花板泡坏了，谈了几次谈不拢。", MEDIATION, "邻里"),
    ("城乡建设", (), 1, "物业公司只收费不扫雪，电梯坏了也不修。", MEDIATION, "物业"),
    ("城乡建设", ("collective",), 2, "老粮库小区拆迁五年没有回迁，过渡费也停了。", ADMINISTRATION, "依职权"),
    ("城乡建设", ("safety",), 3, "物业公司不管，煤气管漏气，楼道里都是味。", ADMINISTRATION, "人身危险"),
    ("城乡建设", (), 0, "建议在中心小学门口加一盏路灯。", EXPLANATION, "咨询或建议"),
    ("民政", (), 0, "请问办理低保要到哪个窗口？", EXPLANATION, "咨询或建议"),
    ("民政", (), 1, "想咨询一下高龄补贴的条件和需要的材料。", EXPLANATION, "问政策"),
    ("农村农业", (), 2, "买的玉米种子不出苗，种子公司只肯退一半钱，我们要求赔偿。", MEDIATION, "民事纠纷"),
    ("农村农业", ("collective",), 2, "经销商卖假种子，四十多户没有收成，要求赔偿。", ADMINISTRATION, "依职权"),
    ("农村农业", (), 1, "粮食补贴两年没有发到户。", ADMINISTRATION, "依职权"),
    ("环境保护", ("collective",), 2, "化工厂夜里往河里排污，鱼塘死了鱼，要求赔偿。", ADMINISTRATION, "依职权"),
    ("国土资源", (), 1, "老人被骗在合同上按手印，林地转给了外人。", LEGAL_AID, "被骗签订合同"),
    ("商贸旅游", (), 1, "健身房关门，会员卡的钱不退。", MEDIATION, "民事纠纷"),
    ("商贸旅游", (), 1, "旅行社违约不退定金。", MEDIATION, "民事纠纷"),
    ("卫生计生", (), 2, "县医院手术出事，家属要一个说法。", MEDIATION, "医疗纠纷"),
    ("纪检监察", ("misconduct",), 2, "村书记侵占征地补偿款。", ADMINISTRATION, "不宜调解"),
    ("党务政务", ("misconduct",), 2, "窗口互相推诿，跑了五趟没人答复。", ADMINISTRATION, "不作为"),
    ("其他", (), 1, "村口的广告牌太旧。", ADMINISTRATION, "责任单位"),
]


@pytest.mark.parametrize(("issue", "signals", "level", "text", "way", "why"), CASES, ids=[case[3][:12] for case in CASES])
def test_the_way_a_clerk_would_name(issue: str, signals: tuple[str, ...], level: int, text: str, way: str, why: str) -> None:
    suggested = suggest(issue, signals, level, text)
    assert suggested.way == way
    assert why in suggested.reason


def test_every_rule_is_the_answer_to_some_letter() -> None:
    given = {suggest(issue, signals, level, text).reason for issue, signals, level, text, _, _ in CASES}
    assert {rule.reason for rule in RULES} == given


def test_the_ways_are_those_of_the_desk() -> None:
    from pipeline.desk.workflow import Way

    assert {rule.way for rule in RULES} == set(Way.values)


def test_who_writes_does_not_move_the_way() -> None:
    base = "拖欠我们的工资三个月了。"
    assert {suggest("劳动和社会保障", (), 2, who + base) for who in ("", "我是一名女工，", "我是少数民族群众，", "我是外地人，")} == {
        suggest("劳动和社会保障", (), 2, base)
    }
