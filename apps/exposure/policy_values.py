"""Measured values of a policy, for all nodes: one statement per policy on the derived tables.

A node's value comes from its `NodeSummary` rows of the states that count, a predicate's from
`ScopedApplication`. Shares are of everything in scope, including applications without a primary
model; a weight that is not recorded counts as 0. Values are compared as fractions, so that a value
equal to the tolerance is accepted exactly.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import connection

from apps.catalog.models import NodeKind
from apps.exposure.engine.settings import EngineSettings
from apps.exposure.engine.states import application_states, node_failures
from apps.exposure.models import Basis, Policy, Predicate, StandingState
from apps.exposure.threats import DEFAULT_THREAT, THREAT_CODES, exact_fraction

Measure = Policy.Measure

# columns of NodeSummary (summed over states) and of ScopedApplication (summed over applications)
_OF_NODE: Mapping[str, str] = {
    Basis.COUNT: "s.n",
    Basis.CRITICALITY: "s.points",
    Basis.SPEND: "s.spend",
    Basis.USERS: "s.users",
}
_OF_APPLICATION: Mapping[str, str] = {
    Basis.COUNT: "1",
    Basis.CRITICALITY: "a.points",
    Basis.SPEND: "coalesce(a.spend, 0)",
    Basis.USERS: "coalesce(a.users, 0)",
}
# an application without a live primary depends on no model, so its fallbacks are not checked
_HOLDS: Mapping[str, str] = {
    Predicate.NO_INDEPENDENT_FALLBACK: "a.n_paths > 0 AND NOT a.independent_fallback",
    Predicate.JUDGE_SHARES_LINEAGE: "a.judge_shares_lineage",
    Predicate.UNRESOLVED_PRIMARY: "a.unresolved",
}
_ONLY_CRITICAL = frozenset({Measure.N_CRITICAL, Measure.CRITICAL_SHARE})
_SHARES = frozenset({Measure.WEIGHT_SHARE, Measure.CRITICAL_SHARE})

_NODES = """
WITH whole AS (SELECT {whole} AS whole FROM exposure_scopedapplication a),
measured AS (
    -- the kinds of the policy, each with the failure mode it is measured under
    SELECT s.node_id, sum({part}) AS part, sum({counted}) AS n
    FROM unnest(%(kinds)s::int[], %(threats)s::int[]) AS asked(kind, threat)
    JOIN catalog_node node ON node.kind = asked.kind
    JOIN exposure_nodesummary s ON s.node_id = node.id AND s.threat = asked.threat
        AND s.state = ANY (%(states)s)
    GROUP BY s.node_id
)
SELECT m.node_id, m.part, w.whole, m.n FROM measured m CROSS JOIN whole w
-- the share as a comparison of products, so that nothing is rounded
WHERE (m.part * %(denominator)s > w.whole * %(numerator)s OR m.node_id = ANY (%(keep)s)) {merged}
ORDER BY m.node_id
"""

# an owner whose applications all depend on one of its companies is the same breach
_WITHOUT_OWNERS = """
AND NOT EXISTS (
    SELECT 1 FROM catalog_node owner
    JOIN provider_ancestor above ON above.ancestor_id = owner.ref AND above.depth > 0
    JOIN catalog_node company ON company.kind = owner.kind AND company.ref = above.provider_id
    JOIN measured c ON c.node_id = company.id
    WHERE owner.id = m.node_id AND c.part = m.part AND c.n = m.n
        AND owner.kind IN (node_kind('developer'), node_kind('host'), node_kind('gateway'),
            node_kind('vendor'))
)
"""

_PREDICATE = """
SELECT NULL::bigint, coalesce(sum({part}) FILTER (WHERE {holds}), 0), {whole},
       count(*) FILTER (WHERE {holds} {counted})
FROM exposure_scopedapplication a
"""

_NAMES = """
SELECT a.application_id FROM exposure_scopedapplication a WHERE {holds} {counted}
ORDER BY a.criticality, a.application_id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """A measured value; `n_applications` are the counted ones; `node_id` is None for the portfolio,
    with a predicate."""

    node_id: int | None
    value: Fraction
    n_applications: int


ZERO_VALUE = PolicyValue(None, Fraction(0), 0)


def policy_values(
    policy: Policy, *, keep: Collection[int] = (), merges_owners: bool = False
) -> dict[int | None, PolicyValue]:
    """Return {node: value} of the nodes above the tolerance, and of the measured nodes of `keep`;
    one statement.

    A node of `keep` that is missing from the result has the value 0. The value of a predicate is
    always present. With `merges_owners` a company and its owner are one breach if the same
    applications depend on both: only the company is returned.
    """
    # the summed columns come from code, values are parameters
    if policy.predicate:
        statement, params = (
            _PREDICATE.format(
                part=_application_part_sql(policy),
                holds=_HOLDS[policy.predicate],
                whole=_total_sql(policy),
                counted="AND a.criticality = 0" if policy.measure in _ONLY_CRITICAL else "",
            ),
            {},
        )
    else:
        statement, params = (
            _NODES.format(
                part=_node_part_sql(policy),
                counted="s.n_critical" if policy.measure in _ONLY_CRITICAL else "s.n",
                whole=_total_sql(policy),
                merged=_WITHOUT_OWNERS if merges_owners else "",
            ),
            _node_params(policy, keep),
        )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return {
            node_id: PolicyValue(node_id, _ratio(measured, total), int(n))
            for node_id, measured, total, n in cursor.fetchall()
        }


def named_applications(
    policy: Policy, node_id: int | None, *, settings: EngineSettings, limit: int
) -> list[int]:
    """Return IDs of the most critical `limit` applications that the policy counts there; `limit` is
    at most their number.

    Two statements for a node.
    """
    if limit == 0:
        return []
    if node_id is None:
        statement = _NAMES.format(
            holds=_HOLDS[policy.predicate],
            counted="AND a.criticality = 0" if counts_critical(policy) else "",
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, {"limit": limit})
            return [row[0] for row in cursor.fetchall()]
    failures = node_failures([node_id], settings=settings, threat=policy.threat or None)
    return [
        row.application_id
        for row in application_states(failures, states=policy.states, limit=limit)
    ]


def is_share(policy: Policy) -> bool:
    """Return whether the value is a share; otherwise it is a number of applications."""
    return policy.measure in _SHARES


def counts_critical(policy: Policy) -> bool:
    return policy.measure in _ONLY_CRITICAL


def _node_part_sql(policy: Policy) -> str:
    if policy.measure in _ONLY_CRITICAL:
        return "s.n_critical"
    return _OF_NODE[policy.basis] if policy.measure == Measure.WEIGHT_SHARE else "s.n"


def _application_part_sql(policy: Policy) -> str:
    if policy.measure in _ONLY_CRITICAL:
        return "(a.criticality = 0)::int"
    return _OF_APPLICATION[policy.basis] if policy.measure == Measure.WEIGHT_SHARE else "1"


def _total_sql(policy: Policy) -> str:
    if policy.measure == Measure.WEIGHT_SHARE:
        return f"coalesce(sum({_OF_APPLICATION[policy.basis]}), 0)"
    return (
        "count(*) FILTER (WHERE a.criticality = 0)"
        if policy.measure == Measure.CRITICAL_SHARE
        else "max(1)"
    )


def _node_params(policy: Policy, keep: Collection[int]) -> dict[str, Any]:
    kinds = [kind for kind in NodeKind if kind.label in set(policy.kinds)]
    line = exact_fraction(policy.tolerance)
    return {
        "kinds": [kind.value for kind in kinds],
        "threats": [THREAT_CODES[policy.threat or DEFAULT_THREAT[kind]] for kind in kinds],
        "states": [StandingState(state).code for state in policy.states],
        "numerator": line.numerator,
        "denominator": line.denominator,
        "keep": sorted(keep),
    }


def _ratio(part: Decimal | int, total: Decimal | int | None) -> Fraction:
    """Return part / total, 0 if the total is 0."""
    return Fraction(part) / Fraction(total) if total else Fraction(0)
