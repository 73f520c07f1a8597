"""The unit that is responsible for a letter, by place (属地) and by issue (属事): ordered rules of data/routing.csv, the first that fits wins.

A rule names an issue, a signal, a place and words; what it leaves empty may be anything. 属地乡镇 as its unit is the township government of the
letter's place; such a rule does not fit when the township is unknown. A person can send the letter elsewhere.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn

from pipeline.errors import SettingsError
from pipeline.matters.gazetteer.sheet import Row, read_sheet
from pipeline.matters.places import Gazetteer, Place, main_place
from pipeline.scoring.labels import Labels, load_labels

DATA = Path(__file__).resolve().parents[2] / "data"
ROUTING_FILE, UNITS_FILE = DATA / "routing.csv", DATA / "units.csv"
COLUMNS = ("类别", "迹象", "地点", "词语", "责任单位", "属", "说明")
UNIT_COLUMNS = ("单位", "类别")
TOWNSHIPS = "乡镇街道"
UNIT_KINDS = ("党委机构", "政府部门", "司法机关", "群团组织", "公共企业", TOWNSHIPS)
LOCAL_UNIT = "属地乡镇"
BY_PLACE, BY_ISSUE = "属地", "属事"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a letter goes: the unit, 属地 or 属事, the row of the rule in the table as Excel counts it, and the rule's reason."""

    unit: str
    basis: str
    rule: int
    why: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One row; an empty condition holds always. `signal` is its key."""

    row: int
    issue: str
    signal: str
    place: str
    words: tuple[str, ...]
    unit: str
    basis: str
    why: str

    @property
    def conditions(self) -> tuple[str, str, str, tuple[str, ...]]:
        return self.issue, self.signal, self.place, self.words


@dataclass(frozen=True, slots=True)
class Routing:
    """The rules in their order, and the unit of each township by the township's path."""

    rules: tuple[Rule, ...]
    townships: Mapping[tuple[str, ...], str]

    def local_unit(self, place: Place | None) -> str | None:
        """The government of the township that the place is or lies in."""
        paths = (place.path[:length] for length in range(len(place.path), 0, -1)) if place else ()
        return next((self.townships[path] for path in paths if path in self.townships), None)


def route(issue: str, signals: Collection[str], place: Place | None, text: str, routing: Routing) -> Route:
    """The first rule that fits a letter: its issue, the keys of its signals, the place it is about, its masked text."""
    for rule in routing.rules:
        unit = routing.local_unit(place) if rule.unit == LOCAL_UNIT else rule.unit
        if unit is not None and _fits(rule, issue, signals, place, text):
            return Route(unit, rule.basis, rule.row, rule.why)
    raise AssertionError("the last rule of a checked table fits everything")


def _fits(rule: Rule, issue: str, signals: Collection[str], place: Place | None, text: str) -> bool:
    return (
        (not rule.issue or rule.issue == issue)
        and (not rule.signal or rule.signal in signals)
        and (not rule.place or (place is not None and rule.place in place.path))
        and (not rule.words or any(word in text for word in rule.words))
    )


@cache
def load_routing(path: Path = ROUTING_FILE, units: Path = UNITS_FILE, gazetteer: Gazetteer | None = None) -> Routing:
    """Read and check the rules and the units; places are those of `gazetteer`, by default the office's.

    Raises:
        SettingsError: a file is no such table; a unit is listed twice, of an unknown kind, or no government of a listed township; a rule names an
            unknown issue, signal, place or unit, gives no reason, or can never fit because an earlier one is wider; no last rule fits everything.
    """
    places = gazetteer or Gazetteer.load()
    names, townships = _read_units(units, places)
    reading = _Reading(path, names, places, load_labels())
    return Routing(reading.rules(), townships)


def _read_units(path: Path, places: Gazetteer) -> tuple[frozenset[str], dict[tuple[str, ...], str]]:
    rows: dict[str, int] = {}
    townships: dict[tuple[str, ...], str] = {}
    for row in read_sheet(path, UNIT_COLUMNS, "units file"):
        unit, where = row["单位"], f"units file {path}, row {row.number}"
        if not unit or unit == LOCAL_UNIT:
            raise SettingsError(f"{where}: expected the name of a unit, found {unit or 'nothing'!r}; write it out.")
        if unit in rows:
            raise SettingsError(f"{where}: expected each unit once, found {unit} as in row {rows[unit]}; remove one of the two.")
        if row["类别"] not in UNIT_KINDS:
            raise SettingsError(
                f"{where}: expected one of {'、'.join(UNIT_KINDS)} as 类别, found {row['类别'] or 'nothing'!r}; correct it."
            )
        rows[unit] = row.number
        if row["类别"] == TOWNSHIPS:
            townships[_township(unit, places, where).path] = unit
    return frozenset(rows), townships


def _township(unit: str, places: Gazetteer, where: str) -> Place:
    listed = [place for place in places.own if place.kind == "township"]
    fit = [place for place in listed if unit.startswith(place.name)]
    if not fit:
        names = "、".join(place.name for place in listed) or "none"
        raise SettingsError(
            f"{where}: expected a unit that begins with a township of the places file ({names}), found {unit}; correct it or add the township."
        )
    return max(fit, key=lambda place: len(place.name))


class _Reading:
    """The rows of the routing file while they become rules."""

    def __init__(self, path: Path, units: frozenset[str], places: Gazetteer, labels: Labels) -> None:
        self.path, self.units, self.places, self.labels = path, units, places, labels
        self.signals = dict(zip(labels.signals, labels.signals, strict=True)) | dict(zip(labels.signal_names, labels.signals, strict=True))

    def rules(self) -> tuple[Rule, ...]:
        rules: list[Rule] = []
        for row in read_sheet(self.path, COLUMNS, "routing file"):
            rule = self._rule(row)
            wider = next((earlier for earlier in rules if self._wider(earlier, rule)), None)
            if wider:
                self._wrong(rule.row, f"a rule that can fit, found one that the wider rule in row {wider.row} always precedes; move it up or remove it")  # fmt: skip
            rules.append(rule)
        if not rules or any(rules[-1].conditions) or rules[-1].unit == LOCAL_UNIT:
            last = rules[-1].row if rules else 1
            self._wrong(
                last,
                f"a last rule that fits every letter (类别, 迹象, 地点 and 词语 empty, a unit other than {LOCAL_UNIT}), found none; add it",
            )
        return tuple(rules)

    def _rule(self, row: Row) -> Rule:
        number = row.number
        issue, signal, place, unit, basis = row["类别"], row["迹象"], row["地点"], row["责任单位"], row["属"]
        if issue and issue not in self.labels.issues:
            self._wrong(number, f"nothing or one of {'、'.join(self.labels.issues)} as 类别, found {issue}; correct it")
        if signal and signal not in self.signals:
            self._wrong(number, f"nothing or one of {'、'.join(self.labels.signal_names)} as 迹象, found {signal}; correct it")
        if place and not self.places.named(place):
            self._wrong(number, f"nothing or a place of the places file as 地点, found {place}; correct it or add the place")
        if row["词语"] and not row.words("词语"):
            self._wrong(number, f"nothing or words joined by ; as 词语, found {row['词语']}; correct it")
        if unit not in self.units and unit != LOCAL_UNIT:
            self._wrong(
                number, f"a unit of the units file or {LOCAL_UNIT} as 责任单位, found {unit or 'nothing'}; correct it or add the unit"
            )
        if basis not in ((BY_PLACE,) if unit == LOCAL_UNIT else (BY_PLACE, BY_ISSUE)):
            self._wrong(
                number, f"{BY_PLACE if unit == LOCAL_UNIT else f'{BY_PLACE} or {BY_ISSUE}'} as 属, found {basis or 'nothing'}; correct it"
            )
        if not row["说明"]:
            self._wrong(number, "a reason that staff can read as 说明, found nothing; write one line")
        return Rule(number, issue, self.signals.get(signal, ""), place, row.words("词语"), unit, basis, row["说明"])

    def _wider(self, earlier: Rule, later: Rule) -> bool:
        """Whether the earlier rule fits wherever the later one does."""
        return (
            earlier.issue in ("", later.issue)
            and earlier.signal in ("", later.signal)
            and (not earlier.place or self._inside(later.place, earlier.place))
            and (not earlier.words or (bool(later.words) and all(any(word in longer for word in earlier.words) for longer in later.words)))
            and (earlier.unit != LOCAL_UNIT or later.unit == LOCAL_UNIT)
        )

    def _inside(self, name: str, wider: str) -> bool:
        return name == wider or (bool(name) and all(wider in place.path for place in self.places.named(name)))

    def _wrong(self, number: int, sentence: str) -> NoReturn:
        raise SettingsError(f"routing file {self.path}, row {number}: expected {sentence}.")


def described(rule: Rule, labels: Labels) -> str:
    """A rule in one Chinese line."""
    name = dict(zip(labels.signals, labels.signal_names, strict=True))
    conditions = [
        f"类别 {rule.issue}" if rule.issue else "",
        f"迹象 {name[rule.signal]}" if rule.signal else "",
        f"地点 {rule.place}" if rule.place else "",
        f"词语 {'、'.join(rule.words)}" if rule.words else "",
    ]
    return f"第 {rule.row} 行  {'，'.join(filter(None, conditions)) or '任何来信'} → {rule.unit}（{rule.basis}）：{rule.why}"


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.triage.routing", description="Check the routing table, or see where a letter goes."
    )
    parser.add_argument("--routing", type=Path, default=ROUTING_FILE, help="the table of rules (default: %(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="check the table and print its rules")
    attempt = commands.add_parser("try", help="show which rule a text meets, and why")
    attempt.add_argument("text", help="the letter")
    attempt.add_argument("--issue", default="", help="its issue, one of data/labels.toml")
    attempt.add_argument("--place", default="", help="its place hint; without one the place is looked for in the text")
    attempt.add_argument("--signal", action="append", default=[], help="a signal, key or Chinese name; may be given again")
    return parser


def _try(arguments: argparse.Namespace, routing: Routing, labels: Labels) -> Iterable[str]:
    keys = dict(zip(labels.signal_names, labels.signals, strict=True))
    signals = [keys.get(signal, signal) for signal in arguments.signal]
    for value, known, what in ((arguments.issue, labels.issues, "issue"), *((signal, labels.signals, "signal") for signal in signals)):
        if value and value not in known:
            raise SettingsError(f"--{what} {value}: expected one of {'、'.join(known)}; correct it.")
    place = main_place(arguments.text, arguments.place, Gazetteer.load())
    found = route(arguments.issue, signals, place, arguments.text, routing)
    yield f"地点：{'/'.join(place.path) if place else '未看出'}"
    yield f"责任单位：{found.unit}（{found.basis}）"
    yield "依据：" + next(described(rule, labels) for rule in routing.rules if rule.row == found.rule)


def main(argv: Sequence[str] | None = None) -> int:
    """0 done; 2 the table is wrong, or an argument."""
    arguments = make_parser().parse_args(argv)
    labels = load_labels()
    try:
        routing = load_routing(arguments.routing)
        lines = _try(arguments, routing, labels) if arguments.command == "try" else (described(rule, labels) for rule in routing.rules)
        print("\n".join(lines))
    except SettingsError as exc:
        print(exc, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
