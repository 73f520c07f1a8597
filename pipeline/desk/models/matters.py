"""Matters, how far they are handled, what people decided about them, and what is starting."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from pipeline.desk.choices import TextChoices
from pipeline.desk.models.append import AppendOnly
from pipeline.desk.models.chinese import ChineseJSON
from pipeline.desk.models.letters import Letter
from pipeline.desk.roles import Ability, Role
from pipeline.desk.workflow import Outcome, Satisfaction, Status, Way

if TYPE_CHECKING:
    from pipeline.desk.models.people import User


class Matters(models.QuerySet["Matter"]):
    """Every page starts from `for_user`: the one place that says whose matters a person sees."""

    def for_user(self, user: User) -> Matters:
        """Matters that are there (not put into another one) and that this person may see; none for roles that read no letters."""
        if not user.can(Ability.READ):
            return self.none()
        there = self.filter(united_into=None)
        if user.role == Role.HANDLER:
            return there.filter(unit=user.unit, handed=True) if user.unit else self.none()
        return there

    def hidden_from(self, user: User, names: Collection[str]) -> set[str]:
        """Of these matters those that a unit's person is not to know of, not even that they are there; nothing is hidden from the office."""
        if user.role != Role.HANDLER:
            return set()
        return set(names) - set(self.filter(pk__in=names, unit=user.unit, handed=True).values_list("pk", flat=True))


class Matter(models.Model):
    """A matter: letters that speak of the same problem. One row of the queue.

    What follows from its letters is counted anew by runs (`title` … `fresh`); what people decide stands below and no run touches it, but that a
    new letter brings a closed matter back into the queue.

    Attributes:
        by_person: a person has merged, split or moved its letters; the program never puts it together with another matter.
        united_into: the matter that it was put into; it has no letters any more, and is not `live`.
        priority, reasons: of the letter that comes first (a person's priority for a letter goes before the policy's), and what its clocks add.
        rank: the order of the queue: `human_priority`, else priority with what its nearest clock adds. band, due_on, due_clock: that clock.
        area: its usual place from the widest down, joined by "/". signal_bits: its signals, bit 0 the first of data/labels.toml.
        fresh: letters that are not registered yet.
        live: not closed. handed: a unit has, or had, it in hand; only then the unit's people see it.
        assignee: whose work it is, as the supervisor said; stays until it is given to another. holder, held_until, token: who has it in hand just
        now; the token rises with each claim, so that a late save is known. version rises with each save.
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
    priority = models.FloatField(default=0.0)
    reasons = models.JSONField(default=list, encoder=ChineseJSON)
    area = models.TextField(blank=True)
    signal_bits = models.PositiveIntegerField(default=0)
    channel = models.TextField(blank=True)
    fresh = models.PositiveIntegerField(default=0)
    unit = models.TextField(blank=True)
    unit_why = models.TextField(blank=True)
    due_on = models.DateField(null=True)
    due_clock = models.CharField(max_length=16, blank=True)
    band = models.PositiveSmallIntegerField(default=0)
    rank = models.FloatField(default=0.0)

    by_person = models.BooleanField(default=False)
    united_into = models.ForeignKey("self", models.PROTECT, null=True, db_index=False, related_name="+")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.OPEN)
    live = models.BooleanField(default=True)
    handed = models.BooleanField(default=False)
    unit_by_person = models.BooleanField(default=False)
    human_priority = models.FloatField(null=True)
    human_issue = models.TextField(blank=True)
    leader = models.TextField("包保领导", blank=True)
    plan = models.TextField("一案一策", blank=True)
    way = models.CharField("化解渠道", max_length=16, blank=True, choices=Way.choices)
    outcome = models.CharField("办理结果", max_length=16, blank=True, choices=Outcome.choices)
    satisfaction = models.CharField("满意度", max_length=16, blank=True, choices=Satisfaction.choices)
    closed_on = models.DateField(null=True)
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, related_name="assigned")
    holder = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, related_name="held")
    held_until = models.DateTimeField(null=True)
    token = models.PositiveBigIntegerField(default=0)
    version = models.PositiveIntegerField(default=0)

    objects = Matters.as_manager()

    class Meta:
        # Whole indices on the three foreign keys are left out on purpose: nearly all rows hold null there, and SQLite would read the table by them.
        indexes = [
            models.Index("united_into", name="desk_matter_united", condition=models.Q(united_into__isnull=False)),
            models.Index(
                models.F("last_on").desc(), models.F("rank").desc(), "matter_id", name="desk_matter_newest", condition=models.Q(live=True)
            ),
            models.Index(
                models.F("letters").desc(), models.F("rank").desc(), "matter_id", name="desk_matter_largest", condition=models.Q(live=True)
            ),
            models.Index(models.F("rank").desc(), "matter_id", name="desk_matter_done", condition=models.Q(live=False)),
            models.Index(models.F("risk").desc(), "matter_id", name="desk_matter_by_risk", condition=models.Q(united_into=None)),
            models.Index(models.F("rank").desc(), "matter_id", name="desk_matter_by_rank", condition=models.Q(live=True)),
            models.Index("unit", models.F("rank").desc(), "matter_id", name="desk_matter_of_unit", condition=models.Q(live=True)),
            models.Index("due_on", name="desk_matter_by_due", condition=models.Q(live=True)),
            models.Index("holder", name="desk_matter_held", condition=models.Q(holder__isnull=False)),
            models.Index("assignee", name="desk_matter_assigned", condition=models.Q(assignee__isnull=False, live=True)),
        ]

    @property
    def shown_issue(self) -> str:
        """A person's issue, else the model's."""
        return self.human_issue or self.issue


class Clock(models.Model):
    """A statutory clock of a matter (triage/clocks.py), but that of registering, which each letter has (QueueItem.due_on).

    `pauses`: [[reason, since, until or null], …], days in ISO form.
    """

    matter = models.ForeignKey(Matter, models.CASCADE, related_name="clocks")
    rule = models.CharField(max_length=16)
    started_on = models.DateField()
    ended_on = models.DateField(null=True)
    extended = models.PositiveSmallIntegerField(default=0)
    pauses = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["matter", "rule"], name="desk_one_running_clock", condition=models.Q(ended_on=None))]


class Note(models.Model):
    """What the office's people write about a matter: a step taken, a reply given, a plan that was replaced, a remark."""

    class Kind(TextChoices):
        STEP = "step", "办理经过"
        REPLY = "reply", "答复"
        PLAN = "plan", "原一案一策"
        REMARK = "remark", "备注"

    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    matter = models.ForeignKey(Matter, models.PROTECT, related_name="notes")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    text = models.TextField()


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

    class Kind(TextChoices):
        MERGED = "merged", "合并"
        SPLIT = "split", "拆分"
        MOVED = "moved", "移出"
        DECLINED = "declined", "不合并"
        UNDONE = "undone", "撤销"

    at = models.DateTimeField()
    kind = models.CharField(max_length=16, choices=Kind.choices)
    by = models.CharField(max_length=100)
    matter = models.ForeignKey(Matter, models.PROTECT, related_name="decisions")
    other = models.ForeignKey(Matter, models.PROTECT, related_name="+")
    letters = models.JSONField()  # the letters that went from `matter` to `other`; of a refused suggestion none
    undoes = models.OneToOneField("self", models.PROTECT, null=True, related_name="undone")
    stayed = models.JSONField()  # those that were in `other` (merged) or stayed in `matter` (split, moved, declined)


class Flag(models.Model):
    """A tendency that a run saw begin (matters/trends.py), and what the office makes of it."""

    class State(TextChoices):
        NEW = "new", "待研判"
        ACKNOWLEDGED = "acknowledged", "已确认"
        WATCHED = "watched", "持续关注"
        DISMISSED = "dismissed", "不成立"

    run = models.ForeignKey("Run", models.PROTECT, related_name="flags")
    on = models.DateField()
    kind = models.CharField(max_length=20)
    key = models.TextField()
    matter = models.ForeignKey(Matter, models.PROTECT, null=True, related_name="flags")
    told = models.JSONField(encoder=ChineseJSON)  # the fields of matters.trends.Trend
    state = models.CharField(max_length=16, choices=State.choices, default=State.NEW)

    class Meta:
        indexes = [models.Index(fields=["-on"], name="desk_flag_by_day")]


class FlagAct(AppendOnly):
    """What a person made of a tendency, and why."""

    flag = models.ForeignKey(Flag, models.PROTECT, related_name="acts")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, choices=Flag.State.choices)
    reason = models.TextField(blank=True)


class SavedView(models.Model):
    """A way of looking at the queue: its name and the query string of the page. `shared`: with the people of the owner's unit."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="views")
    name = models.CharField("名称", max_length=40)
    query = models.TextField(max_length=1000)
    shared = models.BooleanField("本单位共用", default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="desk_view_name_once")]
