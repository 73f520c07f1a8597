"""The matters' risk model of the model in use; read anew when another is promoted."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pipeline.matters.matter import RiskModel
from pipeline.matters.pairs import Matcher
from pipeline.scoring import registry
from pipeline.settings import load_settings


def current_risk() -> RiskModel:
    """Raises ModelFolderError when no model is in use."""
    return _read(registry.current(load_settings().models))


@lru_cache(2)
def _read(folder: Path) -> RiskModel:
    return Matcher.load(folder).risk
