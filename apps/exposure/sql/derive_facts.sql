-- one row for each offering that is used or was the target of a test: the offering served in its
-- place today, and its parties
CREATE TEMPORARY TABLE due_fact ON COMMIT DROP AS
WITH top AS MATERIALIZED (
    SELECT DISTINCT ON (provider_id) provider_id AS id, ancestor_id AS top FROM provider_ancestor
    ORDER BY provider_id, depth DESC
),
wanted AS (
    SELECT offering_id FROM due_use
    UNION
    SELECT t.target_id FROM inventory_exittest t
    JOIN due_use u ON u.id = t.dependency_id AND u.role = 0
),
answering AS (
    SELECT w.offering_id, coalesce(min(n.ref) FILTER (WHERE n.ref <> w.offering_id),
        w.offering_id) AS effective_id
    FROM wanted w
    -- a name depends on its model IDs, but is not redirected to them
    LEFT JOIN catalog_offering c ON c.id = w.offering_id AND c.kind = 'model_id'
    LEFT JOIN exposure_enginefooting f ON f.offering_id = c.id
    LEFT JOIN catalog_node n ON n.id = f.node_id AND n.kind = node_kind('offering')
    GROUP BY w.offering_id
)
SELECT w.offering_id, e.id AS effective_id, e.version_id,
       -- nothing is known of the model; a name has candidates
       e.version_id IS NULL AND NOT EXISTS (
           SELECT 1 FROM exposure_enginefooting x
           JOIN catalog_node n ON n.id = x.node_id AND n.kind = node_kind('foundation')
           WHERE x.offering_id = e.id AND e.kind <> 'model_id') AS is_unresolved,
       e.host_id, v.foundation_id,
       td.top AS developer_top,
       array_remove(ARRAY[td.top, th.top, tg.top], NULL) AS parties,
       NOT retired AS alive,
       NOT (retired OR (e.retires_on IS NOT NULL AND e.retires_on <= %(horizon)s)
            OR (e.retires_on IS NULL AND e.lifecycle = 'deprecated')) AS alive_at_horizon,
       (SELECT min(turn) FROM (VALUES
            (CASE WHEN e.date_kind = 'firm' AND NOT retired THEN e.retires_on END),
            (CASE WHEN NOT retired AND e.retires_on > %(horizon)s
                  THEN e.retires_on - (%(horizon)s::date - %(day)s::date) END)) AS turns(turn)) AS
                  next_change_on
FROM answering w
JOIN catalog_offering e ON e.id = w.effective_id
CROSS JOIN LATERAL (SELECT e.lifecycle = 'retired' OR (e.date_kind = 'firm'
    AND e.retires_on <= %(day)s) IS TRUE
                    AS retired) r
LEFT JOIN catalog_version v ON v.id = e.version_id
LEFT JOIN catalog_foundation b ON b.id = v.foundation_id
LEFT JOIN top td ON td.id = b.developer_id
LEFT JOIN top th ON th.id = e.host_id
LEFT JOIN top tg ON tg.id = e.gateway_id
