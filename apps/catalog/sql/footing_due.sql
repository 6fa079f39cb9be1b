-- The desired footing of the offerings in %(ids)s (all when null) on %(day)s: (kind, ref,
-- offering_id, via, depth).
WITH RECURSIVE
target AS (SELECT id FROM catalog_offering WHERE %(ids)s::bigint[] IS NULL
OR id = ANY (%(ids)s::bigint[])),
-- where each offering leads by redirects that have come into force; circle: it led back to a step
follow(origin, current, steps, path, circle) AS (
    SELECT id, id, 0, ARRAY[id], false FROM target
    UNION ALL
    SELECT f.origin, o.replacement_id, f.steps + 1, f.path || o.replacement_id,
        o.replacement_id = ANY (f.path)
    FROM follow f JOIN catalog_offering o ON o.id = f.current
    WHERE NOT f.circle AND o.replacement_id IS NOT NULL AND o.end_behaviour = 'redirect'
      AND (o.lifecycle = 'retired' OR (o.date_kind = 'firm' AND o.retires_on <= %(day)s::date))
),
-- the offering in effect: the last step, or the offering itself if its redirects form a circle
effective AS (
    SELECT DISTINCT ON (origin) origin,
           CASE WHEN bool_or(circle) OVER (PARTITION BY origin) THEN origin ELSE current END AS id
    FROM follow ORDER BY origin, steps DESC
),
-- providers with their parent companies; the provider itself is at depth 0
party AS MATERIALIZED (
    SELECT provider_id AS id, ancestor_id AS above, depth FROM provider_ancestor
),
served AS (
    SELECT e.origin, o.id, o.kind, o.host_id, o.gateway_id, o.version_id
    FROM effective e JOIN catalog_offering o ON o.id = e.id
),
-- what a name or a product may be, where that is not one version
possible AS MATERIALIZED (
    SELECT s.origin, c.version_id, c.foundation_id
    FROM served s JOIN candidate_version() c ON c.offering_id = s.id
    WHERE s.kind <> 'model_id' AND s.version_id IS NULL
),
used AS (
    SELECT version_id AS id FROM served WHERE version_id IS NOT NULL
    UNION SELECT version_id FROM possible WHERE version_id IS NOT NULL
),
-- versions with all that they derive from; via is 2, or 3 once a distillation is on the way
lineage(version_id, ancestor, via, depth) AS (
    SELECT id, id, 2, 0 FROM used
    UNION
    SELECT l.version_id, d.parent_id, CASE WHEN d.kind = 'distillation' THEN 3 ELSE l.via END,
        l.depth + 1
    FROM lineage l JOIN catalog_derivation d ON d.child_id = l.ancestor
    WHERE d.kind <> 'next_generation' AND l.depth < 64
),
-- via 0 is the version itself
ancestry AS (SELECT version_id, ancestor, CASE WHEN depth = 0 THEN 0 ELSE via END AS via, depth
FROM lineage),
-- every node of each candidate by its strongest relationship, then those of all candidates: where
-- they agree theirs, elsewhere one of (via 1) or weaker
possible_node(origin, version_id, foundation_id, kind, ref, via, depth) AS (
    SELECT p.origin, p.version_id, p.foundation_id, n.kind, n.ref, min(n.via),
           (min(ARRAY[n.via, n.depth]))[2]
    FROM possible p
    CROSS JOIN LATERAL (
        SELECT a.ancestor AS id, v.foundation_id, a.via, a.depth
        FROM ancestry a JOIN catalog_version v ON v.id = a.ancestor
        WHERE a.version_id = p.version_id
        UNION ALL
        SELECT NULL, p.foundation_id, 0, 0 WHERE p.version_id IS NULL
    ) x
    CROSS JOIN LATERAL (
        SELECT node_kind('version'), x.id, x.via, x.depth WHERE x.id IS NOT NULL
        UNION ALL SELECT node_kind('foundation'), x.foundation_id, x.via, x.depth
        UNION ALL SELECT node_kind('developer'), d.above, x.via, x.depth + d.depth
            FROM catalog_foundation f JOIN party d ON d.id = f.developer_id
            WHERE f.id = x.foundation_id
    ) n(kind, ref, via, depth)
    GROUP BY p.origin, p.version_id, p.foundation_id, n.kind, n.ref
),
-- of a product of which not every model is known, one more candidate that agrees with no other
possible_count AS (
    SELECT p.origin, count(*) + bool_or(pr.id IS NOT NULL AND (pr.models_known <> 'published'
        OR EXISTS (SELECT 1 FROM catalog_productmodel m WHERE m.product_id = pr.id
                   AND m.version_id IS NULL AND m.foundation_id IS NULL)))::int AS n
    FROM possible p JOIN served s ON s.origin = p.origin
    LEFT JOIN catalog_product pr ON pr.offering_id = s.id
    GROUP BY p.origin
),
agreed AS (
    SELECT p.kind, p.ref, p.origin,
           CASE WHEN count(*) = c.n AND min(p.via) = max(p.via) THEN min(p.via)
                ELSE greatest(min(p.via), 1) END AS via,
           (min(ARRAY[p.via, p.depth]))[2] AS depth
    FROM possible_node p JOIN possible_count c ON c.origin = p.origin
    GROUP BY p.kind, p.ref, p.origin, c.n
),
-- one of several regions is enough to serve (via 1), the only one is needed (via 0)
region_count AS (SELECT offering_id, count(*) AS n FROM catalog_offering_regions
GROUP BY offering_id),
-- every node on which an offering depends, once for each way to it
upstream(kind, ref, offering_id, via, depth) AS (
    SELECT node_kind('offering'), origin, origin, 0, 0 FROM effective
    UNION ALL SELECT node_kind('offering'), id, origin, 0, 0 FROM effective
    UNION ALL SELECT node_kind('host'), p.above, s.origin, 0, p.depth
        FROM served s JOIN party p ON p.id = s.host_id
        JOIN catalog_provider h ON h.id = s.host_id AND h.slug <> 'host-not-stated'
    UNION ALL SELECT node_kind('gateway'), p.above, s.origin, 0, p.depth FROM served s
    JOIN party p ON p.id = s.gateway_id
    UNION ALL SELECT node_kind('region'), r.region_id, s.origin,
            CASE WHEN n.n = 1 THEN 0 ELSE 1 END, 0
        FROM served s JOIN catalog_offering_regions r ON r.offering_id = s.id
        JOIN region_count n ON n.offering_id = s.id
    UNION ALL SELECT node_kind('version'), a.ancestor, s.origin, a.via, a.depth
        FROM served s JOIN ancestry a ON a.version_id = s.version_id
    UNION ALL SELECT node_kind('foundation'), v.foundation_id, s.origin, a.via, a.depth
        FROM served s JOIN ancestry a ON a.version_id = s.version_id
        JOIN catalog_version v ON v.id = a.ancestor
    UNION ALL SELECT node_kind('developer'), p.above, s.origin, a.via, a.depth + p.depth
        FROM served s JOIN ancestry a ON a.version_id = s.version_id
        JOIN catalog_version v ON v.id = a.ancestor
        JOIN catalog_foundation f ON f.id = v.foundation_id JOIN party p ON p.id = f.developer_id
    UNION ALL SELECT kind, ref, origin, via, depth FROM agreed
    -- the model IDs that a name may be: the only one that is known, or one of several
    UNION ALL SELECT node_kind('offering'), k.offering_id, s.origin,
            CASE WHEN count(*) OVER (PARTITION BY s.origin) = 1 THEN 0 ELSE 1 END, 0
        FROM served s JOIN known_model_id() k ON k.name_id = s.id WHERE s.kind = 'name'
)
-- of several ways to one node the strongest (lowest via), and its shortest depth
SELECT kind, ref, offering_id, min(via)::int AS via,
       (min(ARRAY[via, depth]))[2] AS depth
FROM upstream GROUP BY kind, ref, offering_id
