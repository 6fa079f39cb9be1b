"""Removal of personal data from versions in the history, where a person is erased."""

from collections.abc import Mapping, Sequence
from typing import Any

import pgtrigger
from django.db import connection, models


def redact_versions(
    model: type[models.Model], *, lookup: Mapping[str, Any], values: Mapping[str, Any]
) -> int:
    """Set columns of the versions that `lookup` finds; return their number. Call it in a
    transaction."""
    history = _history_of(model)
    # the history is append-only for everybody but this and the end of retention
    with pgtrigger.ignore(f"{history._meta.label}:append_only"):
        return history._base_manager.filter(**lookup).update(**values)


def delete_versions(model: type[models.Model], *, column: str, values: Sequence[Any]) -> int:
    """Delete the versions in which the column has one of these values."""
    history = _history_of(model)
    with pgtrigger.ignore(f"{history._meta.label}:append_only"):
        n_deleted: int = (
            history._base_manager.filter(**{f"{column}__in": list(values)}).order_by().delete()[0]
        )
    return n_deleted


def redact_actors(*, user_ids: Sequence[int], label: str) -> int:
    """Put the label in place of the name of these users where they acted; return the number of
    changes."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE pghistory_context
            SET metadata = jsonb_set(metadata::jsonb, '{actor}', to_jsonb(%s::text))
            WHERE metadata ->> 'user' = ANY (%s) AND metadata ->> 'actor' IS DISTINCT FROM %s
            """,
            [label, [str(pk) for pk in user_ids], label],
        )
        n_changes: int = cursor.rowcount
    return n_changes


def _history_of(model: type[models.Model]) -> type[models.Model]:
    history: type[models.Model] = model.history.rel.related_model  # type: ignore[attr-defined]
    return history
