"""How much is inherited and who has looked, as SQL: counted set-based, never pair by pair.

Dependencies are grouped by what they call first, so that a count is one pass over them and does not
grow with the number of risks x dependencies.
"""

from typing import Final

from apps.common.database.statements import compose_statement, load_statement
from apps.risks.models import Predicate
from apps.risks.queries.inheritance_sql import PREDICATES, sql_parts

# dependencies for which PREDICATES' judge_shares_base holds, for all of them at once
_JUDGE_LINEAGE: Final = """lineage AS MATERIALIZED (
    SELECT f.offering_id, f.node_id FROM catalog_footing f JOIN catalog_node n ON n.id = f.node_id
    WHERE n.kind IN (node_kind('version'), node_kind('foundation')) AND {asked_judges}
),
judge AS MATERIALIZED (
    SELECT DISTINCT d.id
    FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
    JOIN inventory_dependency p ON p.application_id = d.application_id AND p.role = 'primary'
        AND is_live(p.since, p.until, %(day)s)
    JOIN lineage x ON x.offering_id = d.offering_id
    JOIN lineage y ON y.offering_id = p.offering_id AND y.node_id = x.node_id
    WHERE d.role IN ('judge', 'guardrail') AND {asked_judges} AND {live} AND {counts} AND {chosen}
),
"""

TOTALS: Final = load_statement("risks", "reach_by_risk")


TEAMS: Final = load_statement("risks", "reach_by_team")

# pairs by the levels somebody gave them, current and residual; what does not apply has none
LEVELS: Final = """
WITH {party}, {risk}
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
    branches = " ".join(f"WHEN '{name}' THEN {column}_{name}" for name in _COUNTED if name != "all")
    return f"CASE r.applies_when {branches} ELSE {column}_all END"


def _count_columns() -> str:
    counts = []
    for name, sql in _COUNTED.items():
        condition = f"{_count_column(name)} AND {sql}"
        counts.append(f"count(*) FILTER (WHERE {condition}) AS n_{name}")
        counts.append(f"count(*) FILTER (WHERE {condition} AND a.criticality = 0) AS c_{name}")
    return ", ".join(counts)


def _count_parts(*, which: str = "", chosen: str = "true") -> dict[str, str]:
    pieces = sql_parts(backwards=False, which=which, chosen=chosen)
    judges = compose_statement(
        _JUDGE_LINEAGE, asked_judges=_count_column(Predicate.JUDGE_SHARES_BASE), **pieces
    )
    return {**pieces, "judges": judges}


def totals_sql(*, which: str = "", chosen: str = "true") -> str:
    """`TOTALS`, counting each template condition apart: the reach of a conditional risk is that of
    its condition."""
    return compose_statement(
        TOTALS,
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
    return compose_statement(
        TEAMS,
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
    return compose_statement(LEVELS, **_count_parts(chosen=chosen))
