-- Approvals that apply to the offerings in use; governance/violations.py describes the rule. A part
-- of a statement, after a relation used(id, application_id, offering_id, via_party_id).
-- `deciding(offering_id, approval_id)` holds the approvals of an offering, `way(party_id,
-- approval_id)` those of the party it is reached through. Only offerings with approvals are read,
-- so the cost depends on the number of approvals and not on the portfolio. A redirected offering
-- has two offering nodes: the one that is called is narrower. via: 0 direct, 2 weights.
decided AS (
    SELECT p.id, p.decision, p.provider_id, n.id AS node_id, n.kind, n.ref
    FROM inventory_approval p
    JOIN catalog_node n ON (n.kind = node_kind('offering') AND n.ref = p.offering_id)
        OR (n.kind = node_kind('version') AND n.ref = p.version_id)
        OR (n.kind = node_kind('foundation') AND n.ref = p.foundation_id)
        OR (n.kind IN (node_kind('developer'), node_kind('host'), node_kind('gateway'))
            AND n.ref = p.provider_id)
    WHERE p.revoked_at IS NULL AND is_live(p.decided_on, p.expires_on, %(on)s::date)
),
hit AS (
    SELECT f.offering_id, p.id AS approval_id, p.kind, p.ref, f.via, f.depth
    FROM decided p JOIN catalog_footing f ON f.node_id = p.node_id AND f.via IN (0, 2)
),
offering_level AS (
    SELECT DISTINCT ON (offering_id) offering_id, approval_id FROM hit
    WHERE kind = node_kind('offering')
    ORDER BY offering_id, ref <> offering_id
),
article AS (
    SELECT DISTINCT ON (h.offering_id) h.offering_id, h.approval_id, h.via FROM hit h
    WHERE h.kind IN (node_kind('version'), node_kind('foundation'))
        AND NOT EXISTS (SELECT 1 FROM offering_level o WHERE o.offering_id = h.offering_id)
    ORDER BY h.offering_id, h.via, h.depth, h.kind
),
party AS (
    SELECT DISTINCT ON (h.offering_id, h.kind, h.via) h.offering_id, h.approval_id, h.kind, h.ref,
        h.via FROM hit h
    WHERE h.kind IN (node_kind('developer'), node_kind('host'), node_kind('gateway'))
        AND NOT EXISTS (SELECT 1 FROM offering_level o WHERE o.offering_id = h.offering_id)
    ORDER BY h.offering_id, h.kind, h.via, h.depth
),
cleared AS MATERIALIZED (
    SELECT DISTINCT a.offering_id, d.ref FROM article a
    JOIN hit d
        ON d.offering_id = a.offering_id AND d.kind = node_kind('developer') AND d.via >= a.via
),
deciding AS (
    SELECT offering_id, approval_id FROM offering_level
    UNION
    SELECT offering_id, approval_id FROM article
    UNION
    SELECT p.offering_id, p.approval_id FROM party p
    WHERE NOT EXISTS (SELECT 1 FROM cleared x WHERE x.offering_id = p.offering_id AND x.ref = p.ref)
),
way AS (
    SELECT DISTINCT ON (c.provider_id) c.provider_id AS party_id, p.id AS approval_id
    FROM provider_ancestor c JOIN inventory_approval p ON p.provider_id = c.ancestor_id
    WHERE p.revoked_at IS NULL AND is_live(p.decided_on, p.expires_on, %(on)s::date)
    ORDER BY c.provider_id, c.depth
)
