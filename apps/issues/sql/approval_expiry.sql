-- Approvals that expire within %(notice)s days or have expired. An expired one stays a fact for as
-- long as active dependencies need it: no approval of a narrower item decides instead.
WITH target AS (
    SELECT p.id, CASE WHEN p.offering_id IS NOT NULL THEN 4 WHEN p.version_id IS NOT NULL THEN 3
                      WHEN p.foundation_id IS NOT NULL THEN 2 ELSE 1 END AS narrowness
    FROM inventory_approval p
),
expiring AS (
    SELECT p.*, t.narrowness,
           CASE WHEN p.offering_id IS NOT NULL THEN node_kind('offering')
                WHEN p.version_id IS NOT NULL THEN node_kind('version')
                WHEN p.foundation_id IS NOT NULL THEN node_kind('foundation') END AS kind,
           coalesce(p.offering_id, p.version_id, p.foundation_id, p.provider_id) AS ref
    FROM inventory_approval p JOIN target t ON t.id = p.id
    WHERE p.revoked_at IS NULL AND p.decision <> 'blocked' AND p.expires_on IS NOT NULL
      AND p.expires_on <= %(day)s::date + %(notice)s::int
),
{deciding_approvals},
dependency AS (
    SELECT p.id AS approval_id, d.application_id, d.since, d.until
    FROM expiring p
    JOIN catalog_node n ON n.ref = p.ref AND (n.kind = p.kind OR p.kind IS NULL
        AND n.kind IN (node_kind('developer'), node_kind('host'), node_kind('gateway')))
    JOIN catalog_footing f ON f.node_id = n.id AND f.via IN (0, 2)
    JOIN inventory_dependency d ON d.offering_id = f.offering_id
    WHERE NOT EXISTS (
        SELECT 1 FROM deciding c JOIN target t ON t.id = c.approval_id
        WHERE c.offering_id = d.offering_id AND t.narrowness > p.narrowness)
    UNION ALL
    SELECT p.id, d.application_id, d.since, d.until
    FROM expiring p JOIN provider_ancestor v ON v.ancestor_id = p.provider_id
    JOIN inventory_dependency d ON d.via_party_id = v.provider_id
),
use AS (
    SELECT DISTINCT d.approval_id AS id, d.application_id
    FROM dependency d JOIN inventory_application a ON a.id = d.application_id
    WHERE a.status = ANY (%(in_scope)s) AND is_live(d.since, d.until, %(day)s::date)
)
SELECT 'approval:' || p.id AS subject, NULL::bigint AS application_id, p.approver_id AS owner_id,
       p.expires_on AS due_on, p.expires_on AS act_by, p.expires_on::text AS fact_key,
       jsonb_build_object('decision', p.decision,
                          'applications', (SELECT jsonb_agg(u.application_id ORDER BY
                              u.application_id) FROM use u WHERE u.id = p.id)) AS details
FROM expiring p
WHERE EXISTS (SELECT 1 FROM use u WHERE u.id = p.id)
