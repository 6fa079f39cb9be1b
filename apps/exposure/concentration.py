"""How much of a portfolio stands on each developer, host or foundation; one statement a layer.

An application stands on a node when one of its live primary dependencies does, by direct ties at depth 0
(corporate parents and lineage are a wider question). It counts once per node, so the shares of a layer may add
up to more than one. The critical share is the critical applications standing there over all critical ones in
scope, whether or not those stand anywhere. This counts; it does not weigh by traffic.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection

from apps.catalog.models import Via
from apps.exposure.models import Layer
from apps.inventory.models import Application, ApplicationQuerySet, Criticality, Dependency

# the table that names the nodes of a layer
_NAMED_IN = {
    Layer.DEVELOPER: "catalog_provider",
    Layer.HOST: "catalog_provider",
    Layer.FOUNDATION: "catalog_foundation",
}

_STATEMENT = """
WITH scope(id, criticality) AS ({scope}),
total AS (SELECT count(*) AS n, count(*) FILTER (WHERE criticality = %(critical)s) AS n_critical FROM scope),
used AS (
    SELECT DISTINCT d.application_id, s.criticality, d.offering_id
    FROM inventory_dependency d JOIN scope s ON s.id = d.application_id
    WHERE d.role = %(primary)s AND d.since <= %(day)s AND (d.until IS NULL OR d.until > %(day)s)
),
standing AS (
    SELECT DISTINCT u.application_id, u.criticality, f.node_id
    FROM used u
    JOIN catalog_footing f ON f.offering_id = u.offering_id AND f.depth = 0 AND f.via IN (%(direct)s, %(one_of)s)
    JOIN catalog_node n ON n.id = f.node_id AND n.kind = %(kind)s
),
counted AS (
    SELECT node_id, count(*) AS n, count(*) FILTER (WHERE criticality = %(critical)s) AS n_critical
    FROM standing GROUP BY node_id
)
SELECT total.n, total.n_critical, tolerance.max_critical_share,
       node.id, node.ref, named.slug, named.name, counted.n, counted.n_critical
FROM total
LEFT JOIN exposure_tolerance tolerance ON tolerance.layer = %(layer)s AND tolerance.enabled
LEFT JOIN counted ON true
LEFT JOIN catalog_node node ON node.id = counted.node_id
LEFT JOIN {named} named ON named.id = node.ref
ORDER BY counted.n_critical DESC NULLS LAST, counted.n DESC, named.name, node.id
"""

_SHARE = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class ConcentrationRow:
    """One node of the layer. `ref` is the id of the provider or foundation. Shares are 0 to 1, six places."""

    node_id: int
    ref: int
    slug: str
    name: str
    n_applications: int
    n_critical: int
    critical_share: Decimal
    share: Decimal
    tolerance: Decimal | None
    over: bool


@dataclass(frozen=True, slots=True)
class Concentration:
    """A layer of a portfolio: `n_applications` and `n_critical` are the denominators of the rows' shares.

    Rows come with the largest critical share first. `whole_organisation` is False where the portfolio is only
    what the reader may see; pages say so. Where nothing critical is in scope every critical share is 0.
    """

    layer: Layer
    n_applications: int
    n_critical: int
    tolerance: Decimal | None
    whole_organisation: bool
    rows: list[ConcentrationRow]


def share_of(part: int, whole: int) -> Decimal:
    """part / whole to six places, 0 of nothing."""
    return (Decimal(part) / Decimal(whole)).quantize(_SHARE) if whole else Decimal(0)


def measure(*, layer: Layer, applications: ApplicationQuerySet, on: date, whole_organisation: bool) -> Concentration:
    """The concentration of these applications; those outside pilot and production are left out."""
    try:
        scope, scope_params = _as_sql(applications)
    except EmptyResultSet:
        scope, scope_params = "SELECT 0::bigint, 0::int WHERE false", {}
    with connection.cursor() as cursor:
        cursor.execute(
            _STATEMENT.format(scope=scope, named=_NAMED_IN[layer]),
            {
                **scope_params,
                "critical": Criticality.CRITICAL.value,
                "primary": Dependency.Role.PRIMARY.value,
                "day": on,
                "direct": Via.DIRECT.value,
                "one_of": Via.ONE_OF.value,
                "kind": layer.node_kind.value,
                "layer": layer.value,
            },
        )
        found = cursor.fetchall()
    n_applications, n_critical, tolerance = found[0][:3]
    return Concentration(
        layer=layer,
        n_applications=n_applications,
        n_critical=n_critical,
        tolerance=tolerance,
        whole_organisation=whole_organisation,
        rows=[
            ConcentrationRow(
                node_id=node_id,
                ref=ref,
                slug=slug,
                name=name,
                n_applications=n,
                n_critical=n_there,
                critical_share=share_of(n_there, n_critical),
                share=share_of(n, n_applications),
                tolerance=tolerance,
                # compared exactly, not by the rounded share: the line itself is tolerated
                over=tolerance is not None and n_critical > 0 and n_there > tolerance * n_critical,
            )
            for _, _, _, node_id, ref, slug, name, n, n_there in found
            if node_id is not None
        ],
    )


def _as_sql(applications: ApplicationQuerySet) -> tuple[str, dict[str, Any]]:
    """The rows (id, criticality) of the query as SQL, so that what is visible is said in one place only."""
    in_scope = applications.filter(status__in=Application.IN_SCOPE).order_by().values_list("pk", "criticality")
    sql, params = in_scope.query.sql_with_params()
    names = {f"scope_{index}": value for index, value in enumerate(params)}
    return sql % tuple(f"%({name})s" for name in names), names
