"""Reads over what is owed and what was sent."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import Min, Q

from apps.accounts.models import Team, User
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.alerts.models import Alert, AlertQuerySet, Delivery, DeliveryQuerySet
from apps.catalog.models import Assertion
from apps.exposure.queries import reached_offerings_sql
from apps.inventory.models import Dependency, DependencyQuerySet

# --- for pages and REST -----------------------------------------------------------------------------------------


def alerts_of(user: Any) -> AlertQuerySet:
    """What `user` may read, newest first, with everything a row shows."""
    return (
        Alert.objects.visible_to(user)
        .select_related(
            "event__offering__host", "event__source", "flag__policy", "flag__node", "run__source", "source",
            "team", "user", "delivery", "acknowledged_by",
        )
        .defer("run__held", "run__backfilled", "run__floated")
        .order_by("-raised_at", "-pk")
        .fetch_mode(models.FETCH_RAISE)
    )  # fmt: skip


def deliveries_of(user: Any) -> DeliveryQuerySet:
    """The ledger that `user` may read, newest first."""
    return (
        Delivery.objects.visible_to(user)
        .select_related("team", "user")
        .order_by("-created_at", "-pk")
        .fetch_mode(models.FETCH_RAISE)
    )


# --- who is affected by what ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Affected:
    """What one event means for one team: its applications, and the gravest criticality (0 is critical) of those
    that call it as a primary and of those that only lean on it."""

    event_id: int
    team_id: int
    application_ids: list[int]
    gravest_primary: int | None
    gravest_leaning: int | None


# `live` is (offering, application, role, team, criticality) of every dependency that is live on the day
_REACHED_AND_LIVE = """
WITH reached AS MATERIALIZED ({reached}),
live(offering_id, application_id, role, team_id, criticality) AS ({live})
"""

_BY_TEAM = """
, once AS (
    SELECT r.event_id, l.team_id, l.application_id, min(l.criticality) AS criticality,
           bool_or(l.role = 'primary') AS is_primary
    FROM reached r JOIN live l ON l.offering_id = r.offering_id
    GROUP BY r.event_id, l.team_id, l.application_id
)
SELECT event_id, team_id, array_agg(application_id ORDER BY criticality, application_id),
       min(criticality) FILTER (WHERE is_primary), min(criticality) FILTER (WHERE NOT is_primary)
FROM once GROUP BY event_id, team_id ORDER BY event_id, team_id
"""

_ROLES = """
SELECT r.event_id, l.application_id, array_agg(DISTINCT l.role)
FROM reached r JOIN live l ON l.offering_id = r.offering_id
GROUP BY r.event_id, l.application_id
"""


def affected_teams(*, event_ids: Sequence[int], on: date) -> list[Affected]:
    """Per event and team the applications that the event reaches; one statement for any number of each."""
    return [Affected(*row) for row in _over_live(_BY_TEAM, Dependency.objects.live_on(on), event_ids)]


def roles_affected(
    *, event_ids: Sequence[int], application_ids: Sequence[int], on: date
) -> dict[tuple[int, int], frozenset[str]]:
    """{(event, application): the roles in which the application calls what the event reaches}."""
    live = Dependency.objects.live_on(on).filter(application__in=application_ids)
    rows = _over_live(_ROLES, live, event_ids)
    return {(event_id, application_id): frozenset(roles) for event_id, application_id, roles in rows}


def _over_live(answer: str, dependencies: DependencyQuerySet, event_ids: Sequence[int]) -> list[tuple[Any, ...]]:
    """The rows of `answer` with `reached` the offerings of the events and `live` these dependencies."""
    live = dependencies.order_by().values_list(
        "offering_id", "application_id", "role", "application__team_id", "application__criticality"
    )
    if not event_ids:
        return []
    try:
        live_sql, live_params = live.query.sql_with_params()
    except EmptyResultSet:
        return []
    condition = "e.id = ANY (%s)"
    reached = reached_offerings_sql(condition)
    with connection.cursor() as cursor:
        cursor.execute(
            _REACHED_AND_LIVE.format(reached=reached, live=live_sql) + answer,
            [*[list(event_ids)] * reached.count(condition), *live_params],
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def governors() -> list[User]:
    """Whom findings about the whole organisation are owed to: governance, or where nobody holds it, the admins."""
    active = User.objects.filter(is_active=True).order_by("pk")
    return list(active.filter(organisation_role=OrganisationRole.GOVERNANCE)) or list(
        active.filter(organisation_role=OrganisationRole.ADMIN)
    )


# --- what is to be mailed ---------------------------------------------------------------------------------------


def owed_recipients(*, raised_by: datetime) -> list[tuple[int | None, int | None]]:
    """(team, user) of everyone whose oldest owed alert was raised at `raised_by` or before, those
    waiting longest first; one of the two is None."""
    return list(
        Alert.objects.owed()
        .order_by()
        .values("team_id", "user_id")
        .annotate(oldest=Min("raised_at"))
        .filter(oldest__lte=raised_by)
        .order_by("oldest", "team_id", "user_id")
        .values_list("team_id", "user_id")
    )


def undelivered(*, team: Team | None = None, user: User | None = None) -> list[Alert]:
    """The recipient's alerts that no delivery carries yet, with what a mail says about them."""
    return list(
        Alert.objects.owed()
        .filter(team=team, user=user)
        .select_related(
            "event__source", "event__offering__host", "event__offering__version__foundation",
            "event__offering__replacement__host", "flag__policy", "flag__node", "run__source", "source",
        )
        .defer("run__held", "run__backfilled", "run__floated")
        .order_by("-severity", "event__effective_on", "pk")
        .fetch_mode(models.FETCH_RAISE)
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address and the person behind it; `person` is None for a team's own mailbox."""

    address: str
    person: User | None = None

    @property
    def time_zone(self) -> str:
        return self.person.time_zone if self.person else "UTC"


def mailboxes_of(team: Team) -> list[Mailbox]:
    """Where the team is told: its own mailbox; without one its owners; without any the owners of the nearest team
    above that has some. People without an address or no longer active do not count."""
    if team.email:
        return [Mailbox(team.email)]
    rows = User.objects.raw(
        """
        WITH RECURSIVE above(id, depth) AS (
            SELECT %s::bigint, 0
            UNION
            SELECT t.parent_id, above.depth + 1 FROM above JOIN accounts_team t ON t.id = above.id
            WHERE t.parent_id IS NOT NULL AND above.depth < 64
        ),
        owner AS (
            SELECT u.id, above.depth, min(above.depth) OVER () AS nearest
            FROM above JOIN accounts_membership m ON m.team_id = above.id AND m.role = %s
            JOIN accounts_user u ON u.id = m.user_id AND u.is_active AND u.email <> ''
        )
        SELECT u.* FROM accounts_user u JOIN owner ON owner.id = u.id AND owner.depth = owner.nearest ORDER BY u.id
        """,
        [team.pk, TeamRole.OWNER.rank],
    )
    return [Mailbox(person.email, person) for person in rows]


def evidence_urls(event_ids: Collection[int]) -> dict[int, list[str]]:
    """{event: addresses of the claims it rests on, each once}."""
    found: dict[int, list[str]] = defaultdict(list)
    rows = Assertion.events.through.objects.filter(providerevent_id__in=event_ids).order_by("pk")
    for event_id, url in rows.values_list("providerevent_id", "assertion__source_url"):
        if url and url not in found[event_id]:
            found[event_id].append(url)
    return found


# --- what is to be sent -----------------------------------------------------------------------------------------


def due_deliveries(*, at: datetime, stale_after: timedelta) -> DeliveryQuerySet:
    """Queued and due, or claimed so long ago that whoever claimed it is gone; oldest first."""
    waiting = Q(state=Delivery.State.QUEUED, due_at__lte=at)
    orphaned = Q(state=Delivery.State.SENDING, claimed_at__lte=at - stale_after)
    return Delivery.objects.filter(waiting | orphaned).order_by("due_at", "pk")
