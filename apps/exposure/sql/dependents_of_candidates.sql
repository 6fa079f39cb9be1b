-- An application has a tested exit if every live primary of it on the candidate has one: the latest
-- test with some target passed, is valid, and was made with the version served today, and the
-- target is not on the candidate.
WITH wanted(kind, ref, node_id) AS (
    SELECT w.kind, w.ref, n.id
    FROM unnest(%(kinds)s::text[], %(refs)s::bigint[]) w(kind, ref)
    JOIN catalog_node n ON n.ref = w.ref
        AND n.kind = ANY (CASE WHEN w.kind = 'foundation' THEN ARRAY[node_kind('foundation')]
            ELSE ARRAY[node_kind('developer'), node_kind('host'), node_kind('gateway')] END)
),
below AS (
    SELECT a.ancestor_id AS top, a.provider_id AS id
    FROM unnest(%(kinds)s::text[], %(refs)s::bigint[]) w(kind, ref)
    JOIN provider_ancestor a ON a.ancestor_id = w.ref
    WHERE w.kind = 'provider'
),
held AS MATERIALIZED (
    SELECT w.kind, w.ref, f.offering_id
    FROM wanted w JOIN catalog_footing f ON f.node_id = w.node_id AND f.via IN (0, 1, 2)
),
standing AS (
    SELECT f.kind, f.ref, d.id, d.application_id
    FROM held f CROSS JOIN LATERAL ({at_offering}) d(id, application_id)
    UNION
    -- OFFSET 0: looked up company by company, or the planner reads everything that any of them
    -- reaches
    SELECT 'provider', b.top, d.id, d.application_id
    FROM below b CROSS JOIN LATERAL ({at_party} OFFSET 0) d(id, application_id)
),
latest AS (
    -- joined and not IN: duplicates of a dependency do no harm, and its tests are read together
    SELECT DISTINCT ON (t.dependency_id, t.target_id)
           t.dependency_id, t.target_id, t.result, t.tested_on, t.expires_on, t.tested_version_id
    FROM standing s JOIN inventory_exittest t ON t.dependency_id = s.id
    WHERE t.tested_on <= %(day)s
    ORDER BY t.dependency_id, t.target_id, t.tested_on DESC, t.id DESC
),
out AS (
    SELECT DISTINCT s.kind, s.ref, s.id
    FROM standing s
    JOIN latest t ON t.dependency_id = s.id AND t.result = 'passed'
    JOIN catalog_offering o ON o.id = t.target_id
    WHERE coalesce(t.expires_on, t.tested_on + %(validity)s::int) > %(day)s
      AND (t.tested_version_id IS NULL OR t.tested_version_id = o.version_id)
      AND o.lifecycle <> 'retired' AND NOT (o.date_kind = 'firm' AND o.retires_on <= %(day)s)
      AND NOT EXISTS (
          SELECT 1 FROM held f WHERE f.offering_id = t.target_id AND f.kind = s.kind
              AND f.ref = s.ref)
),
application AS (
    SELECT s.kind, s.ref, s.application_id, bool_and(o.id IS NOT NULL) AS has_exit
    FROM standing s LEFT JOIN out o ON o.kind = s.kind AND o.ref = s.ref AND o.id = s.id
    GROUP BY s.kind, s.ref, s.application_id
)
SELECT kind, ref, count(*), count(*) FILTER (WHERE has_exit) FROM application GROUP BY kind, ref
