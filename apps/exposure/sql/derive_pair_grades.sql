-- needed pairs without a grade yet: primaries with their candidates, including those that a failed
-- test rules out, and with judges and guardrails
INSERT INTO exposure_pairgrade (primary_id, candidate_id, grade)
WITH pair AS (
    SELECT DISTINCT p.effective_id AS primary_id, c.effective_id AS candidate_id
    FROM due_primary p JOIN exposure_candidate c ON c.application_id = p.application_id
    WHERE p.share > 0 AND (c.primary_id IS NULL OR c.primary_id = p.id)
    UNION
    SELECT DISTINCT p.effective_id, f.effective_id
    FROM due_primary p JOIN due_use u ON u.application_id = p.application_id AND u.role IN (1, 2, 3)
    JOIN due_fact f ON f.offering_id = u.offering_id
    WHERE p.share > 0
    UNION
    SELECT DISTINCT p.effective_id, s.effective_id
    FROM due_primary p JOIN due_primary s ON s.application_id = p.application_id
    WHERE p.share > 0 AND s.share = 0
),
fact AS MATERIALIZED (
    SELECT DISTINCT ON (effective_id) effective_id, version_id, host_id, foundation_id,
        developer_top FROM due_fact
)
SELECT pair.primary_id, pair.candidate_id,
       CASE WHEN pair.primary_id = pair.candidate_id THEN 0
            WHEN p.version_id IS NULL OR c.version_id IS NULL OR p.version_id = c.version_id
                THEN CASE WHEN p.host_id = c.host_id THEN 0 ELSE 1 END
            WHEN p.foundation_id = c.foundation_id OR EXISTS (
                SELECT 1 FROM exposure_enginefooting x
                JOIN catalog_node n ON n.id = x.node_id AND n.kind = node_kind('version')
                JOIN exposure_enginefooting y ON y.node_id = x.node_id
                    AND y.offering_id = pair.candidate_id
                WHERE x.offering_id = pair.primary_id) THEN 2
            WHEN p.developer_top = c.developer_top THEN 3
            ELSE 4 END
FROM pair JOIN fact p ON p.effective_id = pair.primary_id
JOIN fact c ON c.effective_id = pair.candidate_id
WHERE NOT EXISTS (SELECT 1 FROM exposure_pairgrade g
                  WHERE g.primary_id = pair.primary_id AND g.candidate_id = pair.candidate_id)
