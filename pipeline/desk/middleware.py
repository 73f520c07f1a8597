"""What holds for every page: where content may come from, when a person must log in again, and the sealing of events."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from pipeline.desk.services.events import seal
from pipeline.errors import QueueError

Next = Callable[[HttpRequest], HttpResponse]
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; object-src 'none'; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
)
STILL_HERE = 60
"""Seconds after which a request keeps the session alive again; not each one, which would write to the database each time."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})
logger = logging.getLogger("django.desk")


def content_security(get_response: Next) -> Next:
    """Nothing is loaded from outside and no script stands in a page. What shows letters is not kept by the browser."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def idle_and_password(get_response: Next) -> Next:
    """A session that is used stays; a first password must be changed before anything else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        user = request.user
        if user.is_authenticated:
            now = int(time.time())
            if now - request.session.get("seen", 0) >= STILL_HERE:
                request.session["seen"] = now
            if user.must_change and request.path not in (reverse("password"), reverse("logout")):
                return redirect("password")
        return get_response(request)

    return middleware


def seal_after_writing(get_response: Next) -> Next:
    """Events are sealed after the answer is made, outside the transaction that wrote them; what fails here the next one seals."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.method not in READING:
            try:
                seal()
            except (Error, QueueError):
                logger.warning("events could not be sealed; the next save or the nightly run seals them")
        return response

    return middleware
