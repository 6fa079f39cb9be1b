"""Number of applications per developer, host, foundation, ... of a layer; one statement.

An application depends on a node if the node's usual failure mode affects one of its active primary
models, including nodes of corporate parents and, for a foundation, models derived from it. It
counts once per node, so the shares of a layer can add up to more than one. The critical share is
the critical applications on the node over all critical ones in scope, with or without a primary
model. This module counts; engine/concentration.py weighs by traffic and computes the indices.

For the whole organisation the numbers are read from `NodeSummary`; for a team they are counted from
its own paths.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from apps.accounts.models import User
from apps.catalog.models import NodeKind
from apps.exposure.models import Basis, Layer, Policy, StandingState
from apps.exposure.threats import DEFAULT_THREAT, THREAT_CODES, TIES, exact_fraction

# the source of a layer's node names: (table, slug, name)
_NAME_TABLES: Mapping[NodeKind, tuple[str, str, str]] = {
    NodeKind.DEVELOPER: ("catalog_provider", "named.slug", "named.name"),
    NodeKind.HOST: ("catalog_provider", "named.slug", "named.name"),
    NodeKind.GATEWAY: ("catalog_provider", "named.slug", "named.name"),
    NodeKind.VENDOR: ("catalog_provider", "named.slug", "named.name"),
    NodeKind.FOUNDATION: ("catalog_foundation", "named.slug", "named.name"),
    NodeKind.VERSION: ("catalog_version", "named.identifier", "named.name"),
    NodeKind.REGION: (
        "(SELECT r.id, p.slug || '/' || r.name AS slug, p.name || ', ' || r.name AS name FROM "
        "catalog_region r"
        " JOIN catalog_provider p ON p.id = r.host_id)",
        "named.slug",
        "named.name",
    ),
}

_EVERYWHERE = """
    SELECT s.node_id, sum(s.n) AS n, sum(s.n_critical) AS n_critical
    FROM catalog_node node JOIN exposure_nodesummary s ON s.node_id = node.id
        AND s.threat = %(threat)s
    WHERE node.kind = %(kind)s GROUP BY s.node_id"""

_OF_TEAMS = """
    SELECT node_id, count(*) AS n, count(*) FILTER (WHERE criticality = 0) AS n_critical
    -- applications through their offering, and those through their gateway or vendor, each once
    FROM (
        SELECT f.node_id, p.application_id, p.criticality
        FROM exposure_path p
        JOIN exposure_enginefooting f ON f.offering_id = p.offering_id AND f.via = ANY (%(ties)s)
        JOIN catalog_node node ON node.id = f.node_id AND node.kind = %(kind)s
        WHERE p.team_id = ANY (%(teams)s)
        UNION
        SELECT f.node_id, p.application_id, p.criticality
        FROM exposure_path p
        JOIN exposure_partyfooting f ON f.party_id = p.via_party_id AND f.reached = p.reached
        JOIN catalog_node node ON node.id = f.node_id AND node.kind = %(kind)s
        WHERE p.team_id = ANY (%(teams)s)
    ) standing GROUP BY node_id"""

_STATEMENT = """
-- all applications in scope, with or without a primary model
WITH total AS (
    SELECT {total} AS n, (SELECT count(*) FROM exposure_scopedapplication s
                          WHERE s.criticality = 0 {own}) AS n_critical
),
line AS (
    -- the lowest tolerance of the active policies that measure the same
    SELECT min(tolerance) AS tolerance FROM exposure_policy
    WHERE enabled AND predicate = '' AND measure = %(measure)s AND %(label)s = ANY (kinds)
      AND states::text[] @> %(states)s::text[] AND threat IN ('', %(threat_name)s)
),
counted AS ({counted})
SELECT total.n, total.n_critical, line.tolerance, (SELECT as_of FROM exposure_enginestate
WHERE id = 1),
       node.id, node.ref, {slug}, {name}, counted.n, counted.n_critical
FROM total CROSS JOIN line
LEFT JOIN counted ON true
LEFT JOIN catalog_node node ON node.id = counted.node_id
LEFT JOIN {named} named ON named.id = node.ref
ORDER BY counted.n_critical DESC NULLS LAST, counted.n DESC,
         -- of nodes with equal counts, direct ones come before corporate parents
         NOT EXISTS (SELECT 1 FROM exposure_enginefooting f
         WHERE f.node_id = node.id AND f.depth = 0), {name}, node.id
LIMIT %(limit)s
"""

_SHARE = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One node of the layer. `ref` is the ID of the provider, foundation, ... Shares are 0 to 1,
    with six decimal places."""

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
class LayerTable:
    """A layer of a portfolio: `n_applications` and `n_critical` are the denominators of the rows'
    shares.

    Rows come with the largest critical share first, a corporate parent after the provider itself.
    `whole_organisation` is False if the portfolio is that of the reader's teams; pages say so.
    `tolerance` is the lowest tolerance of the critical share of one node of the layer. `as_of` is
    the day of the numbers, None before the first calculation. Without critical applications in
    scope every critical share is 0.
    """

    layer: Layer
    n_applications: int
    n_critical: int
    tolerance: Decimal | None
    whole_organisation: bool
    as_of: date | None
    rows: list[LayerRow]


def layer_table(*, layer: Layer, user: User, limit: int | None = None) -> LayerTable:
    """Return the layer of what `user` can view: the whole organisation for organisation roles,
    otherwise their teams."""
    return layer_tables(layers=[layer], user=user, limit=limit)[layer]


def layer_tables(
    *, layers: Sequence[Layer], user: User, limit: int | None = None
) -> dict[Layer, LayerTable]:
    """Return several layers as `layer_table` does; one statement."""
    return layer_tables_of_teams(layers=layers, team_ids=visible_team_ids(user), limit=limit)


def layer_tables_of_teams(
    *, layers: Sequence[Layer], team_ids: Collection[int] | None, limit: int | None = None
) -> dict[Layer, LayerTable]:
    """Return several layers of the portfolio of these teams (None: the whole organisation); one
    statement."""
    statements: list[str] = []
    params: dict[str, Any] = {}
    for place, layer in enumerate(layers):
        slug, name = _NAME_TABLES[layer.node_kind][1:]
        statement = _STATEMENT.format(
            total=scope_count_sql(team_ids),
            own="" if team_ids is None else "AND s.team_id = ANY (%(teams)s)",
            counted=_EVERYWHERE if team_ids is None else _OF_TEAMS,
            named=_NAME_TABLES[layer.node_kind][0],
            slug=slug,
            name=name,
        )
        # the parameters of each layer get names of their own
        statement = re.sub(r"%\((\w+)\)s", rf"%(\1_{place})s", statement)
        statements.append(
            f"SELECT {place} AS place, row_number() OVER () AS rank, t.* FROM ({statement})"
            " t(n, n_critical, tolerance, as_of, node, ref, slug, name, n_there, n_critical_there)"
        )
        values = _statement_parameters(layer.node_kind, team_ids, limit)
        params |= {f"{key}_{place}": value for key, value in values.items()}
    rows_by_place: dict[int, list[Any]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(f"{' UNION ALL '.join(statements)} ORDER BY 1, 2", params)
        for place, _, *row in cursor.fetchall():
            rows_by_place[place].append(row)
    return {
        layer: _build_table(layer, rows_by_place[place], is_whole=team_ids is None)
        for place, layer in enumerate(layers)
    }


def _build_table(layer: Layer, rows: list[Any], *, is_whole: bool) -> LayerTable:
    n_applications, n_critical, tolerance, as_of = rows[0][:4]
    line = None if tolerance is None else exact_fraction(tolerance)
    return LayerTable(
        layer=layer,
        n_applications=n_applications,
        n_critical=n_critical,
        tolerance=tolerance,
        whole_organisation=is_whole,
        as_of=as_of,
        rows=[
            LayerRow(
                node_id=node_id,
                ref=ref,
                slug=slug,
                name=name,
                n_applications=int(n),
                n_critical=int(n_there),
                critical_share=share_of(n_there, n_critical),
                share=share_of(n, n_applications),
                tolerance=tolerance,
                # compared exactly, not by the rounded share: a value equal to the tolerance is
                # accepted
                over=line is not None and n_critical > 0 and int(n_there) > line * n_critical,
            )
            for *_, node_id, ref, slug, name, n, n_there in rows
            if node_id is not None
        ],
    )


def visible_team_ids(user: User) -> Collection[int] | None:
    """Return the teams whose portfolio `user` can view; None for organisation roles, which can view
    the whole organisation."""
    return None if user.can_read_all else sorted(user.team_roles())


def scope_count_sql(team_ids: Collection[int] | None) -> str:
    """Return the SQL of the number of applications in scope, with the parameter `teams`. That of
    the organisation is stored with each refresh."""
    if team_ids is None:
        return "coalesce((SELECT n_applications FROM exposure_enginestate WHERE id = 1), 0)"
    return "(SELECT count(*) FROM exposure_scopedapplication s WHERE s.team_id = ANY (%(teams)s))"


def share_of(part: int | Decimal, total: int) -> Decimal:
    """Return part / total to six decimal places, 0 if the total is 0."""
    return (Decimal(part) / Decimal(total)).quantize(_SHARE) if total else Decimal(0)


def _statement_parameters(
    kind: NodeKind, team_ids: Collection[int] | None, limit: int | None
) -> dict[str, Any]:
    threat = DEFAULT_THREAT[kind]
    return {
        "kind": kind.value,
        "label": kind.label,
        "threat": THREAT_CODES[threat],
        "threat_name": threat,
        "ties": [int(via) for via in TIES[threat]],
        "teams": list(team_ids or ()),
        "measure": Policy.Measure.CRITICAL_SHARE.value,
        "states": [state.value for state in StandingState],
        "limit": limit,
    }


# --- applications that the numbers leave out ------------------------------------------------------


def slugs_without_weight(
    basis: Basis, *, team_ids: Collection[int] | None, limit: int
) -> list[str]:
    """Return slugs of applications with a primary model but without a recorded weight, most
    critical first."""
    missing_condition = {Basis.SPEND: "s.spend IS NULL", Basis.USERS: "s.users IS NULL"}.get(
        basis, "false"
    )
    return _select_slugs(f"s.n_paths > 0 AND {missing_condition}", team_ids, limit)


def slugs_without_primary(*, team_ids: Collection[int] | None, limit: int) -> list[str]:
    """Return slugs of applications in scope without an active primary model, most critical
    first."""
    return _select_slugs("s.n_paths = 0", team_ids, limit)


def _select_slugs(condition: str, team_ids: Collection[int] | None, limit: int) -> list[str]:
    teams = "" if team_ids is None else "AND s.team_id = ANY (%(teams)s)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT a.slug FROM exposure_scopedapplication s
            JOIN inventory_application a ON a.id = s.application_id
            WHERE {condition} {teams} ORDER BY s.criticality, s.application_id LIMIT %(limit)s
            """,
            {"teams": list(team_ids or ()), "limit": limit},
        )
        return [slug for (slug,) in cursor.fetchall()]
