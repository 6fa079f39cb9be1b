"""Actions on dependencies: declare, change, confirm, replace, end, reopen."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.inventory.actions.checks import (
    changed_fields,
    checked_fields,
    describe_last_change,
    refuse_stale,
    validate_date,
)
from apps.inventory.actions.locks import locked_application, locked_dependency
from apps.inventory.actions.successors import build_successor, create_successor
from apps.inventory.models import Application, Dependency, DependencyQuerySet

# the fields that users can edit; all others follow from actions
EDITABLE_DEPENDENCY_FIELDS = frozenset(
    {
        "fallback_order",
        "traffic_share",
        "monthly_input_tokens",
        "monthly_output_tokens",
        "monthly_cache_read_tokens",
        "monthly_cache_write_tokens",
        "monthly_requests",
        "typical_request_tokens",
        "monthly_spend",
        "reached",
        "via_party",
        "binding",
        "tags",
        "features",
    }
)


@transaction.atomic
def declare_dependency(
    *,
    application: Application,
    offering: Offering,
    since: date,
    by: User,
    role: str = Dependency.Role.PRIMARY,
    until: date | None = None,
    facts: Mapping[str, Any] | None = None,
    reason: str = "",
) -> Dependency:
    """Declare that `application` uses `offering` in `role` from `since` until `until` (exclusive;
    None: no end date)."""
    # of two users who declare the same use concurrently, the second waits here and then finds the
    # first one's row
    application = locked_application(application, by=by)
    _refuse_retired(application)
    dependency = Dependency(
        application=application,
        offering=offering,
        role=role,
        since=since,
        until=until,
        **checked_fields(facts, EDITABLE_DEPENDENCY_FIELDS),
    )
    dependency.full_clean()
    if overlapping_dependencies(dependency).exists():
        raise ConflictError("This dependency is already declared for that period. Edit or end it.")
    with audit_context(user=by, reason=reason or "dependency declared"):
        dependency.save(force_insert=True)
    return dependency


@transaction.atomic
def change_dependency(
    *,
    dependency: Dependency,
    facts: Mapping[str, Any],
    by: User,
    reason: str = "",
    expected_updated_at: datetime | None = None,
) -> Dependency:
    """Set amounts, share, order, tags or the way the offering is reached. The offering itself is
    changed by `replace_offering`."""
    dependency = locked_dependency(dependency, by=by)
    refuse_stale(dependency, expected_updated_at)
    changed_names = changed_fields(dependency, facts, EDITABLE_DEPENDENCY_FIELDS)
    if not changed_names:
        return dependency
    for name in changed_names:
        setattr(dependency, name, facts[name])
    dependency.full_clean()
    if {"reached", "via_party"} & set(changed_names) and overlapping_dependencies(
        dependency
    ).exists():
        raise ConflictError(
            "Another dependency is declared for the same use and period. End one of them."
        )
    with audit_context(user=by, reason=reason or "dependency changed"):
        dependency.save(update_fields=[*changed_names, "updated_at"])
    return dependency


@transaction.atomic
def confirm_dependency(
    *, dependency: Dependency, on: date, by: User, reason: str = ""
) -> Dependency:
    """Record that a user confirmed the use on `on`; an observed dependency becomes a declared
    one."""
    validate_date(on)
    dependency = locked_dependency(dependency, by=by)
    if dependency.until is not None and dependency.until <= on:
        raise ConflictError(
            f"This dependency ended on {dependency.until}. Reopen it if it is used again."
        )
    if on < dependency.since:
        raise ConflictError(f"In use since {dependency.since}. Enter that date or a later one.")
    if dependency.origin == Dependency.Origin.DECLARED and dependency.confirmed_on == on:
        return dependency
    dependency.origin = Dependency.Origin.DECLARED
    dependency.confirmed_on = on
    with audit_context(user=by, reason=reason or "dependency confirmed"):
        dependency.save(update_fields=["origin", "confirmed_on", "updated_at"])
    return dependency


@transaction.atomic
def end_dependency(
    *,
    dependency: Dependency,
    on: date,
    by: User | None,
    reason: str = "",
    expected_updated_at: datetime | None = None,
    is_consequence: bool = False,
) -> Dependency:
    """End a dependency; `on` is the first day it is no longer used. A recorded end can be moved to
    an earlier day only.

    `is_consequence`: it follows from another decision of `by` and needs no role on the application.
    """
    validate_date(on)
    dependency = locked_dependency(dependency, by=None if is_consequence else by)
    refuse_stale(dependency, expected_updated_at)
    if dependency.until == on:
        return dependency
    _refuse_unless_in_use(dependency, on)
    dependency.until = on
    with audit_context(user=by, reason=reason or "dependency ended"):
        dependency.save(update_fields=["until", "updated_at"])
    return dependency


@transaction.atomic
def reopen_dependency(
    *, dependency: Dependency, by: User, until: date | None = None, reason: str = ""
) -> Dependency:
    """Remove a wrong end date: the dependency stays in use, without an end or until the later day
    `until` (exclusive)."""
    if until is not None:
        validate_date(until)
    application = locked_application(dependency.application, by=by)
    dependency = locked_dependency(dependency, by=by)
    _refuse_retired(application)
    if dependency.until is None:
        raise ConflictError("This dependency does not have an end date that could be removed.")
    if until is not None and until <= dependency.until:
        raise ConflictError(
            f"This dependency ends on {dependency.until}. Enter a later date, or end the "
            "dependency to set an earlier date."
        )
    dependency.until = until
    if overlapping_dependencies(dependency).exists():
        raise ConflictError(
            "The same use was declared again later, and that dependency is active. Edit it "
            "instead of reopening this one."
        )
    with audit_context(user=by, reason=reason or "dependency reopened"):
        dependency.save(update_fields=["until", "updated_at"])
    return dependency


@transaction.atomic
def replace_offering(
    *,
    dependency: Dependency,
    successor: Offering,
    on: date,
    by: User,
    reason: str = "",
    expected_updated_at: datetime | None = None,
) -> Dependency:
    """End `dependency` on `on` (exclusive), begin one on `successor` that day and return the new
    one.

    Role, order, share, tokens and tags are copied, and so are adaptations and exit plan (see
    `create_successor`). Spend and the days last observed and confirmed are not: they describe the
    old offering. If `dependency` has been replaced or ended since it was read, the error names the
    user and the change.
    """
    validate_date(on)
    original = dependency
    dependency = locked_dependency(dependency, by=by)
    if (dependency.offering_id, dependency.until) != (original.offering_id, original.until):
        raise ConflictError(f"{_describe_end(dependency)} Reload the record and decide again.")
    refuse_stale(dependency, expected_updated_at)
    if successor.pk == dependency.offering_id:
        raise ConflictError("The dependency already uses this offering. Choose another one.")
    _refuse_unless_in_use(dependency, on)
    until = dependency.until
    if overlapping_dependencies(
        build_successor(dependency, offering=successor, on=on, until=until)
    ).exists():
        raise ConflictError(
            "The application already uses this offering in this role. End the old dependency "
            "instead."
        )
    dependency.until = on
    with audit_context(user=by, reason=reason or "offering replaced"):
        dependency.save(update_fields=["until", "updated_at"])
        return create_successor(dependency, offering=successor, on=on, until=until)


def overlapping_dependencies(dependency: Dependency) -> DependencyQuerySet:
    """Return other rows that record the same use at an overlapping time."""
    overlaps = Dependency.objects.filter(
        Q(until__isnull=True) | Q(until__gt=dependency.since),
        application_id=dependency.application_id,
        offering_id=dependency.offering_id,
        role=dependency.role,
        via_party_id=dependency.via_party_id,
    ).exclude(pk=dependency.pk)
    return overlaps if dependency.until is None else overlaps.filter(since__lt=dependency.until)


def _refuse_retired(application: Application) -> None:
    if application.status == Application.Status.RETIRED:
        raise ConflictError(
            "This application is retired. Reactivate it as production or pilot first."
        )


def _refuse_unless_in_use(dependency: Dependency, on: date) -> None:
    if on <= dependency.since:
        raise ConflictError(f"In use since {dependency.since}. Enter a later date.")
    if dependency.until is not None and dependency.until < on:
        raise ConflictError(
            f"This dependency already ended on {dependency.until}. Enter an earlier date."
        )
    if dependency.until == on:
        raise ConflictError(
            f"This dependency already ends on {dependency.until}. Enter an earlier date, or "
            "declare a new dependency."
        )


def _describe_end(dependency: Dependency) -> str:
    """Return as a sentence how a row changed since it was read: the offering that replaced it, its
    end, the user and the reason."""
    last_change = describe_last_change(dependency)
    history: Any = dependency.history  # type: ignore[attr-defined]
    context = history.order_by("-pgh_id").values_list("pgh_context_id", flat=True).first()
    if context is not None and dependency.until is not None:
        successor = (
            Dependency.objects.filter(
                application_id=dependency.application_id,
                role=dependency.role,
                since=dependency.until,
                history__pgh_context_id=context,
                history__pgh_label="insert",
            )
            .select_related("offering__host")
            .first()
        )
        if successor is not None:
            return f"{last_change} It was replaced by {successor.offering} from {successor.since}."
    if dependency.until is not None:
        return f"{last_change} Its end date is {dependency.until}."
    return f"{last_change} It uses {dependency.offering} and has no end date."
