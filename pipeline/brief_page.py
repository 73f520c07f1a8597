"""The brief as one self-contained page, for the screen and for A4 paper; and the cards and tables that the Word file shares with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape

from pipeline.brief import CARDS, DAY, HEADING, WEEK, WHAT, Brief, Section, as_of, earlier, emerging, figures, said, tidy, usual, weeks
from pipeline.intake.letter import SHANGHAI
from pipeline.matters.linking import matter_name
from pipeline.matters.matter import Matter
from pipeline.matters.trace import MASK
from pipeline.matters.trends import Trend
from pipeline.scoring.labels import load_labels
from pipeline.triage.policy import REST, TENTHS, Ranked

LINE, REASONS = 90, 3
NUMBER, SUM = "编号", "合计"
KINDS = {"matter": "同一事项", "word": "新说法", "place": "一地一类问题", "signal": "一类问题的新迹象"}
WEEKDAYS, INSIDE = "一二三四五六日", "内部参考，请勿外传"
NOTES = (
    "只看事情，不看人：来信人只计人数，个人信息已隐去。类别、等级、迹象由程序判读，供参考，如何办理由人决定。",
    "等级：“紧急”是今明两日内要有人过问的；“苗头”是放着不管可能扩大的。",
    "“往常”：同类事项、同样新的说法到这时一般有几人来信；按地方、迹象统计的，是它往常的情况。数字截至冒头那天。",
    "登记期限：收到之日起15日（《信访工作条例》第二十二条）。“已过期限”指过了这一天仍在待办的来信。",
    "“继续发展的可能”：属于苗头、或90天内又有新的人来信的可能，由程序按以往情况估计，只用来排先后。",
    "没有收到日期的来信计入待办，不计入来信数量和新冒头的问题。",
)
STYLE = """
*{box-sizing:border-box}
body{font:16px/1.65 "Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei","PingFang SC",sans-serif;color:#222;max-width:1060px;margin:0 auto;padding:24px 28px 48px;background:#fff}
h2+p{break-after:avoid}h1,h2,h3{font-family:"Noto Serif CJK SC","Source Han Serif SC",SimSun,serif;line-height:1.4;break-after:avoid}
h1{font-size:32px;letter-spacing:.12em;text-align:center;color:#a61b1b;margin:0}
h2{font-size:21px;margin:34px 0 6px;padding-bottom:5px;border-bottom:1px solid #bbb}h3{font-size:17px;margin:0}
header{border-bottom:3px double #a61b1b;padding-bottom:10px;text-align:center}p{margin:4px 0}.soft{color:#666;font-size:14px}
.figures{display:flex;gap:14px;margin:18px 0 0}
.figures div{flex:1 1 auto;border:1px solid #ddd;border-radius:4px;padding:10px 14px}
.figures b{display:block;font-size:28px;line-height:1.35;font-variant-numeric:tabular-nums}
.card{display:flex;gap:20px;justify-content:space-between;padding:12px 0;border-bottom:1px solid #e4e4e4;break-inside:avoid}
.card svg{flex:none;width:250px;height:70px;margin-top:4px}
table{border-collapse:collapse;width:100%;table-layout:fixed;margin:10px 0;font-size:14.5px;line-height:1.5}
th,td{border-bottom:1px solid #ddd;padding:6px 8px;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{border-bottom:2px solid #999;font-weight:600;color:#444}
thead{display:table-header-group}tr{break-inside:avoid}td b{font-weight:600}
.right{text-align:right;font-variant-numeric:tabular-nums}td small,.card small{color:#777;font-size:12.5px}
.sum td{border-top:2px solid #999;font-weight:600}
.level{white-space:nowrap;border:1px solid #999;border-radius:3px;padding:0 5px;font-size:13px}
.level3{color:#fff;background:#a61b1b;border-color:#a61b1b}.level2{color:#8a4b00;border-color:#c98a2b}
summary{cursor:pointer;margin-top:14px;font-weight:600}.fold{display:none}details[open]+.fold{display:block}
figure{margin:12px 0}figcaption{color:#666;font-size:14px}figure svg{max-width:100%;height:auto}svg text{font-size:13px;fill:#444}
.now{fill:#a61b1b}.usual{fill:#b5b5b5}.week{fill:#8fa3b5}.last{fill:#3e5f7d}
ol.notes{color:#555;font-size:13.5px;padding-left:1.6em;border-top:1px solid #bbb;padding-top:10px;margin-top:30px;break-inside:avoid}
@page{size:A4;margin:13mm 15mm 14mm;@bottom-center{content:"— " counter(page) " —";font-size:10pt}}@media print{
body{font-size:10pt;line-height:1.4;max-width:none;padding:0}
h1{font-size:21pt}h2{font-size:13pt;margin:11pt 0 3pt;padding-bottom:2pt}h3{font-size:11pt}p{margin:1pt 0}figure,table{margin:4pt 0}figure svg{max-width:125mm}td small{display:inline-block}.own,.level+br{display:none}.level{margin-right:.4em}
table{font-size:9pt;line-height:1.3}th,td{padding:1.5px 5px}td small,.card small{font-size:8.5pt}
.figures{margin-top:8pt;gap:6px;font-size:9.5pt}.figures b{font-size:16pt}.figures div{padding:4px 8px}.soft,figcaption,ol.notes{font-size:9pt}.level{font-size:8.5pt}.figures .soft{font-size:8pt}ol.notes{margin:6pt 0 0;padding-top:4pt;font-size:8.5pt}
.card svg{width:190px;height:53px}.card{padding:4px 0}summary{list-style:none}summary::-webkit-details-marker{display:none}summary i{display:none}.fold{display:block}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""


def html(brief: Brief) -> str:
    """The whole page."""
    urgent, overdue, matters, received = sections(brief)
    body = [
        f"<header><h1>{HEADING}</h1><p>{day_line(brief)}</p><p class=soft>{escape(as_of(brief))}{INSIDE}。</p></header>",
        _figures(brief), _emerging(brief), *map(_section, (urgent, overdue, matters)), _section(received, _weeks(brief)),
        f"<ol class=notes>{''.join(f'<li>{escape(note)}</li>' for note in NOTES)}</ol>",
    ]  # fmt: skip
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{HEADING} {brief.day}</title><style>{STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def day_line(brief: Brief) -> str:
    """The day with its weekday."""
    return f"{said(brief.day, date.min)}（星期{WEEKDAYS[brief.day.weekday()]}）"


def _figures(brief: Brief) -> str:
    tiles = (
        f"<div>{escape(name)}<b>{escape(number)}</b><span class=soft>{escape(beside)}</span></div>"
        for name, number, beside in figures(brief)
    )
    return f"<div class=figures>{''.join(tiles)}</div>"


def _emerging(brief: Brief) -> str:
    shown, before = brief.emerging[:CARDS], earlier(brief)
    most = max([1.0, *(max(one.writers, one.expected) for one in shown)])
    cards = "".join(_card(at, one, brief.day, most) for at, one in enumerate(shown, 1))
    began = emerging(brief)
    folded = f"<details><summary>{escape(before.title)}<i class=soft>　点开查看</i></summary></details><div class=fold>{_note(before)}{_table(before)}</div>"
    return f"<h2>{escape(began.title)}</h2>{_note(began)}{cards}{_table(began)}{folded if before.rows else ''}"


def _card(at: int, trend: Trend, today: date, most: float) -> str:
    title, where, (count, *lines) = card(trend, today)
    told = f"<p>{escape(count)}</p>" + "".join(f"<p class=soft>{escape(line)}</p>" for line in lines)
    return f"<div class=card><div><h3>{at}. {escape(title)}</h3><small>{escape(where)}</small>{told}</div>{_bars(trend, most)}</div>"


def _bars(trend: Trend, most: float) -> str:
    """Writers that would be ordinary above those that wrote; `most` is the length of a whole bar."""
    told = f"往常约 {usual(trend)} 人，这次 {trend.writers} 人"
    drawn = ""
    for y, name, kind, count, number in (
        (6, "往常", "usual", trend.expected, usual(trend)),
        (38, "这次", "now", trend.writers, str(trend.writers)),
    ):
        length = max(120 * count / most, 1.5)
        drawn += f'<text x=0 y={y + 17}>{name}</text><rect class={kind} x=38 y={y} width="{length:.1f}" height=24 /><text x="{length + 46:.1f}" y={y + 17}>{number} 人</text>'
    return f'<svg viewBox="0 0 250 70" role=img aria-label="{escape(told)}">{drawn}</svg>'


def _weeks(brief: Brief) -> str:
    """A bar for each seven days."""
    told, step = weeks(brief), 78
    most = max(1, *(count for _, count in told))
    drawn = ""
    for at, (end, count) in enumerate(told):
        height, middle = 110 * count / most, at * step + step // 2
        kind = "last" if at == len(told) - 1 else "week"
        drawn += f'<rect class={kind} x={middle - 22} y="{132 - height:.1f}" width=44 height="{height:.1f}" /><text x={middle} y="{126 - height:.1f}" text-anchor=middle>{count:,}</text><text x={middle} y=150 text-anchor=middle>{escape(end)}</text>'
    caption = "每7天来信（封），下面是各7天的最后一天；颜色深的是近7天。"
    return f'<figure><svg width={step * len(told)} height=158 viewBox="0 0 {step * len(told)} 158" role=img aria-label="每7天来信">{drawn}</svg><figcaption>{caption}</figcaption></figure>'


def _section(section: Section, picture: str = "") -> str:
    return f"<h2>{escape(section.title)}</h2>{_note(section)}{picture}{_table(section)}"


def _note(section: Section) -> str:
    return f"<p class=soft>{escape(section.note)}</p>" if section.note else ""


def _table(section: Section) -> str:
    if not section.rows:
        return ""
    columns = "".join(f'<col style="width:{share}%">' for share in section.shares)
    aligned = [" class=right" if at in section.right else "" for at in range(len(section.head))]
    head = "".join(f"<th{kind}>{escape(cell)}</th>" for kind, cell in zip(aligned, section.head, strict=True))
    rows = ""
    for row in section.rows:
        cells = (f"<td{kind}>{_cell(name, cell)}</td>" for kind, name, cell in zip(aligned, section.head, row, strict=True))
        rows += f"<tr{' class=sum' if row[0] == SUM else ''}>{''.join(cells)}</tr>"
    return f"<table><colgroup>{columns}</colgroup><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(name: str, cell: str) -> str:
    drawn = {"": "{}", WHAT: "<b>{}</b>", NUMBER: "<small>{}</small>"}
    tags = {level: f'<span class="level level{at}">{{}}</span>' for at, level in enumerate(load_labels().level_names)}
    told = "<br>".join((drawn | tags)[kind].format(escape(line)) for line, kind in lines_of(name, cell))
    return told.replace("<br><small>", "<br class=own> <small>")


def lines_of(name: str, cell: str) -> list[tuple[str, str]]:
    """The lines of a cell in the column of that name, each with what it is: WHAT, NUMBER, the name of a level, or nothing of these."""
    first, *others = cell.split("\n")
    if name == WHAT:
        return [(first, WHAT), *((line, "") for line in others[:-1]), *((line, NUMBER) for line in others[-1:])]
    return [(line, line if line in load_labels().level_names else "") for line in (first, *others)]


def card(trend: Trend, today: date) -> tuple[str, str, list[str]]:
    """A tendency's title, what and where it is, and its lines."""
    where = [KINDS.get(trend.kind, ""), tidy(trend.place), f"{NUMBER} {tidy(trend.matter_id)}" if trend.matter_id else ""]
    read = "；".join(f"{tidy(title)}（{tidy(letter_id)}）" for letter_id, title in trend.letters)
    span = f"{said(trend.since, today)}至{said(trend.on, today)}" if trend.since < trend.on else said(trend.on, today)
    lines = [
        f"{span}：{trend.writers} 人来信 {trend.seen} 封，往常约 {usual(trend)} 人。",
        trend.words and f"信里共同的词：{'、'.join(map(tidy, trend.words))}。",
        read and f"可先看：{read}。",
        tidy(trend.like, 2 * LINE),
    ]
    return tidy(trend.title), " · ".join(part for part in where if part), [line for line in lines if line]


def sections(brief: Brief) -> list[Section]:
    """What comes after the tendencies, in the order of reading: what cannot wait, what is overdue, matters, counts."""
    return [_urgent(brief), _overdue(brief), _matters(brief), _received(brief)]


def _urgent(brief: Brief) -> Section:
    rows = [(str(at), _what(one), _why(one), _whose(one, brief.day)) for at, one in enumerate(brief.urgent, 1)]
    note = "全部待办里排在最前面的；人工定过先后的，以人工为准。" if rows else "没有待办的来信。"
    return Section(
        title=f"二、最不能等的 {len(rows)} 件", note=note,
        head=("", WHAT, "为什么不能等", "去向和期限"), rows=rows, shares=(4, 34, 36, 26),
    )  # fmt: skip


def _what(ranked: Ranked) -> str:
    """What it is, and the most telling of its sentences that says nothing of a single person, that is, holds no mask."""
    telling = [one for one in ranked.evidence if not MASK.search(one.sentence) and tidy(one.sentence) not in ("", tidy(ranked.title))]
    quoted = f"“{tidy(max(telling, key=lambda one: one.fall).sentence, LINE)}”" if telling else ""
    of_others = ranked.matter_id not in ("", matter_name(ranked.letter_id))
    number = f"{NUMBER} {tidy(ranked.letter_id)}" + (f" · 事项 {tidy(ranked.matter_id)}" if of_others else "")
    return "\n".join(part for part in (tidy(ranked.title), quoted, number) if part)


def _why(ranked: Ranked) -> str:
    by_person = ["人工定的先后"] if ranked.human_priority is not None else []
    return "；".join(by_person + [reason.text for reason in ranked.priority.reasons if reason.text != REST][:REASONS]) + "。"


def _whose(ranked: Ranked, today: date) -> str:
    level = load_labels().level_names[ranked.score.level]
    came = f"{said(ranked.received_at.astimezone(SHANGHAI).date(), today)}收到" if ranked.received_at else "收到日期不详"
    late = f"，已过 {_late(ranked, today)} 天" if ranked.due_on < today else ""
    return "\n".join(part for part in (level, _towards(ranked), f"{came}，{said(ranked.due_on, today)}前登记{late}") if part)


def _towards(ranked: Ranked) -> str:
    return " → ".join(part for part in (tidy(ranked.place), tidy(ranked.unit)) if part)


def _late(ranked: Ranked, today: date) -> int:
    return (today - ranked.due_on).days


def _overdue(brief: Brief) -> Section:
    names = load_labels().level_names
    rows = [
        (
            tidy(one.title), tidy(one.letter_id), names[one.score.level], _towards(one) or "—", said(one.due_on, brief.day),
            f"{_late(one, brief.day)} 天",
        )
        for one in brief.overdue
    ]  # fmt: skip
    note = f"最不能等的在前，列 {len(rows)} 封。" if rows else "没有过期的来信。"
    return Section(
        title=f"三、已过登记期限、仍在待办的（共 {brief.overdue_total:,} 封）", note=note,
        head=(WHAT, NUMBER, "等级", "地方和去向", "登记期限", "已过"), rows=rows, shares=(35, 14, 10, 24, 10, 7), right=frozenset({5}),
    )  # fmt: skip


def _matters(brief: Brief) -> Section:
    rows = [
        (
            f"{tidy(one.title)}\n{NUMBER} {tidy(one.matter_id)}", _place(one.places, one.issue), _signals(one), _span(one, brief.day),
            f"{one.letters:,} 封", f"{one.writers:,} 人", _chance(one.risk),
        )
        for one in brief.matters
    ]  # fmt: skip
    return Section(
        title=f"四、多封来信的事项（{len(rows)} 个）",
        note="同一件事有两封以上来信的，按继续发展的可能从大到小。" if rows else "没有两封以上来信的事项。",
        head=(WHAT, "地方和类别", "信里说到", "首封和最近一封", "来信", "来信人", "继续发展的可能"),
        rows=rows, shares=(32, 16, 13, 15, 7, 7, 10), right=frozenset({4, 5, 6}),
    )  # fmt: skip


def _place(places: Sequence[str], issue: str) -> str:
    more = f"等 {len(places)} 处" if len(places) > 1 else ""
    return "\n".join([*(tidy(place) + more for place in places[:1]), issue])


def _signals(matter: Matter) -> str:
    names = dict(zip(load_labels().signals, load_labels().signal_names, strict=True))
    return "、".join(names[signal] for signal in matter.signals) or "—"


def _span(matter: Matter, today: date) -> str:
    return "\n".join(dict.fromkeys("—" if day == date.min else said(day, today) for day in (matter.first_on, matter.last_on)))


def _chance(p: float) -> str:
    tenths = round(p * 10)
    return "不到一成" if tenths == 0 else "九成以上" if tenths == 10 else f"约{TENTHS[tenths]}成"


def _received(brief: Brief) -> Section:
    names = load_labels().level_names
    levels = range(len(names))[::-1]
    issues = sorted((name for name in load_labels().issues if _sum(brief.received, name) + _sum(brief.before, name)), key=lambda name: -_sum(brief.received, name))  # fmt: skip
    rows = [
        (
            issue or SUM, f"{_sum(brief.received, issue):,}", f"{_sum(brief.before, issue):,}",
            _change(_sum(brief.received, issue) - _sum(brief.before, issue)), *(f"{_sum(brief.received, issue, level):,}" for level in levels),
        )
        for issue in [*issues, ""]
    ]  # fmt: skip
    spans = [f"{said(end - WEEK + DAY, brief.day)}至{said(end, brief.day)}" for end in (brief.day, brief.day - WEEK)]
    head = ("问题类别", "近7天", "前7天", "增减", *(f"{'其中' if level == levels[0] else ''}{names[level]}" for level in levels))
    note = f"按收到日期计：近7天是{spans[0]}，前7天是{spans[1]}；后四列是近7天的。单位：封。"
    return Section(title="五、来信数量", note=note, head=head, rows=rows, shares=(23, 11, 11, 11, 11, 11, 11, 11), right=frozenset(range(1, 8)))  # fmt: skip


def _sum(received: Mapping[tuple[str, int], int], issue: str = "", level: int | None = None) -> int:
    """Letters of an issue (all when empty) and a level (all when None)."""
    return sum(count for (name, at), count in received.items() if issue in ("", name) and level in (None, at))


def _change(more: int) -> str:
    return f"{more:+,}".replace("-", "−") if more else "0"
