"""Stale assessments of inherited risks."""

from apps.issues.kinds.base import SUBJECT_ID, IssueKind, resolve_in_scope
from apps.issues.models.causes import CauseKind
from apps.risks.levels import CRITICAL_SCORE

# One fact is one risk of a foundation; each application whose assessments are stale has an issue.
_STALE_ASSESSMENTS = f"""
SELECT 'risk:' || s.risk_id AS subject, d.application_id, min(s.owner_id) AS owner_id,
       CASE WHEN max(s.inherent) >= {CRITICAL_SCORE} THEN 30 ELSE 60 END AS allowance_days,
       max(s.stale_since)::text AS fact_key,
       jsonb_build_object('assessments', jsonb_agg(s.id ORDER BY s.id), 'inherent', max(s.inherent),
                          'stale_cause', min(s.stale_cause)) AS details
FROM risks_assessment s
JOIN risks_foundationrisk r ON r.id = s.risk_id AND r.closed_at IS NULL AND r.dismissed_at IS NULL
JOIN inventory_dependency d ON d.id = s.dependency_id
    AND (d.until IS NULL OR d.until > %(day)s::date)
JOIN inventory_application a ON a.id = d.application_id AND a.status = ANY (%(in_scope)s)
    AND (%(application_ids)s::bigint[] IS NULL OR a.id = ANY (%(application_ids)s::bigint[]))
WHERE s.state = 'stale'
GROUP BY s.risk_id, d.application_id
"""

_RESOLUTION = f"""CASE
    WHEN EXISTS (SELECT 1 FROM risks_foundationrisk r WHERE r.id = {SUBJECT_ID}
                 AND (r.closed_at IS NOT NULL OR r.dismissed_at IS NOT NULL)) THEN 'cause_ended'
    WHEN EXISTS (SELECT 1 FROM risks_assessment s JOIN inventory_dependency d
                     ON d.id = s.dependency_id AND (d.until IS NULL OR d.until > %(day)s::date)
                 WHERE s.risk_id = {SUBJECT_ID} AND d.application_id = i.application_id)
        THEN 'completed'
    ELSE 'no_longer_used' END"""

STALE_ASSESSMENT = IssueKind(
    kind=CauseKind.STALE_ASSESSMENT,
    statement=_STALE_ASSESSMENTS,
    resolution=resolve_in_scope(_RESOLUTION),
)
