"""The office's own tables as lists to choose from: the units that matters go to, and the townships."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import MatterError
from pipeline.matters.gazetteer.sheet import read_sheet
from pipeline.matters.places import Gazetteer
from pipeline.settings import load_settings
from pipeline.triage.routing import UNIT_COLUMNS


def unit_names() -> list[str]:
    """The units of the office's units.csv, in its order. Raises SettingsError when the file is no such table."""
    return [row["单位"] for row in read_sheet(_office() / "units.csv", UNIT_COLUMNS, "units file")]


def check_unit(name: str) -> None:
    """Raises MatterError for a unit that the office does not have."""
    if not name:
        raise MatterError("请选一个单位。")
    if name not in unit_names():
        raise MatterError(f"没有名为“{name}”的单位，请从列表中选。")


def towns() -> Mapping[str, str]:
    """The area of each township, as Matter.area begins, by the township's name. Raises SettingsError as the gazetteer does."""
    places = Gazetteer.load(_office() / "places.csv").own
    return {place.name: "/".join(place.path) for place in places if place.kind == "township"}


def home() -> str:
    """The area of the office's county."""
    return "/".join(Gazetteer.load(_office() / "places.csv").home)


def _office() -> Path:
    return load_settings().office
