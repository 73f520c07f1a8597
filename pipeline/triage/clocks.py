"""The statutory deadlines, from the regulation on handling petitions (信访工作条例, in force since 2022-05-01). Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pipeline.intake.letter import SHANGHAI

REGISTER_DAYS = 15


def register_by(received_at: datetime) -> date:
    """The last day to register a letter and decide who handles it: 15 calendar days after it was received.

    信访工作条例 Art. 22: “收到信访事项，应当予以登记，并区分情况，在15日内分别按照下列方式处理”.
    The day of receipt itself does not count; it is the day in the office's time zone. Days are calendar days unless the text
    says 工作日.
    """
    return received_at.astimezone(SHANGHAI).date() + timedelta(days=REGISTER_DAYS)
