"""SQL of the counts of inherited and assessed risks, counted as sets instead of pair by pair.

Dependencies are grouped by offering first, so that a count is one pass over them and does not grow
with the number of risks times dependencies. Counts of the whole organisation do not read them at
all: triggers keep their numbers (`DependencyCount`).
"""

from collections.abc import Callable, Collection
from typing import Final

from apps.common.database.statements import compose_statement, load_statement
from apps.inventory.models import Application
from apps.risks.models import Predicate
from apps.risks.queries.inheritance_sql import migration_plans, predicates, sql_parts

# dependencies that meet the condition judge_shares_base of PREDICATES, computed together
_JUDGE_LINEAGE: Final = """lineage AS MATERIALIZED (
    SELECT f.offering_id, f.node_id FROM catalog_footing f JOIN catalog_node n ON n.id = f.node_id
    WHERE n.kind IN (node_kind('version'), node_kind('foundation'))
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
    WHERE d.role IN ('judge', 'guardrail') AND {live} AND {counts} AND {chosen}
),
"""

TOTALS: Final = load_statement("risks", "reach_by_risk")


TEAMS: Final = load_statement("risks", "reach_by_team")

_COUNT_JUDGES: Final = "d.id IN (SELECT id FROM judge)"

# numbers of the dependencies of some applications, by offering and way of access
_LIVE_STACKS: Final = """    SELECT d.offering_id, d.via_party_id, d.reached, {columns}
    FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
    WHERE {live} AND {counts} AND {chosen} AND {condition}
    GROUP BY d.offering_id, d.via_party_id, d.reached
"""
# the same of all applications in scope
_STORED_STACKS: Final = """    SELECT d.offering_id, d.via_party_id, d.reached, {columns}
    FROM risks_dependencycount d
    WHERE is_live(coalesce(d.starts_on, '-infinity'), d.ends_on, %(day)s)
"""
# of few offerings their nodes are looked up, of all offerings those of the nodes that have risks
_FOOTING_OF_FEW: Final = """used u JOIN catalog_footing f ON f.offering_id = u.offering_id
    JOIN node n ON n.id = f.node_id"""
_FOOTING_OF_ALL: Final = """node n
    CROSS JOIN LATERAL (
        SELECT f.offering_id FROM catalog_footing f WHERE f.node_id = n.id OFFSET 0
    ) f
    JOIN used u ON u.offering_id = f.offering_id"""

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


_SECRET: Final = f"a.data_classification = '{Application.DataClass.SECRET}'"
# each number is counted of all dependencies, and of those in critical and in secret applications
_KINDS: Final = {
    "n": "true",
    "c": "a.criticality = 0",
    "s": _SECRET,
    "b": f"a.criticality = 0 AND {_SECRET}",
}
_STORED_KINDS: Final = {
    "n": "d.n",
    "c": "d.n_critical",
    "s": "d.n_secret",
    "b": "d.n_critical_secret",
}
_ALL: Final = "all"


def _counted(conditions: Collection[str]) -> dict[str, str]:
    """Return {name: its SQL on dependency `d`} of what is counted: all dependencies, and those that
    meet each of the template conditions that open risks have."""
    meaning = {**predicates(), Predicate.JUDGE_SHARES_BASE: _COUNT_JUDGES}
    return {
        _ALL: "true",
        **{name: sql for name, sql in meaning.items() if name in conditions},
    }


def _columns(conditions: Collection[str], value: Callable[[str, str], str]) -> str:
    """Return a column for each number and kind; `value` is its SQL."""
    return ", ".join(
        f"{value(name, kind)} AS {kind}_{name}" for name in _counted(conditions) for kind in _KINDS
    )


def _live_columns(conditions: Collection[str]) -> str:
    counted = _counted(conditions)
    return _columns(
        conditions,
        lambda name, kind: f"(count(*) FILTER (WHERE {counted[name]} AND {_KINDS[kind]}))::int",
    )


def _stored_stacks(conditions: Collection[str]) -> str:
    """Return the numbers of all dependencies from the stored counts. What no count can know is
    counted: judges of the same base, and dependencies with a plan, of which there are fewer."""
    counted = _counted(conditions)

    def stored(name: str, kind: str) -> str:
        number = _STORED_KINDS[kind]
        if name == Predicate.JUDGE_SHARES_BASE:
            return "0"
        if name == Predicate.CALLS_MOVING_NAME:
            return f"CASE WHEN {counted[name]} THEN {number} ELSE 0 END"
        return number

    def only(counted_name: str, sign: str) -> Callable[[str, str], str]:
        return lambda name, kind: (
            f"{sign}(count(*) FILTER (WHERE {_KINDS[kind]}))::int" if name == counted_name else "0"
        )

    parts = [_STORED_STACKS.replace("{columns}", _columns(conditions, stored))]
    for name, sign, condition in (
        (Predicate.JUDGE_SHARES_BASE, "", _COUNT_JUDGES),
        (Predicate.UNPLANNED_RETIREMENT, "-", f"({migration_plans()})"),
    ):
        if name in counted:
            columns = _columns(conditions, only(name, sign))
            part = _LIVE_STACKS.replace("{columns}", columns).replace("{condition}", condition)
            parts.append(part)
    return "    UNION ALL\n".join(parts)


def _condition_column(conditions: Collection[str], kind: str) -> str:
    """Return SQL that selects the number by the condition of risk `r`."""
    branches = " ".join(
        f"WHEN '{'' if name == _ALL else name}' THEN reach.{kind}_{name}"
        for name in _counted(conditions)
    )
    return f"CASE r.applies_when {branches} ELSE 0 END"


def _count_parts(
    *,
    conditions: Collection[str] = (),
    risk_condition: str = "",
    dependency_condition: str = "true",
) -> dict[str, str]:
    sql_by_name = sql_parts(
        backwards=False, risk_condition=risk_condition, dependency_condition=dependency_condition
    )
    asks_judges = Predicate.JUDGE_SHARES_BASE in conditions
    judges = compose_statement(_JUDGE_LINEAGE, **sql_by_name) if asks_judges else ""
    return {**sql_by_name, "judges": judges}


def totals_sql(
    *,
    conditions: Collection[str],
    risk_condition: str = "",
    dependency_condition: str = "true",
    stored: bool = False,
) -> str:
    """Return `TOTALS` with a count per template condition of `conditions`: the reach of a
    conditional risk is that of its condition. `stored` reads the stored counts, for the whole
    organisation on the present day or later."""
    parts = _count_parts(
        conditions=conditions,
        risk_condition=risk_condition,
        dependency_condition=dependency_condition,
    )
    stacks = (
        _stored_stacks(conditions)
        if stored
        else _LIVE_STACKS.replace("{columns}", _live_columns(conditions)).replace(
            "{condition}", "true"
        )
    )
    return compose_statement(
        TOTALS,
        stacks=compose_statement(stacks, **parts),
        summed=_columns(conditions, lambda name, kind: f"sum(s.{kind}_{name})::int"),
        footing=_FOOTING_OF_ALL if stored else _FOOTING_OF_FEW,
        used_columns=_columns(conditions, lambda name, kind: f"u.{kind}_{name}"),
        stack_columns=_columns(conditions, lambda name, kind: f"s.{kind}_{name}"),
        summed_reach=_columns(conditions, lambda name, kind: f"sum(h.{kind}_{name})"),
        chosen_count=_condition_column(conditions, "n"),
        chosen_critical=_condition_column(conditions, "c"),
        chosen_secret=_condition_column(conditions, "s"),
        chosen_critical_secret=_condition_column(conditions, "b"),
        **parts,
    )


def teams_sql(*, conditions: Collection[str]) -> str:
    """Return `TEAMS`: the number of pairs of each team, in total and by state of assessment."""
    counted = _counted(conditions)
    return compose_statement(
        TEAMS,
        counted=", ".join(
            f"count(*) FILTER (WHERE {condition}) AS n_{name}"
            for name, condition in counted.items()
        ),
        weighed=" + ".join(f"s.n_{name} * k.n_{name}" for name in counted),
        kinds=", ".join(
            f"count(*) FILTER (WHERE r.applies_when = '{'' if name == _ALL else name}') AS n_{name}"
            for name in counted
        ),
        **_count_parts(conditions=conditions),
    )


def levels_sql(*, dependency_condition: str = "true") -> str:
    return compose_statement(LEVELS, **_count_parts(dependency_condition=dependency_condition))
