-- Writes the states that differ from the stored ones, and deletes those of dependencies that are no
-- live primary models any more. {states} is the statement open_weight_states.
WITH measured AS MATERIALIZED ({states}),
deleted AS (
    DELETE FROM exposure_measuredopenweights s
    WHERE NOT EXISTS (SELECT 1 FROM measured m WHERE m.dependency_id = s.dependency_id)
)
INSERT INTO exposure_measuredopenweights AS s (dependency_id, state)
SELECT m.dependency_id, m.state FROM measured m
LEFT JOIN exposure_measuredopenweights o ON o.dependency_id = m.dependency_id
WHERE o.state IS DISTINCT FROM m.state
ORDER BY m.dependency_id
ON CONFLICT (dependency_id) DO UPDATE SET state = excluded.state
