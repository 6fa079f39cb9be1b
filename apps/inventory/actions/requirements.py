"""Action on requirements: declare what a dependency uses of its offering, as a whole."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.models import User
from apps.catalog.capabilities.fields import InvalidValueError
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.inventory.actions.checks import describe_last_change
from apps.inventory.actions.locks import locked_dependency
from apps.inventory.models import Dependency, Requirement
from apps.inventory.requirement_values import clean_requirements
from apps.inventory.requirements import declared_requirements


@transaction.atomic
def declare_requirements(
    *,
    dependency: Dependency,
    values: Mapping[str, Any],
    by: User,
    reason: str = "",
    expected: Mapping[str, Any] | None = None,
) -> Dependency:
    """Make `values` {field: used, not used or a number} the declared requirements of the
    dependency: fields that are missing or None are declared no longer. Observed requirements stay.
    Writes only what differs.

    `expected` are the declared values that the caller last read; ConflictError if they have changed
    since. ValidationError with a sentence for a value that a field does not have.
    """
    dependency = locked_dependency(dependency, by=by)
    stored = declared_requirements([dependency.pk]).get(dependency.pk, {})
    if expected is not None and dict(expected) != stored:
        raise ConflictError(
            f"{_describe_last_change(dependency)} Reload the requirements and decide again."
        )
    try:
        wanted = clean_requirements(values)
    except InvalidValueError as error:
        raise ValidationError(str(error)) from error
    if wanted == stored:
        return dependency
    rows = {
        row.field: row
        for row in dependency.requirements.filter(origin=Requirement.Origin.DECLARED).order_by("pk")
    }
    with audit_context(user=by, reason=reason or "requirements declared"):
        dependency.requirements.filter(
            pk__in=[row.pk for field, row in rows.items() if field not in wanted]
        ).delete()
        for field, value in wanted.items():
            row = rows.get(field) or Requirement(dependency=dependency, field=field)
            if row.pk is not None and row.value == value and type(row.value) is type(value):
                continue
            # the note is about the value that it was made with
            row.value, row.note = value, ""
            row.full_clean(exclude=["dependency"])
            row.save()
    return dependency


def _describe_last_change(dependency: Dependency) -> str:
    row = (
        dependency.requirements.filter(origin=Requirement.Origin.DECLARED)
        .order_by("-updated_at")
        .first()
    )
    return "The requirements were changed." if row is None else describe_last_change(row)
