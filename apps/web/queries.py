"""Reads of the pages that join several floors. Each says how many statements it costs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, Exists, F, Min, OuterRef, Prefetch, Q, QuerySet

from apps.catalog.models import (
    DateKind,
    EndBehaviour,
    Footing,
    Lifecycle,
    NodeKind,
    Offering,
    Price,
    Provider,
    ProviderEvent,
)
from apps.exposure.queries import reached_offerings_sql
from apps.inventory.models import Application, Criticality, Dependency, DependencyQuerySet

CHAIN = (
    "offering__host",
    "offering__version__foundation__developer",
    "offering__alias__foundation__developer",
    "offering__replacement",
    "via_party",
)


@dataclass(frozen=True, slots=True)
class Reach:
    """Live applications standing on something, in any role and by their primary path."""

    n: int = 0
    n_critical: int = 0
    n_primary: int = 0


def live_dependencies(*, user: Any, on: date) -> DependencyQuerySet:
    return Dependency.objects.visible_to(user).live_on(on)


def with_stacks(applications: "QuerySet[Application]", *, on: date) -> "QuerySet[Application]":
    """Applications with `team` and, as `primaries`, their primary dependencies of `on`, largest first, down to the
    developer: two statements."""
    primaries = (
        Dependency.objects.filter(Q(until__isnull=True) | Q(until__gt=on), since__lte=on, role=Dependency.Role.PRIMARY)
        .select_related("offering__host", "offering__version__foundation__developer")
        .order_by("application_id", F("traffic_share").desc(nulls_last=True), "id")
    )
    return applications.select_related("team").prefetch_related(
        Prefetch("dependencies", primaries, to_attr="primaries")
    )


def reach_by_ref(*, kind: NodeKind, refs: Iterable[int], user: Any, on: date) -> dict[int, Reach]:
    """{ref: reach} of the nodes of one kind on which any visible live application stands: one statement."""
    wanted = list(refs)
    if not wanted:
        return {}
    rows = (
        live_dependencies(user=user, on=on)
        .filter(offering__footings__node__kind=kind, offering__footings__node__ref__in=wanted)
        .order_by()
        .values(ref=F("offering__footings__node__ref"))
        .annotate(
            n=Count("application", distinct=True),
            n_critical=Count("application", distinct=True, filter=Q(application__criticality=Criticality.CRITICAL)),
            n_primary=Count("application", distinct=True, filter=Q(role=Dependency.Role.PRIMARY)),
        )
    )
    return {row["ref"]: Reach(row["n"], row["n_critical"], row["n_primary"]) for row in rows}


def used_refs(*, kind: NodeKind, user: Any, on: date) -> list[int]:
    """Nodes of one kind on which any visible live application stands: one statement, by distinct offering first."""
    called = live_dependencies(user=user, on=on).order_by().values("offering")
    return list(
        Footing.objects.filter(offering__in=called, node__kind=kind)
        .order_by()
        .values_list("node__ref", flat=True)
        .distinct()
    )


def prices_at(*, offerings: Iterable[int], at: datetime) -> dict[int, dict[str, Price]]:
    """{offering id: {unit: list price in force}} for the smallest size of request: one statement."""
    found: dict[int, dict[str, Price]] = defaultdict(dict)
    for price in Price.objects.at(at).filter(offering__in=list(offerings), above_tokens=0):
        found[price.offering_id][price.unit] = price
    return found


def ending_offerings(*, user: Any, on: date, within: int, most: int) -> list[Offering]:
    """Offerings that visible live applications call and whose date has passed or comes within `within` days.

    Soonest first, each with `n_applications` and `n_critical`: two statements.
    """
    counts = {
        row["offering_id"]: row
        for row in live_dependencies(user=user, on=on)
        .filter(offering__retires_on__lte=on + timedelta(within))
        .order_by()
        .values("offering_id", "offering__retires_on")
        .annotate(
            n=Count("application", distinct=True),
            n_critical=Count("application", distinct=True, filter=Q(application__criticality=Criticality.CRITICAL)),
        )
        .order_by("offering__retires_on", "-n", "offering_id")[:most]
    }
    found = Offering.objects.select_related("host", "version__foundation", "replacement").in_bulk(counts)
    offerings = [found[pk] for pk in counts]
    for offering in offerings:
        offering.n_applications = counts[offering.pk]["n"]  # type: ignore[attr-defined]
        offering.n_critical = counts[offering.pk]["n_critical"]  # type: ignore[attr-defined]
    return offerings


def standing_on_party(*, provider: Provider, user: Any, on: date) -> "QuerySet[Application]":
    """Visible live applications that rest on the provider as developer, host or gateway, or reach models through it."""
    roles = (NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY)
    there = Footing.objects.filter(node__kind__in=roles, node__ref=provider.pk).order_by().values("offering")
    live = live_dependencies(user=user, on=on).filter(Q(offering__in=there) | Q(via_party=provider))
    return Application.objects.filter(pk__in=live.order_by().values("application_id"))


def counts_of(applications: "QuerySet[Application]") -> tuple[int, int]:
    """(all, critical): one statement."""
    row = applications.order_by().aggregate(
        n=Count("pk"), n_critical=Count("pk", filter=Q(criticality=Criticality.CRITICAL))
    )
    return row["n"], row["n_critical"]


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of applications for the strip of the overview; primary paths only."""

    n_applications: int
    n_critical: int
    n_ended: int
    n_ending_30: int
    n_ending_180: int
    n_offerings_180: int
    n_unresolved: int


def figures(*, user: Any, on: date) -> Figures:
    """Two statements."""

    # a 'not before' date retires nothing, and an offering that is redirected is answered by another
    firm = Q(offering__date_kind=DateKind.FIRM) & ~Q(
        offering__end_behaviour=EndBehaviour.REDIRECT, offering__replacement__isnull=False
    )

    def ends(after: date, until: date) -> Q:
        return firm & Q(offering__retires_on__gt=after, offering__retires_on__lte=until)

    past = date.min
    retired = Q(offering__retires_on__isnull=True, offering__lifecycle=Lifecycle.RETIRED)
    counts = (
        live_dependencies(user=user, on=on)
        .primary()
        .aggregate(
            n_ended=Count("application", distinct=True, filter=ends(past, on) | retired),
            n_ending_30=Count("application", distinct=True, filter=ends(on, on + timedelta(30))),
            n_ending_180=Count("application", distinct=True, filter=ends(past, on + timedelta(180))),
            n_offerings_180=Count("offering", distinct=True, filter=ends(past, on + timedelta(180))),
            n_unresolved=Count("application", distinct=True, filter=Q(offering__version__isnull=True)),
        )
    )
    totals = (
        Application.objects.visible_to(user)
        .in_scope()
        .order_by()
        .aggregate(n_applications=Count("pk"), n_critical=Count("pk", filter=Q(criticality=Criticality.CRITICAL)))
    )
    return Figures(**totals, **counts)


def primary_paths(*, user: Any, on: date) -> list[Dependency]:
    """The largest primary of every visible live application, with everything below it: one statement."""
    return list(
        live_dependencies(user=user, on=on)
        .primary()
        .select_related("application", *CHAIN)
        .order_by("application_id", F("traffic_share").desc(nulls_last=True), "id")
        .distinct("application_id")
    )


def primary_stacks(*, user: Any, on: date, most: int) -> list[dict[str, Any]]:
    """Applications by what their primary path rests on, commonest first, for portfolios too large to draw singly."""
    rows = (
        live_dependencies(user=user, on=on)
        .primary()
        .order_by()
        .values(
            developer=F("offering__version__foundation__developer__name"),
            foundation=F("offering__version__foundation__name"),
            version=F("offering__version__identifier"),
            line=F("offering__version__foundation__line"),
            host=F("offering__host__name"),
        )
        .annotate(
            n=Count("application", distinct=True),
            n_critical=Count("application", distinct=True, filter=Q(application__criticality=Criticality.CRITICAL)),
            ends=Min("offering__retires_on"),
        )
        .order_by("-n", "developer", "foundation", "version", "host")[:most]
    )
    return [dict(row) for row in rows]


def called_by(*, user: Any, on: date) -> Exists:
    """The condition on events that a visible live application calls the offering they are about."""
    return Exists(live_dependencies(user=user, on=on).filter(offering=OuterRef("offering")))


def events_under(*, user: Any, on: date, most: int) -> list[ProviderEvent]:
    """The latest events on offerings that visible live applications call: one statement."""
    return list(
        ProviderEvent.objects.visible_to(user)
        .filter(called_by(user=user, on=on))
        .select_related("source", "offering__host")
        .order_by("-detected_at", "-id")[:most]
    )


def events_of_application(*, application: Application, on: date, most: int) -> list[ProviderEvent]:
    """The latest events on what the application's live dependencies call, redirects followed: one statement."""
    offerings = (
        Footing.objects.filter(
            offering__in=Dependency.objects.filter(
                Q(until__isnull=True) | Q(until__gt=on), since__lte=on, application=application
            ).values("offering"),
            node__kind=NodeKind.OFFERING,
        )
        .order_by()
        .values("node__ref")
    )
    return list(
        ProviderEvent.objects.filter(offering__in=offerings)
        .select_related("source", "offering__host")
        .order_by("-detected_at", "-id")[:most]
    )


_REACH_OF_EVENTS = """
WITH reached AS MATERIALIZED ({reached}), live(offering_id, application_id) AS ({live})
SELECT r.event_id, count(DISTINCT l.application_id)
FROM reached r JOIN live l ON l.offering_id = r.offering_id GROUP BY r.event_id
"""


def reach_of_events(events: Sequence[ProviderEvent], *, user: Any, on: date) -> dict[int, int]:
    """{event id: number of visible live applications it reaches}; events that reach none are missing: one statement."""
    live = live_dependencies(user=user, on=on).order_by().values_list("offering_id", "application_id")
    try:
        live_sql, live_params = live.query.sql_with_params()
    except EmptyResultSet:
        return {}
    if not events:
        return {}
    condition = "e.id = ANY (%s)"
    reached = reached_offerings_sql(condition)
    ids = [event.pk for event in events]
    with connection.cursor() as cursor:
        cursor.execute(
            _REACH_OF_EVENTS.format(reached=reached, live=live_sql),
            [*[ids] * reached.count(condition), *live_params],
        )
        return dict(cursor.fetchall())
