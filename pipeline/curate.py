"""Matters by hand: see what is suggested, put matters together, take them apart; what a person decides no later night undoes.

python -m pipeline.curate show|letters|suggestions|merge|split|move|decline|pairs
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from pipeline.desk.services.store import Store
from pipeline.errors import OutputError, ZhiweiError
from pipeline.intake.letter import SHANGHAI
from pipeline.matters.matter import Matter
from pipeline.matters.pairs import Matcher
from pipeline.scoring import registry
from pipeline.scoring.labels import load_labels
from pipeline.settings import Settings, load_settings


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.curate", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--queue", metavar="URL", help="default: the setting (sqlite:///var/zhiwei.db)")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="matters of two letters and more, the riskiest first")
    show.add_argument("--count", type=int, default=20, metavar="N")
    actions.add_parser("letters", help="the letters of a matter").add_argument("matter")
    suggested = actions.add_parser("suggestions", help="matters that look alike and were left apart")
    suggested.add_argument("--count", type=int, default=20, metavar="N")
    decided = {
        "merge": ("put the letters of GONE into KEPT", ("kept", "gone")),
        "split": ("take letters out of a matter into a new one", ("matter", "letters")),
        "move": ("take letters out of a matter into another", ("matter", "other", "letters")),
        "decline": ("leave two suggested matters apart", ("one", "other")),
    }
    for name, (told, given) in decided.items():
        action = actions.add_parser(name, help=told)
        action.add_argument("--by", required=True, metavar="NAME", help="who decides")
        for one in given:
            action.add_argument(one, nargs="+" if one == "letters" else None)
    pairs = actions.add_parser("pairs", help="write what people decided as training pairs (configuration key matters.pairs)")
    pairs.add_argument("file", type=Path)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    arguments = make_parser().parse_args(argv)
    try:
        settings = load_settings()
        with Store.open(arguments.queue or settings.queue, wait=settings.lock_wait) as store:
            for line in _done(arguments, store, settings):
                print(line)
    except ZhiweiError as exc:
        print(f"curate: {exc}", file=sys.stderr)
        return 2
    return 0


def _done(told: argparse.Namespace, store: Store, settings: Settings) -> list[str]:
    matters = store.matters
    looks: dict[str, Callable[[], list[str]]] = {
        "show": lambda: [_line(matter) for matter in matters.top(told.count)],
        "letters": lambda: [f"{letter}  {heading}" for letter, heading in matters.letters(told.matter)],
        "suggestions": lambda: [
            f"{pair.bond:.2f}\n  {_line(matters.one(pair.one))}\n  {_line(matters.one(pair.other))}"
            for pair in matters.suggestions(told.count)
        ],
        "pairs": lambda: _write_pairs(store, told.file),
    }
    return looks[told.action]() if told.action in looks else _decided(told, store, settings)


def _decided(told: argparse.Namespace, store: Store, settings: Settings) -> list[str]:
    risk = Matcher.load(registry.current(settings.models)).risk
    decisions = store.decisions(told.by, risk, datetime.now(SHANGHAI).date())
    if told.action == "merge":
        decisions.merge(told.kept, told.gone)
        return [f"{told.gone} 已并入 {told.kept}"]
    if told.action == "split":
        return [f"拆出新事项 {decisions.split(told.matter, told.letters)}"]
    if told.action == "move":
        decisions.move(told.matter, told.letters, told.other)
        return [f"已移到 {told.other}"]
    decisions.decline(told.one, told.other)
    return [f"{told.one} 和 {told.other} 不合并，不再提示"]


def _line(matter: Matter) -> str:
    names = dict(zip(load_labels().signals, load_labels().signal_names, strict=True))
    signals = "、".join(names[signal] for signal in matter.signals) or "无明显迹象"
    days = f"{matter.first_on} 至 {matter.last_on}"
    where = "、".join(matter.places[:3])
    return f"{matter.risk:.0%}  {matter.matter_id}  {matter.title}  信 {matter.letters} 封，写信人 {matter.writers} 位，{days}  {where}  {signals}"


def _write_pairs(store: Store, file: Path) -> list[str]:
    pairs = store.decided_pairs()
    try:
        with file.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["one", "other", "same", "confidence"])
            writer.writerows([one, other, int(same), "h"] for one, other, same in pairs)
    except OSError as exc:
        raise OutputError(f"output {file}: cannot be written ({exc.strerror}); choose another place.") from exc
    return [f"{len(pairs)} 对信件写入 {file}"]


if __name__ == "__main__":
    raise SystemExit(main())
