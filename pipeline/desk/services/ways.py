"""By which way a matter may be settled, as triage/ways.py suggests from its leading letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models.functions import Coalesce

from pipeline.triage.ways import Suggested, suggest

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import Matter


def suggested_way(matter: Matter) -> Suggested:
    """From the letter that comes first in the queue: what its matter's place in the queue follows from too."""
    from pipeline.desk.models import QueueItem

    items = QueueItem.objects.filter(letter__link__matter=matter).order_by(Coalesce("human_priority", "priority").desc(), "-pk")
    text = items.values_list("letter__text", flat=True).first() or ""
    return suggest(matter.shown_issue, matter.signals, matter.level, text)
