"""Invented letters by the thousand: short (60 to 200 characters), masked, of the office's towns; realistic in what is common and what is rare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from pipeline.scoring.labels import load_labels
from pipeline.scoring.score import Score
from pipeline.triage.policy import load_policy, prioritise

VERSION = "scale"
POOL = 4_000
"""Different readings; each letter has one of them."""
LEVELS = (0.24, 0.60, 0.15, 0.01)
RISKS = ((0.01, 0.15), (0.05, 0.5), (0.45, 0.9), (0.85, 0.99))
COUNTS = ((0, 0, 0, 1), (0, 0, 1, 1), (1, 1, 2, 2), (2, 2, 3, 3))
"""How many signals a letter of each level says."""
SIGNALS = {
    "collective": 25, "repeat": 25, "livelihood": 15, "misconduct": 12, "safety": 10, "conflict": 7, "escalation": 3, "deadline": 1,
}  # fmt: skip
SAID, UNSAID = 0.9, 0.04

THINGS = {
    "农村农业": ("玉米种子", "土地承包款", "粮食直补", "水稻收购款"), "国土资源": ("征地补偿款", "宅基地登记", "采石场占地"),
    "城乡建设": ("路灯", "下水道", "供暖管道", "回迁房", "物业"), "劳动和社会保障": ("工地工资", "厂里工资", "养老保险", "工伤赔付"),
    "卫生计生": ("新农合报销", "卫生院收费", "慢病补助"), "教育文体": ("学费退还", "校车", "学区划分"), "民政": ("低保金", "救灾款", "养老院床位"),
    "政法": ("判决执行", "报案回复"), "经济管理": ("电价", "加油站计量", "预付卡"), "交通运输": ("班车", "公路塌方", "桥面"),
    "商贸旅游": ("旅行社退款", "市场摊位费"), "科技与信息产业": ("宽带", "通信基站"), "环境保护": ("养殖场污水", "粉尘", "河道垃圾"),
    "党务政务": ("窗口办事", "村务公开"), "纪检监察": ("民办教师补贴", "工资级别"),
}  # fmt: skip
OTHER = ("邻里纠纷", "噪声", "流浪犬")
VILLAGES = tuple(
    f"{first}{last}" for first in ("东升", "红旗", "前进", "太平", "双山", "新立", "永安", "大荒") for last in ("村", "屯", "社区", "新村")
)
WHO = ("我们家", "十几户村民", "我和几个工友", "全楼四十多户", "一百多名群众", "我们几家商户", "附近居民")
TROUBLE = ("一直没有解决", "拖了三个月没有结果", "没有人管", "标准不一样", "说好的没有兑现", "越来越严重", "不合规定")
EFFECT = (
    "家里老人看病没有钱", "孩子上学交不上学费", "出门都困难", "春耕要耽误了", "夜里不敢走", "一家人靠工资过日子", "损失有两万多元", "做饭的水都没有",
)  # fmt: skip
ASKED = (
    "问过镇里，说要等", "打过三次电话，每次都说在研究", "请有关部门来看一看", "希望给一个书面答复", "请问这件事归哪个部门管", "再不解决就到省里去反映",
)  # fmt: skip
RARE = ("天麻", "林蛙", "木耳菌包", "索道")
RARELY = 1e-4


@dataclass(frozen=True, slots=True)
class Voice:
    """One reading of a letter: what the model says, the issue and signals said, and as stored: probabilities, priority, reasons."""

    score: Score
    issue: str
    signals: tuple[str, ...]
    chances: list[float]
    said: list[float]
    priority: float
    reasons: list[tuple[str, float]]


def voices(draw: Random) -> list[Voice]:
    """The pool of readings."""
    return [_voice(draw, level) for level in draw.choices(range(4), LEVELS, k=POOL)]


def _voice(draw: Random, level: int) -> Voice:
    labels = load_labels()
    issue = draw.choices(labels.issues, [1 / (rank + 2) for rank in range(len(labels.issues))])[0]
    said = set(draw.choices(list(SIGNALS), list(SIGNALS.values()), k=draw.choice(COUNTS[level])))
    chances = np.full(len(labels.issues), 0.01, np.float32)
    chances[labels.issues.index(issue)] = 0.85
    score = Score(
        letter_id="", issue=chances, signals=np.array([SAID if name in said else UNSAID for name in labels.signals], np.float32),
        risk=round(draw.uniform(*RISKS[level]), 3), level=level, embedding=np.array([0.6, 0.8], np.float32), abstain=draw.random() < 0.05,
        model_version=VERSION,
    )  # fmt: skip
    first = prioritise(score, load_policy())
    reasons = [(reason.text, round(reason.share, 3)) for reason in first.reasons]
    stored, heard = ([round(p, 3) for p in row.tolist()] for row in (score.issue, score.signals))
    return Voice(score, issue, tuple(name for name in labels.signals if name in said), stored, heard, first.value, reasons)


def write(draw: Random, town: str, village: str, thing: str) -> str:
    """A masked letter: title, newline, body."""
    body = [
        f"我是{town}{village}的居民。{draw.choice(WHO)}的{thing}从去年{draw.randint(1, 12)}月起{draw.choice(TROUBLE)}，{draw.choice(EFFECT)}。",
        f"{draw.choice(ASKED)}。",
        f"{draw.choice(WHO)}{draw.choice(TROUBLE)}，{draw.choice(EFFECT)}。" if draw.random() < 0.6 else "",
        f"另外{draw.choice(RARE)}也受了影响。" if draw.random() < RARELY else "",
        f"{draw.choice(ASKED)}。联系人［姓名］，电话［手机］。",
    ]  # fmt: skip
    return f"{town}{village}{thing}{draw.choice(TROUBLE)}\n{''.join(body)}"


def thing_of(draw: Random, issue: str) -> str:
    """What a letter of an issue is about."""
    things: Sequence[str] = THINGS.get(issue, OTHER)
    return draw.choice(things)
