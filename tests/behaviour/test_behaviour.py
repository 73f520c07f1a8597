"""How the model in use (or the folder in ZHIWEI_MODEL) behaves on invented letters: make behaviour."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from pipeline.scoring import registry
from pipeline.scoring.behaviour import DIRECTIONS, INVARIANCES, Outcome, checks
from pipeline.scoring.labels import load_labels
from pipeline.scoring.scorer import Scorer

pytestmark = pytest.mark.behaviour


@cache
def outcomes() -> dict[tuple[str, str], Outcome]:
    model = Path(os.environ["ZHIWEI_MODEL"]) if os.environ.get("ZHIWEI_MODEL") else registry.current()
    return {(one.kind, one.name): one for one in checks(Scorer.load(model))}


LABELS = load_labels()
NAMES = [
    *(("invariance", name) for name in INVARIANCES),
    *(("direction", name) for name in (*DIRECTIONS, "thanks for a solution")),
    *(("minimum", f"issue {name}") for name in LABELS.issues),
    *(("minimum", f"signal {name}, {side}") for name in LABELS.signals for side in ("present", "near miss")),
    *(("minimum", f"level {level} {name}: risk on the right side") for level, name in enumerate(LABELS.level_names)),
]


@pytest.mark.parametrize(("kind", "name"), NAMES, ids=[f"{kind}: {name}" for kind, name in NAMES])
def test_the_model_behaves(kind: str, name: str) -> None:
    one = outcomes()[kind, name]
    assert one.passed, f"{one.value:.3f}, bound {one.bound:.2f}: {one.note}"


def test_every_check_is_asked() -> None:
    assert set(NAMES) == set(outcomes())
