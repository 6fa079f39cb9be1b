-- The end of a statement that begins with the considered moves and the engine's states: for each
-- position (position, node_id, threat, state), and for conditions of applications their number in
-- place of a state: node_id is null, and the threat numbers the condition.
, moved AS (
    SELECT -application_id AS position, count(*) AS n_paths FROM exposure_path GROUP BY 1
)
SELECT m.position, t.q / 8 AS node_id, (t.q %% 8)::int AS threat,
       CASE WHEN t.n_struck < m.n_paths THEN 3 ELSE t.worst END::int AS state
FROM standing t JOIN moved m ON m.position = -t.application_id
UNION ALL
SELECT m.position, NULL, c.number, c.holds::int
FROM moved m
CROSS JOIN LATERAL (
    SELECT bool_or(f.is_unresolved) AS unresolved,
           bool_and(EXISTS (
               SELECT 1 FROM exposure_candidategrade r
               WHERE r.primary_id = p.dependency_id AND r.is_immediate AND r.alive
                   AND r.grade >= 4)) AS independent
    FROM moved_path p JOIN fact f ON f.offering_id = p.offering_id WHERE p.position = m.position
) p
CROSS JOIN LATERAL (VALUES
    (0, NOT p.independent),
    (1, EXISTS (
        SELECT 1 FROM moved_path x
        JOIN moved_judge j ON j.position = x.position
        JOIN graded g ON g.first_id = x.offering_id AND g.second_id = j.offering_id
        WHERE x.position = m.position AND g.grade <= 2 AND g.is_resolved)),
    (2, p.unresolved)
) AS c(number, holds)
