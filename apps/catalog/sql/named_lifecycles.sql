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
-- One version: the ID that ends first. Several versions of one foundation: the first among those
-- that are not retired. Otherwise, and where all are retired, the last that retired.
deciding AS (
    SELECT DISTINCT ON (k.name_id) k.*
    FROM known k JOIN openness p ON p.id = k.name_id
    WHERE k.ends_on IS NOT NULL AND CASE
        WHEN p.is_anywhere OR p.n_lines > 1 THEN k.are_retired
        WHEN p.n_versions > 1 THEN k.are_retired OR NOT k.is_retired
        ELSE true END
    ORDER BY k.name_id, k.is_end DESC,
        CASE WHEN k.are_retired AND (p.is_anywhere OR p.n_versions > 1)
             THEN -(k.ends_on - date '2000-01-01') ELSE k.ends_on - date '2000-01-01' END,
        k.id
),
settled AS (
    SELECT t.id, coalesce(d.lifecycle, 'unknown') AS lifecycle, d.announced_on, d.retires_on,
           coalesce(d.date_kind, '') AS date_kind, d.replacement_id,
           coalesce(d.replacement_text, '') AS replacement_text, d.lifecycle_claim_id
    FROM target t LEFT JOIN deciding d ON d.name_id = t.id
)
UPDATE catalog_offering n
SET lifecycle = s.lifecycle, announced_on = s.announced_on, retires_on = s.retires_on,
    date_kind = s.date_kind, replacement_id = s.replacement_id,
    replacement_text = s.replacement_text, lifecycle_claim_id = s.lifecycle_claim_id,
    updated_at = now()
FROM settled s
WHERE n.id = s.id
  AND (n.lifecycle, n.announced_on, n.retires_on, n.date_kind, n.replacement_id,
       n.replacement_text, n.lifecycle_claim_id)
      IS DISTINCT FROM (s.lifecycle, s.announced_on, s.retires_on, s.date_kind, s.replacement_id,
       s.replacement_text, s.lifecycle_claim_id)
RETURNING n.id
