"""The first statutory clock."""

from datetime import UTC, date, datetime

import pytest

from pipeline.intake.letter import SHANGHAI
from pipeline.triage.clocks import register_by


@pytest.mark.parametrize(
    ("received", "last_day"),
    [
        (datetime(2026, 3, 2, 9, tzinfo=SHANGHAI), date(2026, 3, 17)),
        (datetime(2026, 12, 20, 23, 59, tzinfo=SHANGHAI), date(2027, 1, 4)),
        (datetime(2024, 2, 20, tzinfo=SHANGHAI), date(2024, 3, 6)),
        (datetime(2026, 3, 2, 16, 30, tzinfo=UTC), date(2026, 3, 18)),  # already 3 March in the office
    ],
)
def test_fifteen_calendar_days_after_the_day_of_receipt(received: datetime, last_day: date) -> None:
    assert register_by(received) == last_day
