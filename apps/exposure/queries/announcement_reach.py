"""Applications that an announced retirement affects, with their owners."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import BigIntegerField, Count, Value

from apps.accounts.models import User
from apps.catalog.models import AnnouncedOffering, RetirementAnnouncement
from apps.common.database.statements import fetch_rows
from apps.exposure.queries.dependents import retiring_dependencies
from apps.inventory.models import Application, Dependency
from apps.inventory.owners import issue_owners_statement

_OWNERS = issue_owners_statement("a.id = ANY (%(applications)s)")


@dataclass(frozen=True, slots=True)
class _ApplicationOwnerRow:
    id: int
    team_id: int
    business_owner_id: int | None
    technical_owner_id: int | None


@dataclass(frozen=True, slots=True)
class AffectedApplication:
    """An application with the dependencies that must migrate. `owner` is the person who must act;
    None: unassigned."""

    application: Application
    dependencies: tuple[Dependency, ...]
    owner: User | None


def affected_application_ids(
    *, offering_ids: Collection[int], on: date, retires_on: date
) -> set[int]:
    """Return the IDs of all applications that must migrate, also those that the
    caller cannot view."""
    dependencies = retiring_dependencies(offering_ids=offering_ids, on=on, retires_on=retires_on)
    return set(dependencies.order_by().values_list("application_id", flat=True))


def count_affected_by_announcements(
    announcements: Sequence[RetirementAnnouncement], *, on: date, user: User
) -> dict[int, int]:
    """Return {announcement ID: applications that the user can view and that must migrate}; two
    statements for any number."""
    offering_ids: dict[int, list[int]] = defaultdict(list)
    for announcement_id, offering_id in AnnouncedOffering.objects.filter(
        announcement__in=announcements
    ).values_list("announcement_id", "offering_id"):
        offering_ids[announcement_id].append(offering_id)
    counts = [
        retiring_dependencies(
            offering_ids=offering_ids[announcement.pk], on=on, retires_on=announcement.retires_on
        )
        .visible_to(user)
        .order_by()
        .annotate(announcement=Value(announcement.pk, output_field=BigIntegerField()))
        .values("announcement")
        .annotate(n=Count("application_id", distinct=True))
        for announcement in announcements
    ]
    if not counts:
        return {}
    rows: Any = counts[0].union(*counts[1:], all=True).order_by()
    return {row["announcement"]: row["n"] for row in rows}


def affected_by_retirement(
    *, offering_ids: Collection[int], on: date, retires_on: date, user: User, limit: int
) -> tuple[list[AffectedApplication], int]:
    """Return the applications that the user can view and that must migrate, most critical first and
    at most `limit`, and the number of all of them. Four statements for any number."""
    dependencies = retiring_dependencies(
        offering_ids=offering_ids, on=on, retires_on=retires_on
    ).visible_to(user)
    application_ids = dependencies.order_by().values("application_id")
    applications = Application.objects.filter(pk__in=application_ids)
    n = applications.count()
    shown = list(applications.select_related("team").order_by("criticality", "name", "pk")[:limit])
    by_application: dict[int, list[Dependency]] = defaultdict(list)
    for dependency in (
        dependencies.filter(application__in=shown)
        .select_related("offering__host")
        .order_by("role", "pk")
    ):
        by_application[dependency.application_id].append(dependency)
    owners = application_owner_ids([application.pk for application in shown])
    users = User.objects.in_bulk([pk for pk in owners.values() if pk is not None])
    affected = [
        AffectedApplication(
            application,
            tuple(by_application[application.pk]),
            users.get(owners.get(application.pk) or 0),
        )
        for application in shown
    ]
    return affected, n


def application_owner_ids(application_ids: Sequence[int]) -> dict[int, int | None]:
    """Return {application ID: the ID of the business owner, else of the technical owner}."""
    rows = fetch_rows(_ApplicationOwnerRow, _OWNERS, {"applications": list(application_ids)})
    return {row.id: row.business_owner_id or row.technical_owner_id for row in rows}
