"""The tables of the queue. A letter's clear text stands apart from everything else, so that it can be guarded apart."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, NoReturn

from django.db import models
from django.db.models.functions import Coalesce


class ChineseJSON(json.JSONEncoder):
    """JSON that stays readable in the database."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"ensure_ascii": False})


class Letter(models.Model):
    """One letter, masked. `content_sha256` is of the clear title and body: the same id with another content is refused."""

    letter_id = models.CharField(max_length=200, primary_key=True)
    content_sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField(null=True)
    channel = models.TextField(blank=True)
    writer_ref = models.CharField(max_length=64, blank=True)
    place = models.TextField(blank=True)
    text = models.TextField()


class Original(models.Model):
    """What the writer wrote, personal data and all. The only table that holds any."""

    letter = models.OneToOneField(Letter, models.PROTECT, primary_key=True)
    title = models.TextField(blank=True)
    body = models.TextField(blank=True)
    place_hint = models.TextField(blank=True)
    extra = models.JSONField(default=dict, encoder=ChineseJSON)


class Score(models.Model):
    """What one model said of one letter; a newer model adds its own. Label order is that of data/labels.toml."""

    letter = models.ForeignKey(Letter, models.PROTECT, related_name="scores")
    model_version = models.CharField(max_length=200)
    issue = models.JSONField()
    signals = models.JSONField()
    risk = models.FloatField()
    level = models.PositiveSmallIntegerField()
    abstain = models.BooleanField()
    embedding = models.BinaryField()  # float32, little-endian
    evidence = models.JSONField(null=True, encoder=ChineseJSON)  # [[answer, sentence, fall], …]; null: not asked for yet

    class Meta:
        constraints = [models.UniqueConstraint(fields=["letter", "model_version"], name="desk_score_once_a_model")]


class QueueItem(models.Model):
    """A letter's place in the queue. `human_priority`, once set by a person, goes before `priority`, and no run touches it."""

    class Status(models.TextChoices):
        OPEN = "open", "待办"

    letter = models.OneToOneField(Letter, models.PROTECT, primary_key=True, related_name="item")
    score = models.ForeignKey(Score, models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.OPEN)
    priority = models.FloatField()
    human_priority = models.FloatField(null=True)
    reasons = models.JSONField(encoder=ChineseJSON)  # [[sentence, share], …]
    level = models.PositiveSmallIntegerField()
    due_on = models.DateField()

    class Meta:
        indexes = [
            models.Index(
                Coalesce("human_priority", "priority").desc(),
                "due_on",
                "letter",
                name="desk_open_by_priority",
                condition=models.Q(status="open"),
            )
        ]


class Run(models.Model):
    """The ledger of nightly runs."""

    class Status(models.TextChoices):
        RUNNING = "running", "进行中"
        DONE = "done", "完成"
        STOPPED = "stopped", "中断"

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.RUNNING)
    inputs = models.JSONField(encoder=ChineseJSON)
    model_version = models.CharField(max_length=200)
    counts = models.JSONField(default=dict)


class AppendOnlyError(TypeError):
    """An event was to be changed or deleted: a fault of the program, not of its user."""


class Events(models.QuerySet["Event"]):
    """Events can be added and read."""

    def update(self, **changes: object) -> NoReturn:
        raise AppendOnlyError("events are never changed: add another one.")

    def delete(self) -> NoReturn:
        raise AppendOnlyError("events are never deleted.")

    def bulk_create(
        self, objs: Any, batch_size: int | None = None, ignore_conflicts: bool = False, update_conflicts: bool = False, **fields: Any
    ) -> Any:
        if update_conflicts:
            raise AppendOnlyError("events are never changed: add another one.")
        return super().bulk_create(objs, batch_size=batch_size, ignore_conflicts=ignore_conflicts, **fields)


class Event(models.Model):
    """What happened to a letter, append-only. `detail` holds numbers and names of versions, never a word of a letter."""

    class Kind(models.TextChoices):
        QUEUED = "queued", "入队"
        RESCORED = "rescored", "重新评分"

    at = models.DateTimeField()
    kind = models.CharField(max_length=16, choices=Kind.choices)
    letter = models.ForeignKey(Letter, models.PROTECT, related_name="events")
    run = models.ForeignKey(Run, models.PROTECT, related_name="+")
    detail = models.JSONField(default=dict, encoder=ChineseJSON)

    objects = Events.as_manager()

    class Meta:
        base_manager_name = "objects"

    def save(
        self,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Collection[str] | None = None,
        **options: Any,
    ) -> None:
        if not self._state.adding:
            raise AppendOnlyError("events are never changed: add another one.")
        super().save(force_insert=True, using=using, **options)

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        raise AppendOnlyError("events are never deleted.")
