"""What a night brings of each letter, written into the tables; called in a transaction of the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from pipeline.desk.services.search import index
from pipeline.intake.letter import Letter, RedactedLetter
from pipeline.matters.places import Where
from pipeline.scoring.score import Score
from pipeline.triage.policy import Priority
from pipeline.triage.routing import Route

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk import models


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """All that is saved of one letter. `content` is the SHA-256 of the content (hex), `crosses` the 三跨 marks, `route` the unit it is for."""

    letter: Letter
    content: str
    redacted: RedactedLetter
    place: Where
    route: Route
    score: Score
    priority: Priority
    due_on: date


def save(run: int, entries: Sequence[Entry], there: Collection[str]) -> None:
    """Add new letters, and score anew those that are `there`: these keep their text, their due date, their status and what people decided."""
    new = [entry for entry in entries if entry.letter.letter_id not in there]
    _add_letters(new)
    index([entry.redacted for entry in new])
    scores = _add_scores(entries)
    _add_items(new, scores)
    _update_items([entry for entry in entries if entry.letter.letter_id in there], scores)
    _add_events(run, entries, there)


def _add_letters(entries: Sequence[Entry]) -> None:
    from pipeline.desk import models

    models.Letter.objects.bulk_create(
        models.Letter(
            letter_id=entry.letter.letter_id,
            content_sha256=entry.content,
            received_at=entry.letter.received_at,
            channel=entry.letter.channel,
            writer_ref=entry.letter.writer_ref,
            place=entry.place.shown,
            path=list(entry.place.path),
            crosses=list(entry.place.crosses),
            text=entry.redacted.text,
        )
        for entry in entries
    )
    models.Original.objects.bulk_create(
        models.Original(
            letter_id=entry.letter.letter_id,
            title=entry.letter.title,
            body=entry.letter.body,
            place_hint=entry.letter.place_hint,
            extra=dict(entry.letter.extra),
        )
        for entry in entries
    )


def _add_scores(entries: Sequence[Entry]) -> dict[str, models.Score]:
    """Save scores, where this model has not scored the letter before (a model that was rolled back comes again); returns them by letter."""
    from pipeline.desk import models

    models.Score.objects.bulk_create(
        (
            models.Score(
                letter_id=entry.letter.letter_id,
                model_version=entry.score.model_version,
                issue=entry.score.issue.tolist(),
                signals=entry.score.signals.tolist(),
                risk=entry.score.risk,
                level=entry.score.level,
                abstain=entry.score.abstain,
                embedding=entry.score.embedding.astype("<f4").tobytes(),
            )
            for entry in entries
        ),
        ignore_conflicts=True,
    )
    versions = {entry.score.model_version for entry in entries}
    ids = [entry.letter.letter_id for entry in entries]
    found = models.Score.objects.filter(letter__in=ids, model_version__in=versions)
    return {score.letter_id: score for score in found.only("pk", "letter_id")}


def _place(entry: Entry, scores: Mapping[str, models.Score]) -> dict[str, Any]:
    return {
        "score_id": scores[entry.letter.letter_id].pk,
        "priority": entry.priority.value,
        "reasons": [[reason.text, reason.share] for reason in entry.priority.reasons],
        "level": entry.score.level,
        "unit": entry.route.unit,
        "unit_why": entry.route.why,
    }


def _add_items(entries: Sequence[Entry], scores: Mapping[str, models.Score]) -> None:
    from pipeline.desk import models

    models.QueueItem.objects.bulk_create(
        models.QueueItem(letter_id=entry.letter.letter_id, due_on=entry.due_on, **_place(entry, scores)) for entry in entries
    )


def _update_items(entries: Sequence[Entry], scores: Mapping[str, models.Score]) -> None:
    """Only what the model and the tables say: status, due date and human_priority are not among the columns."""
    from pipeline.desk import models

    for entry in entries:
        models.QueueItem.objects.filter(pk=entry.letter.letter_id).update(**_place(entry, scores))


def _add_events(run: int, entries: Sequence[Entry], rescored: Collection[str]) -> None:
    from pipeline.desk.models import Event

    now = timezone.now()
    Event.objects.bulk_create(
        Event(
            at=now,
            kind="rescored" if entry.letter.letter_id in rescored else "queued",
            letter_id=entry.letter.letter_id,
            run_id=run,
            after={"model_version": entry.score.model_version, "priority": entry.priority.value},
        )
        for entry in entries
    )
