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
    path = models.JSONField(default=list, encoder=ChineseJSON)  # the place with what holds it, from the widest down
    crosses = models.JSONField(default=list, encoder=ChineseJSON)  # 三跨 marks
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
    unit = models.TextField(blank=True)
    unit_why = models.TextField(blank=True)

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


class Matter(models.Model):
    """A matter: letters that speak of the same problem. All but the last two fields follows from its letters.

    `by_person`: a person has merged, split or moved its letters; the program never puts it together with another matter.
    `united_into`: the matter that it was put into; it has no letters any more.
    """

    matter_id = models.CharField(max_length=210, primary_key=True)
    title = models.TextField(blank=True)
    issue = models.TextField(blank=True)
    places = models.JSONField(default=list, encoder=ChineseJSON)
    signals = models.JSONField(default=list)
    letters = models.PositiveIntegerField(default=0)
    writers = models.PositiveIntegerField(default=0)
    first_on = models.DateField(null=True)
    last_on = models.DateField(null=True)
    level = models.PositiveSmallIntegerField(default=0)
    risk = models.FloatField(default=0.0)
    lately = models.PositiveIntegerField(default=0)
    growth = models.IntegerField(default=0)
    by_person = models.BooleanField(default=False)
    united_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(models.F("risk").desc(), "matter_id", name="desk_matter_by_risk", condition=models.Q(united_into=None))]


class Link(models.Model):
    """Which matter a letter belongs to, and what linking keeps of it (matters/trace.py; no text can be read from it)."""

    letter = models.OneToOneField(Letter, models.PROTECT, primary_key=True, related_name="link")
    matter = models.ForeignKey(Matter, models.PROTECT, related_name="links")
    bond = models.FloatField()
    model_version = models.CharField(max_length=200)  # whose embedding the trace holds
    trace = models.BinaryField()
    by_person = models.BooleanField(default=False)


class Suggestion(models.Model):
    """Two matters that look alike and were left apart: a person puts them together or declines. `one` is the first by name."""

    one = models.ForeignKey(Matter, models.CASCADE, related_name="+")
    other = models.ForeignKey(Matter, models.CASCADE, related_name="+")
    bond = models.FloatField()
    declined = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["one", "other"], name="desk_suggestion_once")]


class Decision(models.Model):
    """What a person decided about matters. Never undone by a run; read by training as pairs of letters that are, or are not, one matter."""

    class Kind(models.TextChoices):
        MERGED = "merged", "合并"
        SPLIT = "split", "拆分"
        MOVED = "moved", "移出"
        DECLINED = "declined", "不合并"

    at = models.DateTimeField()
    kind = models.CharField(max_length=16, choices=Kind.choices)
    by = models.CharField(max_length=100)
    matter = models.ForeignKey(Matter, models.PROTECT, related_name="decisions")
    other = models.ForeignKey(Matter, models.PROTECT, related_name="+")
    letters = models.JSONField()  # the letters that went from `matter` to `other`; of a refused suggestion none
    stayed = models.JSONField()  # those that were in `other` (merged) or stayed in `matter` (split, moved, declined)


class Flag(models.Model):
    """A tendency that a run saw begin (matters/trends.py)."""

    run = models.ForeignKey("Run", models.PROTECT, related_name="flags")
    on = models.DateField()
    kind = models.CharField(max_length=20)
    key = models.TextField()
    matter = models.ForeignKey(Matter, models.PROTECT, null=True, related_name="flags")
    told = models.JSONField(encoder=ChineseJSON)  # the fields of matters.trends.Trend

    class Meta:
        indexes = [models.Index(fields=["-on"], name="desk_flag_by_day")]


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
