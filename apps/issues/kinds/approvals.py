"""Approval violations, and approvals that expire while they are needed."""

from apps.inventory.governance.approval_sql import DECIDING_APPROVALS, JUDGED_USES
from apps.issues.kinds.base import IssueKind
from apps.issues.models.causes import CauseKind

# approvals that expire within so many days are renewed in time
EXPIRY_NOTICE_DAYS = 60

# One fact is one approval; each application that violates it has an issue. A violation that only
# missing data could settle (`is_certain` false) waits as long as other missing data.
_VIOLATIONS = f"""
WITH used(id, application_id, offering_id, via_party_id) AS NOT MATERIALIZED (
    SELECT d.id, d.application_id, d.offering_id, d.via_party_id
    FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
    WHERE a.status = ANY (%(in_scope)s) AND is_live(d.since, d.until, %(on)s::date)
      AND (%(application_ids)s::bigint[] IS NULL
           OR d.application_id = ANY (%(application_ids)s::bigint[]))
),
{DECIDING_APPROVALS},
{JUDGED_USES},
violation AS (
    SELECT *, blocked OR criticality_outside OR (class_outside AND NOT class_unknown)
               OR (region_outside AND NOT region_unknown) AS is_certain
    FROM judged WHERE blocked OR criticality_outside OR class_outside OR region_outside
)
SELECT 'approval:' || v.approval_id AS subject, v.application_id,
       CASE WHEN NOT bool_or(v.is_certain) THEN 30 WHEN v.criticality <= 1 THEN 0 ELSE 14 END
           AS allowance_days,
       array_agg(DISTINCT d.offering_id) AS offering_ids,
       CASE WHEN bool_or(v.blocked) THEN 'blocked' ELSE 'restricted' END AS fact_key,
       jsonb_build_object(
           'dependencies', jsonb_agg(DISTINCT v.dependency_id),
           'blocked', bool_or(v.blocked), 'criticality', bool_or(v.criticality_outside),
           'data_class', bool_or(v.class_outside), 'region', bool_or(v.region_outside),
           'is_certain', bool_or(v.is_certain)
       ) AS details
FROM violation v JOIN inventory_dependency d ON d.id = v.dependency_id
GROUP BY v.approval_id, v.application_id, v.criticality
"""

APPROVAL_VIOLATION = IssueKind(kind=CauseKind.APPROVAL_VIOLATION, statement=_VIOLATIONS)

# Once expired, an approval stays a fact for as long as active dependencies had it and no other
# approval of the same or a narrower item decides instead.
_EXPIRY = """
WITH expiring AS (
    SELECT p.*, CASE WHEN p.offering_id IS NOT NULL THEN node_kind('offering')
                     WHEN p.version_id IS NOT NULL THEN node_kind('version')
                     WHEN p.foundation_id IS NOT NULL THEN node_kind('foundation') END AS kind,
           coalesce(p.offering_id, p.version_id, p.foundation_id, p.provider_id) AS ref
    FROM inventory_approval p
    WHERE p.revoked_at IS NULL AND p.decision <> 'blocked' AND p.expires_on IS NOT NULL
      AND p.expires_on <= %(day)s::date + %(notice)s::int
),
use AS (
    SELECT DISTINCT p.id, d.application_id
    FROM expiring p
    JOIN catalog_node n ON n.ref = p.ref AND (n.kind = p.kind OR p.kind IS NULL
        AND n.kind IN (node_kind('developer'), node_kind('host'), node_kind('gateway')))
    JOIN catalog_footing f ON f.node_id = n.id AND f.via IN (0, 2)
    JOIN inventory_dependency d ON d.offering_id = f.offering_id
        AND is_live(d.since, d.until, %(day)s::date)
    JOIN inventory_application a ON a.id = d.application_id AND a.status = ANY (%(in_scope)s)
)
SELECT 'approval:' || p.id AS subject, NULL::bigint AS application_id, p.approver_id AS owner_id,
       p.expires_on AS due_on, p.expires_on AS act_by, p.expires_on::text AS fact_key,
       jsonb_build_object('decision', p.decision,
                          'applications', (SELECT jsonb_agg(u.application_id ORDER BY
                              u.application_id) FROM use u WHERE u.id = p.id)) AS details
FROM expiring p
WHERE EXISTS (SELECT 1 FROM use u WHERE u.id = p.id)
"""

APPROVAL_EXPIRY = IssueKind(
    kind=CauseKind.APPROVAL_EXPIRY,
    statement=_EXPIRY,
    has_applications=False,
    resolution="'completed'",
    parameters={"notice": EXPIRY_NOTICE_DAYS},
)
