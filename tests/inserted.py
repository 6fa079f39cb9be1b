"""Rows that migrations inserted into the floors' own tables; who empties the tables puts them
back."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Model

_REMEMBERED: list[tuple[type[Model], list[Any]]] = []


def remember() -> None:
    """Notes what a database holds that only migrations have written to."""
    _REMEMBERED.extend(
        (model, rows) for model in _own_models() if (rows := list(model._default_manager.all()))
    )


@transaction.atomic
def put_back() -> None:
    """Inserts what is missing of the noted rows."""
    for model, rows in _REMEMBERED:
        model._default_manager.bulk_create(rows, ignore_conflicts=True)


def _own_models() -> Iterator[type[Model]]:
    for model in apps.get_models():
        if model._meta.app_config.name.startswith("apps.") and not hasattr(
            model, "pgh_tracked_model"
        ):
            yield model
