"""What more letters would bring, and whether the past foretells the future: both asked of the linear half, which refits in a minute."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.scoring.labels import Labels
from pipeline.training.evaluate import headline, held_out, raw_answers
from pipeline.training.letters import BOARD, Example
from pipeline.training.linear import Linear, char_vectorizer, fit_linear
from pipeline.training.recipe import WideRecipe

SHARES = (0.125, 0.25, 0.5)
LATER_SHARE = 0.3
"""The part of the dated test letters, the latest, that counts as the future."""
Table = tuple[Sequence[str], Sequence[Sequence[str]]]
HEAD = ("训练来信", "类别一致", "风险 AP", "迹象 AP")


def learning_curve(learning: Sequence[Example], test: Sequence[Example], labels: Labels, recipe: WideRecipe, whole: Linear) -> Table:
    """Figures on the test letters after learning from an eighth, a quarter, a half and all of the letters."""
    order = np.random.default_rng(0).permutation(len(learning))
    rows = []
    for share in SHARES:
        some = [learning[at] for at in order[: int(share * len(learning))]]
        rows.append([f"{len(some):,}", *_figures(fit_linear(some, recipe, char_vectorizer), test, labels)])
    return HEAD, [*rows, [f"{len(learning):,}", *_figures(whole, test, labels)]]


def out_of_time(learning: Sequence[Example], test: Sequence[Example], labels: Labels, recipe: WideRecipe, whole: Linear) -> Table:
    """The latest test letters by a model that learnt only from dated letters before them, beside one that learnt from as many of any time."""
    years = np.array([e.year for e in test if e.source == BOARD])
    cut = int(np.quantile(years, 1 - LATER_SHARE))
    later = [e for e in test if e.source == BOARD and e.year >= cut]
    dated = [e for e in learning if e.year]
    before = [e for e in dated if e.year < cut]
    mixed = [dated[at] for at in np.random.default_rng(0).permutation(len(dated))[: len(before)]]
    if not before:
        return HEAD, []
    return HEAD, [
        [f"{cut} 年以前的 {len(before):,} 封", *_figures(fit_linear(before, recipe, char_vectorizer), later, labels)],
        [f"任何年份的 {len(mixed):,} 封", *_figures(fit_linear(mixed, recipe, char_vectorizer), later, labels)],
        [f"全部 {len(learning):,} 封", *_figures(whole, later, labels)],
    ]


def _figures(linear: Linear, test: Sequence[Example], labels: Labels) -> list[str]:
    found = linear.logits([example.text for example in test])
    return headline(held_out(test, raw_answers(found, labels), labels), labels)
