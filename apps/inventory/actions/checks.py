"""Checks that every action makes first, and the wording of its refusals."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from apps.common.errors import ConflictError
from apps.common.validators import validate_plausible_date
from apps.inventory.models import Application, Dependency


def checked_fields(
    facts: Mapping[str, Any] | None, allowed_names: frozenset[str]
) -> dict[str, Any]:
    unknown_fields = sorted(set(facts or {}) - allowed_names)
    if unknown_fields:
        raise TypeError(f"Unknown fields: {', '.join(unknown_fields)}")
    return dict(facts or {})


def changed_fields(
    row: models.Model, facts: Mapping[str, Any], allowed_names: frozenset[str]
) -> list[str]:
    """Return the names of the facts that differ from the row."""
    return [
        name
        for name, value in checked_fields(facts, allowed_names).items()
        if getattr(row, name) != value
    ]


def validate_date(on: date) -> None:
    """Check the day of an action like a date field."""
    try:
        validate_plausible_date(on)
    except ValidationError as error:
        raise ValidationError({"on": error.messages}) from error


def refuse_stale(row: Application | Dependency, expected_updated_at: datetime | None) -> None:
    """Raise ConflictError if the row changed after the caller last read it; None skips the
    check."""
    if expected_updated_at is not None and row.updated_at != expected_updated_at:
        raise ConflictError(f"{describe_last_change(row)} Reload the record and decide again.")


def describe_last_change(row: models.Model) -> str:
    """Return as a sentence which user changed the row last, when and why."""
    history: Any = row.history  # type: ignore[attr-defined]
    entry = history.select_related("pgh_context").order_by("-pgh_id").first()
    if entry is None:
        return "The record was changed."
    metadata = entry.pgh_context.metadata if entry.pgh_context else {}
    actor = metadata.get("actor") or "Somebody"
    reason_clause = f" ({metadata['reason']})" if metadata.get("reason") else ""
    return f"{actor} changed it on {entry.pgh_created_at:%Y-%m-%d at %H:%M} UTC{reason_clause}."
