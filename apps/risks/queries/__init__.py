"""Reads of inherited risk, one module per subject."""

from apps.risks.queries.evidence import (
    evidence_for_application,
    evidence_for_dependency,
    evidence_for_risk,
    with_state,
)
from apps.risks.queries.inherited import (
    STATES,
    UNASSESSED,
    InheritedRisk,
    Narrowed,
    inherited_risk,
    inherited_risks,
)
from apps.risks.queries.levels import levels_on, steps_of
from apps.risks.queries.reach import (
    Reach,
    applications_inheriting,
    expiring_acceptances,
    inheriting_dependencies,
    reach_per_risk,
    totals,
)

__all__ = [
    "STATES",
    "UNASSESSED",
    "InheritedRisk",
    "Narrowed",
    "Reach",
    "applications_inheriting",
    "evidence_for_application",
    "evidence_for_dependency",
    "evidence_for_risk",
    "expiring_acceptances",
    "inherited_risk",
    "inherited_risks",
    "inheriting_dependencies",
    "levels_on",
    "reach_per_risk",
    "steps_of",
    "totals",
    "with_state",
]
