"""Trends of concentration and single nodes, from the daily snapshots."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from apps.common.database.statements import fetch_rows
from apps.exposure.models import Basis, ConcentrationSnapshot, Layer
from apps.exposure.threats import THREAT_CODES


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """The indices of one day; None if the total weight was 0."""

    day: date
    hhi: float | None
    n2: float | None
    cr1: float | None
    cr3: float | None
    unknown: float | None
    n_applications: int


def concentration_trend(
    layer: Layer, basis: Basis, *, since: date, until: date | None = None
) -> list[TrendPoint]:
    """Return the trend of the whole portfolio by day from `since` to `until` (exclusive), without
    days that have no snapshot."""
    snapshots = ConcentrationSnapshot.objects.filter(layer=layer, basis=basis, day__gte=since)
    if until is not None:
        snapshots = snapshots.filter(day__lt=until)
    columns = ("day", "hhi", "n2", "cr1", "cr3", "unknown", "n_applications")
    return [TrendPoint(*row) for row in snapshots.order_by("day").values_list(*columns)]


@dataclass(frozen=True, slots=True)
class NodeTrendPoint:
    """Applications by state when the node fails; `n_critical`, `users` and `spend` (USD a month)
    are of those that it can stop: exposed and cushioned."""

    day: date
    exposed: int
    cushioned: int
    portable: int
    partial: int
    n_critical: int
    users: int
    spend: Decimal


def node_trend(
    node_id: int, *, threat: str, since: date, until: date | None = None
) -> list[NodeTrendPoint]:
    """Return the trend of the whole portfolio by day from `since` to `until` (exclusive) under the
    threat.

    Days without dependents have zeros; days without a snapshot are left out.
    """
    return fetch_rows(
        NodeTrendPoint,
        """
        SELECT d.day,
               coalesce(sum(s.n) FILTER (WHERE s.state = 0), 0)::bigint AS exposed,
               coalesce(sum(s.n) FILTER (WHERE s.state = 1), 0)::bigint AS cushioned,
               coalesce(sum(s.n) FILTER (WHERE s.state = 2), 0)::bigint AS portable,
               coalesce(sum(s.n) FILTER (WHERE s.state = 3), 0)::bigint AS partial,
               coalesce(sum(s.n_critical) FILTER (WHERE s.state < 2), 0)::bigint AS n_critical,
               coalesce(sum(s.users) FILTER (WHERE s.state < 2), 0)::bigint AS users,
               coalesce(sum(s.spend) FILTER (WHERE s.state < 2), 0) AS spend
        -- days with a snapshot, since nodes without dependents have no row
        FROM (SELECT day FROM exposure_concentrationsnapshot
              WHERE layer = %(layer)s AND basis = %(basis)s AND day >= %(since)s
                AND (%(until)s::date IS NULL OR day < %(until)s)) d
        LEFT JOIN exposure_nodesnapshot s
          ON s.day = d.day AND s.node_id = %(node)s AND s.threat = %(threat)s
         -- repeated, so that the planner reads only the partitions of these months
         AND s.day >= %(since)s AND (%(until)s::date IS NULL OR s.day < %(until)s)
        GROUP BY d.day ORDER BY d.day
        """,
        {
            # any one combination: every snapshot has all of them
            "layer": Layer.DEVELOPER,
            "basis": Basis.COUNT,
            "node": node_id,
            "threat": THREAT_CODES[threat],
            "since": since,
            "until": until,
        },
    )
