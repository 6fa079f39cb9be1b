"""Batch context of messages: all records that messages mention, loaded for a whole batch of
recipients in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import connection, models

from apps.accounts.models import Team, User
from apps.alerts.delivery.digest.parts import BestFallback, DigestContext, Price, PrimaryUse
from apps.alerts.kinds.feeds.health import FeedHealth, load_feed_health
from apps.alerts.models import Alert, Notice
from apps.alerts.queries import evidence_urls, roles_affected
from apps.alerts.subscriptions import AlertFacts, alert_facts
from apps.catalog.models import Offering
from apps.common.time import day_of
from apps.exposure.node_names import node_names
from apps.inventory.models import Application
from apps.inventory.runway import runways


@dataclass(frozen=True, slots=True)
class BatchContext:
    """All records that a batch of notifications mentions; `load_rule_context` limits it to what one
    recipient can view."""

    alerts: Mapping[int, Alert]
    about: Mapping[int, AlertFacts]
    applications: Mapping[int, Application]
    roles: Mapping[tuple[int, int], frozenset[str]]
    sources: Mapping[int, Sequence[str]]
    nodes: Mapping[int, str]
    uses: Mapping[int, Sequence[PrimaryUse]]
    prices: Mapping[int, Price]
    offerings: Mapping[int, Offering]
    people: Mapping[int, str]
    teams: Mapping[int, str]
    feeds: FeedHealth

    def context_for(self, *, teams: frozenset[int] | None, today: date) -> DigestContext:
        """Limit the context to `teams`, whose applications the recipient can view; None: all."""
        applications = (
            self.applications
            if teams is None
            else {pk: row for pk, row in self.applications.items() if row.team_id in teams}
        )
        return DigestContext(
            today=today,
            public_url=settings.PUBLIC_URL,
            applications=applications,
            roles=self.roles,
            sources=self.sources,
            nodes=self.nodes,
            uses=self.uses,
            prices=self.prices,
            offerings=self.offerings,
            people=self.people,
        )


def load_context(notices: Collection[Notice], *, at: datetime) -> BatchContext:
    alerts = alerts_with_subjects({notice.alert_id for notice in notices})
    event_ids = sorted({alert.event_id for alert in alerts.values() if alert.event_id})
    named = {pk for alert in alerts.values() for pk in alert.application_ids}
    applications = Application.objects.with_owners().in_bulk(named) if named else {}
    uses, called = _uses(sorted(applications), on=day_of(at))
    direct = {alert.offering_id for alert in alerts.values() if alert.offering_id}
    offerings = Offering.objects.select_related(
        "host", "version__foundation", "replacement__host"
    ).in_bulk(direct | called)
    replaced = {row.replacement_id for row in offerings.values() if row.replacement_id}
    return BatchContext(
        alerts=alerts,
        about=alert_facts(alerts.values()),
        applications=applications,
        roles=roles_affected(
            event_ids=event_ids, application_ids=sorted(applications), on=day_of(at)
        ),
        sources=evidence_urls(event_ids) if event_ids else {},
        nodes=_node_labels(alerts.values()),
        uses=uses,
        prices=_prices(set(offerings) | replaced, at=at),
        offerings=offerings,
        people={
            user.pk: str(user)
            for user in User.objects.filter(
                pk__in={alert.user_id for alert in alerts.values() if alert.user_id}
            )
        },
        teams=dict(
            Team.objects.filter(
                pk__in={alert.team_id for alert in alerts.values() if alert.team_id}
            ).values_list("pk", "name")
        ),
        feeds=load_feed_health(at=at),
    )


def alerts_with_subjects(ids: Collection[int]) -> dict[int, Alert]:
    """Load alerts with the relations that a message mentions; access to any other relation
    raises."""
    return (
        Alert.objects.select_related(
            "event__source",
            "event__offering__host",
            "event__offering__version__foundation",
            "event__offering__replacement__host",
            "flag__policy",
            "flag__node",
            "run__source",
            "source",
        )
        .defer("run__held", "run__backfilled", "run__floated")
        .fetch_mode(models.FETCH_RAISE)
        .in_bulk(ids)
    )


def _node_labels(alerts: Iterable[Alert]) -> dict[int, str]:
    nodes = {
        alert.flag.node_id
        for alert in alerts
        if alert.flag is not None and alert.flag.node_id is not None
    }
    return {pk: node.label for pk, node in node_names(nodes).items()} if nodes else {}


# The best stand-in for each primary: the most independent one, a tested one first. Exposure's
# tables know it.
_FALLBACKS = """
SELECT DISTINCT ON (r.primary_id) r.primary_id, o.api_id || ' at ' || h.name, r.grade, r.tested,
       coalesce(c.ever_tested, r.tested)
FROM exposure_candidategrade r LEFT JOIN exposure_candidate c ON c.id = r.candidate_id
JOIN catalog_offering o ON o.id = r.offering_id JOIN catalog_provider h ON h.id = o.host_id
WHERE r.primary_id = ANY (%s) AND r.alive
ORDER BY r.primary_id, r.grade DESC, r.tested DESC, r.place, r.candidate_id
"""


def _uses(
    application_ids: Sequence[int], *, on: date
) -> tuple[dict[int, list[PrimaryUse]], set[int]]:
    """Return ({application: its primary models with a retirement date}, the offerings those
    are)."""
    uses: dict[int, list[PrimaryUse]] = defaultdict(list)
    if not application_ids:
        return uses, set()
    rows = runways(on=on, application_ids=application_ids)
    fallbacks: dict[int, BestFallback] = {}
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_FALLBACKS, [[row.dependency_id for row in rows]])
            fallbacks = {pk: BestFallback(*words) for pk, *words in cursor.fetchall()}
    for row in rows:
        uses[row.application_id].append(
            PrimaryUse(
                dependency_id=row.dependency_id,
                offering_id=row.offering_id,
                ends_on=row.retires_on,
                effort_days=row.effort_days,
                basis=row.basis,
                at_least=row.at_least,
                fallback=fallbacks.get(row.dependency_id),
            )
        )
    return uses, {row.offering_id for row in rows}


_PRICES = """
SELECT p.offering_id, min(p.amount) FILTER (WHERE p.unit = 'input'),
    min(p.amount) FILTER (WHERE p.unit = 'output')
FROM catalog_price p
WHERE p.offering_id = ANY (%s) AND p.unit IN ('input', 'output') AND p.above_tokens = 0
    AND p.currency = 'USD'
  AND p.valid @> %s::timestamptz
GROUP BY p.offering_id
"""


def _prices(offering_ids: Collection[int], *, at: datetime) -> dict[int, Price]:
    """Return {offering: list prices of the base tier at that time}."""
    if not offering_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_PRICES, [sorted(offering_ids), at])
        return {pk: Price(into, out) for pk, into, out in cursor.fetchall()}
