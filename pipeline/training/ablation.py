"""What each ingredient gives, one at a time, on development letters, with paired 95 % bootstrap intervals.

    python -m pipeline.training.ablation --config configs/default.toml [--encoder] [--few 5000]

The linear half shows what letters give (a refit takes minutes): the board's and the organiser's alone, with the later readings, with the
invented letters too. `--encoder` trains the encoder twice for one epoch on `--few` letters, from the bundled backbone and from the
configured one. The gain of each half over the other is in the model card, on test letters.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from pipeline.scoring.encode import Encoder
from pipeline.scoring.heldout import HeldOut, measures, parts
from pipeline.scoring.labels import Labels, load_labels
from pipeline.training import backbone
from pipeline.training.evaluate import Answers, held_out, raw_answers
from pipeline.training.letters import INVENTED, Example, load_examples
from pipeline.training.linear import char_vectorizer, fit_linear
from pipeline.training.recipe import Recipe, load_recipe
from pipeline.training.trainer import outputs, special_ids, start, train_encoder

SHOWN = (
    "issue accuracy", "issue macro-F1", "risk AP, either reading", "recall of level >= 2 in the top 25 %", "signals, mean AP of seven",
    "issues7 macro-F1, best of seven",
)  # fmt: skip
DRAWS = 400
Row = tuple[str, HeldOut]


def linear_rows(
    recipe: Recipe, labels: Labels, first: Sequence[Example], train: Sequence[Example], dev: Sequence[Example]
) -> Iterator[Row]:
    """The linear half on more and more letters; `first`: the training letters without later readings."""
    real = [e for e in train if e.source != INVENTED]
    for name, letters in (
        ("linear: the board's readings, the organiser's classes", first),
        ("+ later readings", real),
        ("+ invented letters", train),
    ):
        linear = fit_linear([e for e in letters if e.any_issue.any()], recipe.wide, char_vectorizer)
        yield name, held_out(dev, raw_answers(linear.logits([e.text for e in dev]), labels), labels)


def encoder_rows(recipe: Recipe, labels: Labels, train: Sequence[Example], dev: Sequence[Example], few: int) -> Iterator[Row]:
    """The encoder after one epoch on `few` read letters, from either backbone."""
    read = [e for e in train if e.read]
    some = [read[at] for at in np.random.default_rng(5).permutation(len(read))[:few]]
    fit = recipe.fit.model_copy(update={"epochs": 1, "evaluations": 1})
    names = (backbone.BUNDLED, recipe.encoder.backbone)
    for name in names:
        base = backbone.ensure(name, recipe.encoder.layers, Path("runs/backbone"))
        network, encoder = start(recipe, base, labels), Encoder.load(Path(base), fit.train_tokens)
        with tempfile.TemporaryDirectory() as place:
            train_encoder(network, encoder, some, dev, fit, Path(place) / "encoder")
        told = outputs(network, encoder.encode([e.text for e in dev]), special_ids(encoder)[0])
        answers = Answers(told["issue"], told["signals"], told["level"], calibrated=False)
        yield f"encoder, one epoch on {len(some):,} letters, from {name}", held_out(dev, answers, labels)


def table(rows: Sequence[Row], labels: Labels) -> list[str]:
    """Markdown: the first row's figures, then each row's with its gain over the row before."""
    lines = ["| ingredient | " + " | ".join(SHOWN) + " |", "|---|" + "---|" * len(SHOWN)]
    for at, (name, held) in enumerate(rows):
        cells = [_cell(held, rows[at - 1][1] if at else None, figure, labels) for figure in SHOWN]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _cell(held: HeldOut, before: HeldOut | None, figure: str, labels: Labels) -> str:
    for rows in parts(held).values():
        mine = measures(held.rows(rows), labels, calibrated=False)
        if figure not in mine:
            continue
        value = f"{mine[figure](np.arange(len(rows))):.3f}"
        if before is None:
            return value
        theirs = measures(before.rows(rows), labels, calibrated=False)
        draw = np.random.default_rng(0)
        gains = [mine[figure](r) - theirs[figure](r) for r in (draw.integers(0, len(rows), len(rows)) for _ in range(DRAWS))]
        low, high = np.nanpercentile(gains, [2.5, 97.5])
        return f"{value} ({low:+.3f} to {high:+.3f})"
    return "-"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pipeline.training.ablation", description="What each ingredient of the model gives.")
    parser.add_argument("--config", type=Path, default=Path("configs/default.toml"))
    parser.add_argument("--encoder", action="store_true", help="also train the encoder twice")
    parser.add_argument("--few", type=int, default=5_000, help="letters for the encoder")
    told = parser.parse_args(argv)
    recipe, labels = load_recipe(told.config), load_labels()
    first = [e for e in load_examples(recipe.data.letters, labels, Path("runs")) if e.split == "train"]
    examples = load_examples(recipe.data.letters, labels, Path("runs"), recipe.data.readings, recipe.data.invented)
    train = [e for e in examples if e.split == "train"]
    dev = [e for e in examples if e.split == "dev"]
    groups = [linear_rows(recipe, labels, first, train, dev)] + (
        [encoder_rows(recipe, labels, train, dev, told.few)] if told.encoder else []
    )
    for group in groups:
        print("\n".join(table(list(group), labels)), "\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
