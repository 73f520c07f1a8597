"""Saved views of the queue: a name for a query string, one's own and those shared in one's unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from pipeline.errors import MatterError

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import SavedView, User
    from pipeline.desk.services.filters import Filters

MOST = 30


def views(user: User) -> list[SavedView]:
    """This person's views, and those that people of the same unit share; by name."""
    from pipeline.desk.models import SavedView

    theirs = Q(shared=True, owner__unit=user.unit, owner__is_active=True) if user.unit else Q(pk__in=[])
    return list(SavedView.objects.filter(Q(owner=user) | theirs).select_related("owner").order_by("name", "pk")[:MOST])


def save(user: User, name: str, filters: Filters, *, shared: bool) -> SavedView:
    """Keep a view under a name; the same name again replaces it. Raises MatterError when the name is empty or too long, or there are too many."""
    from pipeline.desk.models import SavedView

    name = " ".join(name.split())
    if not 1 <= len(name) <= 40:
        raise MatterError("视图要有名称，最多 40 个字。")
    others = SavedView.objects.filter(owner=user).exclude(name=name).count()
    if others >= MOST:
        raise MatterError(f"每人最多保存 {MOST} 个视图，请先删去不用的。")
    given = {"query": filters.to_query(), "shared": shared}
    return SavedView.objects.update_or_create(owner=user, name=name, defaults=given)[0]


def drop(user: User, view_id: int) -> bool:
    """Delete one's own view; False when there is none."""
    from pipeline.desk.models import SavedView

    return bool(SavedView.objects.filter(owner=user, pk=view_id).delete()[0])
