"""Read queries over alerts, affected applications and deliveries."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import Q

from apps.alerts.contacts import owned_alerts
from apps.alerts.delivery.schedule import MAX_CLOCK_LEAD
from apps.alerts.models import Alert, AlertQuerySet, Delivery, DeliveryQuerySet
from apps.catalog.models import Assertion
from apps.exposure.queries.dependents import reached_offerings_sql
from apps.inventory.models import Dependency, DependencyQuerySet

# --- for pages and REST ---------------------------------------------------------------------------


def visible_alerts(user: Any) -> AlertQuerySet:
    """Select the alerts `user` can view, newest first, with all relations that a row shows. For a
    contact they are those whose applications the contact owns."""
    alerts = (
        owned_alerts(user) if getattr(user, "is_contact", False) else Alert.objects.visible_to(user)
    )
    return (
        # what only some alerts have is loaded for all rows at their first use: a join of fifteen
        # tables takes a tenth of a second to plan
        alerts.select_related("event__offering__host", "run__source", "team", "offering__host")
        .defer("run__held", "run__backfilled", "run__floated")
        .order_by("-raised_at", "-pk")
        .fetch_mode(models.FETCH_PEERS)
    )


def visible_deliveries(user: Any) -> DeliveryQuerySet:
    """Select the delivery log that `user` can view, newest first."""
    return (
        Delivery.objects.visible_to(user)
        .select_related("team", "user", "webhook")
        .order_by("-created_at", "-pk")
        .fetch_mode(models.FETCH_RAISE)
    )


# --- affected applications ------------------------------------------------------------------------


class AffectedApplication(NamedTuple):
    """An application that an event affects. `is_primary`: the event affects a primary model of the
    application, not only a dependency in a supporting role."""

    event_id: int
    team_id: int
    application_id: int
    criticality: int
    is_primary: bool


# `live` is (offering, application, role, team, criticality, id) of every dependency that is active
# on the day, and of the features that it uses.
_REACHED_AND_LIVE = """
WITH reached AS MATERIALIZED ({reached}),
called(offering_id, application_id, role, team_id, criticality, dependency_id) AS ({live}),
live AS (
    SELECT * FROM called
    UNION ALL
    SELECT x.id, c.application_id, c.role, c.team_id, c.criticality, c.dependency_id
    FROM called c JOIN inventory_dependency d ON d.id = c.dependency_id AND d.features <> '{{}}'
    JOIN catalog_offering m ON m.id = c.offering_id
    CROSS JOIN LATERAL unnest(d.features) used(name)
    JOIN catalog_offering x ON x.host_id = m.host_id AND x.api_id = used.name
        AND x.kind IN ('feature', 'endpoint', 'parameter')
)
"""

_BY_APPLICATION = """
SELECT r.event_id, l.team_id, l.application_id, min(l.criticality), bool_or(l.role = 'primary')
FROM reached r JOIN live l ON l.offering_id = r.offering_id
JOIN catalog_providerevent e ON e.id = r.event_id
-- a withdrawn capability affects those that are known to use it
WHERE e.kind <> 'capability_lost' OR EXISTS (
    SELECT 1 FROM inventory_requirement q WHERE q.dependency_id = l.dependency_id
    AND q.value = 'true' AND e.new ? q.field)
GROUP BY r.event_id, l.team_id, l.application_id
ORDER BY r.event_id, min(l.criticality), l.application_id
"""

# Monthly usage of the reached dependencies, by the units of prices.
_USED = """
SELECT r.event_id, d.application_id, sum(d.monthly_input_tokens), sum(d.monthly_output_tokens),
       sum(d.monthly_cache_read_tokens), sum(d.monthly_cache_write_tokens), sum(d.monthly_requests)
FROM reached r JOIN live l ON l.offering_id = r.offering_id
JOIN inventory_dependency d ON d.id = l.dependency_id
GROUP BY r.event_id, d.application_id
"""
USED_UNITS = ("input", "output", "cache_read", "cache_write", "request")

_ROLES = """
SELECT r.event_id, l.application_id, array_agg(DISTINCT l.role)
FROM reached r JOIN live l ON l.offering_id = r.offering_id
GROUP BY r.event_id, l.application_id
"""


def affected_applications(*, event_ids: Sequence[int], on: date) -> list[AffectedApplication]:
    """List the applications that each event affects, highest criticality first; one statement for
    any number of each."""
    return [
        AffectedApplication(*row)
        for row in _over_live(_BY_APPLICATION, Dependency.objects.live_on(on), event_ids)
    ]


def used_by_affected(
    *, event_ids: Sequence[int], on: date
) -> dict[tuple[int, int], dict[str, int]]:
    """Return {(event, application): {unit: monthly usage}} of the dependencies that the event
    affects; unrecorded usage is left out."""
    rows = _over_live(_USED, Dependency.objects.live_on(on), event_ids)
    return {
        (event_id, application_id): {
            unit: int(n) for unit, n in zip(USED_UNITS, amounts, strict=True) if n is not None
        }
        for event_id, application_id, *amounts in rows
    }


def roles_affected(
    *, event_ids: Sequence[int], application_ids: Sequence[int], on: date
) -> dict[tuple[int, int], frozenset[str]]:
    """Return {(event, application): the roles of the affected dependencies}."""
    live = Dependency.objects.live_on(on).filter(application__in=application_ids)
    rows = _over_live(_ROLES, live, event_ids)
    return {
        (event_id, application_id): frozenset(roles) for event_id, application_id, roles in rows
    }


def _over_live(
    query: str, dependencies: DependencyQuerySet, event_ids: Sequence[int]
) -> list[tuple[Any, ...]]:
    """Fetch the rows of `query`, with `reached` as the offerings of the events and `live` as these
    dependencies."""
    live = dependencies.order_by().values_list(
        "offering_id",
        "application_id",
        "role",
        "application__team_id",
        "application__criticality",
        "pk",
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
            _REACHED_AND_LIVE.format(reached=reached, live=live_sql) + query,
            [*[list(event_ids)] * reached.count(condition), *live_params],
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


# --- evidence -------------------------------------------------------------------------------------


def evidence_urls(event_ids: Collection[int]) -> dict[int, list[str]]:
    """Return {event: URLs of the claims that support it, without duplicates}."""
    urls: dict[int, list[str]] = defaultdict(list)
    rows = Assertion.events.through.objects.filter(providerevent_id__in=event_ids).order_by("pk")
    for event_id, url in rows.values_list("providerevent_id", "assertion__source_url"):
        if url and url not in urls[event_id]:
            urls[event_id].append(url)
    return urls


# --- due deliveries -------------------------------------------------------------------------------


def due_deliveries(*, at: datetime, stale_after: timedelta) -> DeliveryQuerySet:
    """Select deliveries that are queued and due, or whose claim is so old that the claimant has
    died; oldest first. A delivery scheduled further ahead than the longest backoff was written
    while the clock was wrong, and is due as well."""
    latest_due_at = at + MAX_CLOCK_LEAD
    queued = Q(state=Delivery.State.QUEUED) & (Q(due_at__lte=at) | Q(due_at__gt=latest_due_at))
    orphaned = Q(state=Delivery.State.SENDING) & (
        Q(claimed_at__lte=at - stale_after) | Q(claimed_at__gt=latest_due_at)
    )
    return Delivery.objects.filter(queued | orphaned).order_by("due_at", "pk")


# --- issues ---------------------------------------------------------------------------------------

_ISSUE_NOTIFICATIONS = """
SELECT l.issue_id, max(coalesce(d.sent_at, n.owed_at))
FROM alerts_alertissue l
JOIN alerts_notice n ON n.alert_id = l.alert_id AND n.skip_reason = ''
LEFT JOIN alerts_delivery d ON d.id = n.delivery_id
WHERE l.issue_id = ANY (%(ids)s) AND (d.id IS NULL OR d.state NOT IN ('failed', 'skipped'))
GROUP BY l.issue_id
"""


def last_notifications(issue_ids: Collection[int]) -> dict[int, datetime]:
    """Return {issue: time of the last notification about it, sent or pending}; one statement."""
    if not issue_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_ISSUE_NOTIFICATIONS, {"ids": list(issue_ids)})
        return dict(cursor.fetchall())
