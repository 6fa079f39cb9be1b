"""SQL of the counts of inherited and assessed risks, counted as sets instead of pair by pair.

Dependencies are grouped by offering first, so that a count is one pass over them and does not grow
with the number of risks times dependencies.
"""

from typing import Final

from apps.common.database.statements import compose_statement, load_statement
from apps.inventory.models import Application
from apps.risks.models import Predicate
from apps.risks.queries.inheritance_sql import predicates, sql_parts

# dependencies that meet the condition judge_shares_base of PREDICATES, computed together
_JUDGE_LINEAGE: Final = """lineage AS MATERIALIZED (
    SELECT f.offering_id, f.node_id FROM catalog_footing f JOIN catalog_node n ON n.id = f.node_id
    WHERE n.kind IN (node_kind('version'), node_kind('foundation')) AND {asked_judges}
),
judge AS MATERIALIZED (
    SELECT DISTINCT d.id
    -- judges and guardrails with a version or foundation in common with a primary model of the same
    -- application
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

# assessed pairs by current and residual level; those that are not applicable have none
LEVELS: Final = """
WITH {party}, {risk}
SELECT x.basis, x.likelihood, x.impact, count(*)
FROM risks_assessment s JOIN risk r ON r.id = s.risk_id
JOIN inventory_dependency d ON d.id = s.dependency_id
JOIN inventory_application a ON a.id = d.application_id
-- one row for each of the two levels of an assessment
CROSS JOIN LATERAL (VALUES
    ('current', s.current_likelihood, s.current_impact), ('residual', s.residual_likelihood,
        s.residual_impact)
) x(basis, likelihood, impact)
WHERE s.state <> 'not_applicable' AND x.likelihood IS NOT NULL AND x.impact IS NOT NULL
  AND {live} AND {counts} AND {chosen} AND {holds} AND ({applies})
GROUP BY 1, 2, 3
"""


# the counts by which the totals compute the reach of a risk, one per template condition; only those
# that open risks have are computed
def _counted() -> dict[str, str]:
    return {
        "all": "true",
        **predicates(),
        Predicate.JUDGE_SHARES_BASE: "d.id IN (SELECT id FROM judge)",
    }


def _count_column(name: str) -> str:
    return "true" if name == "all" else f"'{name}' = ANY (%(conditions)s::text[])"


def _condition_column(column: str) -> str:
    """Return SQL that selects `column`_<condition> by the condition of risk `r`."""
    branches = " ".join(
        f"WHEN '{name}' THEN {column}_{name}" for name in _counted() if name != "all"
    )
    return f"CASE r.applies_when {branches} ELSE {column}_all END"


def _count_columns() -> str:
    counts = []
    for name, sql in _counted().items():
        condition = f"{_count_column(name)} AND {sql}"
        counts.append(f"count(*) FILTER (WHERE {condition}) AS n_{name}")
        counts.append(f"count(*) FILTER (WHERE {condition} AND a.criticality = 0) AS c_{name}")
        secret = f"{condition} AND a.data_classification = '{Application.DataClass.SECRET}'"
        counts.append(f"count(*) FILTER (WHERE {secret}) AS s_{name}")
        counts.append(f"count(*) FILTER (WHERE {secret} AND a.criticality = 0) AS b_{name}")
    return ", ".join(counts)


def _count_parts(*, risk_condition: str = "", dependency_condition: str = "true") -> dict[str, str]:
    sql_by_name = sql_parts(
        backwards=False, risk_condition=risk_condition, dependency_condition=dependency_condition
    )
    judges = compose_statement(
        _JUDGE_LINEAGE, asked_judges=_count_column(Predicate.JUDGE_SHARES_BASE), **sql_by_name
    )
    return {**sql_by_name, "judges": judges}


def totals_sql(*, risk_condition: str = "", dependency_condition: str = "true") -> str:
    """Return `TOTALS` with a count per template condition: the reach of a conditional risk is that
    of its condition."""
    return compose_statement(
        TOTALS,
        counted=_count_columns(),
        summed=", ".join(
            f"sum(s.{kind}_{name}) AS {kind}_{name}" for name in _counted() for kind in "ncsb"
        ),
        chosen_count=_condition_column("reach.n"),
        chosen_critical=_condition_column("reach.c"),
        chosen_secret=_condition_column("reach.s"),
        chosen_critical_secret=_condition_column("reach.b"),
        **_count_parts(risk_condition=risk_condition, dependency_condition=dependency_condition),
    )


def teams_sql() -> str:
    """Return `TEAMS`: the number of pairs of each team, in total and by state of assessment."""
    return compose_statement(
        TEAMS,
        counted=_count_columns(),
        weighed=" + ".join(f"s.n_{name} * k.n_{name}" for name in _counted()),
        kinds=", ".join(
            f"count(*) FILTER (WHERE r.applies_when = '{'' if name == 'all' else name}') AS "
            f"n_{name}"
            for name in _counted()
        ),
        **_count_parts(),
    )


def levels_sql(*, dependency_condition: str = "true") -> str:
    return compose_statement(LEVELS, **_count_parts(dependency_condition=dependency_condition))
