"""Actions on applications: register, change, retire, reactivate."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest, Now
from django.utils.text import slugify

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.inventory.actions.checks import (
    changed_fields,
    checked_fields,
    refuse_stale,
    validate_date,
)
from apps.inventory.actions.locks import locked_application, refuse_without_role
from apps.inventory.actions.successors import create_successor
from apps.inventory.models import Application, Dependency
from apps.inventory.owners import OWNER_PERSONS, set_owner_persons

# the fields that users can edit; all others follow from actions
EDITABLE_APPLICATION_FIELDS = frozenset(
    {
        "name",
        "purpose",
        "team",
        "business_owner",
        "technical_owner",
        "criticality",
        "criticality_reason",
        "status",
        "ai_act_class",
        "ai_act_role",
        "data_classification",
        "personal_data",
        "geography",
        "business_function",
        "function_ref",
        "licensed_activity",
        "criticality_assessed_on",
        "autonomy",
        "impact_of_discontinuing",
        "users_affected",
        "rto_hours",
        "rpo_hours",
        "monthly_spend",
        "external_refs",
        "next_review_on",
    }
)
ONE_DAY = timedelta(days=1)


@transaction.atomic
def register_application(
    *,
    name: str,
    team: Team,
    by: User | None,
    slug: str = "",
    facts: Mapping[str, Any] | None = None,
    reason: str = "",
) -> Application:
    """Create an application. Without `slug` one is made from the name; a slug that is in use gets a
    number.

    If `by` is None, a job acts, which names itself in the audit context.
    """
    application = Application(
        name=name,
        team=team,
        slug=slug or _free_slug(name),
        **checked_fields(facts, EDITABLE_APPLICATION_FIELDS),
    )
    if application.status == Application.Status.RETIRED:
        raise ConflictError(
            "A new application cannot be retired. Register it as proposed, pilot or production."
        )
    application.full_clean()
    with audit_context(user=by, reason=reason or "application registered"):
        _set_owner_persons(application, OWNER_PERSONS, by)
        application.save(force_insert=True)
    return application


@transaction.atomic
def change_application(
    *,
    application: Application,
    facts: Mapping[str, Any],
    by: User | None,
    reason: str = "",
    expected_updated_at: datetime | None = None,
) -> Application:
    """Set the given facts and leave the others; write nothing if no value differs.

    Retiring is a separate action, since it ends the dependencies. A retired application becomes
    active again by any other status; its dependencies stay ended (reactivate_application continues
    them).
    """
    application = locked_application(application, by=by)
    refuse_stale(application, expected_updated_at)
    changed_names = changed_fields(application, facts, EDITABLE_APPLICATION_FIELDS)
    if "status" in changed_names and facts["status"] == Application.Status.RETIRED:
        raise ConflictError(
            "This change cannot retire an application. Use the retire action, which also "
            "ends its dependencies."
        )
    if "team" in changed_names and by is not None:
        refuse_without_role(by, TeamRole.EDITOR, facts["team"])
    if "status" in changed_names:
        refuse_merged(application)
    if not changed_names:
        return application
    for name in changed_names:
        setattr(application, name, facts[name])
    application.full_clean()
    with audit_context(user=by, reason=reason or "application changed"):
        owner_columns = _set_owner_persons(application, changed_names, by)
        application.save(update_fields=[*changed_names, *owner_columns, "updated_at"])
    return application


@transaction.atomic
def retire_application(
    *, application: Application, on: date, by: User, reason: str = ""
) -> Application:
    """Retire the application on `on` and end its active dependencies that day; does nothing if it
    is already retired."""
    validate_date(on)
    application = locked_application(application, by=by)
    if application.status == Application.Status.RETIRED:
        return application
    application.status = Application.Status.RETIRED
    with audit_context(user=by, reason=reason or "application retired"):
        application.save(update_fields=["status", "updated_at"])
        end_dependencies(application, on)
    return application


@transaction.atomic
def reactivate_application(
    *,
    application: Application,
    on: date,
    by: User,
    status: str = Application.Status.PRODUCTION,
    with_dependencies: bool = True,
    reason: str = "",
) -> Application:
    """Set a retired application to an active status from `on`.

    With `with_dependencies` the dependencies that its retirement ended continue: as the same row if
    it had not ended before `on`, otherwise as a new row from `on`, so that the time between stays a
    gap.
    """
    validate_date(on)
    application = locked_application(application, by=by)
    refuse_merged(application)
    if application.status != Application.Status.RETIRED:
        raise ConflictError(
            "This application is not retired. Its status is "
            f"{application.get_status_display().lower()}."
        )
    if status == Application.Status.RETIRED:
        raise ConflictError("Choose proposed, pilot or production as the new status.")
    ended_dependencies = _dependencies_ended_by_retirement(application) if with_dependencies else []
    application.status = status
    application.full_clean()
    with audit_context(user=by, reason=reason or "application reactivated"):
        application.save(update_fields=["status", "updated_at"])
        going_on = [
            row.pk for row in ended_dependencies if row.until is not None and row.until >= on
        ]
        Dependency.objects.filter(pk__in=going_on).update(until=None, updated_at=Now())
        for row in ended_dependencies:
            if row.pk not in going_on:
                create_successor(row, offering=row.offering, on=on, until=None)
    return application


def end_dependencies(application: Application, on: date) -> None:
    """End every dependency that is active on `on` or starts later; call it inside
    `audit_context`."""
    Dependency.objects.filter(
        Q(until__isnull=True) | Q(until__gt=on), application=application
    ).update(
        # one that starts today or later becomes a single day: rows that users entered are never
        # deleted
        until=Greatest(on, F("since") + ONE_DAY),
        updated_at=Now(),
    )


def refuse_merged(application: Application) -> None:
    if application.merged_into is not None:
        raise ConflictError(
            f"This application was merged into {application.merged_into.name}. Undo the merge "
            "instead."
        )


def _dependencies_ended_by_retirement(application: Application) -> list[Dependency]:
    """Return the dependencies whose last change was written together with the status retired; ends
    that were planned before are not among them."""
    history: Any = application.history  # type: ignore[attr-defined]
    entries = list(history.order_by("-pgh_id").values_list("status", "pgh_context_id"))
    context = None
    for status, written_in in entries:
        if status != Application.Status.RETIRED:
            break
        context = written_in
    if context is None:
        return []
    dependencies = Dependency.objects.raw(
        """
        SELECT d.* FROM inventory_dependency d
        -- the last change of the dependency is the one that retired the application
        JOIN LATERAL (
            SELECT h.pgh_context_id FROM inventory_dependencyhistory h WHERE h.pgh_obj_id = d.id
            ORDER BY h.pgh_id DESC LIMIT 1
        ) last ON last.pgh_context_id = %s
        -- before that change the dependency had no end: it was ended with the application
        JOIN LATERAL (
            SELECT h.until FROM inventory_dependencyhistory h
            WHERE h.pgh_obj_id = d.id AND h.pgh_context_id IS DISTINCT FROM %s
            ORDER BY h.pgh_id DESC LIMIT 1
        ) before ON before.until IS NULL
        WHERE d.application_id = %s ORDER BY d.id FOR UPDATE OF d
        """,
        [context, context, application.pk],
    )
    return list(dependencies.prefetch_related("offering"))


def _set_owner_persons(
    application: Application, changed: Iterable[str], by: User | None
) -> list[str]:
    """Link the owners whose texts changed; return the columns that were set."""
    values: dict[str, Any] = {
        name: getattr(application, name) for name in OWNER_PERSONS if name in changed
    }
    set_owner_persons([(values, application.team_id)], by=by)
    columns = [column for column in OWNER_PERSONS.values() if column in values]
    for column in columns:
        setattr(application, column, values[column])
    return columns


def _free_slug(name: str) -> str:
    base = slugify(name)[:100] or "application"
    existing_slugs = set(
        Application.objects.filter(slug__startswith=base).values_list("slug", flat=True)
    )
    number, slug = 1, base
    while slug in existing_slugs:
        number += 1
        slug = f"{base}-{number}"
    return slug
