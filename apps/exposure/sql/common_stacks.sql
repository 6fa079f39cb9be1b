-- A share of 1 means a single primary: those are counted by offering, the others made distinct
-- first.
WITH alone AS (
    SELECT p.effective_id, count(*) AS n, count(*) FILTER (WHERE p.criticality = 0) AS n_critical
    FROM exposure_path p WHERE p.share >= 1 {teams} GROUP BY p.effective_id
),
several AS (
    SELECT DISTINCT o.version_id, o.host_id, p.application_id, p.criticality
    FROM exposure_path p JOIN catalog_offering o ON o.id = p.effective_id
    WHERE p.share < 1 {teams}
),
counted AS (
    SELECT o.version_id, o.host_id, a.n, a.n_critical FROM alone a
    JOIN catalog_offering o ON o.id = a.effective_id
    UNION ALL
    SELECT version_id, host_id, count(*), count(*) FILTER (WHERE criticality = 0)
    FROM several GROUP BY version_id, host_id
),
top AS (
    SELECT version_id, host_id, sum(n)::bigint AS n, sum(n_critical)::bigint AS n_critical
    FROM counted GROUP BY version_id, host_id
    ORDER BY n DESC, n_critical DESC, version_id, host_id LIMIT %(limit)s
)
SELECT t.n, t.n_critical, h.name AS host, v.identifier AS version, f.line, f.name AS foundation,
       d.name AS developer, ends.retires_on AS ends_on
FROM top t JOIN catalog_provider h ON h.id = t.host_id
LEFT JOIN catalog_version v ON v.id = t.version_id
LEFT JOIN catalog_foundation f ON f.id = v.foundation_id
LEFT JOIN catalog_provider d ON d.id = f.developer_id
LEFT JOIN LATERAL (
    SELECT o.retires_on FROM catalog_offering o
    WHERE o.version_id = t.version_id AND o.host_id = t.host_id AND o.retires_on IS NOT NULL
      AND EXISTS (SELECT 1 FROM exposure_path p WHERE p.effective_id = o.id {teams})
    ORDER BY o.retires_on LIMIT 1
) ends ON true
ORDER BY t.n DESC, t.n_critical DESC, t.version_id, t.host_id
