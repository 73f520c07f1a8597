"""What the day's work reaches: of all early signs to be expected in the queue, the share among the matters that the office can take today.

Expected, by the model's own calibrated risk: a matter with risk 0.7 counts as 0.7 of an early sign. The share is the sum of the risk over the
first matters of the queue by the sum over all of them. The latter reads every row, so it is kept for ten minutes in each process.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.cache import cache
from django.db.models import F, Sum

from pipeline.desk.services.filters import scope
from pipeline.errors import ModelFolderError
from pipeline.scoring import registry
from pipeline.settings import load_settings

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import User

TAKE, MOST_TAKE = 40, 2_000
KEPT_SECONDS = 600
CHECK = "recall of level >= 2 in the top 25 %"


@dataclass(frozen=True, slots=True)
class Coverage:
    """`take` matters reach this `share` of the expected early signs (None when the queue holds no risk); `checked`: the held-out recall of CHECK."""

    take: int
    share: float | None
    checked: float | None


def coverage(user: User, take: int) -> Coverage:
    """How far `take` matters of this person's queue reach."""
    from pipeline.desk.models import Matter

    matters = Matter.objects.for_user(user).filter(live=True).order_by(F("rank").desc(), "matter_id")
    first = sum(matters.values_list("risk", flat=True)[:take])
    total = max(_total(user), first)  # what came in since may be in the first and not yet in the total
    return Coverage(take, first / total if total else None, _checked())


def _total(user: User) -> float:
    from pipeline.desk.models import Matter

    def read() -> float:
        return float(Matter.objects.for_user(user).filter(live=True).aggregate(total=Sum("risk"))["total"] or 0)

    return float(cache.get_or_set(f"desk-risk-{scope(user)}", read, KEPT_SECONDS) or 0)


def _checked() -> float | None:
    try:
        return _read(registry.current(load_settings().models))
    except (ModelFolderError, OSError, KeyError, TypeError, ValueError):
        return None  # the line stands without it


@lru_cache(2)
def _read(folder: Path) -> float:
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return float(metrics["test"]["shipped"][CHECK]["value"])
