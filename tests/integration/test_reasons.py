"""The sentences shown as reasons are the ones that carry the score: on real letters, with the model in use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.intake.letter import Letter, RedactedLetter
from pipeline.intake.redact import redact_all
from pipeline.intake.sources import read
from pipeline.scoring import registry
from pipeline.scoring.explain import explain, left_out, sentences
from pipeline.scoring.score import RISK
from pipeline.scoring.scorer import Scorer

BOARD = Path(__file__).resolve().parents[3] / "shared" / "letters" / "board.csv"
LOOKED_THROUGH, ASKED, FEWEST_SENTENCES = 400, 40, 4


@pytest.mark.skipif(not BOARD.is_file(), reason="the real letters are not on this machine")
def test_shown_sentences_lower_the_score_more_than_random_ones() -> None:
    letters = []
    for item in read([BOARD]):
        letters += [item] if isinstance(item, Letter) else []
        if len(letters) == LOOKED_THROUGH:
            break
    scorer = Scorer.load(registry.current())
    redacted = redact_all(letters, 2)
    risky = [
        (letter, score)
        for letter, score in zip(redacted, scorer.score(redacted), strict=True)
        if score.risk >= 0.5 and len(sentences(letter.text)) > FEWEST_SENTENCES
    ][:ASKED]
    assert len(risky) >= 20
    draw = np.random.default_rng(0)
    shown_falls, random_falls = [], []
    for letter, score in risky:
        parts = sentences(letter.text)
        shown = {one.sentence for one in explain(scorer, letter, score) if one.answer == RISK}
        places = [at for at, part in enumerate(parts) if part.strip() in shown]
        if not places:
            continue
        others = draw.choice(len(parts), size=len(places), replace=False)
        without, other = scorer.score([_without(letter, parts, places), _without(letter, parts, others.tolist())])
        shown_falls.append(score.risk - without.risk)
        random_falls.append(score.risk - other.risk)
    assert len(shown_falls) >= 15
    assert np.mean(shown_falls) > 3 * max(np.mean(random_falls), 0.01)
    assert np.mean(np.array(shown_falls) > np.array(random_falls)) > 0.8


def _without(letter: RedactedLetter, parts: list[str], places: list[int]) -> RedactedLetter:
    return replace(letter, text=left_out(parts, places))
