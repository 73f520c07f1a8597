"""Fills the queue that the environment names with invented letters and people, for the browser tests: python -m tests.browser.site"""

from __future__ import annotations

from datetime import date

from pipeline.desk.services.store import Store
from pipeline.settings import load_settings
from tests.desk.conftest import PASSWORD, Desk

PEOPLE = (
    ("wangmin", "王敏", "clerk", "信访局"), ("liqiang", "李强", "clerk", "信访局"), ("zhaoke", "赵科", "supervisor", "信访局"),
    ("sunhe", "孙禾", "handler", "农业农村局"), ("fenxi", "冯希", "analyst", "信访局"), ("shenji", "沈吉", "auditor", "审计局"), ("guanli", "关力", "admin", "信访局"),
)  # fmt: skip

TOWNS = ("柳河镇", "白桦镇", "松江河口镇")
STORIES = (
    ("供暖不热", "小区暖气不热，室温只有十四度，老人孩子冻得睡不着，物业推给热力公司。", "城乡建设", ("livelihood",), 2, 0.62, "住建局"),
    (
        "拖欠工资",
        "工地拖欠三十名农民工工资三个月，再不给就去省里反映。",
        "劳动和社会保障",
        ("collective", "livelihood", "escalation"),
        3,
        0.95,
        "人社局",
    ),
    (
        "玉米种子不出苗",
        "我们村四十多户买的丰禾玉米种子不出苗，春耕要误了。",
        "农村农业",
        ("collective", "livelihood"),
        2,
        0.8,
        "农业农村局",
    ),
    ("林蛙冻死保险拒赔", "养殖户的林蛙冻死了三万只，保险公司不赔，几家都没了收入。", "农村农业", ("collective",), 2, 0.7, "农业农村局"),
    ("路灯坏了", "村口路灯坏了半个月，请问找哪里修？", "城乡建设", (), 0, 0.04, "住建局"),
    ("低保没批", "低保申请交了三次，村里说再等等，一直没有结果。", "民政", ("repeat",), 1, 0.3, "民政局"),
    ("煤气味很重", "楼道里煤气味很重，报修三天没人来，随时可能出事。", "城乡建设", ("safety", "repeat"), 3, 0.9, "住建局"),
    ("学位没有着落", "九月就要开学，孩子的学位还没有着落，跑了几趟教育局。", "教育文体", ("deadline",), 2, 0.55, "教育局"),
)


def make_people() -> None:
    """One or more of each role, with the same password, which need not be changed."""
    from pipeline.desk.models import User
    from pipeline.desk.services.people import make

    for username, name, role, unit in PEOPLE:
        make(username, name, role, unit, password=PASSWORD)
    User.objects.update(must_change=False)


def fill(desk: Desk) -> None:
    """Twenty-four matters, one of five letters and two that are one matter in truth."""
    for at in range(22):
        title, body, issue, signals, level, risk, unit = STORIES[at % len(STORIES)]
        desk.add(
            f"X{at:02}", f"{title}\n{TOWNS[at % 3]}第{at + 1}村：{body}", issue=issue, signals=signals, level=level, risk=max(risk - at / 200, 0.01),
            unit=unit, town=TOWNS[at % 3], day=date(2026, 4, 5 + at % 14), channel=("网上信访", "12345热线", "来信")[at % 3],
        )  # fmt: skip
    for at in range(5):
        desk.add(f"S{at}", f"种子不发芽\n丰禾种子出苗率只有{30 + at}%，要求赔偿。", matter="M-S0", day=date(2026, 4, 8 + 2 * at), risk=0.8)
    for at in range(2):
        desk.add(f"T{at}", "丰禾玉米种子坏\n邻村也买了丰禾种子，一样不出苗。", matter="M-T0", day=date(2026, 4, 17 + at), risk=0.7)


def main() -> None:
    with Store.open(load_settings().queue) as store:
        run = store.start_run(["来信.csv"], "m1")
        fill(Desk(store, run))
        store.finish_run(run, {"new": 29}, done=True)
        make_people()


if __name__ == "__main__":
    main()
