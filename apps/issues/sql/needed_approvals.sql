-- Approvals whose last day is at most %(notice)s days away, and the uses that need them. A part of
-- a statement, after used(id, application_id, offering_id, via_party_id) and `deciding`. No use
-- needs an approval if one of a narrower item, or of a nearer company, decides instead.
target AS (
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
-- by offering first: there are fewer than uses, and for one application only a few
candidate AS MATERIALIZED (
    SELECT p.id AS approval_id, p.narrowness, p.kind IS NULL AS is_party, n.kind, f.offering_id,
           f.via, f.depth
    FROM expiring p
    JOIN catalog_node n ON n.ref = p.ref AND (n.kind = p.kind OR p.kind IS NULL
        AND n.kind IN (node_kind('developer'), node_kind('host'), node_kind('gateway')))
    JOIN catalog_footing f ON f.node_id = n.id AND f.via IN (0, 2)
    WHERE f.offering_id IN (SELECT offering_id FROM used)
),
needed AS MATERIALIZED (
    SELECT DISTINCT x.approval_id, x.offering_id
    FROM candidate x
    WHERE NOT EXISTS (
        SELECT 1 FROM deciding c JOIN target t ON t.id = c.approval_id
        WHERE c.offering_id = x.offering_id AND t.narrowness > x.narrowness)
      AND NOT EXISTS (
        SELECT 1 FROM hit c
        WHERE x.is_party AND c.offering_id = x.offering_id AND c.kind = x.kind
          AND c.via = x.via AND c.depth < x.depth)
),
needing AS (
    SELECT n.approval_id, u.id AS dependency_id, u.application_id
    FROM needed n JOIN used u ON u.offering_id = n.offering_id
    UNION
    SELECT p.id, u.id, u.application_id
    FROM expiring p JOIN provider_ancestor v ON v.ancestor_id = p.provider_id
    JOIN used u ON u.via_party_id = v.provider_id
    WHERE NOT EXISTS (
        SELECT 1 FROM way w JOIN inventory_approval c ON c.id = w.approval_id
        JOIN provider_ancestor nearer
            ON nearer.provider_id = v.provider_id AND nearer.ancestor_id = c.provider_id
        WHERE w.party_id = v.provider_id AND nearer.depth < v.depth)
)
