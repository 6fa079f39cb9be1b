"""Decisions that a second governance person must confirm: one issue of the organisation for each
open proposal, until it is confirmed, rejected or withdrawn."""

from apps.inventory.models import DecisionProposal
from apps.issues.kinds.base import IssueKind
from apps.issues.models.causes import CauseKind

# an undecided proposal becomes Now so many days after it was made
ALLOWANCE_DAYS = 7

# the proposal keeps its own state: the issue follows it
_OPEN_PROPOSALS = """
SELECT p.target AS subject, NULL::bigint AS application_id, %(decision_days)s AS allowance_days,
       p.id::text AS fact_key,
       jsonb_strip_nulls(jsonb_build_object(
           'proposal', p.id, 'application', a.name, 'dependency', d.id,
           'applications', CASE WHEN a.id IS NOT NULL THEN jsonb_build_array(a.id) END
       )) AS details
FROM inventory_decisionproposal p
LEFT JOIN inventory_dependency d ON d.id = p.dependency_id
LEFT JOIN inventory_application a ON a.id = d.application_id
WHERE p.state = 'proposed' AND p.kind = %(subtype)s
"""
_RESOLUTION = """CASE WHEN EXISTS (
    SELECT 1 FROM inventory_decisionproposal p
    WHERE p.id = (i.details ->> 'proposal')::bigint AND p.state = 'confirmed'
) THEN 'completed' ELSE 'cause_ended' END"""

DECISIONS = tuple(
    IssueKind(
        kind=CauseKind.TOLERANCE_CHANGE,
        subtype=str(kind),
        statement=_OPEN_PROPOSALS,
        has_applications=False,
        resolution=_RESOLUTION,
        parameters={"decision_days": ALLOWANCE_DAYS},
    )
    for kind in DecisionProposal.Kind
)
