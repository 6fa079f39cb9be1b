"""Changes to risks, one module per subject. The caller has checked who may; see each module."""

from apps.risks.actions.assessing import (
    BulkOutcome,
    accept_many,
    accept_risk,
    assess,
    assess_many,
    mark_many_not_applicable,
    mark_not_applicable,
    revoke_acceptance,
    role_to_undo,
    undo_assessment,
)
from apps.risks.actions.counting import (
    count_changed_risk,
    count_inherited_risk,
    is_count_current,
    request_count,
)
from apps.risks.actions.evidence import attach_evidence, record_evidence
from apps.risks.actions.raising import (
    change_risk,
    close_risk,
    dismiss_risk,
    raise_risk,
    reinstate_risk,
    reopen_risk,
)
from apps.risks.actions.refreshing import RiskChanges, refresh_risks
from apps.risks.actions.undoing import UndoneAssessments, teams_decided_in, undo_assessments
from apps.risks.refusals import RefusedRisk

__all__ = [
    "BulkOutcome",
    "RefusedRisk",
    "RiskChanges",
    "UndoneAssessments",
    "accept_many",
    "accept_risk",
    "assess",
    "assess_many",
    "attach_evidence",
    "change_risk",
    "close_risk",
    "count_changed_risk",
    "count_inherited_risk",
    "dismiss_risk",
    "is_count_current",
    "mark_many_not_applicable",
    "mark_not_applicable",
    "raise_risk",
    "record_evidence",
    "refresh_risks",
    "reinstate_risk",
    "reopen_risk",
    "request_count",
    "revoke_acceptance",
    "role_to_undo",
    "teams_decided_in",
    "undo_assessment",
    "undo_assessments",
]
