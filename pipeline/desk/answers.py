"""What the desk answers: a sentence and another page, a refusal, a file."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header, url_has_allowed_host_and_scheme

TYPED = ("plan", "text", "reason")
"""Fields that somebody may have written at for a while: browsers do not keep a form of a page that may not be kept."""
GIVEN_BACK = (404, 409, 422, 503)


def done(request: HttpRequest, sentence: str, page: str = "queue", *args: object) -> HttpResponse:
    """What was done, told on the page that comes next: see `back`."""
    messages.success(request, sentence)
    return redirect(back(request, page, *args))


def back(request: HttpRequest, page: str = "queue", *args: object) -> str:
    """Where to go after a form: its own `next` when it is a page of this desk, else a page by name."""
    asked = request.POST.get("next", "")
    inside = asked.startswith("/") and url_has_allowed_host_and_scheme(asked, allowed_hosts=None)
    return asked if inside else reverse(page, args=args)


def refused(request: HttpRequest, sentence: str, status: int) -> HttpResponse:
    """The sentence as a page, or as a fragment for htmx."""
    name = "desk/_refused.html" if is_htmx(request) else "desk/refused.html"
    typed = [request.POST[field] for field in TYPED if request.POST.get(field)] if status in GIVEN_BACK else []
    return render(request, name, {"sentence": sentence, "status": status, "back": back(request), "typed": typed}, status=status)


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx asks for a fragment."""
    return request.headers.get("HX-Request") == "true"


def attached(name: str, content: bytes) -> HttpResponse:
    """A file to be saved, never shown by the browser."""
    headers = {"Content-Disposition": content_disposition_header(True, name) or "attachment"}
    return HttpResponse(content, content_type="application/octet-stream", headers=headers)
