"""Batch context of messages: all records that messages mention, loaded for a whole batch of
recipients in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import connection, models
from django.db.models import Q

from apps.accounts.models import User
from apps.alerts.delivery.digest.parts import BestFallback, DigestContext, Price, PrimaryUse
from apps.alerts.deputies import absent_names
from apps.alerts.kinds.feeds.health import FeedHealth, load_feed_health
from apps.alerts.kinds.task_text import alerted_tasks
from apps.alerts.models import Alert, IssueAlertKind, Notice, TaskKind
from apps.alerts.queries import evidence_urls, roles_affected
from apps.alerts.recipients import display_name
from apps.alerts.subscriptions import AlertFacts, alert_facts
from apps.catalog.models import Offering
from apps.common.time import day_of
from apps.exposure.node_names import node_names
from apps.inventory.models import Application
from apps.inventory.runway import runways
from apps.inventory.successor_costs import successor_costs


@dataclass(frozen=True, slots=True)
class BatchContext:
    """All records that a batch of notifications mentions; `context_for` limits it to what one
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
    owners: Mapping[int, str]
    cause_models: Mapping[int, frozenset[tuple[str, str]]]
    feeds: FeedHealth
    absent: Mapping[int, Sequence[str]]

    def context_for(
        self,
        *,
        teams: frozenset[int] | None,
        today: date,
        owned_ids: frozenset[int] | None = None,
    ) -> DigestContext:
        """Limit the context to `teams`, whose applications the recipient can view; None: all. For a
        contact it is limited to `owned_ids`, the applications that the contact owns."""
        applications = (
            self.applications
            if teams is None and owned_ids is None
            else {
                pk: row
                for pk, row in self.applications.items()
                if (row.team_id in (teams or ()) if owned_ids is None else pk in owned_ids)
            }
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
            owners=self.owners,
            cause_models=self.cause_models,
        )


def load_context(notices: Collection[Notice], *, at: datetime) -> BatchContext:
    """Load everything that messages about these notifications name, in a fixed number of
    statements."""
    alerts = alerts_with_subjects({notice.alert_id for notice in notices})
    event_ids = sorted({alert.event_id for alert in alerts.values() if alert.event_id})
    application_ids = {pk for alert in alerts.values() for pk in alert.application_ids}
    applications = (
        Application.objects.with_owners().in_bulk(application_ids) if application_ids else {}
    )
    uses, used_offering_ids = _load_primary_uses(sorted(applications), on=day_of(at))
    alert_offering_ids = {alert.offering_id for alert in alerts.values() if alert.offering_id}
    alert_offering_ids |= {
        task.offering_id
        for alert in alerts.values()
        if alert.kind in TaskKind
        for task in alerted_tasks(alert)
    }
    offerings = Offering.objects.select_related(
        "host", "version__foundation", "replacement__host"
    ).in_bulk(alert_offering_ids | used_offering_ids)
    replacement_ids = {row.replacement_id for row in offerings.values() if row.replacement_id}
    return BatchContext(
        alerts=alerts,
        about=alert_facts(alerts.values()),
        applications=applications,
        roles=roles_affected(
            event_ids=event_ids, application_ids=sorted(applications), on=day_of(at)
        ),
        sources=evidence_urls(event_ids) if event_ids else {},
        nodes=_load_node_labels(alerts.values()),
        uses=uses,
        prices=_load_prices(set(offerings) | replacement_ids, at=at),
        offerings=offerings,
        people={
            user.pk: display_name(user)
            for user in User.objects.filter(
                pk__in={
                    pk
                    for alert in alerts.values()
                    for pk in (alert.user_id, alert.details.get("by"))
                    if isinstance(pk, int)
                }
            )
        },
        owners=_load_owner_names(applications.values()),
        cause_models=_load_cause_models(alerts.values()),
        feeds=load_feed_health(at=at),
        absent=absent_names(notices, on=day_of(at)),
    )


def alerts_with_subjects(ids: Collection[int]) -> dict[int, Alert]:
    """Load alerts with the relations that a message mentions; access to any other relation
    raises."""
    return (
        Alert.objects.select_related(
            "event__source",
            *(
                f"event__{row}__announcement__{relation}"
                for row in ("announced_offering", "withdrawn_offering")
                for relation in (
                    "announced_by",
                    "version",
                    "foundation",
                    "provider",
                    "offering__host",
                )
            ),
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


def _load_node_labels(alerts: Iterable[Alert]) -> dict[int, str]:
    nodes = {
        alert.flag.node_id
        for alert in alerts
        if alert.flag is not None and alert.flag.node_id is not None
    }
    return {pk: node.label for pk, node in node_names(nodes).items()} if nodes else {}


def _load_owner_names(applications: Collection[Application]) -> dict[int, str]:
    """Return {application: name of its owner}, the business owner before the technical one. For an
    owner recorded by username or email address it is the name of that user."""
    texts = {
        application.pk: application.business_owner_name or application.technical_owner_name
        for application in applications
    }
    recorded = {text.strip() for text in texts.values() if text.strip()}
    if not recorded:
        return {}
    users = User.objects.filter(Q(username__in=recorded) | Q(email__in=recorded))
    names = {
        text: display_name(user) for user in users for text in (user.email, user.get_username())
    }
    return {pk: names.get(text.strip(), text.strip()) for pk, text in texts.items() if text.strip()}


_CAUSE_MODELS = """
SELECT i.id, array_agg(o.api_id), array_agg(h.name)
FROM issues_issue i JOIN issues_causeoffering c ON c.cause_id = i.cause_id
JOIN catalog_offering o ON o.id = c.offering_id JOIN catalog_provider h ON h.id = o.host_id
WHERE i.id = ANY (%s)
GROUP BY i.id
"""


def _load_cause_models(alerts: Iterable[Alert]) -> dict[int, frozenset[tuple[str, str]]]:
    """Return {issue about a retired model: (model ID, host) pairs of its cause}."""
    issue_ids = sorted(
        {
            alert.subject_id
            for alert in alerts
            if alert.kind == IssueAlertKind.RETIRED_MODEL_IN_USE and alert.subject_id is not None
        }
    )
    if not issue_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_CAUSE_MODELS, [issue_ids])
        return {
            pk: frozenset(zip(model_ids, hosts, strict=True))
            for pk, model_ids, hosts in cursor.fetchall()
        }


# The best alternative of each primary model: the most independent one, tested ones first; with the
# retirement date of the model served when it is called.
_FALLBACKS = """
SELECT DISTINCT ON (r.primary_id) r.primary_id, o.api_id || ' on ' || h.name, r.grade, r.tested,
       coalesce(c.ever_tested, r.tested), e.id, e.retires_on,
       e.date_kind = 'not_before' AND e.lifecycle <> 'retired'
FROM exposure_candidategrade r LEFT JOIN exposure_candidate c ON c.id = r.candidate_id
JOIN catalog_offering o ON o.id = r.offering_id JOIN catalog_provider h ON h.id = o.host_id
JOIN catalog_offering e ON e.id = coalesce(c.effective_id, r.offering_id)
WHERE r.primary_id = ANY (%s) AND r.alive
ORDER BY r.primary_id, r.grade DESC, r.tested DESC, r.place, r.candidate_id
"""


def _load_primary_uses(
    application_ids: Sequence[int], *, on: date
) -> tuple[dict[int, list[PrimaryUse]], set[int]]:
    """Return ({application: its primary models with a retirement date}, IDs of their
    offerings)."""
    uses: dict[int, list[PrimaryUse]] = defaultdict(list)
    if not application_ids:
        return uses, set()
    rows = runways(on=on, application_ids=application_ids)
    fallbacks: dict[int, BestFallback] = {}
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_FALLBACKS, [[row.dependency_id for row in rows]])
            fallbacks = {pk: BestFallback(*values) for pk, *values in cursor.fetchall()}
    costs = successor_costs(on=on, application_ids=application_ids) if rows else {}
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
                cost=costs.get(row.dependency_id),
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


def _load_prices(offering_ids: Collection[int], *, at: datetime) -> dict[int, Price]:
    """Return {offering: list prices of the base tier at that time}."""
    if not offering_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_PRICES, [sorted(offering_ids), at])
        return {
            pk: Price(input_price, output_price)
            for pk, input_price, output_price in cursor.fetchall()
        }
