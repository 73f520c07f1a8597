"""What people say instead of the model about one letter: kept for training, and at once in force for the letter and its matter."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from pipeline.desk.services.claims import holding, keep
from pipeline.desk.services.day import office_day
from pipeline.desk.services.letters import score_of, told_of
from pipeline.desk.services.matters import refresh
from pipeline.desk.services.risk import current_risk
from pipeline.errors import MatterError
from pipeline.scoring.labels import load_labels
from pipeline.scoring.score import SAID
from pipeline.triage.policy import load_policy, prioritise

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import Matter, QueueItem, User

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "text": "信中另有说法",
        "policy": "按本局分类口径",
        "checked": "已向来信人或单位核实",
        "misread": "把引用或假设当了真",
        "other": "其他",
    }
)
"""Reason codes: all that a correction asks for."""
ISSUE, LEVEL = "issue", "level"


def correct(item: QueueItem, matter: Matter, user: User, answer: str, after: Any, reason: str) -> bool:
    """Say what is right: `answer` "issue" with a label's name, "level" with 0..3, or a signal with True or False; False when that is said already.

    Raises:
        MatterError: an unknown answer, value or reason code. HeldError: somebody else has the matter in hand.
    """
    from pipeline.desk.models import Correction

    _check(answer, after, reason)
    with holding(matter, user) as held:
        before, shown = _shown(item, answer)
        if before == after:
            return False
        _set(item, answer, after)
        item.human_priority = prioritise(told_of(item), load_policy()).value
        item.save(update_fields=["human_issue", "human_level", "human_signals", "human_priority"])
        Correction.objects.create(
            at=timezone.now(), by=user, letter_id=item.pk, answer=answer, before=before, after=after, reason=reason,
            model_version=item.score.model_version, shown=shown,
        )  # fmt: skip
        told = {"answer": answer, "reason": reason}
        keep(held, user, "corrected", (), before=told | {"value": before}, after=told | {"value": after}, letter=item.pk)
        refresh([held.pk], current_risk(), office_day())
        return True


def _check(answer: str, after: Any, reason: str) -> None:
    labels = load_labels()
    fits = {
        ISSUE: after in labels.issues,
        LEVEL: isinstance(after, int) and not isinstance(after, bool) and 0 <= after < len(labels.level_names),
        **dict.fromkeys(labels.signals, isinstance(after, bool)),
    }
    if not fits.get(answer, False):
        raise MatterError("没有这个选项，请刷新后再选。")
    check_reason(reason)


def check_reason(reason: str) -> None:
    """Raises MatterError for what is no reason code."""
    if reason not in REASONS:
        raise MatterError(f"请选一个理由：{'、'.join(REASONS.values())}。")


def _shown(item: QueueItem, answer: str) -> tuple[Any, float]:
    """What holds for the letter so far, and the probability that the model gave its own answer."""
    labels, model, now = load_labels(), score_of(item.score), told_of(item)
    if answer == ISSUE:
        return labels.issues[int(now.issue.argmax())], float(model.issue.max())
    if answer == LEVEL:
        return now.level, float(model.risk)
    at = labels.signals.index(answer)
    return bool(now.signals[at] >= SAID), float(model.signals[at])


def _set(item: QueueItem, answer: str, after: Any) -> None:
    if answer == ISSUE:
        item.human_issue = after
    elif answer == LEVEL:
        item.human_level = after
    else:
        item.human_signals = item.human_signals | {answer: after}
