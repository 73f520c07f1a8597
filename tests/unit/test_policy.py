"""What comes first, and why."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SettingsError
from pipeline.scoring.labels import load_labels
from pipeline.scoring.score import Score
from pipeline.triage.policy import POLICY_FILE, Priority, load_policy, prioritise, render

SIGNALS = load_labels().signals
POLICY = load_policy()
probability = st.floats(0, 1, width=32)
scores = st.tuples(probability, st.lists(probability, min_size=8, max_size=8), st.integers(0, 3))


def score(risk: float, level: int, **signals: float) -> Score:
    p = np.array([signals.get(name, 0.02) for name in SIGNALS], np.float32)
    issue = np.full(16, 1 / 16, np.float32)
    embedding = np.zeros(384, np.float32)
    return Score(
        letter_id="A", issue=issue, signals=p, risk=risk, level=level, embedding=embedding, abstain=False, model_version="m"
    )  # fmt: skip


def priority(risk: float, level: int, **signals: float) -> Priority:
    return prioritise(score(risk, level, **signals), POLICY)


def test_what_cannot_wait_stands_before_what_can() -> None:
    gas = priority(0.9, 3, safety=0.95, deadline=0.6)
    wages = priority(0.8, 2, livelihood=0.9, collective=0.9)
    noise = priority(0.15, 1, repeat=0.7)
    thanks = priority(0.02, 0, collective=0.6)
    assert gas.value > 90 > wages.value > 50 > noise.value > thanks.value
    assert thanks.value < 5


def test_an_urgent_letter_never_falls_below_the_floor() -> None:
    assert priority(0.0, 3).value >= 80
    assert priority(0.4, 3).value > priority(0.3, 3).value


def test_reasons_are_named_by_share() -> None:
    reasons = render(priority(0.8, 2, safety=0.95, collective=0.9))
    assert reasons == (
        "风险较高：同类信件约八成属于苗头件（约 78%）；人身安全：信中说到现实的危险（约 17%）；涉及群体：不止一家一户受影响（约 4%）"
    )


def test_a_question_says_so() -> None:
    assert render(priority(0.03, 0)).startswith("咨询建议类，风险低：同类信件很少属于苗头件（约 ")


@given(scores)
@settings(deadline=None)
def test_shares_sum_to_one_in_falling_order(drawn: tuple[float, list[float], int]) -> None:
    risk, signals, level = drawn
    found = prioritise(replace(score(risk, level), signals=np.array(signals, np.float32)), POLICY)
    shares = [reason.share for reason in found.reasons]
    assert 0 <= found.value <= 100
    assert sum(shares) == pytest.approx(1)
    assert all(first >= second for first, second in pairwise(shares))


@given(scores, st.integers(0, 9), probability)
@settings(deadline=None)
def test_a_higher_risk_signal_or_level_never_lowers_the_value(drawn: tuple[float, list[float], int], which: int, to: float) -> None:
    risk, signals, level = drawn
    before = replace(score(risk, level), signals=np.array(signals, np.float32))
    if which == 8:
        after = replace(before, risk=max(risk, to))
    elif which == 9:
        after = replace(before, level=min(level + 1, 3))
    else:
        raised = before.signals.copy()
        raised[which] = max(raised[which], to)
        after = replace(before, signals=raised)
    assert prioritise(after, POLICY).value >= prioritise(before, POLICY).value


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("consult =", "thanks =", r"known are risk, urgent_floor, consult, named_from, signals|consult: Field required"),
        ("safety = 11", "safe = 11", r"unknown or missing: safe, safety"),
        ("safety = 11", "safety = 12", r"must add up to 100 points, found 101"),
        ("misconduct = 1", "misconduct = -1", r"never lowers"),
        ("risk = 60", "risk = 60 60", r"expected readable TOML"),
    ],
)
def test_a_wrong_policy_file_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = POLICY_FILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "policy.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(SettingsError, match=said):
        load_policy(path)
