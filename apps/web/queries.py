"""Queries of pages that join several apps. Each states how many statements it costs."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Count, F, Prefetch, Q, QuerySet

from apps.accounts.models import User
from apps.catalog.models import (
    Footing,
    NodeKind,
    Price,
    ProviderEvent,
)
from apps.exposure.queries.concentration import visible_team_ids
from apps.inventory.models import Application, Criticality, Dependency, DependencyQuerySet

STACK_RELATIONS = (
    "offering__host",
    "offering__version__foundation__developer",
    "offering__alias__foundation__developer",
    "offering__replacement",
    "via_party",
)


@dataclass(frozen=True, slots=True)
class NodeReach:
    """Live applications that depend on a node, in any role and by their primary path."""

    n: int = 0
    n_critical: int = 0
    n_primary: int = 0


def live_dependencies(*, user: Any, on: date) -> DependencyQuerySet:
    return Dependency.objects.visible_to(user).live_on(on)


def with_primary_stacks(
    applications: "QuerySet[Application]", *, on: date
) -> "QuerySet[Application]":
    """Return applications with `team` and, as `primaries`, their primary dependencies of `on`,
    largest first, down to the developer: two statements."""
    primaries = (
        Dependency.objects.filter(
            Q(until__isnull=True) | Q(until__gt=on), since__lte=on, role=Dependency.Role.PRIMARY
        )
        .select_related("offering__host", "offering__version__foundation__developer")
        .order_by("application_id", F("traffic_share").desc(nulls_last=True), "id")
    )
    return applications.select_related("team").prefetch_related(
        Prefetch("dependencies", primaries, to_attr="primaries")
    )


def reach_by_ref(
    *, kind: NodeKind, refs: Iterable[int], user: Any, on: date
) -> dict[int, NodeReach]:
    """Return {ref: reach} of the nodes of one kind on which any visible live application depends:
    one statement."""
    ref_list = list(refs)
    if not ref_list:
        return {}
    rows = (
        live_dependencies(user=user, on=on)
        .filter(offering__footings__node__kind=kind, offering__footings__node__ref__in=ref_list)
        .order_by()
        .values(ref=F("offering__footings__node__ref"))
        .annotate(
            n=Count("application", distinct=True),
            n_critical=Count(
                "application",
                distinct=True,
                filter=Q(application__criticality=Criticality.CRITICAL),
            ),
            n_primary=Count("application", distinct=True, filter=Q(role=Dependency.Role.PRIMARY)),
        )
    )
    return {row["ref"]: NodeReach(row["n"], row["n_critical"], row["n_primary"]) for row in rows}


_USED_NODES = """
SELECT k.ref FROM catalog_node k JOIN LATERAL (
    SELECT FROM catalog_footing f JOIN inventory_dependency d ON d.offering_id = f.offering_id
    JOIN inventory_application a ON a.id = d.application_id
    WHERE f.node_id = k.id AND a.status = ANY (%(in_scope)s) AND is_live(d.since, d.until, %(day)s)
      AND (%(teams)s::bigint[] IS NULL OR a.team_id = ANY (%(teams)s::bigint[]))
    -- one use is enough, so the search stops at the first
    LIMIT 1
) used ON TRUE
WHERE k.kind = %(kind)s AND k.ref = ANY (%(among)s)
"""


def used_refs(*, kind: NodeKind, user: User, on: date, among: Iterable[int]) -> list[int]:
    """Return nodes of one kind, of those `among`, on which any visible live application depends.

    One statement, which searches the first application of each node only, so that a node that half
    the portfolio depends on costs no more than the rest."""
    candidate_refs = list(among)
    if not candidate_refs:
        return []
    teams = visible_team_ids(user)
    with connection.cursor() as cursor:
        cursor.execute(
            _USED_NODES,
            {
                "kind": kind.value,
                "among": candidate_refs,
                "day": on,
                "in_scope": [str(status) for status in Application.IN_SCOPE],
                "teams": None if teams is None else list(teams),
            },
        )
        return [ref for (ref,) in cursor.fetchall()]


def prices_at(*, offerings: Iterable[int], at: datetime) -> dict[int, dict[str, Price]]:
    """Return {offering id: {unit: list price in force}} for the smallest size of request: one
    statement."""
    prices: dict[int, dict[str, Price]] = defaultdict(dict)
    for price in Price.objects.at(at).filter(offering__in=list(offerings), above_tokens=0):
        prices[price.offering_id][price.unit] = price
    return prices


def primary_paths(*, user: Any, on: date) -> list[Dependency]:
    """Return the largest primary dependency of every visible live application, with everything
    below it: one statement."""
    return list(
        live_dependencies(user=user, on=on)
        .primary()
        .select_related("application", *STACK_RELATIONS)
        .order_by("application_id", F("traffic_share").desc(nulls_last=True), "id")
        .distinct("application_id")
    )


def events_of_application(*, application: Application, on: date, limit: int) -> list[ProviderEvent]:
    """Return the latest events on what the application's live dependencies call, redirects
    followed: one statement."""
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
        .order_by("-detected_at", "-id")[:limit]
    )
