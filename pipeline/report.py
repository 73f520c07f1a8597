"""What a run says for itself: progress while it works, a summary in Chinese when it is done."""

from __future__ import annotations

import re
import sys
import time
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from pipeline.matters.trends import Trend
from pipeline.scoring.labels import load_labels
from pipeline.scoring.score import RISK
from pipeline.triage.policy import Ranked, render

TITLE_WIDTH = 60
SHOWN_SHARE = 0.05
PLAIN_EVERY = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows of the input by what became of them; the others add up to `read`."""

    read: int = 0
    new: int = 0
    rescored: int = 0
    known: int = 0
    duplicates: int = 0
    rejected: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(**{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """The result of one run.

    Attributes:
        table: letters by (issue, level).
        matters: matters that the new letters belong to, or of the input when there is no queue; emerging: tendencies that began to show.
        top: the letters that cannot wait, of the whole queue, or of the input when there is no queue.
        seconds: time spent by stage; reading runs beside the others.
        elapsed: seconds from start to end.
        queue: URL without a password; None when there is no queue.
        out, rejects: the files written, None where none was.
    """

    counts: Counts
    table: Mapping[tuple[str, int], int]
    top: Sequence[Ranked]
    emerging: Sequence[Trend]
    matters: int
    seconds: Mapping[str, float]
    elapsed: float
    model_version: str
    queue: str | None
    out: Path | None
    rejects: Path | None

    @property
    def rate(self) -> float:
        """Rows of the input per second, over all."""
        return self.counts.read / self.elapsed if self.elapsed else 0.0


def without_password(url: str) -> str:
    return re.sub(r"(://[^/@:]*):[^/@]*@", r"\1:***@", url)


def summary(report: RunReport) -> str:
    """The closing words of a run, for staff."""
    parts = [_counts(report), _speed(report), "", *_table(report), "", *_emerging(report), *_top(report), *_places(report)]
    return "\n".join(parts)


def _counts(report: RunReport) -> str:
    counts = report.counts
    named = {"新信": counts.new, "重新评分": counts.rescored, "已在库": counts.known, "重复": counts.duplicates, "退回": counts.rejected}
    return f"读到 {counts.read:,} 条：" + "，".join(f"{name} {count:,}" for name, count in named.items())


def _speed(report: RunReport) -> str:
    counts = report.counts
    scored = counts.new + counts.rescored
    rows = {"读取": counts.read, "脱敏": scored, "地点": scored, "评分": scored, "归并": scored, "入库": scored + counts.known}
    stages = [f"{stage} {rows[stage] / spent:,.0f}" for stage, spent in report.seconds.items() if rows[stage] and spent > 0]
    by_stage = f"；各步每秒：{'，'.join(stages)}" if stages else ""
    memory = peak_memory()
    held = f"；内存最多 {memory:,} MB" if memory else ""
    return f"用时 {report.elapsed:,.1f} 秒，每秒 {report.rate:,.1f} 封{by_stage}{held}；模型 {report.model_version}"


def peak_memory() -> int:
    """The most memory this process has held, in MB; 0 where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // 1_000_000


def _table(report: RunReport) -> list[str]:
    labels = load_labels()
    levels = range(len(labels.level_names))
    issues = [issue for issue in labels.issues if any((issue, level) in report.table for level in levels)]
    lines = [_line("问题类别", [*labels.level_names, "合计"])]
    for issue in issues:
        row = [report.table.get((issue, level), 0) for level in levels]
        lines.append(_line(issue, [f"{count:,}" if count else "-" for count in row] + [f"{sum(row):,}"]))
    sums = [sum(report.table.get((issue, level), 0) for issue in issues) for level in levels]
    return [*lines, _line("合计", [f"{count:,}" for count in [*sums, sum(sums)]])]


def _line(name: str, cells: Sequence[str]) -> str:
    return pad(name, 16) + "".join(" " * (10 - width(cell)) + cell for cell in cells)


def _emerging(report: RunReport) -> list[str]:
    """What is starting, each with its own explanation."""
    head = f"苗头看板：本次的信分属 {report.matters:,} 个事项，新冒头的有 {len(report.emerging)} 个"
    lines = [f"{at:>2}. {trend.text}" for at, trend in enumerate(report.emerging, 1)]
    return [head, *lines, ""] if report.matters else []


def _top(report: RunReport) -> list[str]:
    if not report.top:
        return []
    return [f"最不能等的 {len(report.top)} 件（{'全部待办中' if report.queue else '本批中'}）", *listed(report.top), ""]


def listed(ranked_letters: Sequence[Ranked]) -> list[str]:
    """Letters of the queue in order, each with place, masked heading, signals, reasons and telling sentences."""
    labels = load_labels()
    lines = []
    for place, ranked in enumerate(ranked_letters, 1):
        issue, level = labels.issues[int(ranked.score.issue.argmax())], labels.level_names[ranked.score.level]
        signals = "、".join(ranked.score.said(labels.signal_names)) or "无明显迹象"
        lines += [
            f"{place:>2}. {_value(ranked)}  {pad(issue, 14)}  {pad(level, 8)}  {ranked.due_on} 前登记  {ranked.letter_id}",
            f"    {'  '.join(part for part in (ranked.place, ranked.unit and f'→ {ranked.unit}', ranked.matter_id and f'事项 {ranked.matter_id}') if part)}",
            f"    {shorten(ranked.title, TITLE_WIDTH)}",
            f"    迹象：{signals}",
            f"    因由：{render(ranked.priority, SHOWN_SHARE)}",
            *_quoted(ranked),
        ]
    return lines


def _quoted(ranked: Ranked) -> list[str]:
    """The telling sentences, each once, with the answers it carried."""
    names = {RISK: "紧要程度"} | dict(zip(load_labels().signals, load_labels().signal_names, strict=True))
    carried: dict[str, list[str]] = {}
    for one in ranked.evidence:
        carried.setdefault(one.sentence, []).append(names[one.answer])
    return [
        f"    原话：“{shorten(' '.join(sentence.split()), TITLE_WIDTH)}”（{'、'.join(answers)}）" for sentence, answers in carried.items()
    ]


def _value(ranked: Ranked) -> str:
    if ranked.human_priority is not None:
        return f"{ranked.human_priority:5.1f}（人工）"
    return f"{ranked.priority.value:5.1f}"


def _places(report: RunReport) -> list[str]:
    places = {"结果": report.out, "退回": report.rejects, "队列": report.queue}
    notes = {"退回": f"（{report.counts.rejected:,} 条，每条写明了原因）"}
    return [f"{name}：{place}{notes.get(name, '')}" for name, place in places.items() if place]


def width(text: str) -> int:
    """Columns a text takes in a terminal: Chinese signs take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def pad(text: str, columns: int) -> str:
    return text + " " * max(columns - width(text), 0)


def shorten(text: str, columns: int) -> str:
    if width(text) <= columns:
        return text
    while width(text) > columns - 2:
        text = text[:-1]
    return text + "……"


class Progress:
    """A bar on a terminal; elsewhere (cron, a log) a plain line now and then."""

    def __init__(self, shown: bool) -> None:
        from tqdm import tqdm

        self._bar = tqdm(unit=" 封", desc="评分", disable=not (shown and sys.stderr.isatty()))
        self._plain = shown and not sys.stderr.isatty()
        self._count, self._start = 0, time.monotonic()
        self._said = self._start

    def add(self, letters: int) -> None:
        self._bar.update(letters)
        self._count += letters
        now = time.monotonic()
        if self._plain and now - self._said >= PLAIN_EVERY:
            self._said = now
            print(f"已处理 {self._count:,} 封，每秒 {self._count / (now - self._start):,.0f} 封", file=sys.stderr, flush=True)

    def close(self) -> None:
        self._bar.close()
