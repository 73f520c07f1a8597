"""Which sentences are shown, on the tiny model; and what no model can be moved by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.intake.letter import RedactedLetter
from pipeline.scoring.behaviour import INVARIANCES, checks
from pipeline.scoring.explain import MOST_PARTS, explain, explain_within, sentences
from pipeline.scoring.score import RISK, Score
from pipeline.scoring.scorer import Scorer

TINY = Path(__file__).parents[1] / "assets" / "tiny_model"


class CountsWords:
    """A scorer whose risk is the presence of one word, its first signal of another."""

    def score(self, letters: list[RedactedLetter]) -> list[Score]:
        return [
            Score(
                letter_id=letter.letter_id, issue=np.full(16, 1 / 16, np.float32),
                signals=np.array([0.9 if "三十户" in letter.text else 0.1, *[0.0] * 7], np.float32),
                risk=0.8 if "去省里" in letter.text else 0.2, level=2, embedding=np.zeros(4, np.float32), abstain=False, model_version="words",
            )
            for letter in letters
        ]  # fmt: skip


LETTER = RedactedLetter(letter_id="1", text="种子\n今年春天买的种子不出苗。我们三十户都一样。店家说天旱。再不解决就去省里。请回复我们。")


def test_the_sentence_that_carries_an_answer_is_shown() -> None:
    scorer = CountsWords()
    found = explain(scorer, LETTER, scorer.score([LETTER])[0])
    assert {(one.answer, one.sentence) for one in found} == {(RISK, "再不解决就去省里。"), ("collective", "我们三十户都一样。")}
    assert all(one.fall > 0.5 for one in found)


def test_nothing_is_shown_for_a_letter_without_signs() -> None:
    scorer = CountsWords()
    calm = RedactedLetter(letter_id="2", text="咨询\n请问怎么办理公积金？要带什么材料？")
    assert explain(scorer, calm, scorer.score([calm])[0]) == ()


def test_the_time_is_kept() -> None:
    scorer = CountsWords()
    assert list(explain_within(scorer, [(LETTER, scorer.score([LETTER])[0])] * 3, 0)) == []


@given(st.text(max_size=500))
@settings(max_examples=100, deadline=None)
def test_sentences_joined_are_the_letter(text: str) -> None:
    parts = sentences(text if "\n" in text else "\n" + text)
    assert "".join(parts) == (text if "\n" in text else "\n" + text)
    assert len(parts) <= MOST_PARTS + 1


@pytest.fixture(scope="module")
def outcomes() -> dict[str, float]:
    return {one.name: one.value for one in checks(Scorer.load(TINY, threads=2)) if one.kind == "invariance"}


@pytest.mark.parametrize("name", [name for name in INVARIANCES if name != "typing errors"])
def test_who_writes_and_how_cannot_move_any_model(outcomes: dict[str, float], name: str) -> None:
    assert outcomes[name] == 0
