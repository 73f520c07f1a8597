"""What linking learns: the pair scorer and the risk of whole matters, fitted for a model, judged by cross-validation over matters.

Precision counts every pair that the linker makes and that touches a letter of a group that was read.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from pipeline.errors import InputError
from pipeline.intake.letter import Letter, RedactedLetter
from pipeline.intake.redact import redact_all
from pipeline.matters.linking import Clusters, bonds_of
from pipeline.matters.matter import Sighting, sighting_of
from pipeline.matters.pairs import Matcher
from pipeline.matters.places import Gazetteer, where
from pipeline.matters.rarity import Counted
from pipeline.matters.trace import Trace, day_of, trace_of
from pipeline.scoring.scorer import Scorer
from pipeline.training.grouping import FOLDS, Links, quality
from pipeline.training.letters import masked_texts, table
from pipeline.training.matter_risk import cases, fit_risk
from pipeline.training.pairs import Pairs, Source, background, candidate_pairs, fit_matcher, load_matters, load_pairs, out_of_fold, together
from pipeline.training.recipe import MatterRecipe, Recipe

SMALL = 15
"""Matters of at most so many letters are judged apart: the largest holds half of all pairs."""
PRECISION = 0.92
"""What the threshold is chosen to keep on the board, out of fold."""
THRESHOLDS = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55)
EARLY_LEVEL = 2

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """The letters of board.csv as a model scores them, in order of time; of the sightings `matter_id` is still empty."""

    traces: list[Trace]
    sightings: list[Sighting]


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """What the forests have learnt from.

    Attributes:
        sources: the board, then invented counties. traces: all their letters.
        pairs: candidate pairs with what is known of them. told: their probabilities by each fold's forest, (folds, pairs).
        counted: the board's words.
    """

    sources: list[Source]
    traces: list[Trace]
    pairs: Pairs
    told: Array
    counted: Counted


def learn_matters(folder: Path, letters: Path, recipe: MatterRecipe, cache: Path) -> dict[str, float]:
    """Fit the pair scorer and the matters' risk for the model of a folder, write them there, and return their cross-validated figures.

    Raises:
        InputError: a file of the letters is missing, or no group of matters.jsonl is among them.
    """
    board = read_board(folder, letters, cache)
    learnt = learn(folder, board.traces, letters, recipe)
    joins = chosen_threshold(learnt)
    matcher = fit_matcher(learnt.pairs, learnt.counted, learnt.pairs.known, joins)
    found = grouped(learnt, cross_fitted(learnt), joins)
    sightings = [replace(one, matter_id=found[one.letter_id]) for one in board.sightings]
    risk, risk_figures = fit_risk(cases(sightings, read_levels(letters)))
    replace(matcher, risk=risk).save(folder)
    every, small, county = judged(learnt, joins)
    figures = {"precision": every.precision, "recall": every.recall, "f1": every.f1}
    figures |= {"precision_small": small.precision, "recall_small": small.recall, "f1_small": small.f1}
    figures |= {"precision_county": county.precision, "recall_county": county.recall, "f1_county": county.f1}
    figures |= {"joins": joins, "matters": float(len(learnt.sources[0].matters)), "pairs": float(learnt.pairs.known.sum())}
    return figures | risk_figures


def learn(folder: Path, traces: list[Trace], letters: Path, recipe: MatterRecipe) -> Learnt:
    """Fit one forest a fold."""
    matters = load_matters(letters)
    if not matters:
        raise InputError(f"training data: expected groups of letters in {letters / 'matters.jsonl'}, found none; linking learns from them.")
    counted = background(traces)
    sources = [Source(traces, matters, load_pairs(recipe.pairs), recipe.letters), *invented_counties(folder, recipe.invented)]
    parts: list[Pairs] = []
    every: list[Trace] = []
    for source in sources:
        own = counted if source is sources[0] else counted + Counted.of(trace.words for trace in source.traces)
        parts.append(candidate_pairs(source, own, len(every)))
        every += source.traces
    pairs = together(parts)
    return Learnt(sources, every, pairs, out_of_fold(pairs, counted), counted)


def invented_counties(folder: Path, invented: Path | None) -> list[Source]:
    """The invented letters of each file (JSON lines: id, matter, received_at, writer, title, body) as an office of its own.

    A letter whose `matter` is null is a matter of its own; so everything is known.
    """
    sources = []
    for file in sorted(invented.glob("*.jsonl")) if invented else []:
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        told: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            told[row["matter"] or row["id"]].append(row["id"])
        letters = [
            Letter(letter_id=row["id"], title=row["title"], body=row["body"], received_at=datetime.fromisoformat(row["received_at"]))
            for row in rows
        ]
        scorer, gazetteer = Scorer.open(folder), Gazetteer.load()
        masked = redact_all(letters, 2)
        traces = [trace_of(one, score, gazetteer) for one, score in zip(masked, scorer.score(masked), strict=True)]
        sources.append(Source(traces, sorted(told.values(), key=lambda ids: (-len(ids), ids)), []))
    return sources


def judged(learnt: Learnt, joins: float) -> tuple[Links, Links, Links]:
    """Quality at a threshold, each fold's matters as its own forest groups the letters: the board's matters, its small ones, invented counties'."""
    every, small, county = Links(0, 0, 0), Links(0, 0, 0), Links(0, 0, 0)
    for fold in range(FOLDS):
        found = grouped(learnt, learnt.told[fold], joins)
        for source in learnt.sources:
            read = {one.letter_id: found[one.letter_id] for one in source.traces if one.letter_id.startswith(source.prefix)}
            if source is learnt.sources[0]:
                every += quality(read, source.matters, None, fold)
                small += quality(read, source.matters, SMALL, fold)
            else:
                county += quality(read, source.matters, None, fold)
    return every, small, county


def grouped(learnt: Learnt, told: Array, joins: float) -> dict[str, str]:
    """letter -> matter, from the probabilities of the candidate pairs."""
    bonds = bonds_of(map(tuple, learnt.pairs.ends.tolist()), told.tolist())
    clusters = Clusters(bonds, [], {}, 0, len(learnt.traces), joins)
    clusters.grow()
    return {one.letter_id: one.matter_id for one in clusters.linked([trace.letter_id for trace in learnt.traces])}


def cross_fitted(learnt: Learnt) -> Array:
    """P(same matter) of each pair by a forest that has not learnt from its letters' matters; of unknown pairs the mean of all, (pairs,)."""
    fold = learnt.pairs.folds.max(1)
    own = learnt.told[np.maximum(fold, 0), np.arange(len(fold))]
    return np.where(fold >= 0, own, learnt.told.mean(0))


def chosen_threshold(learnt: Learnt) -> float:
    """The bond with the best sum of F1 (the board's matters, its small ones, invented counties') among those that keep the precision."""
    found = []
    for joins in THRESHOLDS:
        every, small, county = judged(learnt, joins)
        found.append((every.precision >= PRECISION, every.f1 + small.f1 + county.f1, joins))
    return max(found)[2]


def read_board(folder: Path, letters: Path, cache: Path) -> Board:
    """Score the letters of board.csv with the model of a folder."""
    rows = {row["letter_id"]: row for row in table(letters / "board.csv")}
    texts = masked_texts(list(rows.values()), cache)
    masked = [
        RedactedLetter(letter_id=letter, text=texts[letter], received_at=datetime.fromisoformat(row["received_at"]))
        for letter, row in rows.items()
    ]
    masked.sort(key=lambda letter: (day_of(letter.received_at), letter.letter_id))
    scorer, gazetteer = Scorer.open(folder), Gazetteer.load()
    board = Board([], [])
    for begin in tqdm(range(0, len(masked), 256), desc="scoring", unit="chunk", mininterval=5):
        chunk = masked[begin : begin + 256]
        for letter, score in zip(chunk, scorer.score(chunk), strict=True):
            board.traces.append(trace_of(letter, score, gazetteer))
            board.sightings.append(sighting_of(letter, score, rows[letter.letter_id]["writer"], where(letter.text, "", gazetteer).path))
    return board


def linked_board(folder: Path, recipe: Recipe, cache: Path) -> tuple[list[Sighting], list[list[str]]]:
    """The board's letters with their matters as forests group them that have not learnt from those matters; and the matters that were read."""
    board = read_board(folder, recipe.data.letters, cache)
    learnt = learn(folder, board.traces, recipe.data.letters, recipe.matters)
    found = grouped(learnt, cross_fitted(learnt), Matcher.load(folder).joins)
    return [replace(one, matter_id=found[one.letter_id]) for one in board.sightings], learnt.sources[0].matters


def read_levels(letters: Path) -> dict[str, float]:
    """letter -> share of its readings with level >= 2."""
    told: dict[str, list[bool]] = defaultdict(list)
    for name in ("labels.csv", "second_readings.csv"):
        for row in table(letters / name):
            told[row["letter_id"]].append(int(row["level"]) >= EARLY_LEVEL)
    return {letter: sum(levels) / len(levels) for letter, levels in told.items()}
