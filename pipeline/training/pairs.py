"""Pairs of letters of which it is known whether they are of one matter, and the forest that is fitted on them.

Known pairs are those that touch a letter of matters.jsonl (a pair within a group is the same matter, any other is not), and data/matter_pairs.csv,
pairs of other letters that were read one by one (ids and answers, no text). Pairs between letters that are in no group are not known, and
not learnt from. Of invented letters everything is known.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier
from tqdm import tqdm

from pipeline.matters.index import Index
from pipeline.matters.matter import HIGHEST
from pipeline.matters.pairs import Matcher, Weighed, features
from pipeline.matters.rarity import Counted
from pipeline.matters.trace import Trace
from pipeline.training.grouping import FOLDS

TREES, LEAVES, RATE, SHARE = 160, 12, 0.08, 0.7
"""Size of the forest; SHARE of the pairs draws each tree."""
SUGGESTS = 0.6
"""A bond of this share of the joining one is shown to a person."""
UNITES = 0.1
"""Two whole matters need a bond so much higher."""
LEAST_COUNT = 2
"""Words of fewer letters are not kept in the background counts: unseen words count as seen once anyway."""

Array = NDArray[np.float32]


def load_matters(folder: Path) -> list[list[str]]:
    """The groups of matters.jsonl, largest first; none where the file is missing."""
    file = folder / "matters.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return sorted((json.loads(line)["ids"] for line in lines if line.strip()), key=lambda ids: (-len(ids), ids))


def load_pairs(file: Path | None) -> list[tuple[str, str, bool]]:
    """Pairs that were read: (letter, letter, same matter)."""
    if file is None:
        return []
    with file.open(encoding="utf-8", newline="") as handle:
        return [(row["one"], row["other"], row["same"] == "1") for row in csv.DictReader(handle)]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Candidate pairs with what is known of them.

    Attributes:
        ends: (pairs, 2), places of the two letters among the traces.
        rows: features (pairs, features).
        same: bool (pairs,). known: bool, whether `same` is known.
        folds: (pairs, 2), the folds of the matters that the two letters belong to, -1 for none; a pair read singly belongs to a fold too.
    """

    ends: NDArray[np.int64]
    rows: Array
    same: NDArray[np.bool_]
    known: NDArray[np.bool_]
    folds: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Letters of one office with what is known of them.

    Attributes:
        matters: the groups that were read; `prefix`: beginning of the ids of the letters that were looked through for them.
        pairs: further pairs that were read one by one.
    """

    traces: list[Trace]
    matters: list[list[str]]
    pairs: list[tuple[str, str, bool]]
    prefix: str = ""


def together(parts: Sequence[Pairs]) -> Pairs:
    """Pairs of several sources as one; `ends` of each already count over all."""
    return Pairs(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("ends", "rows", "same", "known", "folds")))


def candidate_pairs(source: Source, counted: Counted, first: int = 0) -> Pairs:
    """All candidate pairs of a source, and the pairs that were read, with their features; `first` is added to `ends`."""
    traces, matters, read = source.traces, source.matters, source.pairs
    place = {trace.letter_id: at for at, trace in enumerate(traces)}
    fold = np.full(len(traces), -1)
    group = np.full(len(traces), -1)
    for at, ids in enumerate(matters):
        for letter in ids:
            group[place[letter]], fold[place[letter]] = at, at % FOLDS
    index = Index(len(traces[0].embedding))
    index.add(traces)
    judged = {(max(place[one], place[other]), min(place[one], place[other])): same for one, other, same in read}
    wanted = sorted(judged.keys() | _candidates(index, traces, counted))
    centre = index.centre()
    weighed = [Weighed.of(trace, counted, centre) for trace in traces]
    rows = []
    for later, pairs in tqdm(groupby(wanted, itemgetter(0)), total=len(traces), desc="pairs", unit="letter", mininterval=5):
        rows.append(features(weighed[later], [weighed[earlier] for _, earlier in pairs]))
    ends = np.array(wanted)
    one, other = ends.T
    same = (group[one] == group[other]) & (group[one] >= 0)
    folds = fold[ends]
    asked = np.array([trace.letter_id.startswith(source.prefix) for trace in traces])
    known = (folds >= 0).any(1) & asked[ends].all(1)
    for at, pair in enumerate(wanted):
        if pair in judged:
            same[at], known[at], folds[at] = judged[pair], True, pair[0] % FOLDS
    return Pairs(ends + first, np.concatenate(rows), same, known, folds)


def _candidates(index: Index, traces: Sequence[Trace], counted: Counted) -> set[tuple[int, int]]:
    found = index.candidates(traces, counted)
    return {(max(at, row), min(at, row)) for at, rows in enumerate(found) for row in rows.tolist() if row != at}


def fit_matcher(pairs: Pairs, counted: Counted, use: NDArray[np.bool_], joins: float = 0.5) -> Matcher:
    """Fit the forest on the pairs to use and lay it out as arrays."""
    model = GradientBoostingClassifier(
        n_estimators=TREES, learning_rate=RATE, max_leaf_nodes=LEAVES, max_depth=None, subsample=SHARE, min_samples_leaf=20, max_features=0.5, random_state=20
    )  # fmt: skip
    model.fit(pairs.rows[use], pairs.same[use])
    trees = [tree.tree_ for tree in model.estimators_[:, 0]]
    nodes = max(tree.node_count for tree in trees)
    laid: dict[str, Any] = {
        name: np.zeros((len(trees), nodes), kind) for name, kind in (("feature", np.int32), ("left", np.int32), ("right", np.int32))
    }
    laid |= {name: np.zeros((len(trees), nodes), np.float32) for name in ("threshold", "value")}
    laid["feature"][:] = -1
    for at, tree in enumerate(trees):
        count, leaf = tree.node_count, tree.children_left < 0
        laid["feature"][at, :count] = np.where(leaf, -1, tree.feature)
        laid["left"][at, :count], laid["right"][at, :count] = np.maximum(tree.children_left, 0), np.maximum(tree.children_right, 0)
        laid["threshold"][at, :count] = tree.threshold
        laid["value"][at, :count] = RATE * tree.value[:, 0, 0]
    share = float(pairs.same[use].mean())
    return Matcher(
        **laid,
        base=float(np.log(share / (1 - share))),
        joins=joins,
        unites=joins + UNITES,
        suggests=SUGGESTS * joins,
        counted=counted,
        risk=HIGHEST,
    )


def out_of_fold(pairs: Pairs, counted: Counted) -> Array:
    """P(same matter) of each pair by each fold's forest, which has not learnt from the fold's matters; (folds, pairs)."""
    forests = (fit_matcher(pairs, counted, pairs.known & (pairs.folds != fold).all(1)) for fold in range(FOLDS))
    return np.stack([forest.probability(pairs.rows) for forest in tqdm(forests, total=FOLDS, desc="folds", unit="fold")])


def background(traces: Iterable[Trace]) -> Counted:
    """How many letters each word stands in."""
    counted = Counted.of(trace.words for trace in traces)
    often = counted.counts >= LEAST_COUNT
    return Counted(counted.words[often], np.minimum(counted.counts[often], 65_535), counted.letters)
