-- number of dependencies that inherit each risk, and of those assessed, by state; `stack` has numbers
-- of dependencies by offering and way of access, in one row or several
WITH {party}, {risk},
{judges}stack AS MATERIALIZED (
{stacks}),
used AS MATERIALIZED (SELECT s.offering_id, {summed} FROM stack s GROUP BY s.offering_id),
node AS MATERIALIZED (SELECT DISTINCT node_id AS id, kind, ref FROM risk),
held AS (
    SELECT n.id AS node_id, {used_columns} FROM {footing}
    UNION ALL
    -- through the dependency's own gateway or vendor, unless its offering is on that node as well
    SELECT n.id, {stack_columns} FROM node n JOIN party p ON p.above = n.ref
    JOIN stack s ON s.via_party_id = p.id
        AND s.reached = CASE n.kind WHEN node_kind('gateway') THEN 'gateway' ELSE 'embedded' END
    WHERE n.kind IN (node_kind('gateway'), node_kind('vendor')) AND NOT EXISTS (
        SELECT 1 FROM catalog_footing f WHERE f.node_id = n.id AND f.offering_id = s.offering_id)
),
reach AS MATERIALIZED (SELECT h.node_id, {summed_reach} FROM held h GROUP BY h.node_id),
acted AS (
    SELECT r.id, count(*) FILTER (WHERE s.state = 'assessed') AS n_assessed,
        count(*) FILTER (WHERE s.state = 'stale') AS n_stale,
        count(*) FILTER (WHERE s.state = 'not_applicable') AS n_not_applicable,
        count(*) FILTER (WHERE s.treatment = 'accept' AND s.revoked_at IS NULL
        AND s.accepted_until > %(day)s)
            AS n_accepted,
        count(*) FILTER (WHERE a.criticality = 0) AS n_critical
    FROM risks_assessment s JOIN risk r ON r.id = s.risk_id
    JOIN inventory_dependency d ON d.id = s.dependency_id
    JOIN inventory_application a ON a.id = d.application_id
    WHERE {live} AND {counts} AND {chosen} AND {holds} AND ({applies})
    GROUP BY r.id
)
SELECT r.id, {chosen_count}::bigint AS n, coalesce(c.n_assessed, 0), coalesce(c.n_stale, 0),
    coalesce(c.n_not_applicable, 0), coalesce(c.n_accepted, 0), {chosen_critical}::bigint,
    coalesce(c.n_critical, 0), {chosen_secret}::bigint, {chosen_critical_secret}::bigint
FROM risk r JOIN reach ON reach.node_id = r.node_id LEFT JOIN acted c ON c.id = r.id
