"""Derived records: rows that the registry works out from other records, and works out again when
those change.

An undo leaves them out: they follow the restored records. What users have added to them counts as
their own, so that an undo never deletes it.
"""

from collections.abc import Callable, Iterable

from django.db import models
from django.db.models import Q

# {model: condition of the rows to which users have added something}
_user_input: dict[type[models.Model], Q] = {}


def derived_record[M: models.Model](*, user_input: Q) -> Callable[[type[M]], type[M]]:
    """Class decorator that marks a model as derived. `user_input` selects the rows to which users
    have added something."""

    def decorate(model: type[M]) -> type[M]:
        _user_input[model] = user_input
        return model

    return decorate


def is_derived(model: type[models.Model]) -> bool:
    return model in _user_input


def select_user_input[M: models.Model](rows: models.QuerySet[M]) -> models.QuerySet[M]:
    """Select the rows of a derived model to which users have added something."""
    return rows.filter(_user_input[rows.model])


def without_derived(rows: Iterable[models.Model]) -> list[models.Model]:
    """Return the rows without derived ones, unless users have added something to them; one
    statement for each derived model."""
    kept: list[models.Model] = []
    derived_ids: dict[type[models.Model], dict[object, models.Model]] = {}
    for row in rows:
        if is_derived(type(row)):
            derived_ids.setdefault(type(row), {})[row.pk] = row
        else:
            kept.append(row)
    for model, rows_by_id in derived_ids.items():
        found = select_user_input(model._default_manager.filter(pk__in=rows_by_id))
        kept += [rows_by_id[pk] for pk in found.values_list("pk", flat=True).distinct()]
    return kept
