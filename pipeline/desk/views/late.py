"""The page for a save that came too late: what was typed next to what is there now, so that nothing typed is lost."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from pipeline.desk.door import Request
from pipeline.desk.models import Matter
from pipeline.desk.services.claims import HeldError, LateError
from pipeline.desk.services.units import unit_names
from pipeline.desk.workflow import CHOICES, FIELDS, GIVEN, STEPS, Status, allowed

LABELS = {**FIELDS, **GIVEN}
LONG = ("plan", "text", "reason")


@dataclass(frozen=True, slots=True)
class Row:
    """One field: what was typed, what is there now, in words; `choices` of a list, `long` of a text of several lines."""

    name: str
    label: str
    mine: str
    now: str
    choices: tuple[tuple[str, str], ...]
    long: bool

    @property
    def shown(self) -> str:
        """What was typed, in words."""
        return dict(self.choices).get(self.mine, self.mine)

    @property
    def differs(self) -> bool:
        return self.shown.strip() != self.now.strip()


def late(request: Request, matter: Matter, exc: HeldError | LateError, step: str) -> HttpResponse:
    """409 with both versions; `step`: the key of the step that was asked for, "" for the form of the plan."""
    now = Matter.objects.select_related("holder").get(pk=matter.pk)
    known = STEPS.get(step)
    names = [name for name in GIVEN if request.POST.get(name) and (known is None or name in known.asks)]
    if not step:
        names = [name for name in FIELDS if name in request.POST]
    page = {
        "matter": now,
        "sentence": str(exc),
        "rows": [_row(name, request.POST[name], now) for name in names],
        "held": isinstance(exc, HeldError),
        "step": known,
        "still": not step or (known in allowed(now.status, request.user.role)),
        "status": Status(now.status).label,
        "action": reverse("matter_step" if step else "matter_edit", args=[now.pk]),
    }
    return render(request, "desk/late.html", page, status=409)


def _row(name: str, mine: str, now: Matter) -> Row:
    choices = _choices(name)
    there = getattr(now, name, "")
    return Row(name, LABELS[name], mine.replace("\r\n", "\n"), dict(choices).get(there, there), choices, name in LONG)


def _choices(name: str) -> tuple[tuple[str, str], ...]:
    if name == "unit":
        return tuple((unit, unit) for unit in unit_names())
    return tuple(CHOICES[name].choices) if name in CHOICES else ()
