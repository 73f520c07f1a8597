"""What linking is worth and what it costs: python -m pipeline.training.linking_report models/NAME [--cost]

Quality is cross-validated over matters: at once, night by night as an office has it, and with the nights' letters in other orders. Cost: 1,000 new letters
against ever more old ones, whose traces are drawn at random with the board's lengths.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pipeline.desk.services.store import Store
from pipeline.linking import Linking
from pipeline.matters.linking import Linker
from pipeline.matters.pairs import Matcher
from pipeline.matters.places import Gazetteer
from pipeline.matters.trace import Trace
from pipeline.report import peak_memory
from pipeline.scoring.scorer import Scorer
from pipeline.training.grouping import FOLDS, Links, nightly_groups, quality
from pipeline.training.matters import SMALL, Learnt, grouped, learn, read_board
from pipeline.training.pairs import fit_matcher
from pipeline.training.recipe import MatterRecipe, load_recipe

NEW = 1_000
DRAWN = 2
"""Folds whose letters are also linked in a random order."""
OLD = (10_000, 100_000, 1_000_000)


def weeks(traces: Sequence[Trace]) -> list[list[Trace]]:
    """The letters week by week."""
    return [list(group) for _, group in groupby(traces, lambda trace: int(trace.day) // 7)]


def compared(traces: Sequence[Trace], learnt: Learnt, matcher: Matcher, recipe: MatterRecipe, draws: int) -> Iterator[str]:
    """Rows of a Markdown table."""
    ways: dict[str, tuple[Links, Links]] = {}

    def add(way: str, found: dict[str, str], fold: int) -> None:
        read = {letter: matter for letter, matter in found.items() if letter.startswith(recipe.letters)}
        more = [quality(read, learnt.sources[0].matters, most, fold) for most in (None, SMALL)]
        before = ways.get(way, (Links(0, 0, 0), Links(0, 0, 0)))
        ways[way] = (before[0] + more[0], before[1] + more[1])

    agreement = []
    for fold in tqdm(range(FOLDS), desc="folds", unit="fold"):
        told = learnt.pairs.known & (learnt.pairs.folds != fold).all(1)
        forest = replace(fit_matcher(learnt.pairs, learnt.counted, told, matcher.joins), risk=matcher.risk)
        once = grouped(learnt, learnt.told[fold], matcher.joins)
        add("all at once", once, fold)
        weekly = nightly_groups(Linker(forest, len(traces[0].embedding)), weeks(traces))
        add("week by week", weekly, fold)
        if fold < draws:
            mixed = [traces[at] for at in np.random.default_rng(fold).permutation(len(traces))]
            other = nightly_groups(Linker(forest, len(traces[0].embedding)), [mixed[at : at + 64] for at in range(0, len(mixed), 64)])
            add("in random order, 64 a night", other, fold)
            agreement.append(agreed(weekly, other))
    yield "| letters come | precision | recall | F1 | precision, small | recall, small | F1, small |\n|---|---|---|---|---|---|---|"
    for way, (every, small) in ways.items():
        cells = [f"{value:.3f}" for links in (every, small) for value in (links.precision, links.recall, links.f1)]
        yield f"| {way} | {' | '.join(cells)} |"
    yield f"\nPairs that both the weekly and the random order put together, of those that one of them did (F1): {np.mean(agreement):.3f}"


def agreed(one: dict[str, str], other: dict[str, str]) -> float:
    """F1 of the pairs that two groupings make."""
    members: dict[str, list[str]] = {}
    for letter, matter in other.items():
        members.setdefault(matter, []).append(letter)
    both = quality(one, list(members.values()))
    return both.f1


def costs(model: Path, some: Sequence[Trace], old: Sequence[int], work: Path) -> Iterator[str]:
    """Rows of a Markdown table: a night with NEW letters on queues that hold so many old ones, in SQLite files that are thrown away."""
    yield "| old letters | seconds to take them in | seconds to link 1,000 new ones | peak memory, MB |\n|---|---|---|---|"
    scorer, gazetteer = Scorer.load(model), Gazetteer.load()
    for count in old:
        file = work / f"cost-{count}.db"
        fill(file, scorer.version, some, count)
        with Store.open(f"sqlite:///{file.absolute()}") as store:
            linking = Linking(scorer, gazetteer, renew_seconds=0)
            begun = time.perf_counter()
            linker = linking.knowing(store.matters)
            taken = time.perf_counter() - begun
            new = [replace(trace, letter_id=f"n{at}") for at, trace in enumerate(some[:NEW])]
            begun = time.perf_counter()
            night = next(linker.link(new, linking.known(store.matters, {trace.letter_id: trace for trace in new})))
            spent = time.perf_counter() - begun
        yield f"| {count:,} | {taken:.1f} | {spent:.1f} | {peak_memory():,} |"
        assert len(night.linked) == NEW
        file.unlink()


def fill(file: Path, version: str, some: Sequence[Trace], count: int) -> None:
    """A queue of `count` linked letters: letters that never were, each a matter of its own."""
    file.unlink(missing_ok=True)
    with Store.open(f"sqlite:///{file.absolute()}"):
        pass
    draw = np.random.default_rng(count)
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA foreign_keys = OFF")
        for begin in tqdm(range(0, count, 10_000), desc=f"a queue of {count:,}", unit="part", mininterval=5):
            names = [f"o{at}" for at in range(begin, min(begin + 10_000, count))]
            rows = [(name, f"M-{name}", drawn(some, draw).to_bytes(), version) for name in names]
            database.executemany("INSERT INTO desk_letter (letter_id, content_sha256, channel, writer_ref, place, path, crosses, text, received_at) VALUES (?, '', '', '', '', '[]', '[]', '', '2020-01-01 00:00:00')", [row[:1] for row in rows])  # fmt: skip
            database.executemany("INSERT INTO desk_matter (matter_id, title, issue, places, signals, letters, writers, level, risk, lately, growth, by_person) VALUES (?, '', '', '[]', '[]', 1, 1, 0, 0, 0, 0, 0)", [row[1:2] for row in rows])  # fmt: skip
            database.executemany("INSERT INTO desk_link (letter_id, matter_id, trace, model_version, bond, by_person) VALUES (?, ?, ?, ?, 1, 0)", rows)  # fmt: skip
            database.commit()


def drawn(some: Sequence[Trace], draw: np.random.Generator) -> Trace:
    """A letter that never was: near the embedding of one letter, with the words of another."""
    one, other = (some[int(at)] for at in draw.integers(0, len(some), 2))
    vector = one.embedding.astype(np.float32) + draw.normal(0, 6, len(one.embedding))
    return replace(other, embedding=np.rint(vector / np.linalg.norm(vector) * 127).astype(np.int8))


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.training.linking_report", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--config", type=Path, default=Path("configs/default.toml"))
    parser.add_argument("--work", type=Path, default=Path("runs"))
    parser.add_argument("--cost", action="store_true", help="measure the cost instead of the quality")
    parser.add_argument("--old", type=int, nargs="+", default=OLD, metavar="N", help="letters that the queues of the cost hold")
    told = parser.parse_args(argv)
    recipe = load_recipe(told.config)
    traces = read_board(told.model, recipe.data.letters, told.work).traces
    if told.cost:
        lines = costs(told.model, traces, told.old, told.work)
    else:
        lines = compared(
            traces, learn(told.model, traces, recipe.data.letters, recipe.matters), Matcher.load(told.model), recipe.matters, DRAWN
        )
    for line in lines:
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
