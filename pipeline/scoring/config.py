"""config.json of a model folder: what a reader of the model must know to use it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import ModelFolderError
from pipeline.scoring import normalise
from pipeline.scoring.labels import Labels

FILE = "config.json"


class Blend(BaseModel):
    """How the two halves become one calibrated answer; fitted on development letters.

    issue: softmax(issue_deep * deep + issue_wide * wide + issue_bias). Signal k: sigmoid(weights · (deep_k, wide_k, 1)).
    Level step k: sigmoid(weights · (deep_k, wide_k, 1)), made falling from step to step.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    issue_deep: float
    issue_wide: float
    issue_bias: tuple[float, ...]
    signals: tuple[tuple[float, float, float], ...]
    level: tuple[tuple[float, float, float], ...]


class ModelConfig(BaseModel):
    """Ordered labels, limits, calibration, provenance."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    issues: tuple[str, ...]
    signals: tuple[str, ...]
    levels: tuple[str, ...]
    max_tokens: int = Field(ge=16)
    normaliser: str = Field(description="normalise.VERSION that the model was trained with")
    blend: Blend
    abstain_below: float = Field(ge=0, le=1, description="an issue less sure than this is for a clerk")
    urgent_from: float = Field(ge=0, le=1, description="P(level 3) from which a letter is called urgent, so that a person looks today")
    backbone: str
    data: dict[str, str] = Field(description="name and SHA-256 of each training file")
    recipe: dict[str, Any] = Field(description="the whole training configuration, seeds among it")

    def check_labels(self, labels: Labels) -> None:
        """Raise ModelFolderError when the model was trained for other labels, another order, or another writing of letters."""
        for name, mine, theirs in (
            ("issues", self.issues, labels.issues),
            ("signals", self.signals, labels.signals),
            ("levels", self.levels, labels.level_names),
        ):
            if mine != theirs:
                raise ModelFolderError(
                    f"model {self.version}: its {name} are {list(mine)}, data/labels.toml has {list(theirs)}; use a model trained for these labels."
                )
        if self.normaliser != normalise.VERSION:
            raise ModelFolderError(
                f"model {self.version}: trained on letters written in form {self.normaliser}, this version writes form {normalise.VERSION}; retrain it."
            )


def read_config(folder: Path) -> ModelConfig:
    """Read config.json; raises ModelFolderError when it is missing or wrong."""
    try:
        return ModelConfig.model_validate_json((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as exc:
        raise ModelFolderError(f"{folder}: expected a valid {FILE}, found {exc}; restore the model folder.") from exc
