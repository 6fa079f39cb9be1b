"""How much is inherited and who has looked, as SQL: counted set-based, never pair by pair.

Dependencies are grouped by what they call first, so that a count is one pass over them and does not
grow with the number of risks x dependencies.
"""

from typing import Final

from apps.risks.models import Predicate
from apps.risks.queries.inheritance_sql import PREDICATES, sql_parts

# dependencies for which PREDICATES' judge_shares_base holds, for all of them at once
_JUDGE_LINEAGE: Final = """lineage AS MATERIALIZED (
    SELECT f.offering_id, f.node_id FROM catalog_footing f JOIN catalog_node n ON n.id = f.node_id
    WHERE n.kind IN (2, 3) AND {asked_judges}
),
judge AS MATERIALIZED (
    SELECT DISTINCT d.id
    FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
    JOIN inventory_dependency p ON p.application_id = d.application_id AND p.role = 'primary'
        AND p.since <= %(day)s AND (p.until IS NULL OR p.until > %(day)s)
    JOIN lineage x ON x.offering_id = d.offering_id
    JOIN lineage y ON y.offering_id = p.offering_id AND y.node_id = x.node_id
    WHERE d.role IN ('judge', 'guardrail') AND {asked_judges} AND {live} AND {counts} AND {chosen}
),
"""

# how many dependencies inherit each risk, and how many of them were assessed, by state
TOTALS: Final = """
WITH RECURSIVE {party}, {risk},
{judges}stack AS MATERIALIZED (
    SELECT row_number() OVER () AS id, g.* FROM (
        SELECT d.offering_id, d.via_party_id, d.reached, {counted}
        FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
        WHERE {live} AND {counts} AND {chosen}
        GROUP BY d.offering_id, d.via_party_id, d.reached
    ) g
),
held AS (
    SELECT f.node_id, s.id FROM stack s JOIN catalog_footing f ON f.offering_id = s.offering_id
    WHERE f.node_id IN (SELECT node_id FROM risk)
    UNION
    SELECT n.id, s.id FROM stack s JOIN party p ON p.id = s.via_party_id
    JOIN catalog_node n ON n.kind = CASE s.reached WHEN 'gateway' THEN 6 ELSE 8 END
        AND n.ref = p.above
),
reach AS MATERIALIZED (
    SELECT h.node_id, {summed} FROM held h JOIN stack s ON s.id = h.id GROUP BY h.node_id
),
acted AS (
    SELECT r.id, count(*) FILTER (WHERE s.state = 'assessed') AS n_assessed,
        count(*) FILTER (WHERE s.state = 'stale') AS n_stale,
        count(*) FILTER (WHERE s.state = 'not_applicable') AS n_not_applicable,
        count(*) FILTER (WHERE s.treatment = 'accept' AND s.revoked_at IS NULL
        AND s.accepted_until > %(day)s)
            AS n_accepted,
        count(*) FILTER (WHERE a.criticality = 0) AS n_critical
    FROM risks_assessment s JOIN risk r ON r.id = s.risk_id
    JOIN inventory_dependency d ON d.id = s.dependency_id
    JOIN inventory_application a ON a.id = d.application_id
    WHERE {live} AND {counts} AND {chosen} AND {holds} AND ({applies})
    GROUP BY r.id
)
SELECT r.id, {chosen_count}::bigint AS n, coalesce(c.n_assessed, 0), coalesce(c.n_stale, 0),
    coalesce(c.n_not_applicable, 0), coalesce(c.n_accepted, 0), {chosen_critical}::bigint,
    coalesce(c.n_critical, 0)
FROM risk r JOIN reach ON reach.node_id = r.node_id LEFT JOIN acted c ON c.id = r.id
"""


# how many pairs of each team, and how many of them were assessed, by state: per stack (what is
# called, and through whom) the number of risks it holds, times the dependencies of the team on that
# stack
TEAMS: Final = """
WITH RECURSIVE {party}, {risk},
{judges}stack AS MATERIALIZED (
    SELECT a.team_id, d.offering_id, d.via_party_id, d.reached, {counted}
    FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
    WHERE {live} AND {counts} AND {chosen}
    GROUP BY a.team_id, d.offering_id, d.via_party_id, d.reached
),
kind AS MATERIALIZED (
    SELECT row_number() OVER () AS id, g.* FROM (SELECT DISTINCT offering_id, via_party_id, reached
    FROM stack) g
),
held AS (
    SELECT f.node_id, s.id FROM kind s JOIN catalog_footing f ON f.offering_id = s.offering_id
    WHERE f.node_id IN (SELECT node_id FROM risk)
    UNION
    SELECT n.id, s.id FROM kind s JOIN party p ON p.id = s.via_party_id
    JOIN catalog_node n ON n.kind = CASE s.reached WHEN 'gateway' THEN 6 ELSE 8 END
        AND n.ref = p.above
),
weight AS MATERIALIZED (
    SELECT h.id, {kinds} FROM held h JOIN risk r ON r.node_id = h.node_id GROUP BY h.id
),
inherited AS (
    SELECT s.team_id, sum({weighed}) AS n
    FROM stack s
    JOIN kind ON kind.offering_id = s.offering_id AND kind.reached = s.reached
        AND kind.via_party_id IS NOT DISTINCT FROM s.via_party_id
    JOIN weight k ON k.id = kind.id
    GROUP BY s.team_id
),
acted AS (
    SELECT a.team_id, count(*) FILTER (WHERE s.state = 'assessed') AS n_assessed,
        count(*) FILTER (WHERE s.state = 'stale') AS n_stale,
        count(*) FILTER (WHERE s.state = 'not_applicable') AS n_not_applicable
    FROM risks_assessment s JOIN risk r ON r.id = s.risk_id
    JOIN inventory_dependency d ON d.id = s.dependency_id
    JOIN inventory_application a ON a.id = d.application_id
    WHERE {live} AND {counts} AND {chosen} AND {holds} AND ({applies})
    GROUP BY a.team_id
)
SELECT i.team_id, i.n::bigint, coalesce(c.n_assessed, 0), coalesce(c.n_stale, 0),
    coalesce(c.n_not_applicable, 0)
FROM inherited i LEFT JOIN acted c ON c.team_id = i.team_id WHERE i.n > 0
"""

# pairs by the levels somebody gave them, current and residual; what does not apply has none
LEVELS: Final = """
WITH RECURSIVE {party}, {risk}
SELECT x.basis, x.likelihood, x.impact, count(*)
FROM risks_assessment s JOIN risk r ON r.id = s.risk_id
JOIN inventory_dependency d ON d.id = s.dependency_id
JOIN inventory_application a ON a.id = d.application_id
CROSS JOIN LATERAL (VALUES
    ('current', s.current_likelihood, s.current_impact), ('residual', s.residual_likelihood,
        s.residual_impact)
) x(basis, likelihood, impact)
WHERE s.state <> 'not_applicable' AND x.likelihood IS NOT NULL AND x.impact IS NOT NULL
  AND {live} AND {counts} AND {chosen} AND {holds} AND ({applies})
GROUP BY 1, 2, 3
"""

# what the totals count the reach of a risk by, for each condition a risk may have; only those that
# open risks have are worked out
_COUNTED: Final[dict[str, str]] = {
    "all": "true",
    Predicate.JUDGE_SHARES_BASE: "d.id IN (SELECT id FROM judge)",
    Predicate.CALLS_MOVING_NAME: PREDICATES[Predicate.CALLS_MOVING_NAME],
}


def _count_column(name: str) -> str:
    return "true" if name == "all" else f"'{name}' = ANY (%(conditions)s::text[])"


def _by_condition(column: str) -> str:
    """SQL of `column`_<condition> for the condition that risk `r` has."""
    some = " ".join(f"WHEN '{name}' THEN {column}_{name}" for name in _COUNTED if name != "all")
    return f"CASE r.applies_when {some} ELSE {column}_all END"


def _count_columns() -> str:
    counts = []
    for name, sql in _COUNTED.items():
        holds = f"{_count_column(name)} AND {sql}"
        counts.append(f"count(*) FILTER (WHERE {holds}) AS n_{name}")
        counts.append(f"count(*) FILTER (WHERE {holds} AND a.criticality = 0) AS c_{name}")
    return ", ".join(counts)


def _count_parts(*, which: str = "", chosen: str = "true") -> dict[str, str]:
    pieces = sql_parts(backwards=False, which=which, chosen=chosen)
    judges = _JUDGE_LINEAGE.format(
        asked_judges=_count_column(Predicate.JUDGE_SHARES_BASE), **pieces
    )
    return {**pieces, "judges": judges}


def totals_sql(*, which: str = "", chosen: str = "true") -> str:
    """`TOTALS`, counting each template condition apart: the reach of a conditional risk is that of
    its condition."""
    return TOTALS.format(
        counted=_count_columns(),
        summed=", ".join(
            f"sum(s.{kind}_{name}) AS {kind}_{name}" for name in _COUNTED for kind in ("n", "c")
        ),
        chosen_count=_by_condition("reach.n"),
        chosen_critical=_by_condition("reach.c"),
        **_count_parts(which=which, chosen=chosen),
    )


def teams_sql() -> str:
    """`TEAMS`: how many pairs each team has, and what was done about them."""
    return TEAMS.format(
        counted=_count_columns(),
        weighed=" + ".join(f"s.n_{name} * k.n_{name}" for name in _COUNTED),
        kinds=", ".join(
            f"count(*) FILTER (WHERE r.applies_when = '{'' if name == 'all' else name}') AS "
            f"n_{name}"
            for name in _COUNTED
        ),
        **_count_parts(),
    )


def levels_sql(*, chosen: str = "true") -> str:
    return LEVELS.format(**_count_parts(chosen=chosen))
