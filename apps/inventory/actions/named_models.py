"""Choosing the model ID of a name: its dependencies move to the model ID, and the choice is
remembered for the next import."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models import Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Now

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.models import Offering, OfferingKind
from apps.common.database.bulk_writes import update_rows
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.time import day_of, now
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
    own_uses = _find_own_uses(offering, real)
    for row in rows.order_by("application__name", "pk"):
        (merged if row.pk in own_uses.doubled_ids else moved).append(row)
    return IdentificationPreview(tuple(moved), tuple(merged))


@transaction.atomic
def identify_named_model(
    *, offering: Offering, real: Offering, by: User | None, at: datetime, reason: str = ""
) -> Identification:
    """Move every dependency of the name `offering` to the model ID `real`, and remember the choice.

    `by` needs the editor role on each application concerned (None: a job acts). A dependency on a
    model ID that the application already has at that time in that role ends; one that lasts longer
    than those begins when they end. The others keep their dates, and all their exit plans and
    tests.
    """
    catalogue_lock()
    offering = Offering.objects.select_for_update(of=("self",)).get(pk=offering.pk)
    real = Offering.objects.select_related("host").get(pk=real.pk)
    _refuse_unsuitable(offering, real)
    rows = _locked_dependencies(offering, by=by)
    own_uses = _find_own_uses(offering, real)
    doubled = [row for row in rows if row.pk in own_uses.doubled_ids]
    moved_ids = [row.pk for row in rows if row.pk not in own_uses.doubled_ids]
    text = reason or f"model ID of “{offering.api_id}” chosen: {real.api_id}"
    with audit_context(user=by, reason=text) as change:
        Offering.objects.filter(pk=offering.pk).update(resolved_to=real, updated_at=Now())
        _move_dependencies(moved_ids, real, own_uses)
        _end_doubled(doubled, day_of(at))
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
    """Return what the choice moved to the name: dependencies, and the targets of exit plans and
    tests; and forget the choice. Return the number of dependencies. Records that were changed later
    stay as they are."""
    catalogue_lock()
    offering = Offering.objects.select_for_update(of=("self",)).get(pk=offering.pk)
    real_id = offering.resolved_to_id
    is_last_choice = (
        _history_of(Offering)
        .filter(pgh_obj_id=offering.pk, pgh_context_id=change, resolved_to_id=real_id)
        .exists()
    )
    if real_id is None or not is_last_choice:
        raise ConflictError("The choice of the model ID was changed later. Choose it again.")
    _refuse_without_editor_role(
        Dependency.objects.filter(history__pgh_context_id=change)
        .values_list("application_id", flat=True)
        .distinct(),
        by,
    )
    with audit_context(user=by, reason=reason or "choice of the model ID undone"):
        Offering.objects.filter(pk=offering.pk).update(resolved_to=None, updated_at=Now())
        n_moved = _restore(Dependency, change, ("offering_id", "since", "until"))
        for model in (ExitPlan, ExitTest):
            _restore(model, change, ("target_id",))
    return n_moved


def _refuse_unsuitable(offering: Offering, real: Offering) -> None:
    if offering.kind == OfferingKind.MODEL_ID:
        raise ConflictError(f"{offering.api_id} is a model ID already.")
    if real.kind != OfferingKind.MODEL_ID:
        if real.is_feature:
            raise ConflictError(
                f"{real.api_id} is not a model, but a {real.get_kind_display().lower()} of "
                f"{real.host.name}. Choose a model ID of the host."
            )
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


@dataclass(frozen=True, slots=True)
class _OwnUses:
    """Dependencies on a name whose application has the model ID in that role at an overlapping
    time: those that it covers, and {dependency: day on which the covered time ends} of others."""

    doubled_ids: set[int] = field(default_factory=set)
    starts: Mapping[int, date] = field(default_factory=dict)


def _find_own_uses(offering: Offering, real: Offering) -> _OwnUses:
    """Compare the dependencies on the name with those on the model ID, whose overlap is that of
    `overlapping_dependencies`; one statement."""
    if real._state.adding:
        return _OwnUses()
    same_use = (
        Dependency.objects.annotate(via=Coalesce("via_party_id", 0))
        .filter(
            Q(until__isnull=True) | Q(until__gt=OuterRef("since")),
            application=OuterRef("application"),
            offering=real,
            role=OuterRef("role"),
            via=Coalesce(OuterRef("via_party_id"), 0),
            since__lt=Coalesce(OuterRef("until"), date.max),
        )
        .order_by()
        .values("application")
        .annotate(last=Max(Coalesce("until", date.max)))
        .values("last")
    )
    rows = Dependency.objects.filter(offering=offering).annotate(covered=Subquery(same_use))
    doubled_ids: set[int] = set()
    starts: dict[int, date] = {}
    for pk, until, covered in rows.exclude(covered=None).values_list("pk", "until", "covered"):
        if covered >= (until or date.max):
            doubled_ids.add(pk)
        else:
            starts[pk] = covered
    return _OwnUses(doubled_ids, starts)


def _move_dependencies(ids: Collection[int], real: Offering, own_uses: _OwnUses) -> None:
    Dependency.objects.filter(pk__in=set(ids) - own_uses.starts.keys()).update(
        offering=real, updated_at=Now()
    )
    update_rows(
        Dependency,
        {
            pk: {"offering_id": real.pk, "since": since, "updated_at": now()}
            for pk, since in own_uses.starts.items()
        },
    )


def _end_doubled(rows: Collection[Dependency], today: date) -> None:
    """End dependencies that others record; one that has not begun ends on its second day."""
    update_rows(
        Dependency,
        {
            row.pk: {"until": max(today, row.since + timedelta(days=1)), "updated_at": now()}
            for row in rows
            if row.until is None or row.until > today
        },
    )


def _restore(model: type[models.Model], change: UUID, columns: tuple[str, ...]) -> int:
    """Give the records that the change wrote the values that they had before, unless they were
    changed later; return their number. Three statements."""
    history = _history_of(model)
    written = history.filter(
        pgh_obj_id__in=history.filter(pgh_context_id=change).values("pgh_obj_id")
    ).order_by("pgh_obj_id", "-pgh_id")
    latest = dict(written.distinct("pgh_obj_id").values_list("pgh_obj_id", "pgh_context_id"))
    before = written.exclude(pgh_context_id=change).distinct("pgh_obj_id")
    restored = {
        pk: {**dict(zip(columns, values, strict=True)), "updated_at": now()}
        for pk, *values in before.values_list("pgh_obj_id", *columns)
        if latest[pk] == change
    }
    update_rows(model, restored)
    return len(restored)


def _history_of(model: type[models.Model]) -> Any:
    return model.history.rel.related_model._default_manager  # type: ignore[attr-defined]
