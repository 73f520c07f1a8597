"""The door of every page: method, login, ability, scope."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import reverse

from pipeline.desk.answers import is_htmx, refused
from pipeline.desk.forms import check
from pipeline.desk.models import Letter, Matter, User
from pipeline.desk.roles import Ability
from pipeline.desk.services.claims import HeldError, LateError
from pipeline.errors import MatterError, ModelFolderError, QueueError, SettingsError, ZhiweiError

View = Callable[..., HttpResponse]
logger = logging.getLogger("django.desk")


class Request(HttpRequest):
    """A request past the door: somebody is logged in."""

    user: User


def door(ability: Ability, *methods: str) -> Callable[[View], View]:
    """A view that only takes these methods (405), from somebody who is logged in (else the login page) and may do this (403).

    What a service refuses (ZhiweiError) becomes a page, or for htmx a fragment: 409 when somebody else was there first, else 422; 503, without
    its sentence, for what is wrong with the installation: that is for operators, and names paths.
    """

    def around(view: View) -> View:
        @wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            if not request.user.is_authenticated:
                return _login(request)
            if not request.user.can(ability):
                return refused(request, "您的角色没有这项权限；如工作需要，请联系管理员。", 403)
            try:
                check(request)
                return view(request, *args, **kwargs)
            except (QueueError, SettingsError, ModelFolderError) as exc:
                logger.error("%s: %s", request.path, exc)
                return refused(request, "系统暂时出了问题，没有存上。请稍后再试；还不行请通知运维。", 503)
            except ZhiweiError as exc:
                return refused(request, str(exc), 409 if isinstance(exc, (HeldError, LateError)) else 422)

        guarded.ability, guarded.methods = ability, methods  # type: ignore[attr-defined]
        return guarded

    return around


def _login(request: HttpRequest) -> HttpResponse:
    if is_htmx(request):
        return HttpResponse(status=401, headers={"HX-Redirect": reverse("login")})
    return redirect_to_login(request.get_full_path() if request.method == "GET" else reverse("queue"))


def address(request: HttpRequest) -> str | None:
    """From where: the address that the proxy or the browser connects from."""
    return request.META.get("REMOTE_ADDR") or None


def the_matter(request: Request, matter_id: str) -> Matter:
    """A matter that this person may see; 404 otherwise, so that nobody learns that it is there."""
    found = _matter(request, matter_id)
    if found is None:
        raise Http404("没有这个事项，或它不归您办理。")
    return found


def named_matter(request: Request, field: str) -> Matter:
    """The matter whose id stands in a field of the form. Raises MatterError, in the same words whether it is missing or out of scope."""
    matter_id = request.POST.get(field, "").strip()
    found = _matter(request, matter_id)
    if found is None:
        raise MatterError(f"没有编号为“{matter_id}”的事项，或它已并入别的事项，请核对编号。")
    return found


def _matter(request: Request, matter_id: str) -> Matter | None:
    return Matter.objects.for_user(request.user).select_related("holder", "assignee").filter(pk=matter_id).first()


def the_letter(request: Request, letter_id: str) -> tuple[Letter, Matter]:
    """A letter with its matter, when this person may see the matter; 404 otherwise."""
    letter = Letter.objects.select_related("link", "item", "item__score").filter(pk=letter_id, link__isnull=False).first()
    if letter is None:
        raise Http404("没有这封信，或它不归您办理。")
    return letter, the_matter(request, letter.link.matter_id)
