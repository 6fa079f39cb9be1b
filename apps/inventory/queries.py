"""Queries on applications and dependencies."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from apps.accounts.models import Team
from apps.accounts.roles import TeamRole
from apps.common.database.statements import fetch_rows
from apps.inventory.models import (
    Application,
    ApplicationQuerySet,
    Dependency,
    DependencyQuerySet,
    Requirement,
)


def visible_applications(*, user: Any) -> ApplicationQuerySet:
    """Return the applications that the user can view, most critical first, with their teams."""
    return Application.objects.visible_to(user).select_related("team").order_by("criticality", "pk")


def dependency_history(*, application: Application) -> DependencyQuerySet:
    """Return all dependencies that the application ever had, ended ones included, latest first,
    with related rows."""
    return (
        Dependency.objects.filter(application=application)
        .select_related(
            "offering__host",
            "offering__version__foundation__developer",
            "offering__alias",
            "via_party",
        )
        .order_by("-since", "-pk")
    )


def editable_teams(*, user: Any) -> QuerySet[Team]:
    """Return the teams whose applications the user can edit, by name."""
    if not user.is_authenticated:
        return Team.objects.none()
    if user.is_governance:
        return Team.objects.order_by("name")
    editable = [
        team_id for team_id, rank in user.team_roles().items() if rank >= TeamRole.EDITOR.rank
    ]
    return Team.objects.filter(pk__in=editable).order_by("name")


def application_merged_into(*, application: Application) -> Application:
    """Return the application into which `application` was merged: itself, or the end of a chain of
    merges."""
    visited_ids = {application.pk}
    while application.merged_into is not None and application.merged_into.pk not in visited_ids:
        application = application.merged_into
        visited_ids.add(application.pk)
    return application


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """One change of the history: everything that a user or job wrote in one action. `actor` is the
    username or the job, `actor_name` the name of the user."""

    id: UUID
    at: datetime
    actor: str
    actor_name: str
    reason: str
    n_rows: int


_CHANGES = """
WITH own AS (SELECT id FROM inventory_dependency WHERE application_id = %(id)s),
entry AS (
    -- all history rows of the application and of its current dependencies
    SELECT pgh_context_id AS change, pgh_created_at AS at FROM inventory_applicationhistory
    WHERE pgh_obj_id = %(id)s
    UNION ALL
    SELECT pgh_context_id, pgh_created_at FROM inventory_dependencyhistory
    WHERE application_id = %(id)s
    UNION ALL
    SELECT pgh_context_id, pgh_created_at FROM inventory_adaptationhistory
    WHERE dependency_id IN (SELECT id FROM own)
    UNION ALL
    SELECT pgh_context_id, pgh_created_at FROM inventory_exitplanhistory
    WHERE dependency_id IN (SELECT id FROM own)
    UNION ALL
    SELECT pgh_context_id, pgh_created_at FROM inventory_exittesthistory
    WHERE dependency_id IN (SELECT id FROM own)
    UNION ALL
    SELECT pgh_context_id, pgh_created_at FROM inventory_requirementhistory
    WHERE dependency_id IN (SELECT id FROM own)
)
SELECT e.change AS id, max(e.at) AS at, coalesce(c.metadata ->> 'actor', '') AS actor,
       coalesce(person_name(u.first_name, u.last_name, u.username), c.metadata ->> 'actor', '')
           AS actor_name,
       coalesce(c.metadata ->> 'reason', '') AS reason, count(*) AS n_rows
FROM entry e JOIN pghistory_context c ON c.id = e.change
LEFT JOIN accounts_user u ON u.id = (c.metadata ->> 'user')::bigint
GROUP BY e.change, c.metadata, u.id
ORDER BY max(e.at) DESC, e.change
LIMIT %(limit)s
"""


def changes_of_application(
    *, application: Application, limit: int | None = None
) -> list[RecordedChange]:
    """Return changes of the application and its records by users and jobs, latest first; one
    statement.

    Writes outside a named change are not included.
    """
    return fetch_rows(RecordedChange, _CHANGES, {"id": application.pk, "limit": limit})


def last_change_id(row: Model) -> UUID | None:
    """Return the ID of the change that wrote the row last, by which it can be undone."""
    history: Any = row.history  # type: ignore[attr-defined]
    context_id: UUID | None = (
        history.order_by("-pgh_id").values_list("pgh_context_id", flat=True).first()
    )
    return context_id


def last_declaration_id(dependency: Dependency) -> UUID | None:
    """Return the ID of the change that wrote the declared requirements of the dependency last."""
    history: Any = Requirement.history.rel.related_model  # type: ignore[attr-defined]
    context_id: UUID | None = (
        history.objects.filter(dependency_id=dependency.pk, origin=Requirement.Origin.DECLARED)
        .order_by("-pgh_id")
        .values_list("pgh_context_id", flat=True)
        .first()
    )
    return context_id
