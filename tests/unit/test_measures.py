"""The figures, held against scikit-learn where it has them, and the registry's gate."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ModelFolderError
from pipeline.scoring import gate, registry
from pipeline.scoring.heldout import HeldOut, figures, in_common
from pipeline.scoring.labels import load_labels
from pipeline.scoring.measures import average_precision, macro_f1, recall_at_top, sure_share, weighted_average_precision

LABELS = load_labels()
TINY = Path(__file__).parents[1] / "assets" / "tiny_model"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.floats(0.1, 2)), min_size=2, max_size=40))
@settings(max_examples=60, deadline=None)
def test_average_precision_is_scikit_learn_s(rows: list[tuple[bool, int, float]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, score, weight = (np.array(column) for column in zip(*rows, strict=True))
    found = average_precision(truth, score.astype(np.float32), weight.astype(np.float32))
    if not truth.any():
        assert np.isnan(found)
        return
    assert found == pytest.approx(metrics.average_precision_score(truth, score, sample_weight=weight), abs=1e-5)


def test_macro_f1_is_scikit_learn_s() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    draw = np.random.default_rng(1)
    truth, guess = draw.integers(0, 5, 200), draw.integers(1, 6, 200)
    assert macro_f1(truth, guess) == pytest.approx(metrics.f1_score(truth, guess, average="macro", zero_division=0))


def test_a_half_believed_letter_counts_half() -> None:
    share = np.array([1.0, 0.5, 0.0], np.float32)
    assert weighted_average_precision(share, np.array([0.9, 0.8, 0.1], np.float32)) == pytest.approx((1 + 0.5 * 0.75) / 1.5)
    assert recall_at_top(share, np.array([0.9, 0.8, 0.1], np.float32), 1 / 3) == pytest.approx(1 / 1.5)


def test_the_automatic_share_ends_where_accuracy_falls() -> None:
    right = np.array([True] * 19 + [False] + [False] * 5)
    sure = np.linspace(1, 0, 25).astype(np.float32)
    assert sure_share(right, sure, 0.95) == pytest.approx(20 / 25)
    assert sure_share(~right, sure, 0.95) == 0


def invented(noise: float, letters: int = 300) -> HeldOut:
    """Answers that are right but for `noise`."""
    draw = np.random.default_rng(4)
    truth = draw.integers(0, 16, letters)
    share = np.array([[1, letter % 3 == 0, 0] for letter in range(letters)], np.float32)
    signals = draw.random((letters, 8)) < 0.3
    blur = np.random.default_rng(5)

    def said(so: np.ndarray) -> np.ndarray:
        return np.clip((1 - noise) * so + noise * blur.random(so.shape), 0.001, 0.999).astype(np.float32)

    issue = said(np.eye(16)[truth])
    return HeldOut(
        ids=tuple(f"hot-{n}" for n in range(letters)), issue=issue / issue.sum(1, keepdims=True), signals=said(signals), level=said(share),
        first_issue=truth, first_signals=signals, first_level=share.sum(1).astype(np.int64), share_issue=np.eye(16, dtype=np.float32)[truth],
        share_signals=signals.astype(np.float32), share_level=share, organiser=np.full(letters, -1),
    )  # fmt: skip


def test_figures_come_with_intervals() -> None:
    told = figures(invented(0.6), LABELS, 50)
    for name, figure in told.items():
        if np.isfinite(figure["value"]):
            assert figure["low"] - 1e-9 <= figure["high"], name
    assert told["issue accuracy"]["letters"] == 300


def test_a_worse_model_is_objected_to_and_an_equal_one_is_not() -> None:
    good, bad = invented(0.2), invented(0.95)
    assert any(line.startswith("risk AP, either reading") for line in gate.worse(bad, good, LABELS))
    assert [line for line in gate.worse(good, bad, LABELS) if not line.startswith("ECE")] == []
    assert list(gate.worse(good, good, LABELS)) == []


def test_models_are_compared_on_the_letters_that_both_hold() -> None:
    one = invented(0.2)
    other = one.rows(np.arange(299, 99, -1))
    left, right = in_common(one, other)
    assert left.ids == right.ids
    assert len(left.ids) == 200
    assert (left.issue == right.issue).all()


def test_answers_are_kept_and_read_back(tmp_path: Path) -> None:
    held = invented(0.3)
    held.save(tmp_path)
    again = HeldOut.load(tmp_path)
    assert again.ids == held.ids
    assert (again.signals == held.signals).all()
    with pytest.raises(ModelFolderError, match=r"expected a readable heldout\.safetensors"):
        HeldOut.load(tmp_path / "nowhere")


def test_promotion_is_refused_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = tmp_path / "models"
    for name, noise in (("used", 0.2), ("worse", 0.95)):
        shutil.copytree(TINY, models / name)
        (models / name / "heldout.safetensors").unlink(missing_ok=True)
        invented(noise).save(models / name)
        registry.write_sums(models / name)
    assert registry.main(["promote", "used", "--models", str(models)]) == 0
    assert registry.main(["promote", "worse", "--models", str(models)]) == 2
    told = capsys.readouterr().err
    assert "model worse is not promoted, it is worse than used" in told
    assert "issue accuracy: 0." in told
    assert registry.current(models).name == "used"


def test_a_behaviour_that_is_lost_is_objected_to() -> None:
    from pipeline.scoring.behaviour import Outcome

    held = Outcome("invariance", "name", 0.0, 0.02, True)
    lost = replace(held, value=0.3, passed=False, note="x")
    assert len(list(gate.misbehaving([lost], [held]))) == 1
    assert list(gate.misbehaving([lost], [lost])) == []
