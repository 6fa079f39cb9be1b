-- Applications by the nodes that their active primary models needed at the end of a past day; the
-- row without a node counts all applications in scope. Roles, offerings and derivations are
-- today's. Parameters: %(day)s, %(day_end)s, %(statuses)s, and the relationships that count for a
-- kind of node as %(kinds)s and %(vias)s.
WITH application AS (
    -- the last version recorded by the end of the day; if it was recorded later, the first one
    SELECT DISTINCT ON (a.id) a.id, coalesce(h.status, a.status) AS status,
           coalesce(h.criticality, a.criticality) AS criticality,
           (h.pgh_created_at < %(day_end)s) IS TRUE AS is_recorded
    FROM inventory_application a
    LEFT JOIN inventory_applicationhistory h ON h.pgh_obj_id = a.id
    ORDER BY a.id, (h.pgh_created_at < %(day_end)s) IS TRUE DESC,
             CASE WHEN h.pgh_created_at < %(day_end)s THEN -h.pgh_id ELSE h.pgh_id END
),
used AS MATERIALIZED (
    SELECT d.application_id, d.offering_id, d.role, d.traffic_share AS share,
           d.until IS NOT NULL AS has_ended, d.via_party_id,
           CASE d.reached WHEN 'gateway' THEN 1 WHEN 'embedded' THEN 2 ELSE 0 END AS reached
    FROM inventory_dependency d WHERE is_live(d.since, d.until, %(day)s::date)
),
-- one row an application, since a search among all uses for each application would take the square
-- of the portfolio's time
used_by AS MATERIALIZED (
    SELECT application_id, bool_or(has_ended) AS has_ended FROM used GROUP BY application_id
),
scoped AS MATERIALIZED (
    SELECT a.id, a.criticality = 0 AS is_critical
    FROM application a LEFT JOIN used_by u ON u.application_id = a.id
    -- CASE, since the planner estimates conditions of AND and OR at one row, and would then search
    -- all stacks for each of them
    WHERE CASE WHEN a.is_recorded THEN a.status = ANY (%(statuses)s)
          -- recorded later: in scope from its first dependency; of a retired one, while they lasted
          ELSE u.application_id IS NOT NULL
               AND (a.status = ANY (%(statuses)s) OR (a.status = 'retired' AND u.has_ended)) END
),
-- a primary model without traffic is a standby; missing shares divide what is left of 1
counted AS (
    SELECT u.*, coalesce(sum(u.share) OVER w, 0) AS given,
           count(*) FILTER (WHERE u.share IS NULL) OVER w AS n_open
    FROM used u WHERE u.role = 'primary' WINDOW w AS (PARTITION BY u.application_id)
),
primary_model AS MATERIALIZED (
    SELECT DISTINCT c.application_id, c.offering_id, c.reached,
           CASE WHEN c.reached > 0 THEN c.via_party_id END AS party_id
    FROM counted c
    WHERE c.share > 0 OR (c.share IS NULL AND c.given < 1 - 1e-9) OR (c.given = 0 AND c.n_open = 0)
),
way AS MATERIALIZED (
    SELECT row_number() OVER () AS id, w.* FROM (
        SELECT DISTINCT offering_id, reached, party_id FROM primary_model
    ) w
),
-- many applications have the same models: they are counted together before nodes multiply them
stack AS MATERIALIZED (
    SELECT row_number() OVER () AS id, s.ways, count(*) AS n,
           count(*) FILTER (WHERE s.is_critical) AS n_critical
    FROM (
        SELECT a.id, a.is_critical, array_agg(w.id ORDER BY w.id) AS ways
        FROM scoped a JOIN primary_model p ON p.application_id = a.id
        JOIN way w ON w.offering_id = p.offering_id AND w.reached = p.reached
            AND w.party_id IS NOT DISTINCT FROM p.party_id
        GROUP BY a.id, a.is_critical
    ) s GROUP BY s.ways
),
need AS MATERIALIZED (
    SELECT w.id, f.node_id FROM way w
    JOIN catalog_footing f ON f.offering_id = w.offering_id
    JOIN catalog_node node ON node.id = f.node_id
    JOIN unnest(%(kinds)s::int[], %(vias)s::int[]) AS t(kind, via)
        ON t.kind = node.kind AND t.via = f.via
    UNION
    -- the gateway or vendor of the dependency, with its parent companies
    SELECT w.id, node.id FROM way w
    JOIN provider_ancestor a ON a.provider_id = w.party_id
    JOIN catalog_node node ON node.ref = a.ancestor_id
        AND node.kind = CASE w.reached WHEN 1 THEN node_kind('gateway') ELSE node_kind('vendor') END
)
SELECT NULL::bigint AS node_id, count(*) AS n, count(*) FILTER (WHERE is_critical) AS n_critical
FROM scoped
UNION ALL
SELECT r.node_id, sum(r.n)::bigint, sum(r.n_critical)::bigint FROM (
    SELECT DISTINCT s.id, need.node_id, s.n, s.n_critical
    FROM stack s CROSS JOIN LATERAL unnest(s.ways) AS way_id JOIN need ON need.id = way_id
) r GROUP BY r.node_id
