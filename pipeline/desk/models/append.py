"""Tables that only grow. The database refuses changes too, by triggers (migration 0005)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NoReturn

from django.db import models


class AppendOnlyError(TypeError):
    """A row that must stay as it is was to be changed or deleted: a fault of the program, not of its user."""

    def __init__(self) -> None:
        super().__init__("rows of this table are never changed or deleted: add another one.")


class AppendOnlyRows(models.QuerySet[Any]):
    """Rows can be added and read."""

    def update(self, **changes: object) -> NoReturn:
        raise AppendOnlyError

    def delete(self) -> NoReturn:
        raise AppendOnlyError

    def bulk_create(
        self, objs: Any, batch_size: int | None = None, ignore_conflicts: bool = False, update_conflicts: bool = False, **fields: Any
    ) -> Any:
        if update_conflicts:
            raise AppendOnlyError
        return super().bulk_create(objs, batch_size=batch_size, ignore_conflicts=ignore_conflicts, **fields)


class AppendOnly(models.Model):
    """A row that is written once."""

    objects = AppendOnlyRows.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(
        self,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Collection[str] | None = None,
        **options: Any,
    ) -> None:
        if not self._state.adding:
            raise AppendOnlyError
        super().save(force_insert=True, using=using, **options)

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        raise AppendOnlyError
