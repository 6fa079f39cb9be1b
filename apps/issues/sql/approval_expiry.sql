-- Approvals that uses need and that expire within %(notice)s days. From the day on, each
-- application has an issue of its own: approval_violation.sql.
WITH used(id, application_id, offering_id, via_party_id) AS NOT MATERIALIZED (
    SELECT d.id, d.application_id, d.offering_id, d.via_party_id
    FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
    WHERE a.status = ANY (%(in_scope)s) AND is_live(d.since, d.until, %(day)s::date)
),
{deciding_approvals},
{needed_approvals},
application AS (
    SELECT approval_id, jsonb_agg(DISTINCT application_id ORDER BY application_id) AS ids
    FROM needing GROUP BY approval_id
)
SELECT 'approval:' || p.id AS subject, NULL::bigint AS application_id, p.approver_id AS owner_id,
       p.expires_on AS due_on, p.expires_on - 1 AS act_by, p.expires_on::text AS fact_key,
       jsonb_build_object('decision', p.decision, 'applications', a.ids) AS details
FROM expiring p JOIN application a ON a.approval_id = p.id
WHERE p.expires_on > %(day)s::date
