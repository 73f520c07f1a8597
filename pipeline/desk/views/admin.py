"""管理: the office's people, its tables, the calendar, and how long clear text is kept."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path

from pipeline.desk.answers import attached, done
from pipeline.desk.door import Request, door
from pipeline.desk.forms import brought
from pipeline.desk.models import User
from pipeline.desk.roles import ABILITIES, Ability, Role
from pipeline.desk.services import office, people, retention
from pipeline.desk.services.day import office_day
from pipeline.desk.services.units import unit_names
from pipeline.errors import SettingsError
from pipeline.settings import load_settings

ERASE_AT_ONCE = 5_000
"""Letters that one press of the button erases, so that the page answers; the rest at the next press or by the nightly command."""
MAY = {
    Ability.READ: "看队列、事项和遮盖后的来信", Ability.WORK: "认领并办理", Ability.TRIAGE: "更正、分办、合并", Ability.ASSIGN: "指派、批准延期",
    Ability.ORIGINAL: "查看原件（记录用途）", Ability.EXPORT: "导出（记录用途）", Ability.LEDGER: "交回台账", Ability.EMERGING: "看苗头",
    Ability.JUDGE: "研判苗头", Ability.FIGURES: "统计", Ability.MODEL: "模型", Ability.AUDIT: "审计", Ability.ADMIN: "管理",
}  # fmt: skip


class PersonForm(forms.Form):
    """A person; the units are those of the office's table."""

    name = forms.CharField(label="姓名", max_length=60)
    role = forms.ChoiceField(label="角色", choices=Role.choices)
    unit = forms.ChoiceField(label="单位", required=False, help_text="承办人员必选：只能看到转给本单位的事项。")

    def __init__(self, *args: Any, present: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = _units()
        if present and present not in names:
            names = [present, *names]  # a unit that has left the table still stands at its people
        self.fields["unit"].choices = [("", "不填"), *((name, name) for name in names)]


class NewPersonForm(PersonForm):
    """A person who is not there yet."""

    username = forms.CharField(label="用户名", max_length=60, help_text="登录用，建好后不能改；建议用姓名拼音。")
    field_order = ("username", "name", "role", "unit")


class ChangeForm(PersonForm):
    """Out of use in place of deleting: the records name them."""

    is_active = forms.BooleanField(label="在用", required=False, help_text="离岗人员取消勾选即不能登录；记录里有名字，所以不删除。")


def _units() -> list[str]:
    """A broken table must not keep the administrator from the people."""
    try:
        return unit_names()
    except SettingsError:
        return []


@door(Ability.ADMIN, "GET")
def everybody(request: Request) -> HttpResponse:
    return _everybody(request, NewPersonForm())


def _everybody(request: Request, form: NewPersonForm, status: int = 200) -> HttpResponse:
    context = {
        "people": User.objects.order_by("-is_active", "role", "name", "pk"),
        "form": form,
        "roles": roles(),
        "abilities": list(MAY.values()),
    }
    return render(request, "desk/people.html", context, status=status)


def roles() -> list[tuple[str, list[bool]]]:
    """The table of roles: each with what it may do, in the order of MAY."""
    return [(str(role.label), [ability in ABILITIES[role] for ability in MAY]) for role in Role]


@door(Ability.ADMIN, "POST")
def new(request: Request) -> HttpResponse:
    form = NewPersonForm(request.POST)
    if form.is_valid():
        try:
            person, password = people.make(**form.cleaned_data, by=request.user)
        except people.PersonError as exc:
            form.add_error(None, str(exc))
        else:
            return _told_once(request, person, password)
    return _everybody(request, form, 422)


def _told_once(request: Request, person: User, password: str) -> HttpResponse:
    """The page that shows a one-time password; it is nowhere kept, so it cannot be shown again."""
    return render(request, "desk/person.html", {"person": person, "password": password})


@door(Ability.ADMIN, "GET", "POST")
def one(request: Request, pk: int) -> HttpResponse:
    person = get_object_or_404(User, pk=pk)
    present = {"name": person.name, "role": person.role, "unit": person.unit, "is_active": person.is_active}
    form = ChangeForm(request.POST if request.method == "POST" else None, initial=present, present=person.unit)
    if request.method == "POST" and form.is_valid():
        try:
            changed = people.change(person, by=request.user, **form.cleaned_data)
        except people.PersonError as exc:
            form.add_error(None, str(exc))
        else:
            sentence = f"{form.cleaned_data['name']}：已保存。" if changed else f"{person.name}：没有改动。"
            return done(request, sentence, "people" if request.user.pk != person.pk else "home")
    return render(request, "desk/person.html", {"person": person, "form": form}, status=422 if form.errors else 200)


@door(Ability.ADMIN, "POST")
def password(request: Request, pk: int) -> HttpResponse:
    person = get_object_or_404(User, pk=pk)
    return _told_once(request, person, people.reset_password(person, by=request.user))


@door(Ability.ADMIN, "GET")
def tables(request: Request) -> HttpResponse:
    days = load_settings().retention_days
    context = {
        "tables": [_table(key) for key in office.TABLES],
        "years": office.known_years(office_day().year),
        "this_year": office_day().year,
        "days": days,
        "last_day": retention.last_day(days),
        "planned": retention.planned(days),
        "most": ERASE_AT_ONCE,
        "most_bytes": settings.UPLOAD_MOST_BYTES // 1024**2,
    }
    return render(request, "desk/office.html", context)


def _table(key: str) -> dict[str, Any]:
    """A table with its rows, or with what is wrong with it."""
    table = office.TABLES[key]
    try:
        return {"key": key, "table": table, "rows": office.rows(key)}
    except SettingsError as exc:
        return {"key": key, "table": table, "rows": [], "fault": str(exc)}


def _known(key: str) -> office.Table:
    if key not in office.TABLES:
        raise Http404("没有这个表。")
    return office.TABLES[key]


@door(Ability.ADMIN, "GET")
def download(request: Request, key: str) -> HttpResponse:
    return attached(_known(key).file, office.content(key))


@door(Ability.ADMIN, "POST")
def upload(request: Request, key: str) -> HttpResponse:
    table = _known(key)
    count = office.replace(key, brought(request, "一个 CSV 文件").read(), request.user)
    sentence = f"{table.name}表已换上，共 {count} 行；旧表留作 {table.file}.bak。新表从下一次夜间运行起用于新来信。"
    return done(request, sentence, "office")


@door(Ability.ADMIN, "POST")
def erase(request: Request) -> HttpResponse:
    days = load_settings().retention_days
    count = retention.erase(days, by=request.user, most=ERASE_AT_ONCE)
    left = retention.planned(days).letters
    return done(request, f"已清除 {count} 封来信的原文和来信人标识" + (f"，还有 {left} 封，请再按一次。" if left else "。"), "office")


urlpatterns = [
    path("admin/", everybody, name="people"),
    path("admin/people/new/", new, name="person_new"),
    path("admin/people/<int:pk>/", one, name="person"),
    path("admin/people/<int:pk>/password/", password, name="person_password"),
    path("admin/office/", tables, name="office"),
    path("admin/office/<slug:key>/", upload, name="office_upload"),
    path("admin/office/<slug:key>/file/", download, name="office_file"),
    path("admin/retention/", erase, name="retention"),
]
