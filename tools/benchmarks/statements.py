"""The best statements by hand for the same questions on the same tables: the limit to compare with.

Constants stand for the one node that is asked about, and there is no settings row, no visibility,
no paging.
"""

from apps.catalog.models import NodeKind

COUNT = """
SELECT count(DISTINCT l.application_id) FROM catalog_footing f
JOIN exposure_activedependency l USING (offering_id)
WHERE f.node_id = %(node)s
"""
BY_TEAM = """
SELECT l.team_id, count(DISTINCT l.application_id),
       count(DISTINCT l.application_id) FILTER (WHERE l.criticality = 0)
FROM catalog_footing f JOIN exposure_activedependency l USING (offering_id)
    WHERE f.node_id = %(node)s
GROUP BY 1
"""
PAGE_BY_GATHERING = """
SELECT DISTINCT l.criticality, l.application_id FROM catalog_footing f
JOIN exposure_activedependency l USING (offering_id)
WHERE f.node_id = %(node)s ORDER BY 1, 2 LIMIT 50
"""
PAGE_BY_WALKING = """
SELECT a.criticality, a.application_id FROM exposure_scopedapplication a
WHERE EXISTS (SELECT 1 FROM exposure_activedependency l WHERE l.application_id = a.application_id
              AND (l.offering_id IN (SELECT f.offering_id FROM catalog_footing f
              WHERE f.node_id = %(node)s)) IS TRUE
              OFFSET 0)
ORDER BY 1, 2 LIMIT 50
"""
# retirement of a version, foundation or offering: direct and weights, a fallback of grade 2 alive
# at the horizon
STATES = """
WITH hit AS MATERIALIZED (SELECT offering_id FROM catalog_footing
WHERE node_id = %(node)s AND via IN (0, 2)),
hp AS MATERIALIZED (SELECT p.* FROM hit JOIN exposure_path p USING (offering_id) {only}),
best AS (
    SELECT hp.dependency_id, max(CASE WHEN c.tested THEN 2 ELSE 1 END) AS b
    FROM hp JOIN exposure_candidate c ON c.application_id = hp.application_id
    JOIN exposure_pairgrade g ON g.primary_id = hp.effective_id AND g.candidate_id = c.effective_id
    WHERE (c.primary_id IS NULL OR c.primary_id = hp.dependency_id) AND c.alive_at_horizon
        AND g.grade >= 2
      AND NOT EXISTS (SELECT 1 FROM hit h WHERE h.offering_id = c.offering_id) GROUP BY 1
)
SELECT hp.application_id,
       CASE WHEN count(*) < (SELECT count(*) FROM exposure_path t
       WHERE t.application_id = hp.application_id) THEN 3
            ELSE min(coalesce(b, 0)) END, sum(hp.share)
FROM hp LEFT JOIN best USING (dependency_id) GROUP BY 1
"""
STATES_OF_ALL = STATES.format(only="")
STATES_OF_PAGE = STATES.format(only="WHERE p.application_id = ANY (%(page)s)")
# grouped by offering first: many paths share few
LAYER = """
WITH used AS (SELECT effective_id, sum({weight}) AS w FROM exposure_path GROUP BY 1)
SELECT f.node_id, sum(u.w / coalesce(f.parts, 1))
FROM used u LEFT JOIN (
    SELECT f.offering_id, f.node_id, count(*) OVER (PARTITION BY f.offering_id) AS parts
    FROM catalog_footing f JOIN catalog_node n ON n.id = f.node_id
    WHERE n.kind = %(kind)s AND f.depth = 0 AND f.via IN (0, 1)
) f ON f.offering_id = u.effective_id GROUP BY 1
"""
LAYER_OF_PARTIES = """
SELECT coalesce(CASE WHEN p.reached = {reached} THEN p.via_party_id END, {gateway}), sum(p.{weight})
FROM exposure_path p JOIN catalog_offering o ON o.id = p.effective_id GROUP BY 1
"""
SINGLE_POINTS = """
SELECT s.node_id, sum(s.n) FILTER (WHERE s.state = 0), sum(s.n) FILTER (WHERE s.state = 1),
    sum(s.n_critical) AS c
FROM exposure_nodesummary s JOIN catalog_node n ON n.id = s.node_id
WHERE s.state < 2 AND s.threat = CASE WHEN n.kind <= 3 THEN 1 WHEN n.kind = 4 THEN 2 ELSE 0 END
GROUP BY 1 ORDER BY c DESC LIMIT 50
"""
RISK_TOTALS = """
WITH hung AS (SELECT node_id, count(*) AS n FROM risks_foundationrisk
              WHERE closed_at IS NULL AND dismissed_at IS NULL AND inherits GROUP BY 1),
used AS (SELECT offering_id, count(*) AS n FROM exposure_activedependency GROUP BY 1)
SELECT sum(h.n * u.n) FROM hung h JOIN catalog_footing f USING (node_id)
JOIN used u USING (offering_id)
"""
# the same in the inventory, where conditions, parties and critical applications are known as well;
# risks with a condition, and assessments, are left out: the synthetic portfolio has none
RISK_TOTALS_OF_INVENTORY = """
WITH hung AS (SELECT node_id, count(*) AS n FROM risks_foundationrisk
              WHERE closed_at IS NULL AND dismissed_at IS NULL AND inherits GROUP BY 1),
used AS MATERIALIZED (
    SELECT d.offering_id, d.via_party_id, d.reached, count(*) AS n,
           count(*) FILTER (WHERE a.criticality = 0) AS c
    FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
    WHERE a.status IN ('pilot', 'production') AND d.since <= CURRENT_DATE
      AND (d.until IS NULL OR d.until > CURRENT_DATE)
    GROUP BY 1, 2, 3),
held AS (
    SELECT f.node_id, f.offering_id, NULL::bigint AS party_id, '' AS reached
    FROM catalog_footing f JOIN hung h USING (node_id)
    UNION ALL
    SELECT n.id, NULL, p.provider_id, CASE n.kind WHEN 6 THEN 'gateway' ELSE 'embedded' END
    FROM hung h JOIN catalog_node n ON n.id = h.node_id AND n.kind IN (6, 8)
    JOIN provider_ancestor p ON p.ancestor_id = n.ref)
SELECT sum(h.n * u.n), sum(h.n * u.c) FROM hung h JOIN (
    SELECT k.node_id, u.n, u.c FROM held k JOIN used u ON u.offering_id = k.offering_id
    UNION ALL
    SELECT k.node_id, u.n, u.c
    FROM held k JOIN used u ON u.via_party_id = k.party_id AND u.reached = k.reached
    WHERE NOT EXISTS (SELECT 1 FROM catalog_footing f
                      WHERE f.node_id = k.node_id AND f.offering_id = u.offering_id)
) u USING (node_id)
"""
COST = """
SELECT sum(d.tokens * p.amount / 1000000) FROM exposure_activedependency l JOIN (
    SELECT id, offering_id, unnest(ARRAY['input', 'output', 'cache_read', 'cache_write']) AS unit,
           unnest(ARRAY[monthly_input_tokens, monthly_output_tokens, monthly_cache_read_tokens,
                        monthly_cache_write_tokens]) AS tokens
    FROM inventory_dependency
) d ON d.id = l.dependency_id
JOIN catalog_price p ON p.offering_id = d.offering_id AND p.unit = d.unit AND p.above_tokens = 0
     AND p.valid @> %(moment)s::timestamptz
WHERE d.tokens IS NOT NULL
"""
APPLICATIONS = """
SELECT a.id, a.slug, a.name, a.purpose, a.criticality, a.status, a.users_affected, a.monthly_spend,
    a.next_review_on,
       a.ai_act_class, a.data_classification, a.business_owner, a.technical_owner, a.created_at,
       a.updated_at, t.slug
FROM inventory_application a JOIN accounts_team t ON t.id = a.team_id ORDER BY a.id LIMIT 50
"""


def layer_statement(kind: NodeKind, weight: str) -> str:
    """`weight` is a column of `exposure_path`: of our own choosing, never from outside."""
    if kind is NodeKind.GATEWAY:
        return LAYER_OF_PARTIES.format(reached=1, gateway="o.gateway_id", weight=weight)
    if kind is NodeKind.VENDOR:
        return LAYER_OF_PARTIES.format(reached=2, gateway="NULL", weight=weight)
    return LAYER.format(weight=weight)


# fit of pairs: what is used of each field, beside what the candidate is known to offer
FITS = """
SELECT p.dependency_id, p.offering_id,
       bool_or(n.verdict = 'lost') AS breaks, bool_and(n.verdict = 'kept') AS fits
FROM unnest(%(dependencies)s::bigint[], %(offerings)s::bigint[]) AS p(dependency_id, offering_id)
LEFT JOIN catalog_settledclaims s ON s.offering_id = p.offering_id AND s.topic = 'capability'
LEFT JOIN LATERAL (
    SELECT CASE WHEN offered IS NULL OR offered = 'null' THEN 'unknown'
                WHEN jsonb_typeof(r.value) = 'number'
                    THEN CASE WHEN offered::numeric >= r.value::numeric * 0.95 THEN 'kept'
                              ELSE 'lost' END
                WHEN jsonb_typeof(r.value) = 'array'
                    THEN CASE WHEN offered @> r.value THEN 'kept' ELSE 'lost' END
                WHEN offered = 'true' THEN 'kept' ELSE 'lost' END AS verdict
    FROM inventory_requirement r
    CROSS JOIN LATERAL (SELECT s.values -> r.field -> 'value' AS offered) o
    WHERE r.dependency_id = p.dependency_id AND r.value <> 'false'
) n ON true
GROUP BY p.dependency_id, p.offering_id
"""
