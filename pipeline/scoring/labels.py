"""The ordered issues, signals and levels, from data/labels.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipeline.errors import SettingsError

LABELS_FILE = Path(__file__).resolve().parents[2] / "data" / "labels.toml"


@dataclass(frozen=True, slots=True)
class Labels:
    """The label lists in their order; `signal_names` and `level_names` are what staff read."""

    issues: tuple[str, ...]
    signals: tuple[str, ...]
    signal_names: tuple[str, ...]
    level_names: tuple[str, ...]


@cache
def load_labels(path: Path = LABELS_FILE) -> Labels:
    """Read and check the labels file.

    Raises:
        SettingsError: a list is missing, has doubles, a signal lacks its name, or levels do not count 0, 1, 2, …
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        issues, signals = tuple(table["issues"]), tuple(table["signals"])
        names = tuple(table["signal_names"][signal] for signal in signals)
        levels = table["levels"]
        level_names = tuple(level["name"] for level in levels)
        values = [level["value"] for level in levels]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as exc:
        raise SettingsError(f"labels file {path}: expected issues, signals, signal_names and levels, found {exc!r}; restore it.") from exc
    for name, values_of in (("issues", issues), ("signals", signals), ("levels", level_names)):
        if not values_of or len(set(values_of)) != len(values_of):
            raise SettingsError(f"labels file {path}: {name} must be a list without doubles, found {values_of}; correct it.")
    if values != list(range(len(values))):
        raise SettingsError(f"labels file {path}: levels must count 0, 1, 2, … in order, found {values}; correct it.")
    return Labels(issues, signals, names, level_names)
