"""Bulk writes of declared requirements, in a few statements for any number of dependencies."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models.functions import Now

from apps.common.database.bulk_writes import copy_rows, reserve_ids
from apps.inventory.bulk.field_readers import InvalidValueError
from apps.inventory.models import Requirement
from apps.inventory.requirement_values import clean_requirements, parse_uses


def read_requirements(value: Any) -> dict[str, Any]:
    """Return the declared requirements of a JSON value: an object by field, or a text such as
    `tool_calling; not pdf`. Raises InvalidValueError with a sentence."""
    if value is None:
        return {}
    try:
        if isinstance(value, str):
            return parse_uses(value)
        if isinstance(value, Mapping):
            return clean_requirements(value)
    except ValueError as error:
        raise InvalidValueError(str(error)) from error
    raise InvalidValueError(
        "The value must be an object such as {'tool_calling': true}, or a text such as "
        "'tool_calling; not pdf'."
    )


def write_declared(values_by_dependency: Mapping[int, Mapping[str, Any]], *, at: datetime) -> None:
    """Make the values {field: value} the declared requirements of each dependency, inside the
    caller's audit context. The dependencies must be locked. Writes only what differs."""
    if not values_by_dependency:
        return
    stored = {
        (dependency_id, field): (pk, value)
        for pk, dependency_id, field, value in Requirement.objects.filter(
            dependency__in=values_by_dependency, origin=Requirement.Origin.DECLARED
        ).values_list("pk", "dependency_id", "field", "value")
    }
    wanted = {
        (dependency_id, field): value
        for dependency_id, values in values_by_dependency.items()
        for field, value in values.items()
    }
    removed = [pk for key, (pk, _) in stored.items() if key not in wanted]
    if removed:
        Requirement.objects.filter(pk__in=removed).delete()
    ids_by_value: dict[tuple[str, str], tuple[Any, list[int]]] = {}
    for key, (pk, value) in stored.items():
        if key in wanted and repr(wanted[key]) != repr(value):
            group = ids_by_value.setdefault((key[1], repr(wanted[key])), (wanted[key], []))
            group[1].append(pk)
    for value, ids in ids_by_value.values():
        Requirement.objects.filter(pk__in=ids).update(value=value, note="", updated_at=Now())
    rows = [
        {"dependency_id": dependency_id, "field": field, "value": value}
        for (dependency_id, field), value in wanted.items()
        if (dependency_id, field) not in stored
    ]
    for row, pk in zip(rows, reserve_ids(Requirement, len(rows)), strict=True):
        row["id"] = pk
    copy_rows(Requirement, rows, at=at)
