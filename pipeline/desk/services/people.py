"""Who works at the desk: made, changed, given a new password. Nobody is deleted, since the records name them. Each change is an event."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from pipeline.desk.roles import Role
from pipeline.desk.services.connection import translated
from pipeline.desk.services.events import record
from pipeline.errors import ZhiweiError

if TYPE_CHECKING:  # the models exist only once Django is set up
    from django.core.exceptions import ValidationError

    from pipeline.desk.models import User

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of a one-time password: none that is mistaken for another when it is read out."""


class PersonError(ZhiweiError):
    """A person cannot be made or changed that way; the sentence is for the administrator."""


def one_time_password() -> str:
    """A password to be changed at the first login: three groups of four, about 59 bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))


def make(username: str, name: str, role: str, unit: str = "", *, by: User | None = None, password: str = "") -> tuple[User, str]:
    """Make a person; returns the password too, a one-time one where none is given. Either must be changed at the first login.

    Raises:
        PersonError: the user name is taken, something is missing, a handler has no unit, or the password is weak.
    """
    from pipeline.desk.models import User

    person = User(username=User.normalize_username(username.strip()), name=name.strip(), role=role, unit=unit.strip())
    _check(person)
    if password:
        check_password(password, person)
    password = password or one_time_password()
    with translated("make a person"), transaction.atomic():
        if User.objects.filter(username__iexact=person.username).exists():
            raise PersonError(f"用户名 {person.username} 已有人用，请换一个。")
        person.set_password(password)
        person.save()
        record("person_made", by=by, after=_told(person))
    return person, password


def change(person: User, *, by: User | None, name: str, role: str, unit: str, is_active: bool) -> bool:
    """Change a person; False when nothing is different. What they have in hand they keep until it expires.

    Raises:
        PersonError: as `make`; or no administrator would be left.
    """
    from pipeline.desk.models import User

    with translated("change a person"), transaction.atomic():
        now = User.objects.select_for_update().get(pk=person.pk)
        before = _told(now)
        now.name, now.role, now.unit, now.is_active = name.strip(), role, unit.strip(), is_active
        _check(now)
        if _told(now) == before:
            return False
        _keep_an_admin(now)
        now.save(update_fields=["name", "role", "unit", "is_active"])
        record("person_changed", by=by, before=before, after=_told(now))
        return True


def reset_password(person: User, *, by: User | None) -> str:
    """Give a person a one-time password and unlock them; whoever is logged in under the old one is logged out by it."""
    from axes.utils import reset

    with translated("reset a password"), transaction.atomic():
        password = one_time_password()
        person.set_password(password)
        person.must_change = True
        person.save(update_fields=["password", "must_change"])
        reset(username=person.username)
        record("password_reset", by=by, after={"username": person.username})
    return password


def password_changed(person: User) -> None:
    """A person has chosen a password of their own."""
    with transaction.atomic():
        person.must_change = False
        person.save(update_fields=["must_change"])
        record("password_changed", by=person, after={"username": person.username})


def check_password(password: str, person: User) -> None:
    """Raises PersonError with all that is wrong with a password."""
    try:
        validate_password(password, person)
    except ValidationError as exc:
        raise PersonError("密码不合要求：" + "".join(_in_words(error) for error in exc.error_list)) from None


def _in_words(error: ValidationError) -> str:
    """What is wrong in Chinese; Django's own translation lacks the sentence about length."""
    if error.code == "password_too_short":
        return f"太短，至少要 {(error.params or {})['min_length']} 个字符。"
    return "".join(error.messages)


def _check(person: User) -> None:
    if not person.username or not person.name:
        raise PersonError("用户名和姓名都要填写。")
    if person.role not in Role.values:
        raise PersonError(f"角色应为{'、'.join(Role.labels)}之一。")
    if person.role == Role.HANDLER and not person.unit:
        raise PersonError("承办人员必须选单位，否则看不到任何事项。")


def _keep_an_admin(person: User) -> None:
    """Called inside the transaction that changes the person; the rows are locked so that two administrators cannot dismiss each other at once."""
    from pipeline.desk.models import User

    admins = list(User.objects.select_for_update().filter(role=Role.ADMIN, is_active=True).values_list("pk", flat=True))
    stays = person.is_active and person.role == Role.ADMIN
    if not stays and set(admins) <= {person.pk} and admins:
        raise PersonError(f"{person.name}是唯一在用的管理员：请先设另一位管理员，再改。")


def _told(person: User) -> dict[str, object]:
    """A person as events tell of them."""
    return {
        "username": person.username,
        "name": person.name,
        "role": str(person.role),
        "unit": person.unit,
        "is_active": person.is_active,
    }
