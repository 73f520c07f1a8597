"""Who works at the desk."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from pipeline.desk.roles import Ability, Role, abilities


class Users(BaseUserManager["User"]):
    """Looks people up; services/people.py makes them."""

    def get_by_natural_key(self, username: str | None) -> User:
        """For logging in."""
        return self.get(username=username)


class User(AbstractBaseUser):
    """A person of the office. What the role may do stands in desk/roles.py; `unit` is whose matters a handler works on."""

    username = models.CharField("用户名", max_length=60, unique=True)
    name = models.CharField("姓名", max_length=60)
    role = models.CharField("角色", max_length=16, choices=Role.choices)
    unit = models.TextField("单位", blank=True)
    is_active = models.BooleanField("在用", default=True)
    must_change = models.BooleanField("下次登录须改密码", default=True)
    made_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Users] = Users()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    def can(self, ability: Ability) -> bool:
        """Whether this person may do it at all; which matters, the scope says (Matter.objects.for_user)."""
        return self.is_active and ability in abilities(self.role)

    def __str__(self) -> str:
        return self.name
