"""Successors of a dependency: which columns are copied to the new row, and which belong to the old
one only.

Every column is copied unless it is listed here with a reason, so that a new field is copied by
default.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from django.db.models import Model

from apps.catalog.models import Offering
from apps.common.database.fields import MAX_TEXT_LENGTH
from apps.inventory.models import Adaptation, Dependency, ExitPlan, Requirement

_ROW_COLUMNS = {
    "id": "the new row has its own",
    "created_at": "the new row has its own",
    "updated_at": "the new row has its own",
}
DEPENDENCY_NOT_COPIED: Mapping[str, str] = {
    **_ROW_COLUMNS,
    "offering": "given by the change",
    "since": "given by the change",
    "until": "given by the change",
    "origin": "the new row is declared by the user who makes the change",
    "last_observed_on": "observed on the old row",
    "confirmed_on": "confirmed of the old row",
}
# entered about the offering: copied only if the offering stays the same
OFFERING_FIELDS: Mapping[str, str] = {
    "binding": "says how the old offering is called",
    "monthly_spend": "spent on the old offering",
}
# entered about the host: copied only if the host stays the same
HOST_FIELDS: Mapping[str, str] = {"features": "features of the old host"}
ADAPTATION_NOT_COPIED: Mapping[str, str] = {**_ROW_COLUMNS, "dependency": "hangs on the new row"}
# spent on the old offering, while the adaptation must be made again for the new one
INVESTMENT_FIELDS = ("invested_days", "invested_cost")
REQUIREMENT_NOT_COPIED: Mapping[str, str] = {**_ROW_COLUMNS, "dependency": "hangs on the new row"}
EXIT_PLAN_NOT_COPIED: Mapping[str, str] = {**_ROW_COLUMNS, "dependency": "hangs on the new row"}

_MIGRATION_NOTES: dict[str, str] = {
    Adaptation.Moves.RE_RUN: "Must be re-run",
    Adaptation.Moves.REBUILD: "Must be rebuilt",
}


def build_successor(
    dependency: Dependency, *, offering: Offering, on: date, until: date | None
) -> Dependency:
    """Return an unsaved row that continues from `on` with `offering`."""
    left_out = set(DEPENDENCY_NOT_COPIED)
    if offering.pk != dependency.offering_id:
        left_out |= set(OFFERING_FIELDS)
    if offering.host_id != dependency.offering.host_id:
        left_out |= set(HOST_FIELDS)
    return Dependency(
        offering=offering, since=on, until=until, **_column_values(dependency, left_out)
    )


def create_successor(
    dependency: Dependency, *, offering: Offering, on: date, until: date | None
) -> Dependency:
    """Save `build_successor` with copies of the adaptations, the requirements and the exit plan;
    call it inside `audit_context`.

    The old row keeps its own. A reusable adaptation is copied unchanged; any other is copied with
    the note that it must be re-run or rebuilt, and without the investment, which was made for the
    old one. Requirements say what the application uses, whatever it runs on: all are copied,
    observed ones with their days. The exit plan is copied unless `offering` was its target: that
    plan is completed. Exit tests are not copied: they were made from the old offering.
    """
    successor = build_successor(dependency, offering=offering, on=on, until=until)
    successor.full_clean()
    successor.save(force_insert=True)
    moves = offering.pk != dependency.offering_id
    Adaptation.objects.bulk_create(
        [
            _copy_adaptation(row, successor, dependency.offering, moves=moves)
            for row in dependency.adaptations.order_by("pk")
        ]
    )
    Requirement.objects.bulk_create(
        [
            _copy_requirement(row, successor, dependency.offering, moves=moves)
            for row in dependency.requirements.order_by("pk")
        ]
    )
    plan = ExitPlan.objects.filter(dependency=dependency).first()
    if plan is not None and plan.target_id != offering.pk:
        ExitPlan.objects.create(dependency=successor, **_column_values(plan, EXIT_PLAN_NOT_COPIED))
    return successor


def _copy_adaptation(
    row: Adaptation, successor: Dependency, was_on: Offering, *, moves: bool
) -> Adaptation:
    """Return an unsaved copy of the adaptation for the successor.

    `moves`: the successor uses another offering, so unless the adaptation is portable the copy has
    no investment, and its note says what is left to do.
    """
    copy = Adaptation(dependency=successor, **_column_values(row, ADAPTATION_NOT_COPIED))
    if moves and row.moves != Adaptation.Moves.PORTABLE:
        for name in INVESTMENT_FIELDS:
            setattr(copy, name, None)
        to_do = _MIGRATION_NOTES.get(row.moves, "Reuse unknown")
        made_for = f"{to_do}: made for {was_on.api_id}, used until {successor.since}."
        # the original row still has the full note
        shortened_note = row.note[: MAX_TEXT_LENGTH - len(made_for) - 1]
        copy.note = "\n".join(filter(None, [shortened_note, made_for]))
    return copy


def _copy_requirement(
    row: Requirement, successor: Dependency, was_on: Offering, *, moves: bool
) -> Requirement:
    """Return an unsaved copy of the requirement for the successor; the note of a declared one says
    with which offering it was declared."""
    copy = Requirement(dependency=successor, **_column_values(row, REQUIREMENT_NOT_COPIED))
    if moves and row.origin == Requirement.Origin.DECLARED and not row.note:
        copy.note = f"Declared with {was_on.api_id}, used until {successor.since}."
    return copy


def _column_values(row: Model, left_out: Collection[str]) -> dict[str, Any]:
    """Return {column: value} of `row`, without the columns in `left_out`."""
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.name not in left_out
    }
