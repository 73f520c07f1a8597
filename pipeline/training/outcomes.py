"""Does the risk matter? What came later of letters that a high risk was given to: python -m pipeline.training.outcomes models/NAME

Of each matter (linker's groups, cross-fitted) the first letter, if neither half of the model was trained on it: does its risk rank those whose
matter drew another letter within 90 days above the others, and those that later drew many likes? Beside it the linear baseline alone.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from pipeline.matters.matter import Sighting
from pipeline.scoring.labels import load_labels
from pipeline.scoring.measures import interval
from pipeline.training.letters import BOARD, Example, load_examples, table
from pipeline.training.linear import char_vectorizer, fit_linear
from pipeline.training.matters import linked_board
from pipeline.training.recipe import Recipe, load_recipe

AHEAD = timedelta(days=90)
LIKED = 0.9
"""A letter with more likes than this share of all has many."""
DRAWS = 1_000


def returned(sightings: Sequence[Sighting]) -> dict[str, bool]:
    """First letter of each matter -> whether the matter drew another letter within 90 days; matters whose 90 days are not over are left out."""
    held: dict[str, list[Sighting]] = defaultdict(list)
    for one in sorted(sightings, key=lambda one: (one.day, one.letter_id)):
        held[one.matter_id].append(one)
    last = max(one.day for one in sightings)
    firsts = [(group[0], group[1:2]) for group in held.values() if group[0].day + AHEAD <= last]
    return {first.letter_id: bool(more) and more[0].day <= first.day + AHEAD for first, more in firsts}


def lines(told: Mapping[str, Mapping[str, bool]], risks: Mapping[str, Mapping[str, float]], held: Sequence[str]) -> list[str]:
    """A Markdown table: AUC with its 95 % interval of each risk for each outcome, over the held letters that have the outcome known."""
    rows = [f"| what came later | letters | of them | {' | '.join(risks)} |", "|---|---|---|" + "---|" * len(risks)]
    for outcome, came in told.items():
        letters = [letter for letter in held if letter in came]
        truth = np.array([came[letter] for letter in letters])
        cells = [_auc(truth, np.array([risk[letter] for letter in letters])) for risk in risks.values()]
        rows.append(f"| {outcome} | {len(letters)} | {int(truth.sum())} | {' | '.join(cells)} |")
    return rows


def _auc(truth: NDArray[np.bool_], score: NDArray[np.float64]) -> str:
    def measure(rows: NDArray[np.int64]) -> float:
        chosen = truth[rows]
        return float(roc_auc_score(chosen, score[rows])) if chosen.any() and not chosen.all() else float("nan")

    low, high = interval(measure, len(truth), DRAWS)
    return f"{measure(np.arange(len(truth))):.3f} ({low:.2f}-{high:.2f})"


def linear_risk(recipe: Recipe, examples: Sequence[Example]) -> dict[str, float]:
    """letter -> log-odds of level >= 2 by character 1-3-grams alone, fitted on the training letters."""
    labels = load_labels()
    linear = fit_linear([one for one in examples if one.split == "train" and one.any_issue.any()], recipe.wide, char_vectorizer)
    board = [one for one in examples if one.split in ("dev", "test") and one.source == BOARD]
    logits = linear.logits([one.text for one in board])[:, len(labels.issues) + len(labels.signals) + 1]
    return dict(zip((one.letter_id for one in board), logits.tolist(), strict=True))


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.training.outcomes", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--config", type=Path, default=Path("configs/default.toml"))
    parser.add_argument("--work", type=Path, default=Path("runs"))
    told = parser.parse_args(argv)
    recipe = load_recipe(told.config)
    folder = recipe.data.letters
    sightings, _matters = linked_board(told.model, recipe, told.work)
    linear = linear_risk(recipe, load_examples(folder, load_labels(), told.work, recipe.data.readings, recipe.data.invented))
    likes = {row["letter_id"]: float(row["likes"] or 0) for row in table(folder / "board.csv")}
    many = float(np.quantile(list(likes.values()), LIKED))
    outcomes = {
        "another letter within 90 days": returned(sightings),
        f"more than {many:g} likes": {one: likes[one] > many for one in returned(sightings)},
    }
    risks = {"shipped": {one.letter_id: one.risk for one in sightings}, "char 1-3-grams": linear}
    print("\n".join(lines(outcomes, risks, sorted(linear))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
