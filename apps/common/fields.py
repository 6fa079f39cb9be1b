"""Database columns that Django's own fields do not quite give."""

from typing import Any

from django.db import models


class StoredColumn(models.GeneratedField):
    """A stored generated column. The database is PostgreSQL, which has them, so the system check need not connect to
    ask: commands that touch no database then need none."""

    def _check_supported(self, databases: Any) -> list[Any]:
        return []

    def _check_persistence(self, databases: Any) -> list[Any]:
        return []

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        # to migrations it is the plain field
        return name, "django.db.models.GeneratedField", args, kwargs
