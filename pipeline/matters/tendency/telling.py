"""A flag explains itself: what, where, since when, how many against how many, the words, the letters, what like matters did. In Chinese."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from statistics import median

from pipeline.matters.matter import Sighting
from pipeline.matters.tendency.trend import MATTER, PLACE, SIGNAL, WORD, Found, Thing, Trend, cell_name, parts, writer_of
from pipeline.scoring.labels import load_labels

GROWN = 5
"""Letters of a matter that has grown; of one that has so many already, twice as many."""
WATCHED = timedelta(days=90)
"""A matter that has not grown counts among the like ones only when it had so long to grow."""
WORDS, LETTERS, TITLE, HEADING = 5, 3, 24, 40
BACKGROUND = 0.05
"""A word in more than this share of all letters tells nothing."""


def tell(found: Sequence[Found], letters: Sequence[Sighting], matters: Sequence[Thing], today: date) -> list[Trend]:
    """The flags with titles, words, telling letters and whole texts. letters: all that are watched; matters: all of them."""
    shared = [_shared(one.letters) for one in found]
    wanted = {term for terms in shared for term in terms}
    everywhere = Counter(term for letter in letters for term in wanted.intersection(letter.terms)) if wanted else Counter()
    return [
        _told(one, _weights(one, terms, everywhere, len(letters)), letters, matters, today)
        for one, terms in zip(found, shared, strict=True)
    ]


def _told(one: Found, weight: dict[str, float], letters: Sequence[Sighting], matters: Sequence[Thing], today: date) -> Trend:
    shown, trend = _telling(one.letters, weight), one.trend
    words = tuple(dict.fromkeys([*trend.words, *sorted(weight, key=lambda term: (-weight[term], term))]))[:WORDS]
    trend = replace(
        trend,
        title=_title(trend, one.letters[0].issue, shown[0]),
        words=words,
        letters=tuple((letter.letter_id, _short(letter.title, HEADING)) for letter in shown),
        like=_like_matters(one, matters, today) if trend.kind in (MATTER, WORD) else _like_weeks(one, letters, today),
    )
    return replace(trend, text=_text(trend, one.letters[0].issue))


def _shared(inside: Sequence[Sighting]) -> Counter[str]:
    """How many writers used each word that two of them share."""
    by_writers = Counter(term for _, term in {(writer_of(s), term) for s in inside for term in s.terms})
    return Counter({term: count for term, count in by_writers.items() if count > 1 and len(term) > 1})


def _weights(one: Found, shared: Counter[str], everywhere: Counter[str], letters: int) -> dict[str, float]:
    """Of each shared word that is rare elsewhere: its writers' share of these letters * ln(1 + how rare it is among all)."""
    limit = max(BACKGROUND * letters, len(one.letters))
    return {
        term: count / len(one.letters) * math.log(1 + letters / everywhere[term])
        for term, count in shared.items()
        if everywhere[term] <= limit
    }


def _telling(inside: Sequence[Sighting], weight: dict[str, float]) -> list[Sighting]:
    """The letters that hold most of the shared words, of different writers."""
    ranked = sorted(inside, key=lambda s: (-sum(weight.get(term, 0.0) for term in set(s.terms)), -s.risk, s.letter_id))
    first = {writer_of(s): s for s in reversed(ranked)}
    return sorted(first.values(), key=ranked.index)[:LETTERS]


def _short(text: str, size: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= size else text[: size - 1] + "…"


def _title(trend: Trend, issue: str, first: Sighting) -> str:
    if trend.kind == MATTER:
        return _short(first.title, TITLE) or issue
    if trend.kind == WORD:
        return f"新词“{trend.title}”"
    part = trend.title.split(" ", 1)[1]
    return f"{part.rsplit('/', 1)[-1]}：{issue}" if trend.kind == PLACE else f"{issue}：{_signal(part)}"


def _signal(name: str) -> str:
    labels = load_labels()
    return labels.signal_names[labels.signals.index(name)]


def _like_matters(one: Found, matters: Sequence[Thing], today: date) -> str:
    """Of earlier matters that had as many writers, how many grew on, and how fast."""
    size, own = one.trend.writers, {s.letter_id for s in one.letters}
    goal = GROWN if len(one.letters) < GROWN else 2 * len(one.letters)
    waits: list[int | None] = []
    for matter in matters:
        if len(matter.arrivals) < size or matter.letters[0].letter_id in own or matter.name == one.trend.matter_id:
            continue
        at = matter.born + timedelta(days=matter.arrivals[size - 1])
        grown = matter.letters[goal - 1].day if len(matter.letters) >= goal else None
        if at < today and (grown or today - at >= WATCHED):
            waits.append(max((grown - at).days, 0) if grown else None)
    grew = [wait for wait in waits if wait is not None]
    if not waits:
        return f"以往还没有事项到过{size}人来信。"
    stood = f"以往有{len(waits)}件事项也曾到{size}人来信，其中"
    return f"{stood}{len(grew)}件后来满{goal}封，从那时起一般再过{median(grew):.0f}天。" if grew else f"{stood}没有一件后来满{goal}封。"


def _like_weeks(one: Found, letters: Sequence[Sighting], today: date) -> str:
    """The most writers of an earlier block of as many days."""
    trend = one.trend
    days = (today - trend.since).days + 1
    issue = one.letters[0].issue
    inside = [
        s
        for s in letters
        if s.issue == issue and s.day < trend.since and any(cell_name(s.issue, part) == trend.title for part in parts(s, trend.kind))
    ]
    blocks = Counter(block for block, _ in {((today - s.day).days // days, writer_of(s)) for s in inside})
    return f"此前{'一周' if days == 7 else '一天'}最多{max(blocks.values(), default=0)}人。"


def _text(trend: Trend, issue: str) -> str:
    where = f"，{trend.place}" if trend.place else ""
    span = (trend.on - trend.since).days + 1
    count = f"自{trend.since.year}年{trend.since.month}月{trend.since.day}日起{span}天内，{trend.writers}人来信{trend.seen}封"
    usual = {MATTER: "同类事项到这时平均", WORD: "一个新词到这时平均", PLACE: "按往常应有", SIGNAL: "按往常应有"}[trend.kind]
    title = f"“{trend.title}”" if trend.kind == MATTER else trend.title
    return (
        f"{title}（{issue}{where}）：{count}，{usual}{trend.expected:.1f}人。{_joined('共同的词：', trend.words)}"
        f"{_joined('可先看：', (f'{title}（{letter_id}）' for letter_id, title in trend.letters))}{trend.like}"
    )


def _joined(start: str, parts: Iterable[str]) -> str:
    text = "、".join(parts)
    return f"{start}{text}。" if text else ""
