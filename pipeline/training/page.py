"""The evaluation report: one self-contained HTML page with pictures, for people who would rather look than read.

It quotes the worst errors, masked, so it is written beside the other products of the run and never into the model folder.
"""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.scoring.heldout import HeldOut, measures, shown
from pipeline.scoring.labels import Labels
from pipeline.scoring.measures import Array, average_precision, calibration_error, interval
from pipeline.training.letters import Example

Figures = Mapping[str, Mapping[str, float]]
WORST, QUOTED = 12, 260
STYLE = """body{font:15px/1.6 "Noto Sans CJK SC","Microsoft YaHei",sans-serif;max-width:1080px;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #ccc;padding:3px 9px;text-align:right}td:first-child,th:first-child{text-align:left}
h2{margin-top:2em;border-bottom:2px solid #0a5}figure{margin:1em 0;display:inline-block;vertical-align:top}figcaption{color:#555}
.quote{background:#f6f6f2;padding:.6em 1em;margin:.5em 0;border-left:4px solid #c50}svg{max-width:100%;height:auto}"""


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What the page is about: a model's name, its figures beside others', answers on the test letters and the letters themselves.

    `held` maps a model's name to its answers, the shipped one first; `letters` are the test letters by id; `curves` are further
    tables (learning curve, out of time): title -> (head, rows).
    """

    version: str
    figures: Mapping[str, Figures]
    held: Mapping[str, HeldOut]
    letters: Mapping[str, Example]
    curves: Mapping[str, tuple[Sequence[str], Sequence[Sequence[str]]]]


def write_page(path: Path, subject: Subject, labels: Labels) -> None:
    """Write the report to `path`."""
    shipped = next(iter(subject.held.values()))
    read = shipped.rows(shipped.first_issue >= 0)
    reads = {name: held.rows(held.first_issue >= 0) for name, held in subject.held.items()}
    parts = [
        f"<h1>模型评估 {html.escape(subject.version)}</h1>",
        f"<p>{len(read.ids)} 封由两人独立读过的来信，训练、早停、融合、校准都没有见过；括号内是 95% 自助法区间。</p>",
        "<h2>指标</h2>", _figures(subject.figures),
        "<h2>苗头件：排得准不准，读多少能看到多少</h2>", _picture(_precision_recall(reads), "精确率与召回率（等级 ≥ 2，任一读者）"),
        _picture(_capacity(reads), "容量曲线：每天先读前 N%，能看到多少苗头件"),
        "<h2>概率可信吗</h2>", _picture(_reliability(read), "可靠性图：说 70% 的，应有七成真是"),
        "<h2>问题类别</h2>", _picture(_confusion(read, labels), "混淆矩阵（行：读者，列：模型）"), _classes(read, next(iter(subject.figures.values())), labels),
        "<h2>分组</h2>", _slices(read, subject.letters, labels),
        *(f"<h2>{html.escape(title)}</h2>{_table(head, rows)}" for title, (head, rows) in subject.curves.items()),
        "<h2>错得最远的来信（已脱敏，勿外传）</h2>", _worst(read, subject.letters, labels),
    ]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>模型评估 {html.escape(subject.version)}</title><style>{STYLE}</style>'
        + "\n".join(parts),
        encoding="utf-8",
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _figures(told: Mapping[str, Figures]) -> str:
    names = list(told)
    rows = []
    for name, figure in told[names[0]].items():
        cells = [shown(told[model][name]) if name in told[model] else "-" for model in names]
        rows.append([name, *cells, f"{figure['letters']:.0f}"])
    return _table(["", *names, "来信"], rows)


def _new(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def _picture(figure: Figure, caption: str) -> str:
    """Inline SVG; the words stay words and take the reader's fonts."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "zhiwei"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    return f"<figure>{svg[svg.index('<svg') :]}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _precision_recall(models: Mapping[str, HeldOut]) -> Figure:
    figure = _new(5, 4)
    axes = figure.add_subplot(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    for name, held in models.items():
        truth, score = held.share_level[:, 1] >= 0.5, held.level[:, 1]
        order = np.argsort(-score, kind="stable")
        hits = np.cumsum(truth[order])
        axes.step(hits / hits[-1], hits / np.arange(1, len(order) + 1), label=f"{name} {average_precision(truth, score):.3f}")
    axes.legend(loc="lower left")
    return figure


def _capacity(models: Mapping[str, HeldOut]) -> Figure:
    figure = _new(5, 4)
    axes = figure.add_subplot(xlabel="letters read first (%)", ylabel="early signs seen (%)", xlim=(0, 100), ylim=(0, 101))
    best: Array = np.sort(next(iter(models.values())).share_level[:, 1])[::-1]
    steps = 100 * np.arange(1, len(best) + 1) / len(best)
    axes.plot(steps, 100 * np.cumsum(best) / best.sum(), color="#bbb", label="the most that can be")
    for name, held in models.items():
        share = held.share_level[np.argsort(-held.level[:, 1], kind="stable"), 1]
        axes.plot(steps, 100 * np.cumsum(share) / share.sum(), label=name)
    axes.axvline(25, color="#ccc", linewidth=0.8)
    axes.legend(loc="lower right")
    return figure


def _reliability(held: HeldOut, bins: int = 10) -> Figure:
    figure = _new(5, 4)
    axes = figure.add_subplot(xlabel="probability said", ylabel="share that was so", xlim=(0, 1), ylim=(0, 1))
    axes.plot([0, 1], [0, 1], color="#bbb")
    guess = held.issue.argmax(1)
    pairs = {
        "risk": (held.level[:, 1], held.share_level[:, 1]),
        "issue": (held.issue.max(1), held.share_issue[np.arange(len(guess)), guess]),
        "signals": (held.signals.ravel(), held.share_signals.ravel()),
    }
    for name, (said, so) in pairs.items():
        cut = np.array_split(np.argsort(said, kind="stable"), bins)
        axes.plot([said[c].mean() for c in cut], [so[c].mean() for c in cut], "o-", label=f"{name}, ECE {calibration_error(so, said):.3f}")
    axes.legend(loc="upper left")
    return figure


def _confusion(held: HeldOut, labels: Labels) -> Figure:
    count = len(labels.issues)
    table = np.zeros((count, count), int)
    np.add.at(table, (held.first_issue, held.issue.argmax(1)), 1)
    figure = _new(8, 7)
    axes = figure.add_subplot()
    axes.imshow(np.log1p(table), cmap="Greens")
    numbers = [str(k + 1) for k in range(count)]
    axes.set_xticks(range(count), numbers)
    axes.set_yticks(range(count), numbers)
    for row, column in zip(*np.nonzero(table), strict=True):
        axes.text(column, row, str(table[row, column]), ha="center", va="center", fontsize=8)
    return figure


def _classes(held: HeldOut, told: Figures, labels: Labels) -> str:
    guess = held.issue.argmax(1)
    rows = []
    for k, name in enumerate(labels.issues):
        f1 = told.get(f"issue {name}, F1")
        right = ((guess == k) & (held.first_issue == k)).sum()
        rows.append(
            [f"{k + 1} {name}", str((held.first_issue == k).sum()), str((guess == k).sum()), str(right), shown(f1) if f1 else "来信太少"]
        )
    return _table(["类别", "读者", "模型", "一致", "F1"], rows)


def _slices(held: HeldOut, letters: Mapping[str, Example], labels: Labels) -> str:
    length = np.array([len(letters[i].text) for i in held.ids])
    year = np.array([letters[i].year for i in held.ids])
    titled = np.array([len(letters[i].text.partition("\n")[0]) > 2 for i in held.ids])
    reply = np.array([i.startswith("reply-") for i in held.ids])
    low, high = np.quantile(length, [1 / 3, 2 / 3])
    middle = int(np.median(year))
    cuts: dict[str, NDArray[np.bool_]] = {
        f"短（≤ {low:.0f} 字）": length <= low, "中": (length > low) & (length <= high), f"长（> {high:.0f} 字）": length > high,
        "渠道：留言": ~reply, "渠道：有答复的": reply, f"{middle} 年以前": year < middle, f"{middle} 年及以后": year >= middle, "有标题": titled, "无标题": ~titled,
    }  # fmt: skip
    share, risk = held.share_level[:, 1], held.level[:, 1]
    right = held.issue.argmax(1) == held.first_issue
    rows = []
    for name, chosen in cuts.items():
        at = np.flatnonzero(chosen)
        if len(at) < 20 or not (share[at] >= 0.5).any():
            rows.append([name, str(len(at)), "来信太少", "", ""])
            continue
        risk_ap = measures(held.rows(at), labels, calibrated=False)["risk AP, either reading"]
        low, high = interval(risk_ap, len(at), 200)
        told = shown({"value": risk_ap(np.arange(len(at))), "low": low, "high": high})
        rows.append([name, str(len(at)), f"{right[at].mean():.3f}", told, f"{calibration_error(share[at], risk[at]):.3f}"])
    return _table(["分组", "来信", "类别一致", "风险 AP", "风险 ECE"], rows)


def _worst(held: HeldOut, letters: Mapping[str, Example], labels: Labels) -> str:
    gap = held.level[:, 1] - held.share_level[:, 1]
    blocks = []
    for at in np.argsort(-np.abs(gap), kind="stable")[:WORST]:
        guess = labels.issues[int(held.issue[at].argmax())]
        head = f"{held.ids[at]}：模型风险 {held.level[at, 1]:.2f}，读者 {held.share_level[at, 1]:.1f}；类别 模型 {guess}，读者 {labels.issues[held.first_issue[at]]}"
        text = letters[held.ids[at]].text.replace("\n", " ｜ ")[:QUOTED]
        blocks.append(f'<div class="quote"><b>{html.escape(head)}</b><br>{html.escape(text)}……</div>')
    return "".join(blocks)
