-- Sets the lifecycle of the names %(names)s to that of the model ID that decides on %(day)s; returns
-- the names that changed.
WITH target AS MATERIALIZED (
    SELECT n.id, p.slug = 'host-not-stated' AS is_anywhere
    FROM catalog_offering n JOIN catalog_provider p ON p.id = n.host_id
    WHERE n.id = ANY (%(names)s::bigint[])
),
-- how much a name leaves open
openness AS (
    SELECT t.id, t.is_anywhere, count(c.offering_id) AS n_versions,
           count(DISTINCT c.foundation_id) AS n_lines
    FROM target t LEFT JOIN candidate_version() c ON c.offering_id = t.id
    GROUP BY t.id, t.is_anywhere
),
-- `is_end`: the date ends the ID; an earliest date does not
known AS (
    SELECT k.name_id, o.*, x.is_retired, x.is_retired OR o.date_kind = 'firm' AS is_end,
           coalesce(o.retires_on, CASE WHEN x.is_retired THEN %(day)s::date END) AS ends_on,
           bool_and(x.is_retired) OVER (PARTITION BY k.name_id) AS are_retired
    FROM known_model_id() k
    JOIN target t ON t.id = k.name_id
    JOIN catalog_offering o ON o.id = k.offering_id
    CROSS JOIN LATERAL (
        SELECT o.lifecycle = 'retired'
            OR (o.date_kind = 'firm' AND o.retires_on <= %(day)s::date) IS TRUE AS is_retired
    ) x
),
-- of each version the ID that ends first; one without a date decides where no other has one
per_version AS (
    SELECT *, bool_and(is_retired) OVER (PARTITION BY name_id) AS are_versions_retired
    FROM (
        SELECT DISTINCT ON (k.name_id, k.version_id) k.* FROM known k
        ORDER BY k.name_id, k.version_id, k.ends_on IS NULL, k.is_end DESC, k.ends_on, k.id
    ) v
),
-- At a stated host, of one foundation: the first version that is not retired; where all are, the
-- last that retired. Otherwise the last ID that retired, where all are.
deciding AS (
    SELECT DISTINCT ON (name_id) * FROM (
        SELECT k.name_id, k.id, k.lifecycle, k.announced_on, k.retires_on, k.date_kind, k.due_status,
               k.replacement_id, k.replacement_text, k.lifecycle_claim_id, k.retires_month, k.is_end, k.ends_on,
               k.are_versions_retired AS is_over
        FROM per_version k JOIN openness p ON p.id = k.name_id
        WHERE k.ends_on IS NOT NULL AND NOT p.is_anywhere AND p.n_lines = 1
          AND (k.are_versions_retired OR NOT k.is_retired)
        UNION ALL
        SELECT k.name_id, k.id, k.lifecycle, k.announced_on, k.retires_on, k.date_kind, k.due_status,
               k.replacement_id, k.replacement_text, k.lifecycle_claim_id, k.retires_month, k.is_end, k.ends_on, true
        FROM known k JOIN openness p ON p.id = k.name_id
        WHERE k.are_retired AND (p.is_anywhere OR p.n_lines > 1)
    ) d
    ORDER BY name_id, is_end DESC,
        CASE WHEN is_over THEN -(ends_on - date '2000-01-01') ELSE ends_on - date '2000-01-01' END,
        id
),
settled AS (
    SELECT t.id, coalesce(d.lifecycle, 'unknown') AS lifecycle, d.announced_on, d.retires_on,
           coalesce(d.date_kind, '') AS date_kind, coalesce(d.due_status, '') AS due_status,
           d.replacement_id,
           coalesce(d.replacement_text, '') AS replacement_text, d.lifecycle_claim_id,
           coalesce(d.retires_month, '') AS retires_month
    FROM target t LEFT JOIN deciding d ON d.name_id = t.id
)
UPDATE catalog_offering n
SET lifecycle = s.lifecycle, announced_on = s.announced_on, retires_on = s.retires_on,
    date_kind = s.date_kind, due_status = s.due_status, replacement_id = s.replacement_id,
    replacement_text = s.replacement_text, lifecycle_claim_id = s.lifecycle_claim_id,
    retires_month = s.retires_month, updated_at = now()
FROM settled s
WHERE n.id = s.id
  AND (n.lifecycle, n.announced_on, n.retires_on, n.date_kind, n.due_status, n.replacement_id,
       n.replacement_text, n.lifecycle_claim_id, n.retires_month)
      IS DISTINCT FROM (s.lifecycle, s.announced_on, s.retires_on, s.date_kind, s.due_status, s.replacement_id,
       s.replacement_text, s.lifecycle_claim_id, s.retires_month)
RETURNING n.id
