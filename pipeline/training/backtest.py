"""Would the watch have seen it? python -m pipeline.training.backtest models/NAME

The letters are replayed night by night, and what was flagged is held against the matters that were read.

A read matter is judged when it has GROWN letters of WRITERS writers. It counts as flagged on the first night on which a flagged matter holds
HELD of its letters so far (or most of them, two at least). Two simple rules with the same minimum of letters and writers stand beside it, as they
are usually set and loosened or tightened until they make the same number of flags:
- week: so many letters of the matter in seven days (five; at the same number: three letters in so many days);
- deviation: a week above mean + 2 standard deviations of the matter's own weeks (at the same number: so many standard deviations).
The last row flags every matter of three letters and three writers: no rule with this minimum can be earlier, nor find more.

Other nulls that were tried for matters, at the same number of flags (72 in 2019), by how many of the linker's 42 matters of five letters were
flagged by their fourth letter: constant rate, Poisson 25, gamma-Poisson over all matters 22; Fisher's combination of the gaps between
letters 26; the rate falling as 1 / age 25. They differ by chance only. The last was kept because it is what the letters show: measured from the
first letter to the second, the rate falls from 2 % a day to 0.03 % after two months. A gamma distribution fitted to matters that have grown as
well (shape 0.35) calls nearly all of them ordinary: 33 flags a year at a rate of 0.5.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import numpy as np
from tqdm import tqdm

from pipeline.matters.matter import Sighting
from pipeline.matters.tendency.trend import MATTER, PLACE, SIGNAL, WORD, Flag, Rules, writer_of
from pipeline.matters.trends import watch
from pipeline.training.matters import linked_board
from pipeline.training.recipe import load_recipe

KINDS = (MATTER, WORD, PLACE, SIGNAL)
GROWN, WRITERS, HELD, FOURTH = 5, 3, 3, 4
FAST_DAYS = 10
"""A matter is fast when some four letters came within so many days."""
SPLIT = date(2019, 7, 1)
"""Numbers of the watch were chosen on letters before this day."""
START = date(2018, 7, 1)
FROM, TO = date(2019, 1, 1), date(2020, 1, 1)
WEEK = 7
BUDGET = 8


@dataclass(frozen=True, slots=True)
class Told:
    """A flag of the replay."""

    on: date
    kind: str
    matter_id: str


@dataclass(frozen=True, slots=True)
class Case:
    """A read matter that grew: the days of its letters, the day of its third writer, and the night it was flagged (None: never)."""

    days: tuple[date, ...]
    writers: tuple[int, ...]
    third: date
    flagged: date | None

    @property
    def at_letter(self) -> int | None:
        return None if self.flagged is None else sum(day <= self.flagged for day in self.days)

    @property
    def at_writer(self) -> int | None:
        return None if self.at_letter is None else self.writers[self.at_letter - 1]

    @property
    def in_time(self) -> bool:
        return self.flagged is not None and self.flagged <= self.days[FOURTH - 1]

    @property
    def can_be_in_time(self) -> bool:
        """Whether three different people had written by the fourth letter."""
        return self.third <= self.days[FOURTH - 1]

    @property
    def fourth_fast(self) -> date | None:
        """The day on which for the first time four letters lay within FAST_DAYS."""
        pairs = zip(self.days, self.days[FOURTH - 1 :], strict=False)
        return next((last for first, last in pairs if (last - first).days <= FAST_DAYS), None)

    def by_letter(self, letter: int) -> bool:
        return self.flagged is not None and letter <= len(self.days) and self.flagged <= self.days[letter - 1]


@dataclass(frozen=True, slots=True)
class Method:
    """One way of flagging, over the judged year: its flags, the read matters that grew, those of its own grouping that did."""

    name: str
    told: tuple[Told, ...]
    cases: tuple[Case, ...]
    own: tuple[Case, ...]
    grown: Mapping[str, bool]

    def flags(self, first: date, last: date, kind: str = "") -> int:
        return sum(first <= one.on < last and kind in ("", one.kind) for one in self.told)

    def grew(self, first: date, last: date) -> tuple[int, int]:
        """Flagged matters that have GROWN letters in the end, of all flagged matters."""
        matters = {one.matter_id for one in self.told if one.kind == MATTER and first <= one.on < last}
        return sum(self.grown[one] for one in matters), len(matters)

    def during(self, first: date, last: date) -> list[Case]:
        """The read matters whose fourth letter fell in this time."""
        return [case for case in self.cases if first <= case.days[FOURTH - 1] < last]

    def own_in_time(self, first: date, last: date) -> tuple[int, int]:
        """Of the grouping's own matters that grew and whose fourth letter fell in this time, those flagged by then."""
        cases = [case for case in self.own if first <= case.days[FOURTH - 1] < last]
        return sum(case.in_time for case in cases), len(cases)


@dataclass(frozen=True, slots=True)
class Backtest:
    """By the linker's matters and by the read ones: the watch first, then the simple rules as set and at the same number of flags."""

    linked: tuple[Method, ...]
    read: tuple[Method, ...]


def backtest(sightings: Sequence[Sighting], read: Mapping[str, str], rules: Rules | None = None, progress: bool = False) -> Backtest:
    """Replay. read: letter_id -> matter as read, '' where the letter was in no read matter (it then stands alone)."""
    rules = rules or Rules()
    letters = sorted(sightings, key=lambda s: (s.day, s.letter_id))
    alone = [replace(s, matter_id=read.get(s.letter_id) or s.letter_id) for s in letters]
    linked, as_read = (_methods(group, read, rules, progress) for group in (letters, alone))
    return Backtest(linked, as_read)


def _methods(letters: Sequence[Sighting], read: Mapping[str, str], rules: Rules, progress: bool) -> tuple[Method, ...]:
    told = replay(letters, rules, progress)
    groups = _groups(letters, {s.letter_id: s.matter_id for s in letters})
    firsts = {one.matter_id: one for one in reversed(told) if one.kind == MATTER and FROM <= one.on < TO}
    settings: list[tuple[str, Iterable[Told]]] = [
        ("watch", told),
        ("5 letters in 7 days", _flags(groups, lambda group: _dense(group, 5, WEEK))),
        ("mean + 2 sd", _flags(groups, lambda group: _deviation(group, 2.0))),
        ("all of 3 letters, 3 writers", _flags(groups, lambda group: _dense(group, 3, 10**6))),
    ]
    days, dense = _matched(groups, len(firsts), list(range(1, 366)), lambda value: lambda group: _dense(group, 3, int(value)))
    sds, odd = _matched(groups, len(firsts), [40 - 0.25 * i for i in range(161)], lambda value: lambda group: _deviation(group, value))
    settings += [(f"3 letters in {days:g} days", dense), (f"mean + {sds:g} sd", odd)]
    return tuple(_method(name, flags, letters, read, groups) for name, flags in settings)


def replay(letters: Sequence[Sighting], rules: Rules, progress: bool = False) -> list[Told]:
    """Every night from START on, with the letters up to it. letters: in order of time."""
    flags: list[Flag] = []
    told = []
    nights = range((min(letters[-1].day, TO - timedelta(days=1)) - START).days + 1)
    for night in tqdm(nights, desc="nights", disable=not progress):
        today = START + timedelta(days=night)
        for trend in watch([s for s in letters if s.day <= today], today, flags, rules):
            flags.append(Flag(key=trend.key, on=today, writers=trend.writers))
            told.append(Told(today, trend.kind, trend.matter_id))
    return told


def _groups(letters: Sequence[Sighting], name: Mapping[str, str]) -> dict[str, list[Sighting]]:
    groups: dict[str, list[Sighting]] = defaultdict(list)
    for letter in letters:
        if name.get(letter.letter_id):
            groups[name[letter.letter_id]].append(letter)
    return groups


def _method(
    name: str, told: Iterable[Told], letters: Sequence[Sighting], read: Mapping[str, str], groups: Mapping[str, Sequence[Sighting]]
) -> Method:
    flags = tuple(told)
    cases, own = (_cases(matters, flags) for matters in (_groups(letters, read), groups))
    return Method(name, flags, cases, own, {matter: len(group) >= GROWN for matter, group in groups.items()})


def _cases(matters: Mapping[str, Sequence[Sighting]], flags: Sequence[Told]) -> tuple[Case, ...]:
    cases = (_case(matter, flags) for matter in matters.values() if len(matter) >= GROWN)
    return tuple(case for case in cases if case and case.days[GROWN - 1] >= FROM)


def _case(matter: Sequence[Sighting], told: Sequence[Told]) -> Case | None:
    """None when it has too few writers."""
    writers = [len({writer_of(s) for s in matter[: i + 1]}) for i in range(len(matter))]
    if writers[-1] < WRITERS:
        return None
    since: dict[str, date] = {}
    for one in told:
        since.setdefault(one.matter_id, one.on)
    nights = sorted({s.day for s in matter} | {since[s.matter_id] for s in matter if s.matter_id in since})
    flagged = next((night for night in nights if _holds(matter, since, night)), None)
    return Case(tuple(s.day for s in matter), tuple(writers), matter[writers.index(WRITERS)].day, flagged)


def _holds(matter: Sequence[Sighting], since: Mapping[str, date], night: date) -> bool:
    so_far = [s.matter_id for s in matter if s.day <= night]
    held = Counter(one for one in so_far if one in since and since[one] <= night)
    most = max(held.values(), default=0)
    return most >= HELD or (most >= 2 and 2 * most > len(so_far))


Rule = Callable[[Sequence[Sighting]], "date | None"]


def _flags(groups: Mapping[str, Sequence[Sighting]], rule: Rule) -> list[Told]:
    days = {name: rule(group) for name, group in groups.items() if len(group) >= 3}
    return [Told(day, MATTER, name) for name, day in days.items() if day and START <= day < TO]


def _matched(
    groups: Mapping[str, Sequence[Sighting]], number: int, values: Sequence[float], rule: Callable[[float], Rule]
) -> tuple[float, list[Told]]:
    """The strictest of `values` (from strict to loose) that flags as many matters in the judged year, or the loosest."""
    for value in values:
        flags = _flags(groups, rule(value))
        if sum(FROM <= one.on < TO for one in flags) >= number:
            break
    return value, flags


def _enough(group: Sequence[Sighting]) -> int:
    """Index of the first letter at which there are three letters of three writers; beyond the end when never."""
    seen: set[str] = set()
    for i, letter in enumerate(group):
        seen.add(writer_of(letter))
        if i + 1 >= 3 and len(seen) >= WRITERS:
            return i
    return len(group)


def _dense(group: Sequence[Sighting], letters: int, days: int) -> date | None:
    """The first day on which so many letters lay within so many days."""
    for i in range(max(_enough(group), letters - 1), len(group)):
        if (group[i].day - group[i - letters + 1].day).days < days:
            return group[i].day
    return None


def _deviation(group: Sequence[Sighting], sds: float) -> date | None:
    """The first day whose last seven days lie above the matter's own weeks before (one at least, counted back from then)."""
    for i in range(_enough(group), len(group)):
        today = group[i].day
        weeks = np.bincount([(today - s.day).days // WEEK for s in group if s.day <= today])
        if len(weeks) > 1 and weeks[0] > weeks[1:].mean() + sds * weeks[1:].std():
            return today
    return None


HALVES = (("to June", FROM, SPLIT), ("from July", SPLIT, TO), ("year", FROM, TO))


def lines(result: Backtest) -> list[str]:
    """Markdown tables for the README."""
    told = []
    for title, methods in (("Matters as the linker finds them", result.linked), ("Matters as read", result.read)):
        told += [
            f"{title}:",
            "",
            HEAD,
            "|---" * HEAD.count(" |") + "|",
            *(_row(method, *half) for method in methods for half in HALVES),
            "",
        ]
    return [
        *told,
        *_kinds(result.linked[0]),
        "",
        *(_when(name, methods[0]) for name, methods in (("linker", result.linked), ("as read", result.read))),
    ]


HEAD = (
    "| rule | 2019 | matters flagged a month | of them grew to 5 letters | read matters flagged | by their 4th letter "
    "| of those with 3 writers by then | fast: within 2 days of the 4th | own matters of 5 letters by their 4th |"
)


def _row(method: Method, name: str, first: date, last: date) -> str:
    cases, (grew, matters) = method.during(first, last), method.grew(first, last)
    able, delays = [case for case in cases if case.can_be_in_time], _delays(cases)
    shares = [
        (grew, matters),
        (sum(case.flagged is not None for case in cases), len(cases)),
        (sum(case.in_time for case in cases), len(cases)),
        (sum(case.in_time for case in able), len(able)),
        (sum(delay is not None and delay <= 2 for delay in delays), len(delays)),
        method.own_in_time(first, last),
    ]
    a_month = f"{method.flags(first, last, MATTER) / _months(first, last):.1f}"
    return " | ".join([f"| {method.name}", name, a_month, *(f"{part} of {whole}" for part, whole in shares)]) + " |"


def _when(name: str, method: Method) -> str:
    """At which letter and writer, and how long after the third writer, the flagged ones were flagged."""
    seen = [case for case in method.cases if case.flagged is not None]
    if not seen:
        return f"{name}: none flagged"
    letter, writer = median(case.at_letter or 0 for case in seen), median(case.at_writer or 0 for case in seen)
    waits = sorted((case.flagged - case.third).days for case in seen if case.flagged)
    same = sum(wait <= 0 for wait in waits)
    late = ", ".join(map(str, waits[same:])) or "-"
    return (
        f"{name}: flagged at letter {letter:g}, writer {writer:g} (medians); {same} of {len(waits)} by the night of their third writer, "
        f"the rest so many days after: {late}."
    )


def _delays(cases: Iterable[Case]) -> list[int | None]:
    """Days from the fourth letter of the fast ones to their flag (0 when it came earlier; None: never)."""
    fast = [(case.flagged, case.fourth_fast) for case in cases]
    return [max((flagged - fourth).days, 0) if flagged else None for flagged, fourth in fast if fourth]


def _months(first: date, last: date) -> float:
    return (last.year - first.year) * 12 + last.month - first.month


def _kinds(method: Method) -> list[str]:
    rows = ["| flags a month | " + " | ".join(KINDS) + " | all |", "|---" * 6 + "|"]
    for name, first, last in HALVES:
        months = _months(first, last)
        rows.append(f"| {name} | " + " | ".join(f"{method.flags(first, last, kind) / months:.1f}" for kind in (*KINDS, "")) + " |")
    return rows


def draw(result: Backtest, path: Path) -> None:
    """Flags a month by kind, and how many of the read matters were flagged by which letter."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    months = [date(FROM.year, month, 1) for month in range(1, 13)] + [TO]
    base = np.zeros(12)
    for kind in KINDS:
        counts = np.array([result.linked[0].flags(months[i], months[i + 1], kind) for i in range(12)])
        left.bar(range(1, 13), counts, bottom=base, label=kind)
        base = base + counts
    left.axhline(BUDGET, color="black", linewidth=0.8, linestyle="--")
    left.set(title="Flags in 2019", xlabel="month", ylabel="flags", ylim=(0, 1.15 * max(base.max(), BUDGET)))
    left.legend(frameon=False)
    for name, method in (
        ("as read: watch", result.read[0]),
        *((f"linked: {one.name}", one) for one in (*result.linked[:1], *result.linked[4:])),
    ):
        cases = [case for case in method.cases if case.can_be_in_time]
        letters = range(3, 9)
        right.plot(
            letters,
            [sum(case.flagged is not None and (case.by_letter(n) or n > len(case.days)) for case in cases) / len(cases) for n in letters],
            marker="o",
            label=name,
        )
    right.set(title="Read matters with 3 writers by their 4th letter", xlabel="flagged by letter", ylabel="share", ylim=(0, 1.03))
    right.legend(frameon=False)
    figure.savefig(path, dpi=110)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables and draw the picture."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.training.backtest", description="Replay the board's letters night by night.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--config", type=Path, default=Path("configs/default.toml"))
    parser.add_argument("--work", type=Path, default=Path("runs"))
    parser.add_argument("--picture", type=Path, default=Path("docs/trends.png"))
    told = parser.parse_args(argv)
    recipe = load_recipe(told.config)
    sightings, matters = linked_board(told.model, recipe, told.work)
    read = {letter: f"read-{at}" for at, ids in enumerate(matters) for letter in ids}
    result = backtest(sightings, read, progress=True)
    draw(result, told.picture)
    print("\n".join(lines(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
