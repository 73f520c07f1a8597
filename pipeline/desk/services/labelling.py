"""Which letters are most worth a person's answer: those of which the model is least sure. Training learns most from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from pipeline.desk.roles import Ability
from pipeline.desk.services.drift import Seen
from pipeline.desk.services.letters import heading
from pipeline.scoring.labels import load_labels

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import User

TO_LABEL = 50
NEAR, HALF = 0.3, 0.5
"""Two issues whose probabilities differ by less are called near each other; the risk is least certain at one half."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """A letter worth a person's answer: why, and its heading where the reader may see it ("" otherwise)."""

    letter_id: str
    on: date | None
    why: str
    heading: str


def to_label(letters: Sequence[Seen], user: User) -> list[Unsure]:
    """The letters of which the model is least sure and of which nobody has said anything. Headings only of letters that this person may read."""
    free = sorted((letter for letter in letters if not letter.corrected), key=_doubt, reverse=True)[:TO_LABEL]
    headings = _headings([letter.letter_id for letter in free], user)
    return [Unsure(letter.letter_id, letter.on, _why(letter), headings.get(letter.letter_id, "")) for letter in free]


def _doubt(letter: Seen) -> tuple[bool, float]:
    """What the model leaves to a clerk first; then by how near two issues are, or the risk to one half."""
    second, first = np.sort(letter.issue)[-2:]
    return letter.abstain, float(max(1 - (first - second), 1 - 2 * abs(letter.risk - HALF)))


def _why(letter: Seen) -> str:
    order, issues = np.argsort(-letter.issue), load_labels().issues
    first, second = (f"{issues[int(at)]} {letter.issue[at]:.0%}" for at in order[:2])
    near = abs(letter.risk - HALF) < 0.1
    told = [
        "模型拿不准类别" if letter.abstain else "",
        f"类别接近：{first}、{second}" if letter.issue[order[0]] - letter.issue[order[1]] < NEAR else "",
        f"是不是苗头件接近一半：{letter.risk:.0%}" if near else "",
    ]
    return "；".join(filter(None, told)) or f"相对最没把握：{first}，苗头可能 {letter.risk:.0%}"


def _headings(ids: Sequence[str], user: User) -> dict[str, str]:
    from pipeline.desk.models import Letter, Matter

    if not user.can(Ability.READ):
        return {}
    found = Letter.objects.filter(pk__in=ids, link__matter__in=Matter.objects.for_user(user)).only("pk", "text")
    return {row.pk: heading(row) for row in found}
