-- number of pairs of each team, and of those assessed, by state: per stack (offering and party) the
-- number of risks on it, times the team's dependencies on that stack
WITH {party}, {risk},
{judges}stack AS MATERIALIZED (
    SELECT a.team_id, d.offering_id, d.via_party_id, d.reached, {counted}
    FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
    WHERE {live} AND {counts} AND {chosen}
    GROUP BY a.team_id, d.offering_id, d.via_party_id, d.reached
),
kind AS MATERIALIZED (
    SELECT row_number() OVER () AS id, g.* FROM (SELECT DISTINCT offering_id, via_party_id, reached
    FROM stack) g
),
held AS (
    SELECT f.node_id, s.id FROM kind s JOIN catalog_footing f ON f.offering_id = s.offering_id
    WHERE f.node_id IN (SELECT node_id FROM risk)
    UNION
    SELECT n.id, s.id FROM kind s JOIN party p ON p.id = s.via_party_id
    JOIN catalog_node n ON n.kind = CASE s.reached WHEN 'gateway' THEN node_kind('gateway')
        ELSE node_kind('vendor') END AND n.ref = p.above
),
weight AS MATERIALIZED (
    SELECT h.id, {kinds} FROM held h JOIN risk r ON r.node_id = h.node_id GROUP BY h.id
),
inherited AS (
    SELECT s.team_id, sum({weighed}) AS n
    FROM stack s
    JOIN kind ON kind.offering_id = s.offering_id AND kind.reached = s.reached
        AND kind.via_party_id IS NOT DISTINCT FROM s.via_party_id
    JOIN weight k ON k.id = kind.id
    GROUP BY s.team_id
),
acted AS (
    SELECT a.team_id, count(*) FILTER (WHERE s.state = 'assessed') AS n_assessed,
        count(*) FILTER (WHERE s.state = 'stale') AS n_stale,
        count(*) FILTER (WHERE s.state = 'not_applicable') AS n_not_applicable
    FROM risks_assessment s JOIN risk r ON r.id = s.risk_id
    JOIN inventory_dependency d ON d.id = s.dependency_id
    JOIN inventory_application a ON a.id = d.application_id
    WHERE {live} AND {counts} AND {chosen} AND {holds} AND ({applies})
    GROUP BY a.team_id
)
SELECT i.team_id, i.n::bigint, coalesce(c.n_assessed, 0), coalesce(c.n_stale, 0),
    coalesce(c.n_not_applicable, 0)
FROM inherited i LEFT JOIN acted c ON c.team_id = i.team_id WHERE i.n > 0
