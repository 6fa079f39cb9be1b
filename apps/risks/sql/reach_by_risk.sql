-- number of dependencies that inherit each risk, and of those assessed, by state
WITH {party}, {risk},
{judges}stack AS MATERIALIZED (
    SELECT row_number() OVER () AS id, g.* FROM (
        SELECT d.offering_id, d.via_party_id, d.reached, {counted}
        FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
        WHERE {live} AND {counts} AND {chosen}
        GROUP BY d.offering_id, d.via_party_id, d.reached
    ) g
),
held AS (
    SELECT f.node_id, s.id FROM stack s JOIN catalog_footing f ON f.offering_id = s.offering_id
    WHERE f.node_id IN (SELECT node_id FROM risk)
    UNION
    SELECT n.id, s.id FROM stack s JOIN party p ON p.id = s.via_party_id
    JOIN catalog_node n ON n.kind = CASE s.reached WHEN 'gateway' THEN node_kind('gateway')
        ELSE node_kind('vendor') END AND n.ref = p.above
),
reach AS MATERIALIZED (
    SELECT h.node_id, {summed} FROM held h JOIN stack s ON s.id = h.id GROUP BY h.node_id
),
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
