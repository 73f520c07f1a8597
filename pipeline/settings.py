"""Typed settings: defaults, then `zhiwei.toml`, then the environment."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import SettingsError

FILE = Path("zhiwei.toml")
FILE_VARIABLE = "ZHIWEI_SETTINGS"
VARIABLES = {
    "ZHIWEI_DATABASE_URL": "queue",
    "ZHIWEI_QUEUE": "queue",
    "ZHIWEI_MODELS": "models",
    "ZHIWEI_THREADS": "threads",
    "ZHIWEI_OFFICE": "office",
    "ZHIWEI_TODAY": "today",
}
"""Environment variable -> setting; of two for one setting the later wins."""


class Settings(BaseModel):
    """What an office may set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    queue: str = Field(
        default="sqlite:///var/zhiwei.db", description="URL of the queue's database; relative paths start in the working folder"
    )
    models: Path = Field(default=Path(__file__).resolve().parents[1] / "models", description="folder of the model folders and of CURRENT")
    office: Path = Field(
        default=Path(__file__).resolve().parents[1] / "data", description="folder of the office's own tables: places, units, routing"
    )
    today: date | None = Field(default=None, description="a day to pretend on the desk, for the sample letters")
    threads: int = Field(default=0, ge=0, description="cores to use; 0 takes all")
    chunk: int = Field(default=256, ge=1, le=5_000, description="letters that are masked, scored and committed together")
    explain_top: int = Field(default=100, ge=0, description="letters at the head of the queue whose telling sentences are looked for")
    explain_seconds: float = Field(default=20, ge=0, description="seconds a run may spend on that")
    renew_seconds: float = Field(
        default=120, ge=0, description="seconds a run may spend on giving old letters the embedding of a new model"
    )
    lock_wait: float = Field(default=0, ge=0, description="seconds to wait while another run works on the queue")
    retention_days: int = Field(
        default=730, ge=1, description="days after a matter was closed until the clear text and the contact of its letters are erased"
    )


def load_settings(file: Path | None = None, environ: Mapping[str, str] = os.environ, **given: object) -> Settings:
    """Settings from `file`, else the file named by ZHIWEI_SETTINGS, else `zhiwei.toml` of the working folder if there is one.

    The environment goes before the file; `given` (the command line) before both.

    Raises:
        SettingsError: a file that was named is missing or is no TOML; a key is unknown; a value does not fit.
    """
    named = file or (Path(environ[FILE_VARIABLE]) if environ.get(FILE_VARIABLE) else None)
    values = _read(named or FILE) if named or FILE.is_file() else {}
    where = str(named or FILE) if values else "settings"
    for variable, key in VARIABLES.items():
        if environ.get(variable):
            values[key] = environ[variable]
            where = f"{where}, {variable}"
    try:
        return Settings.model_validate(values | given)
    except ValidationError as exc:
        raise SettingsError(f"{where}: {problem(exc, Settings)}") from exc


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise SettingsError(f"settings file {path}: expected readable TOML, found: {exc}; correct it or remove it.") from exc


def problem(exc: ValidationError, kind: type[BaseModel]) -> str:
    """The first problem of a validation as one sentence: which key, what is wrong, which keys are known."""
    first = exc.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown key {key!r}; known are {', '.join(kind.model_fields)}."
    return f"{key or 'the whole'}: {first['msg']}, found {first['input']!r}; correct it."
