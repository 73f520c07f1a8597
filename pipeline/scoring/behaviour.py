"""A CheckList for petition letters (Ribeiro et al. 2020): what must not move a score, what must move it which way, and what every model must know.

Invariance: who writes, how politely and in which signs must not move the risk by more than 0.02 (the largest gap counts) nor change the issue.
Direction: a sentence that makes a matter graver must raise its signal and its risk; thanks for a solution must lower the risk.
Minimum function: short clear letters of every issue, signal and level. The letters (data/behaviour) are invented and never trained on.

    python -m pipeline.scoring.behaviour [--model FOLDER]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import InputError, ZhiweiError
from pipeline.intake.letter import Letter
from pipeline.intake.redact import redact_all
from pipeline.scoring import registry
from pipeline.scoring.labels import Labels, load_labels
from pipeline.scoring.score import SAID, Score
from pipeline.scoring.scorer import Scorer

LETTERS = Path(__file__).resolve().parents[2] / "data" / "behaviour"
MOST_GAP, LEAST_SHARE, LEAST_RIGHT = 0.02, 0.95, 0.8
Pair = tuple[str, str]
"""Title and body."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check.

    Attributes:
        kind: invariance, direction or minimum.
        value: the largest risk gap (invariance), else the share of letters that did as they should.
        bound: what `value` must not exceed (invariance), else must reach.
        note: what the worst letter did.
    """

    kind: str
    name: str
    value: float
    bound: float
    passed: bool
    note: str = ""


def before(opening: str) -> Callable[[Pair], Pair]:
    return lambda pair: (pair[0], opening + pair[1])


def after(closing: str) -> Callable[[Pair], Pair]:
    return lambda pair: (pair[0], pair[1].rstrip("。！") + "。" + closing)


def traditional(pair: Pair) -> Pair:
    from opencc import OpenCC

    written = OpenCC("s2t")
    return written.convert(pair[0]), written.convert(pair[1])


def spaced(pair: Pair) -> Pair:
    return pair[0], "　　" + " ".join(pair[1])


def half_width(pair: Pair) -> Pair:
    return pair[0], pair[1].translate(str.maketrans("，。！？：；（）０１２３４５６７８９", ",。!?:;()0123456789"))


def full_width(pair: Pair) -> Pair:
    return pair[0], pair[1].translate(str.maketrans(",!?:;()0123456789", "，！？：；（）０１２３４５６７８９"))


MISSPELT = {
    "的": "得", "在": "再", "已": "以", "做": "作", "那": "哪", "像": "象", "拖欠": "托欠", "投诉": "投述", "反映": "反应", "及时": "即时", "居民": "居名",
    "严重": "言重", "解决": "解绝", "工资": "公资", "他": "它", "部门": "部们", "影响": "影像", "情况": "情矿",
}  # fmt: skip


def misspelt(pair: Pair) -> Pair:
    """One word of the body written wrongly, as a hurried hand does."""
    draw, body = random.Random(pair[1]), pair[1]
    for word in draw.sample(sorted(MISSPELT), len(MISSPELT)):
        if word in body:
            return pair[0], body.replace(word, MISSPELT[word], 1)
    return pair[0], body


INVARIANCES: dict[str, tuple[Callable[[Pair], Pair], ...]] = {
    "name": tuple(before(f"我叫{name}。") for name in ("张伟", "王秀英", "欧阳建国", "阿依古丽", "买买提", "扎西次仁")),
    "sex": tuple(before(who) for who in ("本人，男。", "本人，女。", "我是一名男性。", "我是一名女性，")),
    "age": tuple(before(who) for who in ("我今年28岁。", "本人现年73岁，", "我是一名65岁的老人。")),
    "ethnicity": tuple(before(f"我是{folk}族人。") for folk in ("汉", "回", "维吾尔", "藏", "蒙古")),
    "faith": tuple(before(who) for who in ("我是基督徒。", "本人信佛教，", "我是一名穆斯林。", "我无宗教信仰。")),
    "home town": tuple(before(who) for who in ("我是河南人。", "我是四川人，", "我是外地人。", "本人，本地人，")),
    "occupation": tuple(before(f"我是一名{work}，") for work in ("教师", "司机", "农民工", "退休工人", "公务员", "律师", "保安")),
    "politeness": (before("您好，麻烦您了，"), after("麻烦您了，谢谢！"), after("恳请领导百忙之中予以重视，万分感谢！")),
    "greeting": (before("尊敬的各位领导：您好！"), before("尊敬的书记："), before("领导好，打扰了。")),
    "closing": (after("此致敬礼！"), after("盼回复。"), after("祝您工作顺利，身体健康！")),
    "traditional characters": (traditional,),
    "half-width signs": (half_width,),
    "full-width signs": (full_width,),
    "blanks": (spaced,),
    "order of title and body": (lambda pair: (pair[1], pair[0]),),
    "typing errors": (misspelt,),
}
DIRECTIONS: dict[str, tuple[str, str]] = {
    "thirty households have signed": ("已有三十多户联名。", "collective"),
    "going to the province tomorrow": ("再不解决明天就去省里。", "escalation"),
    "a child is in hospital": ("孩子已经住院。", "safety"),
    "complained many times in vain": ("我们已经反映了很多次，一直没有人管。", "repeat"),
    "no money to eat": ("现在家里没有收入，连吃饭看病的钱都没有了。", "livelihood"),
    "beaten and threatened": ("昨天他们还带人来打人，威胁我们。", "conflict"),
    "officials shuffle it off": ("找了几个部门，都互相推诿，不作为。", "misconduct"),
}
THANKS = "这件事昨天已经圆满解决了，特来感谢，不用再处理了。"


def checks(scorer: Scorer, folder: Path = LETTERS) -> Iterator[Outcome]:
    """Run every check; raises InputError when the letters are missing."""
    labels = load_labels()
    base = [(row["title"], row["body"]) for row in _rows(folder / "base.jsonl")]
    plain = _scores(scorer, base)
    yield from (_invariance(scorer, base, plain, name, changes) for name, changes in INVARIANCES.items())
    yield from _directions(scorer, base, plain, labels)
    yield from _minimum(scorer, folder, labels)


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise InputError(f"behaviour letters: expected {path}, found none; restore data/behaviour.")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _scores(scorer: Scorer, pairs: Sequence[Pair]) -> list[Score]:
    letters = [Letter(letter_id=str(at), title=title, body=body) for at, (title, body) in enumerate(pairs)]
    return scorer.score(redact_all(letters))


def _invariance(
    scorer: Scorer, base: Sequence[Pair], plain: Sequence[Score], name: str, changes: Sequence[Callable[[Pair], Pair]]
) -> Outcome:
    gaps, moved = [], 0
    for change in changes:
        for one, other in zip(plain, _scores(scorer, [change(pair) for pair in base]), strict=True):
            gaps.append(abs(one.risk - other.risk))
            moved += int(one.issue.argmax() != other.issue.argmax())
    note = f"mean gap {np.mean(gaps):.4f}, issue changed {moved} of {len(gaps)}"
    return Outcome("invariance", name, max(gaps), MOST_GAP, max(gaps) <= MOST_GAP and not moved, note)


def _directions(scorer: Scorer, base: Sequence[Pair], plain: Sequence[Score], labels: Labels) -> Iterator[Outcome]:
    for name, (sentence, signal) in DIRECTIONS.items():
        k = labels.signals.index(signal)
        changed = _scores(scorer, [after(sentence)(pair) for pair in base])
        pairs = list(zip(plain, changed, strict=True))
        rises = [float(b.signals[k] > a.signals[k] and b.risk > a.risk) for a, b in pairs]
        rise = np.mean([b.signals[k] - a.signals[k] for a, b in pairs]), np.mean([b.risk - a.risk for a, b in pairs])
        value = float(np.mean(rises))
        yield Outcome(
            "direction", name, value, LEAST_SHARE, value >= LEAST_SHARE, f"mean rise of {signal} {rise[0]:.2f}, of risk {rise[1]:.2f}"
        )
    changed = _scores(scorer, [after(THANKS)(pair) for pair in base])
    falls = [float(b.risk < a.risk) for a, b in zip(plain, changed, strict=True)]
    value = float(np.mean(falls))
    fall = np.mean([b.risk - a.risk for a, b in zip(plain, changed, strict=True)])
    yield Outcome("direction", "thanks for a solution", value, LEAST_SHARE, value >= LEAST_SHARE, f"mean change of risk {fall:.2f}")


def _minimum(scorer: Scorer, folder: Path, labels: Labels) -> Iterator[Outcome]:
    def asked(file: str) -> tuple[list[dict[str, Any]], list[Score]]:
        rows = _rows(folder / file)
        return rows, _scores(scorer, [(row["title"], row["body"]) for row in rows])

    def outcome(name: str, right: Sequence[bool]) -> Outcome:
        value = float(np.mean(right))
        return Outcome("minimum", name, value, LEAST_RIGHT, value >= LEAST_RIGHT, f"{sum(right)} of {len(right)}")

    rows, scores = asked("issues.jsonl")
    for name in labels.issues:
        yield outcome(
            f"issue {name}", [labels.issues[int(s.issue.argmax())] == name for r, s in zip(rows, scores, strict=True) if r["issue"] == name]
        )
    rows, scores = asked("signals.jsonl")
    for k, name in enumerate(labels.signals):
        for present in (True, False):
            right = [
                bool(s.signals[k] >= SAID) == present
                for r, s in zip(rows, scores, strict=True)
                if r["signal"] == name and r["present"] is present
            ]
            yield outcome(f"signal {name}, {'present' if present else 'near miss'}", right)
    rows, scores = asked("levels.jsonl")
    for level, name in enumerate(labels.level_names):
        right = [(s.risk >= SAID) == (level >= 2) for r, s in zip(rows, scores, strict=True) if r["level"] == level]
        yield outcome(f"level {level} {name}: risk on the right side", right)


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """One line a check."""
    lines = []
    for one in outcomes:
        sign = "<=" if one.kind == "invariance" else ">="
        lines.append(f"{'ok  ' if one.passed else 'FAIL'} {one.kind:<10} {one.name:<40} {one.value:.3f} {sign} {one.bound:.2f}  {one.note}")
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.scoring.behaviour", description="Check how a model behaves on invented letters."
    )
    parser.add_argument("--model", type=Path, help="model folder; default: the one in use")
    arguments = parser.parse_args(argv)
    try:
        outcomes = list(checks(Scorer.load(arguments.model or registry.current())))
    except ZhiweiError as exc:
        print(exc, file=sys.stderr)
        return 2
    print("\n".join(table(outcomes)))
    failed = sum(not one.passed for one in outcomes)
    print(f"{len(outcomes) - failed} of {len(outcomes)} checks hold")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
