-- Possible replacements for the primaries of the due applications: their fallbacks, standbys and
-- the targets of their tests, unless the latest test failed. {tests} yields u (application_id, id,
-- role of the dependency) and t (its exit tests).
INSERT INTO exposure_candidate (application_id, primary_id, dependency_id, offering_id,
    effective_id, reached,
                                via_party_id, parties, place, tested, ever_tested, alive,
                                alive_at_horizon, next_change_on)
WITH top AS MATERIALIZED (
    SELECT DISTINCT ON (provider_id) provider_id AS id, ancestor_id AS top FROM provider_ancestor
    ORDER BY provider_id, depth DESC
),
test AS MATERIALIZED (
    SELECT u.application_id, u.id AS primary_id, u.role, t.id, t.target_id, t.result, t.tested_on,
        t.tested_version_id,
           coalesce(t.expires_on, t.tested_on + %(validity)s) AS ends_on
    FROM {tests}
    WHERE t.tested_on <= %(day)s
),
latest AS MATERIALIZED (
    SELECT DISTINCT ON (application_id, target_id) * FROM test
    ORDER BY application_id, target_id, tested_on DESC, id DESC
),
standby AS (SELECT * FROM due_primary WHERE share = 0),
offered AS (
    SELECT application_id, NULL::bigint AS primary_id, id AS dependency_id, offering_id, reached,
        via_party_id,
           fallback_order::int AS place
    FROM due_use WHERE role = 1
    UNION ALL
    SELECT application_id, NULL, id, offering_id, reached, via_party_id, 100000 FROM standby
    UNION ALL
    SELECT DISTINCT t.application_id, t.primary_id, NULL::bigint, t.target_id, 0, NULL::bigint,
        200000
    FROM test t JOIN due_primary p ON p.id = t.primary_id AND p.share > 0
    WHERE NOT EXISTS (SELECT 1 FROM due_use f
                      WHERE f.application_id = t.application_id AND f.role = 1
                          AND f.offering_id = t.target_id)
      AND NOT EXISTS (SELECT 1 FROM standby s
                      WHERE s.application_id = t.application_id AND s.offering_id = t.target_id)
)
SELECT o.application_id, o.primary_id, o.dependency_id, o.offering_id, f.effective_id, o.reached,
    o.via_party_id,
       CASE WHEN t.top IS NULL THEN f.parties ELSE f.parties || t.top END, o.place,
       in_date, l.id IS NOT NULL, f.alive, f.alive_at_horizon, least(f.next_change_on, CASE WHEN in_date
       THEN l.ends_on END)
FROM offered o
JOIN due_fact f ON f.offering_id = o.offering_id
LEFT JOIN latest l ON l.application_id = o.application_id AND l.target_id = o.offering_id
LEFT JOIN top t ON t.id = o.via_party_id
CROSS JOIN LATERAL (
    SELECT (l.result = 'passed' AND l.ends_on > %(day)s
            AND (l.tested_version_id IS NULL OR l.tested_version_id IS NOT DISTINCT
            FROM f.version_id)) IS TRUE
           AS in_date
) dated
WHERE l.result IS DISTINCT FROM 'failed'
ORDER BY o.application_id, o.place, o.dependency_id, o.offering_id
