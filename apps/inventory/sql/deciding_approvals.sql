-- Node kinds: 1 offering, 2 version, 3 foundation, 4 developer, 5 host, 6 gateway; via 0 direct,
-- 2 weights. `deciding(offering_id, approval_id)` are the decisions that count for what is
-- called; only decided offerings are looked at, so the cost follows what was decided and not the
-- portfolio; likewise `company`, which goes from the companies decided on (`above`) down to
-- those below them. A redirected offering holds two offering nodes: the one that is called is
-- narrower.
decided AS (
    SELECT p.id, p.decision, p.provider_id, n.id AS node_id, n.kind, n.ref
    FROM inventory_approval p
    JOIN catalog_node n ON (n.kind = 1 AND n.ref = p.offering_id) OR (n.kind = 2
        AND n.ref = p.version_id)
        OR (n.kind = 3 AND n.ref = p.foundation_id) OR (n.kind IN (4, 5, 6)
            AND n.ref = p.provider_id)
    WHERE p.revoked_at IS NULL AND p.decided_on <= %(on)s::date
      AND (p.expires_on IS NULL OR p.expires_on > %(on)s::date)
),
hit AS (
    SELECT f.offering_id, p.id AS approval_id, p.kind, p.ref, f.via, f.depth
    FROM decided p JOIN catalog_footing f ON f.node_id = p.node_id AND f.via IN (0, 2)
),
offering_level AS (
    SELECT DISTINCT ON (offering_id) offering_id, approval_id FROM hit WHERE kind = 1
    ORDER BY offering_id, ref <> offering_id
),
article AS (
    SELECT DISTINCT ON (h.offering_id) h.offering_id, h.approval_id, h.via FROM hit h
    WHERE h.kind IN (2, 3) AND NOT EXISTS (SELECT 1 FROM offering_level o
    WHERE o.offering_id = h.offering_id)
    ORDER BY h.offering_id, h.via, h.depth, h.kind
),
party AS (
    SELECT DISTINCT ON (h.offering_id, h.kind, h.via) h.offering_id, h.approval_id, h.kind, h.ref,
        h.via FROM hit h
    WHERE h.kind IN (4, 5, 6) AND NOT EXISTS (SELECT 1 FROM offering_level o
    WHERE o.offering_id = h.offering_id)
    ORDER BY h.offering_id, h.kind, h.via, h.depth
),
cleared AS MATERIALIZED (
    SELECT DISTINCT a.offering_id, d.ref FROM article a
    JOIN hit d ON d.offering_id = a.offering_id AND d.kind = 4 AND d.via >= a.via
),
deciding AS (
    SELECT offering_id, approval_id FROM offering_level
    UNION
    SELECT offering_id, approval_id FROM article
    UNION
    SELECT p.offering_id, p.approval_id FROM party p
    WHERE NOT EXISTS (SELECT 1 FROM cleared x WHERE x.offering_id = p.offering_id AND x.ref = p.ref)
),
company(id, above, depth) AS (
    SELECT provider_id, provider_id, 0 FROM inventory_approval WHERE provider_id IS NOT NULL
    UNION
    SELECT q.id, c.above, c.depth + 1 FROM company c JOIN catalog_provider q ON q.parent_id = c.id
    WHERE c.depth < 16
),
way AS (
    SELECT DISTINCT ON (c.id) c.id AS party_id, p.id AS approval_id
    FROM company c JOIN inventory_approval p ON p.provider_id = c.above
    WHERE p.revoked_at IS NULL AND p.decided_on <= %(on)s::date
      AND (p.expires_on IS NULL OR p.expires_on > %(on)s::date)
    ORDER BY c.id, c.depth
)
