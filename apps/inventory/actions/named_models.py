"""Choosing the model ID of a name: its dependencies move to the model ID, and the choice is
remembered for the next import."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce, Now

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.models import Offering, OfferingKind
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.inventory.actions.locks import MissingRoleError, lock_teams_of
from apps.inventory.models import Dependency, ExitPlan, ExitTest


@dataclass(frozen=True, slots=True)
class IdentificationPreview:
    """What a choice moves, and which dependencies it ends because the application already uses the
    model ID in that role."""

    moved: tuple[Dependency, ...]
    merged: tuple[Dependency, ...]


@dataclass(frozen=True, slots=True)
class Identification:
    """A choice that was made: the dependencies that moved, and the change that undoes it."""

    offering: Offering
    real: Offering
    moved_ids: tuple[int, ...]
    merged_ids: tuple[int, ...]
    change: UUID


def preview_identification(*, offering: Offering, real: Offering) -> IdentificationPreview:
    """Return what `identify_named_model` would do to the dependencies of the name. `real` can be a
    model ID that is not stored yet."""
    moved: list[Dependency] = []
    merged: list[Dependency] = []
    rows = Dependency.objects.filter(offering=offering).select_related("application__team")
    doubled_ids = _find_doubled(offering, real)
    for row in rows.order_by("application__name", "pk"):
        (merged if row.pk in doubled_ids else moved).append(row)
    return IdentificationPreview(tuple(moved), tuple(merged))


@transaction.atomic
def identify_named_model(
    *, offering: Offering, real: Offering, by: User | None, at: datetime, reason: str = ""
) -> Identification:
    """Move every dependency of the name `offering` to the model ID `real`, and remember the choice.

    `by` needs the editor role on each application concerned (None: a job acts). A dependency on a
    model ID that the application already has at that time in that role ends, or is removed where it
    began later; the others keep their dates, exit plans and tests.
    """
    catalogue_lock()
    offering = Offering.objects.select_for_update(of=("self",)).get(pk=offering.pk)
    real = Offering.objects.select_related("host").get(pk=real.pk)
    _refuse_unsuitable(offering, real)
    rows = _locked_dependencies(offering, by=by)
    doubled_ids = _find_doubled(offering, real)
    doubled = [row for row in rows if row.pk in doubled_ids]
    moved_ids = [row.pk for row in rows if row.pk not in doubled_ids]
    text = reason or f"model ID of “{offering.api_id}” chosen: {real.api_id}"
    with audit_context(user=by, reason=text) as change:
        Offering.objects.filter(pk=offering.pk).update(resolved_to=real, updated_at=Now())
        Dependency.objects.filter(pk__in=moved_ids).update(offering=real, updated_at=Now())
        for row in doubled:
            _end_doubled(row, day_of(at))
        ExitPlan.objects.filter(target=offering).update(target=real, updated_at=Now())
        ExitTest.objects.filter(target=offering).update(target=real, updated_at=Now())
    return Identification(
        offering,
        real,
        tuple(moved_ids),
        tuple(row.pk for row in doubled),
        change,
    )


@transaction.atomic
def undo_identification(*, offering: Offering, change: UUID, by: User, reason: str = "") -> int:
    """Return the dependencies that the choice moved to the name, and forget the choice; return
    their number. Dependencies that were changed later stay as they are."""
    catalogue_lock()
    offering = Offering.objects.select_for_update(of=("self",)).get(pk=offering.pk)
    real_id = offering.resolved_to_id
    is_last_choice = (
        _history_of(offering).filter(pgh_context_id=change, resolved_to_id=real_id).exists()
    )
    if real_id is None or not is_last_choice:
        raise ConflictError("The choice of the model ID was changed later. Choose it again.")
    rows = list(Dependency.objects.filter(history__pgh_context_id=change).distinct())
    _refuse_without_editor_role({row.application_id for row in rows}, by)
    n_moved = 0
    with audit_context(user=by, reason=reason or "choice of the model ID undone"):
        Offering.objects.filter(pk=offering.pk).update(resolved_to=None, updated_at=Now())
        for row in rows:
            n_moved += _restore_dependency(row, change)
    return n_moved


def _refuse_unsuitable(offering: Offering, real: Offering) -> None:
    if offering.kind == OfferingKind.MODEL_ID:
        raise ConflictError(f"{offering.api_id} is a model ID already.")
    if real.kind != OfferingKind.MODEL_ID:
        raise ConflictError(f"{real.api_id} is a name as well. Choose a model ID of the host.")
    if offering.resolved_to_id is not None and offering.resolved_to_id != real.pk:
        raise ConflictError(
            "The model ID was chosen in the meantime. Reload the page to see the choice."
        )


def _locked_dependencies(offering: Offering, *, by: User | None) -> list[Dependency]:
    """Lock the applications of the name, then its dependencies, and return these."""
    applications = Dependency.objects.filter(offering=offering).values_list(
        "application_id", flat=True
    )
    _refuse_without_editor_role(applications, by)
    return list(
        Dependency.objects.select_for_update(of=("self",)).filter(offering=offering).order_by("pk")
    )


def _refuse_without_editor_role(application_ids: Collection[int], by: User | None) -> None:
    """Lock the applications; a governance user may change all of them."""
    teams = set(lock_teams_of(application_ids).values())
    if by is None or by.is_governance:
        return
    if not teams or not all(by.may(TeamRole.EDITOR, team) for team in teams):
        raise MissingRoleError(
            "You need the editor role on each team that uses this name, or the governance role."
        )


def _find_doubled(offering: Offering, real: Offering) -> set[int]:
    """Return the dependencies on the name whose application already uses the model ID in that role
    at an overlapping time, as `overlapping_dependencies` defines it; one statement."""
    if real._state.adding:
        return set()
    same_use = Dependency.objects.annotate(via=Coalesce("via_party_id", 0)).filter(
        Q(until__isnull=True) | Q(until__gt=OuterRef("since")),
        application=OuterRef("application"),
        offering=real,
        role=OuterRef("role"),
        via=Coalesce(OuterRef("via_party_id"), 0),
        since__lt=Coalesce(OuterRef("until"), date.max),
    )
    rows = Dependency.objects.filter(Exists(same_use), offering=offering)
    return set(rows.values_list("pk", flat=True))


def _end_doubled(row: Dependency, today: date) -> None:
    """End a dependency that another one records; one that has not begun ends on its second day."""
    if row.until is not None and row.until <= today:
        return
    until = max(today, row.since + timedelta(days=1))
    Dependency.objects.filter(pk=row.pk).update(until=until, updated_at=Now())


def _restore_dependency(row: Dependency, change: UUID) -> bool:
    """Give the dependency the model and the end that it had before the change, unless it was
    changed later; return whether it was restored."""
    entries = list(_history_of(row).order_by("-pgh_id")[:50])
    if entries[0].pgh_context_id != change:
        return False
    before = next((entry for entry in entries if entry.pgh_context_id != change), None)
    if before is None:
        return False
    Dependency.objects.filter(pk=row.pk).update(
        offering_id=before.offering_id, until=before.until, updated_at=Now()
    )
    return True


def _history_of(row: Offering | Dependency) -> Any:
    history: Any = row.history  # type: ignore[union-attr]
    return history
