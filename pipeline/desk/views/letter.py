"""The letter page: what was written, masked; what the model says of it and why; one click to say otherwise; the original behind the recorded door."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse

from pipeline.desk.answers import done
from pipeline.desk.door import Request, address, door, named_matter, the_letter
from pipeline.desk.models import Erasure, Letter, Matter, Original
from pipeline.desk.roles import Ability
from pipeline.desk.services.access import original
from pipeline.desk.services.claims import shown_holder
from pipeline.desk.services.corrections import ISSUE, LEVEL, REASONS, correct
from pipeline.desk.services.letters import newest
from pipeline.desk.services.reading import read, said_of
from pipeline.desk.services.regroup import suggested, take_out
from pipeline.scoring.labels import load_labels

SIMILAR = 10
"""Other letters of the matter that the page lists."""
REMEMBERED = "correction_reason"
"""The session keeps the reason that was chosen last."""


@door(Ability.READ, "GET")
def show(request: Request, letter_id: str) -> HttpResponse:
    """The letter."""
    letter, matter = the_letter(request, letter_id)
    return render(request, "desk/letter.html", _page(request, letter, matter))


def _page(request: Request, letter: Letter, matter: Matter) -> dict[str, Any]:
    labels = load_labels()
    return {
        "here": reverse("letter", args=[letter.pk]),
        "letter": letter,
        "item": letter.item,
        "matter": matter,
        "holder": shown_holder(matter) if matter.holder_id != request.user.pk else "",
        "reading": read(letter, letter.item),
        "corrections": said_of(letter),
        "issues": labels.issues,
        "levels": list(enumerate(labels.level_names)),
        "reasons": list(REASONS.items()),
        "reason": request.session.get(REMEMBERED, next(iter(REASONS))),
        "similar": newest(matter, SIMILAR, but=letter),
        "suggested": suggested(matter, request.user),
        "erasure": Erasure.objects.filter(letter=letter).first(),
    }


@door(Ability.TRIAGE, "POST")
def say(request: Request, letter_id: str) -> HttpResponse:
    """Correct one answer: `change` is "answer=value", for the issue's list just "issue"."""
    letter, matter = the_letter(request, letter_id)
    answer, _, value = request.POST.get("change", "").partition("=")
    after = _value(answer, value or request.POST.get(answer, ""))
    if not correct(letter.item, matter, request.user, answer, after, _reason(request)):
        messages.info(request, "与现在的内容相同，没有改动。")
        return redirect("letter", letter_id)
    return done(request, "已更正，并已重新排队；模型原来的判断仍可查看。", "letter", letter_id)


def _value(answer: str, text: str) -> str | int | bool | None:
    """A form's word as the correction keeps it; None for what is no such word, which the service refuses."""
    if answer == ISSUE:
        return text
    if answer == LEVEL:
        return int(text) if text in ("0", "1", "2", "3") else None
    return {"yes": True, "no": False}.get(text)


def _reason(request: Request) -> str:
    reason = request.POST.get("reason", "")
    if reason in REASONS:
        request.session[REMEMBERED] = reason
    return reason


@door(Ability.TRIAGE, "POST")
def apart(request: Request, letter_id: str) -> HttpResponse:
    """Not the same matter: into one of its own, or into another that is named."""
    letter, matter = the_letter(request, letter_id)
    other = named_matter(request, "to") if request.POST.get("to", "").strip() else None
    after = take_out(letter, matter, request.user, _reason(request), other)
    return done(request, f"已移出原事项 {matter.pk}，现在属于事项 {after}。移错了可在事项页撤销。", "letter", letter_id)


@door(Ability.ORIGINAL, "POST")
def open_original(request: Request, letter_id: str) -> HttpResponse:
    """The clear text and the contact, on this page only and recorded; there is no address under which it could be opened again."""
    letter, matter = the_letter(request, letter_id)
    clear: Original = original(letter, request.user, request.POST.get("purpose", ""), address(request))
    page = _page(request, letter, matter) | {"original": clear, "purpose": request.POST["purpose"].strip()}
    return render(request, "desk/letter.html", page)


urlpatterns = [
    path("letter/<key:letter_id>/", show, name="letter"),
    path("letter/<key:letter_id>/correct/", say, name="letter_correct"),
    path("letter/<key:letter_id>/apart/", apart, name="letter_apart"),
    path("letter/<key:letter_id>/original/", open_original, name="letter_original"),
]
