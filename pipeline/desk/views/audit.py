"""审计: who read, did and took out what; the chain of events; logins. Ids only, no word of a letter."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from pipeline.desk.answers import attached, done
from pipeline.desk.door import Request, address, door
from pipeline.desk.models import Access, User
from pipeline.desk.roles import Ability
from pipeline.desk.services import records
from pipeline.desk.services.events import last_seal, verify

PAGE = 50
DAYS = (MinValueValidator(date(1949, 10, 1)), MaxValueValidator(date(2999, 12, 31)))
"""Beyond them a day becomes no moment of the office's time zone."""


class SoughtForm(forms.Form):
    """The filter; what does not fit is left out and told."""

    what = forms.ChoiceField(choices=list(records.NAMES.items()), required=False)
    person = forms.ModelChoiceField(User.objects.order_by("name", "pk"), required=False, empty_label="全部人员")
    kind = forms.CharField(max_length=20, required=False)
    matter = forms.CharField(max_length=210, required=False)
    since = forms.DateField(required=False, validators=DAYS, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    until = forms.DateField(required=False, validators=DAYS, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def sought(self) -> records.Sought:
        """What is asked for, without the fields that are wrong."""
        self.full_clean()
        told: dict[str, Any] = self.cleaned_data
        person = told.get("person")
        return records.Sought(
            what=told.get("what") or "access", person=person.pk if person else None, kind=told.get("kind") or "",
            matter=(told.get("matter") or "").strip(), since=told.get("since"), until=told.get("until"),
        )  # fmt: skip


@door(Ability.AUDIT, "GET")
def audit(request: Request) -> HttpResponse:
    form = SoughtForm(request.GET)
    sought = form.sought()
    page = Paginator(records.found(sought), PAGE).get_page(request.GET.get("page"))
    number, digest = last_seal()
    context = {
        "form": form,
        "sought": sought,
        "names": records.NAMES,
        "kinds": Access.Kind.choices if sought.what == "access" else sorted(records.KINDS.items(), key=lambda pair: pair[1]),
        "page": page,
        "lines": list(records.lines(page.object_list, sought.what)),
        "failures": records.failures() if sought.what == "logins" else [],
        "seal_number": number,
        "seal": digest,
        "most": records.MOST_ROWS,
    }
    return render(request, "desk/audit.html", context)


@door(Ability.AUDIT, "POST")
def check(request: Request) -> HttpResponse:
    told = verify()
    if told.fault:
        messages.error(request, f"核对发现问题：{told.fault}请保留现场，通知运维和主管领导。")
        return redirect("audit")
    sentence = f"核对完成：已封存 {told.sealed} 条，事件链完整，没有改动、删除或插入；另有 {told.unsealed} 条等待封存。"
    return done(request, sentence, "audit")


@door(Ability.AUDIT, "POST")
def export(request: Request) -> HttpResponse:
    sought = SoughtForm(request.POST).sought()
    return attached(*records.export(sought, request.user, request.POST.get("purpose", ""), address(request)))


urlpatterns = [
    path("audit/", audit, name="audit"),
    path("audit/check/", check, name="audit_check"),
    path("audit/export/", export, name="audit_export"),
]
