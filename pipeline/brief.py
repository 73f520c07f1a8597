"""The night's brief (苗头专报): what a leader reads before a joint meeting or a reception day. What began, what cannot wait, what is overdue, counts.

python -m pipeline.matters.trends [--queue URL] [--out DIR] [--day YYYY-MM-DD]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from pipeline.desk.services.store import Store
from pipeline.errors import ZhiweiError
from pipeline.intake.letter import SHANGHAI
from pipeline.matters.matter import Matter
from pipeline.matters.trends import Trend
from pipeline.output import draft_of, writing
from pipeline.report import listed, pad, shorten, width
from pipeline.scoring.labels import load_labels
from pipeline.settings import load_settings
from pipeline.triage.policy import Ranked

DAY, WEEK, EARLIER = timedelta(days=1), timedelta(days=7), timedelta(days=30)
WEEKS, TOP = 12, 10
CARDS, LINES = 5, 10
"""Tendencies told in full, and in one line each; of more only the number is given."""
TITLE = 56
"""Columns of a title."""
WHOLE = 10_000
HEADING, WHAT = "信访苗头专报", "事情"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What is known on a day. Masked throughout.

    Attributes:
        day: the last day counted. made_at: when the queue was read; what waits is as of then.
        waiting: open letters by level.
        received, before: letters of the seven days up to `day` and of the seven before, by issue and level.
        weeks: letters of each seven days, the last ones up to `day`, oldest first.
        emerging: tendencies that began in those seven days, the least usual first; earlier: those of the thirty days before, newest first.
        urgent: the open letters that come first. overdue: the first of the open letters past their day of registration, overdue_total: how many there are.
        matters: of two letters and more, by falling risk.
    """

    day: date
    made_at: datetime
    waiting: Mapping[int, int]
    received: Mapping[tuple[str, int], int]
    before: Mapping[tuple[str, int], int]
    weeks: Sequence[int]
    emerging: Sequence[Trend]
    earlier: Sequence[Trend]
    urgent: Sequence[Ranked]
    overdue: Sequence[Ranked]
    overdue_total: int
    matters: Sequence[Matter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, what its numbers count, and a table. A cell may have lines; `shares` are the columns' widths, `right` the columns of numbers."""

    title: str
    note: str
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    shares: Sequence[int] = ()
    right: frozenset[int] = frozenset()


def gather(store: Store, today: date) -> Brief:
    """Read the brief of a day from the queue."""
    ends = [today - back * WEEK for back in range(WEEKS)]
    received = [store.received(end - WEEK + DAY, end) for end in ends]
    told = store.matters.trends(today - WEEK - EARLIER + DAY)
    began = {trend.key: trend for trend in reversed(told) if trend.on <= today}.values()  # of one told twice the later
    overdue, total = store.overdue(today, TOP)
    return Brief(
        day=today,
        made_at=datetime.now(SHANGHAI),
        waiting=store.waiting(),
        received=received[0],
        before=received[1],
        weeks=_since_first([sum(week.values()) for week in reversed(received)]),
        emerging=sorted((one for one in began if one.on > today - WEEK), key=lambda one: (one.p, one.key)),
        earlier=sorted((one for one in began if one.on <= today - WEEK), key=lambda one: (-one.on.toordinal(), one.p, one.key)),
        urgent=store.top(TOP),
        overdue=overdue,
        overdue_total=total,
        matters=store.matters.top(TOP),
    )


def _since_first(weeks: Sequence[int]) -> list[int]:
    """Without the weeks before the queue's first letters; the last two always."""
    first = next((at for at, count in enumerate(weeks) if count), len(weeks))
    return list(weeks[min(first, len(weeks) - 2) :])


def said(day: date, today: date) -> str:
    """A day as people say it; with the year when it is not today's."""
    return f"{day.month}月{day.day}日" if day.year == today.year else f"{day.year}年{day.month}月{day.day}日"


def tidy(text: str, columns: int = TITLE) -> str:
    """One line, shortened, of signs that can be printed: a Word file refuses others."""
    line = "".join(sign for sign in " ".join(text.split()) if sign.isprintable())
    return shorten(line[: columns + 1], columns)


def as_of(brief: Brief) -> str:
    """What day the numbers are of."""
    made = f"{said(brief.made_at.date(), brief.day)}{brief.made_at:%H:%M}"
    return f"来信数量截至{said(brief.day, brief.day)}（含当天）；待办和事项取自{made}的队列，是否过期按{said(brief.day, brief.day)}算。"


def figures(brief: Brief) -> list[tuple[str, str, str]]:
    """(name, number, what stands beside it): the whole in four numbers."""
    now, before, waiting = sum(brief.received.values()), sum(brief.before.values()), sum(brief.waiting.values())
    change = f"多 {now - before:,} 封" if now > before else f"少 {before - now:,} 封" if now < before else "持平"
    levels = list(enumerate(load_labels().level_names))[::-1]
    return [
        ("近7天来信", f"{now:,} 封", f"前7天 {before:,} 封，{change}"),
        ("近7天新冒头的问题", f"{len(brief.emerging)} 个", f"此前30天冒头 {len(brief.earlier)} 个"),
        ("待办", f"{waiting:,} 封", "，".join(f"{name} {brief.waiting.get(level, 0):,}" for level, name in levels)),
        ("已过登记期限", f"{brief.overdue_total:,} 封", "收到满15日，仍在待办"),
    ]


def emerging(brief: Brief) -> Section:
    """The heading of what began; its tendencies are told by `card`, those beyond CARDS in the table."""
    told = "下面是与往常相比来信人数明显偏多的事，最不寻常的在前。" if brief.emerging else "近7天没有新冒头的问题。"
    return _trends(f"一、近7天新冒头的问题（{len(brief.emerging)} 个）", told, brief.emerging[CARDS:], brief.day)


def earlier(brief: Brief) -> Section:
    """What began in the thirty days before, a line each."""
    begin, end = (said(day, brief.day) for day in (brief.day - WEEK - EARLIER + DAY, brief.day - WEEK))
    return _trends(f"此前30天冒头的（{len(brief.earlier)} 个，{begin}至{end}）", "", brief.earlier, brief.day)


def _trends(title: str, note: str, trends: Sequence[Trend], today: date) -> Section:
    rows = [
        (tidy(one.title), tidy(one.place) or "—", said(one.on, today), f"{one.writers} 人 {one.seen} 封", f"{usual(one)} 人")
        for one in trends[:LINES]
    ]
    note += f"另有 {len(trends) - LINES} 个没有列出。" if len(trends) > LINES else ""
    return Section(title=title, note=note, head=(WHAT, "地方", "冒头", "来信", "往常"), rows=rows, shares=(46, 18, 12, 14, 10))


def usual(trend: Trend) -> str:
    """The writers that would be ordinary."""
    return f"{trend.expected:.1f}" if trend.expected >= 0.05 else "不到 0.1"


def weeks(brief: Brief) -> list[tuple[str, int]]:
    """(last day, letters) of each seven days, oldest first."""
    return [(said(end, end), count) for back, count in enumerate(reversed(brief.weeks)) for end in [brief.day - back * WEEK]][::-1]


def text(brief: Brief) -> str:
    """The brief for a terminal."""
    from pipeline.brief_page import sections

    def shown(section: Section) -> list[str]:
        return [*(part for part in (section.title, section.note) if part), *_columns(section)]

    began, before, urgent, *others = emerging(brief), earlier(brief), *sections(brief)
    parts = [
        f"{HEADING}　{said(brief.day, date.min)}", as_of(brief), "",
        *(f"{pad(name, 20)}{number}（{beside}）" for name, number, beside in figures(brief)), "",
        began.title, began.note, *(f"{at:>2}. {tidy(one.text, WHOLE)}" for at, one in enumerate(brief.emerging[:CARDS], 1)), *_columns(began), "",
        *([*shown(before), ""] if before.rows else []),
        urgent.title, urgent.note, *listed(brief.urgent), "",
        *(line for section in others for line in (*shown(section), "")),
        f"每7天来信（封，按最后一天记）：{'；'.join(f'{end} {count:,}' for end, count in weeks(brief))}",
    ]  # fmt: skip
    return "\n".join(parts)


def _columns(section: Section) -> list[str]:
    """The table, a line a row."""
    if not section.rows:
        return []
    table = [[cell.replace("\n", "  ") for cell in row] for row in (section.head, *section.rows)]
    widths = [max(map(width, column)) for column in zip(*table, strict=True)]

    def cell(at: int, shown: str) -> str:
        return " " * (widths[at] - width(shown)) + shown if at in section.right else pad(shown, widths[at])

    return ["  ".join(cell(at, shown) for at, shown in enumerate(row)) for row in table]


def write(brief: Brief, folder: Path) -> tuple[Path, Path]:
    """Write the page and the Word file, each whole or not at all; returns their paths. Raises OutputError."""
    from pipeline.brief_docx import docx
    from pipeline.brief_page import html

    page, document = (folder / f"专报-{brief.day}{ending}" for ending in (".html", ".docx"))
    drafts = {draft_of(page): page, draft_of(document): document}
    try:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            draft_of(page).write_text(html(brief), encoding="utf-8")
            docx(brief, draft_of(document))
            for draft, place in drafts.items():
                os.replace(draft, place)
    finally:
        for draft in drafts:
            with suppress(OSError):
                draft.unlink()
    return page, document


def _day(value: str) -> date:
    with suppress(ValueError):
        day = date.fromisoformat(value)
        if 2000 <= day.year < 2100:
            return day
    raise argparse.ArgumentTypeError(f"expected a day like 2026-03-20, found {value!r}")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pipeline.matters.trends", description="Write the night's brief for a leader.")
    parser.add_argument("--queue", metavar="URL", help="default: the setting (sqlite:///var/zhiwei.db)")
    parser.add_argument("--out", type=Path, default=Path("var/brief"), metavar="DIR", help="folder of the two files (default: var/brief)")
    parser.add_argument("--day", type=_day, metavar="YYYY-MM-DD", help="the last day counted (default: that of the newest letter)")
    arguments = parser.parse_args(argv)
    try:
        settings = load_settings()
        with Store.open(arguments.queue or settings.queue, wait=settings.lock_wait) as store:
            last = store.matters.last_day()
            if last is None and not store.waiting():
                print("队列是空的，还没有来信可写进专报：先用 predict.py 打分入队。")
                return 0
            brief = gather(store, arguments.day or last or datetime.now(SHANGHAI).date())
        page, document = write(brief, arguments.out)
    except ZhiweiError as exc:
        print(f"brief: {exc}", file=sys.stderr)
        return 2
    print(f"{text(brief)}\n\n网页：{page}\n文档：{document}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
