"""The office's day: by which clocks and waiting times are told."""

from __future__ import annotations

from datetime import date, datetime

from pipeline.intake.letter import SHANGHAI
from pipeline.settings import load_settings


def office_day() -> date:
    """Today in the office's time zone, or the day that the settings pretend (for the sample letters)."""
    return load_settings().today or datetime.now(SHANGHAI).date()
