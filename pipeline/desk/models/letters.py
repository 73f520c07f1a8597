"""The tables of the queue. A letter's clear text stands apart from everything else, so that it can be guarded apart."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce

from pipeline.desk.choices import TextChoices
from pipeline.desk.models.append import AppendOnly
from pipeline.desk.models.chinese import ChineseJSON


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
    """A letter's place in the queue. What a person says (`human_…`) goes before what the model says, and no run touches it.

    `status` is the letter's own: open until its matter was registered after it came; `registered_on` tells when. `human_signals`: {signal: said}.
    """

    class Status(TextChoices):
        OPEN = "open", "待登记"
        REGISTERED = "registered", "已登记"

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
    registered_on = models.DateField(null=True)
    human_issue = models.TextField(blank=True)
    human_level = models.PositiveSmallIntegerField(null=True)
    human_signals = models.JSONField(default=dict)

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


class Correction(AppendOnly):
    """What a person said instead of the model about one answer for one letter; the latest counts. Training reads this table.

    `answer`: "issue", "level", a signal, or "matter" (not of this matter). `before`, `after`: label names, level numbers, true or false, matter
    ids. `shown`: the probability that the desk showed for the model's answer.
    """

    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    letter = models.ForeignKey(Letter, models.PROTECT, related_name="corrections")
    answer = models.CharField(max_length=20)
    before = models.JSONField(encoder=ChineseJSON)
    after = models.JSONField(encoder=ChineseJSON)
    reason = models.CharField(max_length=20)
    model_version = models.CharField(max_length=200)
    shown = models.FloatField()

    class Meta(AppendOnly.Meta):
        indexes = [models.Index(fields=["at"], name="desk_correction_by_time")]
