"""Reads of inherited risk, one module per subject."""

from apps.risks.queries.counts import (
    CountBasis,
    RiskStanding,
    TeamStanding,
    count_basis,
    counted_at,
    level_counts,
    risk_standings,
    team_standings,
)
from apps.risks.queries.evidence import (
    evidence_for_application,
    evidence_for_dependency,
    evidence_for_risk,
    with_state,
)
from apps.risks.queries.inherited import (
    ORDERS,
    InheritedRisk,
    count_of_few,
    dated_inherited_risks,
    inherited_pairs,
    inherited_risk,
    inherited_risks,
    sorted_inherited_risks,
)
from apps.risks.queries.levels import levels_on, steps_of
from apps.risks.queries.named import node_names, with_node_names
from apps.risks.queries.narrowing import STATES, UNASSESSED, Conditions, Narrowed, conditions_of
from apps.risks.queries.reach import (
    Reach,
    applications_inheriting,
    expiring_acceptances,
    inheriting_dependencies,
    reach_per_risk,
    totals,
)

__all__ = [
    "ORDERS",
    "STATES",
    "UNASSESSED",
    "Conditions",
    "CountBasis",
    "InheritedRisk",
    "Narrowed",
    "Reach",
    "RiskStanding",
    "TeamStanding",
    "applications_inheriting",
    "conditions_of",
    "count_basis",
    "count_of_few",
    "counted_at",
    "dated_inherited_risks",
    "evidence_for_application",
    "evidence_for_dependency",
    "evidence_for_risk",
    "expiring_acceptances",
    "inherited_pairs",
    "inherited_risk",
    "inherited_risks",
    "inheriting_dependencies",
    "level_counts",
    "levels_on",
    "node_names",
    "reach_per_risk",
    "risk_standings",
    "sorted_inherited_risks",
    "steps_of",
    "team_standings",
    "totals",
    "with_node_names",
    "with_state",
]
