"""What was done, by whom: runs, events with their seals, readings of what is guarded, erasures."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from pipeline.desk.choices import TextChoices
from pipeline.desk.models.append import AppendOnly, AppendOnlyError
from pipeline.desk.models.chinese import ChineseJSON
from pipeline.desk.models.letters import Letter

__all__ = ["Access", "AppendOnlyError", "Erasure", "Event", "Run", "Seal"]


class Run(models.Model):
    """The ledger of nightly runs."""

    class Status(TextChoices):
        RUNNING = "running", "进行中"
        DONE = "done", "完成"
        STOPPED = "stopped", "中断"

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.RUNNING)
    inputs = models.JSONField(encoder=ChineseJSON)
    model_version = models.CharField(max_length=200)
    counts = models.JSONField(default=dict)


class Event(AppendOnly):
    """What happened to a letter or a matter. Of a run (`run`) or of a person (`by`). `kind`: an EventKind or a step of desk/workflow.py.

    `before`, `after`: numbers, names of versions, units, states and people of the office; never a word of a letter.
    """

    at = models.DateTimeField()
    kind = models.CharField(max_length=20)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    run = models.ForeignKey(Run, models.PROTECT, null=True, related_name="+")
    letter = models.ForeignKey(Letter, models.PROTECT, null=True, related_name="events")
    matter = models.ForeignKey("Matter", models.PROTECT, null=True, related_name="events")
    before = models.JSONField(default=dict, encoder=ChineseJSON)
    after = models.JSONField(default=dict, encoder=ChineseJSON)


class Seal(AppendOnly):
    """An event's place in the chain: SHA-256 (hex) over the seal before it and all that the event says. Sealed shortly after it was written."""

    event = models.OneToOneField(Event, models.PROTECT, related_name="seal")
    digest = models.CharField(max_length=64)


class Access(AppendOnly):
    """Who read or took out what is guarded, when, why and from where. `detail`: counts and file names; a search's words masked."""

    class Kind(TextChoices):
        ORIGINAL = "original", "查看原件"
        EXPORT = "export", "导出"
        DOSSIER = "dossier", "打印卷宗"
        SEARCH = "search", "检索"

    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    letter = models.ForeignKey(Letter, models.PROTECT, null=True, related_name="+")
    matter = models.ForeignKey("Matter", models.PROTECT, null=True, related_name="+")
    purpose = models.TextField(blank=True)
    address = models.GenericIPAddressField(null=True)
    detail = models.JSONField(default=dict, encoder=ChineseJSON)

    class Meta(AppendOnly.Meta):
        indexes = [models.Index(fields=["-at"], name="desk_access_by_time")]


class Erasure(AppendOnly):
    """The register of retention: a letter whose clear text and contact were erased, when, and by which rule."""

    at = models.DateTimeField()
    letter = models.OneToOneField(Letter, models.PROTECT, related_name="erasure")
    rule = models.TextField()
