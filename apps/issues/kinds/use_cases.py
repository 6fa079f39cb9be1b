"""Proposed use cases that wait for governance: one issue of the organisation for each, until it is
accepted or declined."""

from apps.issues.kinds.base import SUBJECT_ID, IssueKind
from apps.issues.models.causes import CauseKind

# an undecided use case becomes Now so many days after it was proposed
ALLOWANCE_DAYS = 14

# the use case keeps its own state: while a question waits for its answer, the issue is in progress
_UNDECIDED = """
SELECT 'use_case:' || u.id AS subject, NULL::bigint AS application_id,
       %(use_case_days)s AS allowance_days, u.id::text AS fact_key,
       CASE u.state WHEN 'question' THEN 'in_progress' ELSE '' END AS derived_state,
       jsonb_build_object('use_case', u.id, 'tier', u.tier, 'asked', u.state = 'question')
           AS details
FROM inventory_proposedusecase u
WHERE u.state IN ('proposed', 'question')
"""
_RESOLUTION = f"""CASE WHEN EXISTS (
    SELECT 1 FROM inventory_proposedusecase u
    WHERE u.id = {SUBJECT_ID} AND u.state IN ('accepted', 'declined')
) THEN 'completed' ELSE 'cause_ended' END"""

PROPOSED_USE_CASE = IssueKind(
    kind=CauseKind.PROPOSED_USE_CASE,
    statement=_UNDECIDED,
    has_applications=False,
    resolution=_RESOLUTION,
    parameters={"use_case_days": ALLOWANCE_DAYS},
)
