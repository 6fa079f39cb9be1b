-- Weight of live primary models by whether their weights are open: (open, dependency, weight,
-- number). A dependency has a row of its own if its model is not known to be open and something is
-- known of its use; the others are summed. {weight} is a column, {teams} a condition.
WITH used AS (
    SELECT p.dependency_id, p.effective_id, p.{weight} AS weight FROM exposure_path p {teams}
),
called AS (SELECT DISTINCT effective_id FROM used),
known AS MATERIALIZED (
    SELECT c.effective_id, (s.values -> 'open_weights' ->> 'value')::boolean AS is_open
    FROM called c
    JOIN catalog_settledclaims s ON s.offering_id = c.effective_id AND s.topic = 'capability'
),
needed AS MATERIALIZED (
    SELECT DISTINCT dependency_id FROM inventory_requirement WHERE value <> 'false'
)
SELECT k.is_open, CASE WHEN k.is_open IS NOT TRUE THEN n.dependency_id END, sum(u.weight), count(*)
FROM used u
LEFT JOIN known k ON k.effective_id = u.effective_id
LEFT JOIN needed n ON n.dependency_id = u.dependency_id
GROUP BY 1, 2
