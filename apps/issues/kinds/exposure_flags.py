"""Exposure flags: one issue of the organisation for each active flag."""

from apps.issues.kinds.base import IssueKind
from apps.issues.models.causes import CauseKind

# the flag keeps its own state: the issue follows it
_ACTIVE_FLAGS = """
SELECT 'flag:' || f.id AS subject, NULL::bigint AS application_id, 30 AS allowance_days,
       CASE f.state WHEN 'accepted' THEN 'accepted' WHEN 'acknowledged' THEN 'acknowledged'
                    ELSE '' END AS derived_state,
       f.accepted_until,
       CASE WHEN f.state = 'accepted' THEN f.accepted_until END AS act_by,
       f.id::text AS fact_key,
       jsonb_build_object('policy', p.name, 'node', f.node_id, 'value', f.value, 'limit', f.limit,
                          'n_applications', f.n_applications,
                          'applications', to_jsonb(f.application_ids)) AS details
FROM exposure_exposureflag f JOIN exposure_policy p ON p.id = f.policy_id
WHERE f.state IN ('open', 'acknowledged', 'accepted')
"""

EXPOSURE_FLAG = IssueKind(
    kind=CauseKind.EXPOSURE_FLAG, statement=_ACTIVE_FLAGS, has_applications=False
)
