"""Concentration of the portfolio in one layer by one weight: a statement for the masses, and
arithmetic on them.

The masses are of live primaries with traffic, at the node itself (parents have a separate view).
Buckets are a node, an unresolved offering, or none if the layer does not apply (no gateway, no
vendor).
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.exposure.engine.indices import Indices, indices, marginal
from apps.exposure.models import Basis, Layer

# weight of a path by basis
WEIGHT_COLUMNS = {
    Basis.COUNT: "share",
    Basis.CRITICALITY: "points",
    Basis.SPEND: "spend",
    Basis.USERS: "users",
}

# (key columns..., effective_id, party, weight) -> (key columns..., node_id, loose, mass); `loose`
# is the unresolved offering, or 0 if the layer does not apply. Paths are grouped by offering first,
# because many paths share few offerings.
_THROUGH_FOOTING = """
SELECT {keys} t.node_id, CASE WHEN t.node_id IS NULL THEN u.effective_id END AS loose,
       u.weight / coalesce(t.parts, 1) AS mass
FROM used u LEFT JOIN (
    -- an offering with several nodes of the layer gives each an equal part
    SELECT f.offering_id, f.node_id, count(*) OVER (PARTITION BY f.offering_id) AS parts
    FROM exposure_enginefooting f JOIN catalog_node n ON n.id = f.node_id AND n.kind = {kind}
    -- depth 0: the node itself, not a corporate parent; directly (0) or as one of several (1)
    WHERE f.depth = 0 AND f.via IN (0, 1) AND f.offering_id IN (SELECT effective_id FROM used)
) t ON t.offering_id = u.effective_id
"""
_THROUGH_PARTY = """
SELECT {keys} n.id AS node_id, CASE WHEN n.id IS NULL THEN 0 END AS loose, u.weight AS mass
FROM used u LEFT JOIN catalog_offering o ON o.id = u.effective_id
LEFT JOIN catalog_node n ON n.kind = {kind} AND n.ref = {party}
"""


def _compose_masses(
    layer: Layer,
    basis: Basis,
    *,
    keys: str,
    team_ids: Collection[int] | None,
    without: int | None = None,
    only_of: Collection[int] | None = None,
) -> tuple[str, dict[str, Any]]:
    """Return (SQL of the common tables `used` and `mass`, its parameters).

    `keys` are further columns of the path, each followed by a comma. `without` excludes one
    application, `only_of` limits to some.
    """
    clauses: list[str] = []
    params: dict[str, Any] = {}
    if team_ids is not None:
        clauses.append("team_id = ANY (%(teams)s)")
        params["teams"] = list(team_ids)
    if without is not None:
        clauses.append("application_id <> %(without)s")
        params["without"] = without
    if only_of is not None:
        clauses.append("application_id = ANY (%(only_of)s)")
        params["only_of"] = list(only_of)
    where_clause = f"WHERE {' AND '.join(clauses)}" if clauses else ""
    weight = WEIGHT_COLUMNS[basis]
    party_columns = {
        Layer.GATEWAY: (
            "CASE WHEN reached = 1 THEN via_party_id END",
            "coalesce(u.party, o.gateway_id)",
        ),
        Layer.VENDOR: ("CASE WHEN reached = 2 THEN via_party_id END", "u.party"),
    }
    key_columns = ", ".join(f"u.{key}" for key in keys.replace(",", " ").split())
    key_columns = f"{key_columns}," if key_columns else ""
    if layer in party_columns:
        party, node = party_columns[layer]
        used_sql = (
            f"SELECT {keys} effective_id, {party} AS party, sum({weight}) AS weight"
            f" FROM exposure_path {where_clause}"
        )
        mass_sql = _THROUGH_PARTY.format(keys=key_columns, kind=layer.node_kind.value, party=node)
        group = (
            f"GROUP BY {keys} effective_id, 2"
            if not keys
            else f"GROUP BY {keys} effective_id, party"
        )
    else:
        used_sql = (
            f"SELECT {keys} effective_id, sum({weight}) AS weight FROM exposure_path {where_clause}"
        )
        mass_sql = _THROUGH_FOOTING.format(keys=key_columns, kind=layer.node_kind.value)
        group = f"GROUP BY {keys} effective_id"
    return f"used AS MATERIALIZED ({used_sql} {group}), mass AS ({mass_sql})", params


@dataclass(frozen=True, slots=True)
class LayerIndices:
    """Indices of a layer. `n_missing_weight` applications have a primary model but no recorded
    weight and count as 0; `n_undeclared` are in scope without a primary model."""

    layer: Layer
    basis: Basis
    indices: Indices
    n_applications: int
    n_missing_weight: int
    n_undeclared: int


def _measure_indices(
    layer: Layer, basis: Basis, *, team_ids: Collection[int] | None, without: int | None = None
) -> Indices:
    """Compute the indices in one statement; `without` leaves one application out."""
    masses, params = _compose_masses(layer, basis, keys="", team_ids=team_ids, without=without)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {masses} SELECT node_id, loose, sum(mass) FROM mass GROUP BY node_id, loose "
            "ORDER BY node_id, loose",
            params,
        )
        mass_by_node: dict[int, float] = {}
        unresolved: list[float] = []
        none = 0.0
        for node_id, is_unresolved, mass in cursor.fetchall():
            if node_id is not None:
                mass_by_node[node_id] = float(mass)
            elif is_unresolved:
                unresolved.append(float(mass))
            else:
                none += float(mass)
    return indices(mass_by_node, unresolved, none)


def measure_layer(
    layer: Layer, basis: Basis, *, team_ids: Collection[int] | None = None
) -> LayerIndices:
    """Return the indices of the whole portfolio, or of these teams' applications; two
    statements."""
    params = {} if team_ids is None else {"teams": list(team_ids)}
    condition = _missing_weight_condition(basis)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT count(*), count(*) FILTER (WHERE n_paths > 0 AND {condition}),
                   count(*) FILTER (WHERE n_paths = 0)
            FROM exposure_scopedapplication
                {"WHERE team_id = ANY (%(teams)s)" if team_ids is not None else ""}
            """,
            params,
        )
        n_applications, n_missing, n_undeclared = cursor.fetchone()
    layer_indices = _measure_indices(layer, basis, team_ids=team_ids)
    return LayerIndices(layer, basis, layer_indices, n_applications, n_missing, n_undeclared)


def _missing_weight_condition(basis: Basis) -> str:
    return {Basis.SPEND: "spend IS NULL", Basis.USERS: "users IS NULL"}.get(basis, "false")


def applications_without_weight(
    basis: Basis, *, team_ids: Collection[int] | None = None
) -> list[int]:
    """Return applications with a primary model but without a recorded weight."""
    return _select_application_ids(f"n_paths > 0 AND {_missing_weight_condition(basis)}", team_ids)


def applications_without_primary(*, team_ids: Collection[int] | None = None) -> list[int]:
    """Return applications in scope without a live primary."""
    return _select_application_ids("n_paths = 0", team_ids)


def _select_application_ids(condition: str, team_ids: Collection[int] | None) -> list[int]:
    teams = "AND team_id = ANY (%s)" if team_ids is not None else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT application_id FROM exposure_scopedapplication WHERE {condition} {teams} "
            "ORDER BY 1",
            [] if team_ids is None else [list(team_ids)],
        )
        return [pk for (pk,) in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Contribution:
    """Share of one application: `contribution`s of all sum to the HHI; `marginal` is the HHI minus
    the HHI without it, can be negative, and is None for the only one."""

    application_id: int
    weight: float
    contribution: float
    marginal: float | None


def contributions(
    layer: Layer,
    basis: Basis,
    *,
    team_ids: Collection[int] | None = None,
    application_ids: Collection[int] | None = None,
    limit: int | None = None,
) -> list[Contribution]:
    """Return the largest contributions first, of the whole portfolio or these teams; empty if the
    total weight is 0."""
    masses, params = _compose_masses(layer, basis, keys="application_id,", team_ids=team_ids)
    layer_indices = measure_layer(layer, basis, team_ids=team_ids).indices
    if layer_indices.hhi is None:
        return []
    application_condition = (
        "WHERE own.application_id = ANY (%(applications)s)" if application_ids is not None else ""
    )
    params = {
        **params,
        "applications": None if application_ids is None else list(application_ids),
        "limit": limit,
    }
    with connection.cursor() as cursor:
        # all unresolved masses share the null node and form one bucket; paths to which the layer
        # does not apply are left out
        cursor.execute(
            f"""
            WITH {masses},
            -- weight of each application on each node; outside: the layer does not apply to the
            -- path
            own AS (
                SELECT application_id, node_id, sum(mass) AS mass, bool_or(loose = 0) AS outside
                FROM mass GROUP BY application_id, node_id, loose IS NOT DISTINCT FROM 0
            ),
            -- without the paths outside the layer, whose weight is on no node
            merged AS (
                SELECT application_id, node_id, sum(mass) FILTER (WHERE outside IS NOT TRUE) AS mass
                FROM own GROUP BY application_id, node_id
            ),
            -- weight of all applications on each node
            whole AS (SELECT node_id, sum(mass) AS mass FROM merged GROUP BY node_id)
            SELECT own.application_id, coalesce(sum(own.mass), 0), coalesce(sum(own.mass * w.mass),
                0) AS crossed,
                   coalesce(sum(own.mass * own.mass), 0)
            FROM merged own JOIN whole w ON w.node_id IS NOT DISTINCT FROM own.node_id
            {application_condition}
            GROUP BY own.application_id ORDER BY crossed DESC, own.application_id LIMIT %(limit)s
            """,
            params,
        )
        rows = cursor.fetchall()
    covered_weight = layer_indices.covered_weight
    result = []
    for application_id, weight, cross_mass, own_mass in rows:
        if weight > covered_weight / 2:
            # the application has nearly the whole weight: the remainder would be a small difference
            # of large numbers
            hhi_without = _measure_indices(
                layer, basis, team_ids=team_ids, without=application_id
            ).hhi
            change = None if hhi_without is None else layer_indices.hhi - hhi_without
        else:
            change = marginal(
                hhi=layer_indices.hhi,
                squares=layer_indices.squares,
                covered_weight=covered_weight,
                cross=cross_mass,
                own_squares=own_mass,
                weight=weight,
            )
        result.append(
            Contribution(
                application_id, weight, cross_mass / (covered_weight * covered_weight), change
            )
        )
    return result


def contributions_of(
    layer: Layer, basis: Basis, layer_indices: Indices, *, application_ids: Collection[int]
) -> dict[int, Contribution]:
    """Return the contributions of the given applications to `layer_indices`, which includes them;
    one statement on their own paths.

    Applications without weight in the layer are left out.
    """
    if layer_indices.hhi is None:
        return {}
    masses, params = _compose_masses(
        layer, basis, keys="application_id,", team_ids=None, only_of=application_ids
    )
    with connection.cursor() as cursor:
        # unresolved offerings form one bucket; paths to which the layer does not apply are left out
        cursor.execute(
            f"WITH {masses} SELECT application_id, node_id, sum(mass) FROM mass"
            " WHERE loose IS DISTINCT FROM 0 GROUP BY application_id, node_id",
            params,
        )
        masses_by_application: dict[int, dict[int | None, float]] = {}
        for application_id, node_id, mass in cursor.fetchall():
            masses_by_application.setdefault(application_id, {})[node_id] = float(mass)
    covered_weight, unknown_weight = layer_indices.covered_weight, layer_indices.unknown or 0.0
    result = {}
    for application_id, mass_by_node in masses_by_application.items():
        weight = sum(mass_by_node.values())
        cross = sum(
            mass
            * covered_weight
            * (unknown_weight if node is None else layer_indices.shares.get(node, 0.0))
            for node, mass in mass_by_node.items()
        )
        if weight > 0:
            squares = sum(mass * mass for mass in mass_by_node.values())
            change = marginal(
                hhi=layer_indices.hhi,
                squares=layer_indices.squares,
                covered_weight=covered_weight,
                cross=cross,
                own_squares=squares,
                weight=weight,
            )
            result[application_id] = Contribution(
                application_id, weight, cross / (covered_weight * covered_weight), change
            )
    return result
