-- what past migrations took and changed, a row per kind of move and per kind of adaptation; a
-- dependency counts once: its signed-off task, else its latest exit test
WITH measured AS (
    SELECT t.dependency_id, coalesce(s.offering_id, t.target_id) AS target_id,
        extract(epoch FROM t.signed_off_at - started.at)::float8 / 86400 AS days,
        metric.change AS quality, 1 AS place, t.signed_off_at::date AS measured_on
    FROM exposure_campaigntask t
    LEFT JOIN inventory_dependency s ON s.id = t.successor_id
    LEFT JOIN LATERAL (
        SELECT min(h.pgh_created_at) AS at FROM exposure_campaigntaskhistory h
        WHERE h.pgh_obj_id = t.id AND h.state = 'in_progress') started ON true
    -- several metrics have no common unit
    LEFT JOIN LATERAL (
        SELECT CASE WHEN count(*) = 1 THEN min(a.value::float8 - b.value::float8) END AS change
        FROM jsonb_each_text(t.before) b JOIN jsonb_each_text(t.after) a USING (key)) metric
        ON true
    WHERE t.state = 'done'
    UNION ALL
    SELECT e.dependency_id, e.target_id, e.effort_days::float8, e.quality_delta::float8, 2,
        e.tested_on
    FROM inventory_exittest e WHERE e.result <> 'failed'
),
migration AS (
    SELECT DISTINCT ON (m.dependency_id) m.dependency_id, m.days, m.quality,
        CASE WHEN ov.id IS NULL OR nv.id IS NULL THEN 'unknown'
             WHEN ov.id = nv.id THEN 'host'
             WHEN of.developer_id = nf.developer_id THEN 'same_developer'
             ELSE 'other_developer' END AS move
    FROM measured m
    JOIN inventory_dependency d ON d.id = m.dependency_id
    JOIN inventory_application p ON p.id = d.application_id
    JOIN catalog_offering o ON o.id = d.offering_id
    JOIN catalog_offering n ON n.id = m.target_id
    LEFT JOIN catalog_version ov ON ov.id = o.version_id
    LEFT JOIN catalog_version nv ON nv.id = n.version_id
    LEFT JOIN catalog_foundation of ON of.id = ov.foundation_id
    LEFT JOIN catalog_foundation nf ON nf.id = nv.foundation_id
    WHERE (m.days IS NOT NULL OR m.quality IS NOT NULL)
      AND (%(teams)s::bigint[] IS NULL OR p.team_id = ANY(%(teams)s::bigint[]))
    ORDER BY m.dependency_id, m.place, m.measured_on DESC
),
kinds AS (
    SELECT move AS kind, days, quality FROM migration
    UNION ALL
    SELECT x.kind, m.days, m.quality FROM migration m
    JOIN (SELECT DISTINCT dependency_id, kind FROM inventory_adaptation) x
        ON x.dependency_id = m.dependency_id
)
SELECT kind, count(*) AS n, count(days) AS n_days,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY days) AS median_days,
    min(days) AS least_days, max(days) AS most_days, count(quality) AS n_quality,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY quality) AS median_quality
FROM kinds GROUP BY kind
