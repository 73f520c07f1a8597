"""Which sentences carried an answer: those without which it falls most, found by scoring the letter again without each of them.

Deletion, not attention or gradients: what is shown is what in truth moves the score (Ribeiro et al. 2016; DeYoung et al. 2020 call it
comprehensiveness). It costs one scoring a sentence, so only the head of the queue is explained, within a budget of seconds.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.intake.letter import RedactedLetter
from pipeline.scoring.labels import load_labels
from pipeline.scoring.score import RISK, SAID, Evidence, Score

MOST_SENTENCES, MOST_PARTS, LEAST_CHARACTERS = 2, 24, 6
LEAST_FALL = 0.01
SECOND_SHARE = 0.4
"""A second sentence is shown when its own fall is at least this share of the first one's."""
SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;\n]*|[。！？!?；;\n]+")
CLAUSE = re.compile(r"[^，,。！？!?；;\n]+[，,。！？!?；;\n]*|[，,。！？!?；;\n]+")


class Scores(Protocol):
    """What can score letters (scorer.Scorer)."""

    def score(self, letters: Sequence[RedactedLetter]) -> list[Score]: ...


def sentences(text: str) -> list[str]:
    """Title and sentences of a masked letter, which joined give the text; by clauses when it is one sentence, long letters in fewer, longer parts."""
    title, newline, body = text.partition("\n")
    parts = SENTENCE.findall(body)
    parts = parts if len(parts) > 1 else CLAUSE.findall(body)
    joined: list[str] = []
    for part in parts:
        if joined and min(len(joined[-1].strip()), len(part.strip())) < LEAST_CHARACTERS:
            joined[-1] += part
        else:
            joined.append(part)
    every = -(-len(joined) // MOST_PARTS) or 1
    return [title + newline, *("".join(joined[at : at + every]) for at in range(0, len(joined), every))]


def explain(scorer: Scores, letter: RedactedLetter, score: Score) -> tuple[Evidence, ...]:
    """The one or two sentences that carried the risk and each positive signal, the risk's first; nothing for what is below one half."""
    names = (RISK, *load_labels().signals)
    whole = _answers(score)
    asked = np.flatnonzero(whole >= SAID)
    parts = sentences(letter.text)
    parts_said = [at for at, part in enumerate(parts) if part.strip()]
    if not len(asked) or len(parts_said) < 2:
        return ()
    without = scorer.score([replace(letter, text=left_out(parts, [at])) for at in parts_said])
    falls = whole - np.stack([_answers(one) for one in without])
    return tuple(
        Evidence(names[answer], parts[parts_said[at]].strip(), round(float(falls[at, answer]), 4))
        for answer in asked
        for at in _telling(falls[:, answer])
    )


def left_out(parts: Sequence[str], places: Sequence[int]) -> str:
    """The letter without some of its parts; the title's line stays, empty."""
    return "".join("\n" if at == 0 and at in places else "" if at in places else part for at, part in enumerate(parts))


def _answers(score: Score) -> NDArray[np.float32]:
    """Risk, then the signals."""
    return np.array([score.risk, *score.signals], np.float32)


def _telling(falls: NDArray[np.float32]) -> list[int]:
    best = np.argsort(-falls, kind="stable")[:MOST_SENTENCES]
    return [int(at) for at in best if falls[at] >= max(LEAST_FALL, SECOND_SHARE * falls[best[0]])]


def explain_within(
    scorer: Scores, letters: Sequence[tuple[RedactedLetter, Score]], seconds: float
) -> Iterator[tuple[str, tuple[Evidence, ...]]]:  # fmt: skip
    """Evidence letter by letter, in the given order (the most urgent first), until the time is used up."""
    end = time.monotonic() + seconds
    for letter, score in letters:
        if time.monotonic() >= end:
            return
        yield letter.letter_id, explain(scorer, letter, score)
