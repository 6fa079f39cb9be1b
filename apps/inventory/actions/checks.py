"""What every action checks first, and how it says no."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from apps.common.errors import ConflictError
from apps.common.validators import validate_plausible_date
from apps.inventory.models import Application, Dependency


def checked_fields(facts: Mapping[str, Any] | None, allowed: frozenset[str]) -> dict[str, Any]:
    unknown_fields = sorted(set(facts or {}) - allowed)
    if unknown_fields:
        raise TypeError(f"Unknown fields: {', '.join(unknown_fields)}")
    return dict(facts or {})


def changed_fields(
    row: models.Model, facts: Mapping[str, Any], allowed: frozenset[str]
) -> list[str]:
    """The names of the facts that are not on the row yet."""
    return [
        name
        for name, value in checked_fields(facts, allowed).items()
        if getattr(row, name) != value
    ]


def validate_date(on: date) -> None:
    """A day of an action is as sensible as one of a field."""
    try:
        validate_plausible_date(on)
    except ValidationError as error:
        raise ValidationError({"on": error.messages}) from error


def refuse_stale(row: Application | Dependency, expected_updated_at: datetime | None) -> None:
    """Refuse where the row changed after the moment the caller last read it; None: the caller does
    not mind."""
    if expected_updated_at is not None and row.updated_at != expected_updated_at:
        raise ConflictError(f"{describe_last_change(row)} Reload the record and decide again.")


def describe_last_change(row: models.Model) -> str:
    """Return who changed the row last, when and why, as a sentence."""
    history: Any = row.history  # type: ignore[attr-defined]
    entry = history.select_related("pgh_context").order_by("-pgh_id").first()
    if entry is None:
        return "The record was changed."
    metadata = entry.pgh_context.metadata if entry.pgh_context else {}
    actor = metadata.get("actor") or "Somebody"
    reason_clause = f" ({metadata['reason']})" if metadata.get("reason") else ""
    return f"{actor} changed it on {entry.pgh_created_at:%Y-%m-%d at %H:%M} UTC{reason_clause}."
