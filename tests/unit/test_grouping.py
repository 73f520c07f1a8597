"""How a grouping is judged, and the forest that makes it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from pipeline.matters.matter import HIGHEST, Sighting
from pipeline.matters.pairs import FEATURES, Matcher
from pipeline.matters.rarity import Counted
from pipeline.training.grouping import quality
from pipeline.training.matter_risk import cases, fit_risk
from pipeline.training.outcomes import returned
from pipeline.training.pairs import Pairs, fit_matcher

MATTERS = [["a", "b", "c"], ["d", "e"]]


def test_pairs_are_counted_when_they_touch_a_matter() -> None:
    found = quality({"a": "1", "b": "1", "c": "2", "d": "2", "e": "3", "x": "2", "y": "4", "z": "4"}, MATTERS)
    assert (found.made, found.right, found.wanted) == (1 + 3, 1, 4)  # c-d, c-x and d-x are wrong, y-z touches nothing that was read
    assert found.f1 == pytest.approx(2 / 8)


def test_small_matters_alone() -> None:
    found = quality({"a": "1", "b": "1", "c": "1", "d": "1", "e": "1"}, MATTERS, most=2)
    assert (found.made, found.right, found.wanted) == (1, 1, 1)


def test_one_fold_alone() -> None:
    found = quality({"a": "1", "b": "1", "c": "1", "d": "1", "e": "1"}, MATTERS, fold=1)
    assert (found.made, found.right, found.wanted) == (1 + 6, 1, 1)


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    draw = np.random.default_rng(5)
    rows = draw.random((3_000, len(FEATURES))).astype(np.float32)
    same = (rows[:, 0] > 0.7) & (rows[:, 3] > 0.3) | (draw.random(3_000) < 0.05)
    everything = np.ones(3_000, bool)
    return Pairs(np.zeros((3_000, 2), np.int64), rows, same, everything, np.zeros((3_000, 2), np.int64))


def test_the_forest_as_arrays_tells_what_it_was_fitted_on(pairs: Pairs, tmp_path: Path) -> None:
    matcher = fit_matcher(pairs, Counted.of([]), pairs.known)
    told = matcher.probability(pairs.rows)
    assert told.mean() == pytest.approx(pairs.same.mean(), abs=0.01)
    assert told[pairs.same].mean() > told[~pairs.same].mean() + 0.5
    matcher.save(tmp_path)
    np.testing.assert_array_equal(Matcher.load(tmp_path).probability(pairs.rows), told)


def sighting(number: int, matter: str, day: int, writer: str, risk: float) -> Sighting:
    return Sighting(
        letter_id=f"L{number}", matter_id=matter, day=date(2026, 1, 1) + timedelta(days=day), writer=writer, issue="农村农业", signals=(), place=(),
        risk=risk, level=1, title="", terms=(),
    )  # fmt: skip


def test_a_case_comes_true_by_an_early_sign_or_by_another_writer() -> None:
    letters = [
        sighting(1, "quiet", 0, "甲", 0.1),
        sighting(2, "grows", 0, "乙", 0.1),
        sighting(3, "grows", 30, "丙", 0.1),
        sighting(4, "same writer again", 0, "丁", 0.1),
        sighting(5, "same writer again", 30, "丁", 0.1),
        sighting(6, "bad", 0, "戊", 0.1),
        sighting(7, "later", 200, "己", 0.1),
        sighting(8, "not read", 0, "庚", 0.1),
    ]
    read = {f"L{number}": float(number == 6) for number in range(1, 8)}
    told = cases(letters, read)
    assert len(told.came) == 6
    by_matter = {number: told.came[told.matter == number].tolist() for number in set(told.matter.tolist())}
    assert list(by_matter.values()) == [[False], [True, False], [False, False], [True]]


def test_few_cases_leave_the_highest_letter_risk() -> None:
    model, figures = fit_risk(cases([sighting(1, "m", 0, "甲", 0.1)], {}))
    assert model is HIGHEST
    assert np.isnan(figures["risk_ap"])


def test_a_matter_returns_when_another_letter_comes_within_90_days() -> None:
    letters = [
        sighting(1, "soon", 0, "甲", 0.1),
        sighting(2, "soon", 89, "甲", 0.1),
        sighting(3, "late", 0, "甲", 0.1),
        sighting(4, "late", 91, "甲", 0.1),
        sighting(5, "new", 150, "甲", 0.1),
    ]
    assert returned(letters) == {"L1": True, "L3": False}
