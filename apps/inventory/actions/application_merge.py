"""Merging of two records of the same application."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from apps.accounts.models import User
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.inventory.actions.applications import end_dependencies
from apps.inventory.actions.checks import validate_date
from apps.inventory.actions.dependencies import EDITABLE_DEPENDENCY_FIELDS
from apps.inventory.actions.locks import lock_applications, locked_application
from apps.inventory.models import (
    Adaptation,
    Application,
    Dependency,
    ExitPlan,
    ExitTest,
    Requirement,
)

# fields that the surviving row takes over from the duplicate's row where it has no value itself;
# order and way of access stay those of the surviving row
_GAP_FILLING_FIELDS = sorted(
    EDITABLE_DEPENDENCY_FIELDS - {"fallback_order", "reached", "via_party"}
)


@transaction.atomic
def merge_applications(
    *, survivor: Application, duplicate: Application, on: date, by: User, reason: str = ""
) -> Application:
    """Merge `duplicate` into `survivor`: move its dependencies there and retire it on `on`.

    `by` needs the editor role on both. A dependency that `survivor` has at the same time (same
    offering, role and way) is not doubled: the duplicate's row ends on `on` and stays with the
    duplicate as history. Its exit tests, its adaptations and, unless the surviving row has one, its
    exit plan move to the surviving row, which also takes over amounts, tags and binding where it
    has none. Facts of the application itself are those of `survivor`. The duplicate's slug leads to
    `survivor` afterwards.
    """
    validate_date(on)
    if survivor.pk == duplicate.pk:
        raise ConflictError("An application cannot be merged with itself. Select another one.")
    lock_applications([survivor.pk, duplicate.pk], by=by)
    survivor, duplicate = locked_application(survivor, by=by), locked_application(duplicate, by=by)
    if duplicate.merged_into_id is not None:
        raise ConflictError(
            f"{duplicate.name} is already merged into another application. Undo that merge first."
        )
    if survivor.merged_into_id is not None or survivor.status == Application.Status.RETIRED:
        raise ConflictError(
            f"{survivor.name} is retired. Select an active application to merge into."
        )
    overlapping_pairs, continuations = _match_dependencies(survivor, duplicate)
    with audit_context(user=by, reason=reason or f"{duplicate.slug} merged into {survivor.slug}"):
        for survivor_row, duplicate_row in overlapping_pairs:
            _take_over_fields(survivor_row, duplicate_row)
        for duplicate_row, goes_on_from in continuations:
            duplicate_row.since = goes_on_from
            duplicate_row.save(update_fields=["since", "updated_at"])
        Dependency.objects.filter(application=duplicate).exclude(
            pk__in=[row.pk for _, row in overlapping_pairs]
        ).update(application=survivor, updated_at=Now())
        duplicate.status = Application.Status.RETIRED
        duplicate.merged_into = survivor
        duplicate.save(update_fields=["status", "merged_into", "updated_at"])
        end_dependencies(duplicate, on)
    return survivor


def _match_dependencies(
    survivor: Application, duplicate: Application
) -> tuple[list[tuple[Dependency, Dependency]], list[tuple[Dependency, date]]]:
    """Match the rows of both applications that record the same use at an overlapping time.

    Return [(row of `survivor`, row of `duplicate`)] and, for uses that continue after the row of
    `survivor` has ended, [(row of `duplicate`, first day that only this row covers)].
    """
    rows = list(
        Dependency.objects.select_for_update(of=("self",))
        .filter(application__in=[survivor, duplicate])
        .order_by("since", "pk")
    )
    overlapping_pairs, continuations = [], []
    for duplicate_row in (row for row in rows if row.application_id == duplicate.pk):
        equal_rows = [
            row
            for row in rows
            if row.application_id == survivor.pk
            and (row.offering_id, row.role, row.via_party_id)
            == (duplicate_row.offering_id, duplicate_row.role, duplicate_row.via_party_id)
            and (row.until is None or row.until > duplicate_row.since)
            and (duplicate_row.until is None or duplicate_row.until > row.since)
        ]
        ends = [row.until for row in equal_rows if row.until is not None]
        if not equal_rows:
            continue
        if len(ends) == len(equal_rows) and (
            duplicate_row.until is None or duplicate_row.until > max(ends)
        ):
            continuations.append((duplicate_row, max(ends)))
        else:
            overlapping_pairs.append((equal_rows[-1], duplicate_row))
    return overlapping_pairs, continuations


def _take_over_fields(survivor_row: Dependency, duplicate_row: Dependency) -> None:
    """Fill the gaps of the surviving dependency from its duplicate, and move its exit tests,
    adaptations, requirements and exit plan to it.

    An adaptation or requirement that both record, and an exit plan if the survivor has one, stay
    with the duplicate.
    """
    gaps = [
        name
        for name in _GAP_FILLING_FIELDS
        if _has_default(survivor_row, name) and not _has_default(duplicate_row, name)
    ]
    for name in gaps:
        setattr(survivor_row, name, getattr(duplicate_row, name))
    if gaps:
        survivor_row.save(update_fields=[*gaps, "updated_at"])
    ExitTest.objects.filter(dependency=duplicate_row).update(
        dependency=survivor_row, updated_at=Now()
    )
    Adaptation.objects.filter(dependency=duplicate_row).exclude(
        pk__in=_shared_adaptations(survivor_row, duplicate_row)
    ).update(dependency=survivor_row, updated_at=Now())
    recorded = set(survivor_row.requirements.values_list("field", "origin"))
    Requirement.objects.filter(
        pk__in=[
            row.pk
            for row in duplicate_row.requirements.all()
            if (row.field, row.origin) not in recorded
        ]
    ).update(dependency=survivor_row, updated_at=Now())
    if not ExitPlan.objects.filter(dependency=survivor_row).exists():
        ExitPlan.objects.filter(dependency=duplicate_row).update(
            dependency=survivor_row, updated_at=Now()
        )


def _has_default(row: Dependency, name: str) -> bool:
    """Return whether the field still has its default value."""
    column: Any = Dependency._meta.get_field(name)
    return bool(getattr(row, name) == column.get_default())


def _shared_adaptations(survivor_row: Dependency, duplicate_row: Dependency) -> Iterable[int]:
    """Return the IDs of those adaptations of `duplicate_row` that `survivor_row` has as well, by
    kind, name and artefact."""
    existing_keys = set(survivor_row.adaptations.values_list("kind", "name", "artefact_ref"))
    return [
        row.pk
        for row in duplicate_row.adaptations.all()
        if (row.kind, row.name, row.artefact_ref) in existing_keys
    ]
