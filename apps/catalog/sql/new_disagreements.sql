-- Pairs of claims of two sources about the retirement of one offering whose days have contradicted
-- each other for at least the hold, and are not reported yet: (offering_id, x_id, y_id), the claim
-- with the earlier day first. {since_x} and {since_y}: the moment since which a claim has its
-- value, see SINCE_SQL. read_at: the last successful poll of the source.
WITH dated AS MATERIALIZED (
    SELECT a.id, a.offering_id, a.source_id, a.external_id, a.changed_at, a.value,
        r.read_at,
           a.value ->> 'retires_on' AS day, a.value ->> 'date_kind' = 'firm' AS firm
    FROM catalog_assertion a
    JOIN unnest(%(sources)s::bigint[], %(moments)s::timestamptz[]) AS r(source_id,
        read_at)
      ON r.source_id = a.source_id
    WHERE a.topic = 'lifecycle' AND a.withdrawn_at IS NULL AND a.offering_id IS NOT NULL
      AND a.pending_since IS NULL AND a.value ->> 'retires_on' IS NOT NULL
),
pair AS (
    SELECT x.offering_id, x.id AS x_id, y.id AS y_id, x.day AS x_day, y.day AS y_day,
           x.source_id AS x_source, y.source_id AS y_source, x.external_id AS x_row,
           y.external_id AS y_row,
           {since_x} AS x_since, {since_y} AS y_since,
           least(x.read_at, y.read_at) AS read_at
    FROM dated x JOIN dated y ON y.offering_id = x.offering_id
        AND y.source_id <> x.source_id
    -- the earlier day is announced, so that a later one of any kind contradicts it
    WHERE x.firm AND x.day::date + %(tolerance)s < y.day::date
),
met AS (
    SELECT pair.*, greatest(x_since, y_since) AS since,
           greatest(x_since, y_since) + make_interval(days => %(hold_days)s) AS due_at,
           CASE WHEN x_since > y_since THEN x_source ELSE y_source END AS later_source
    FROM pair
)
SELECT offering_id, x_id, y_id FROM met
-- both sources still had their values when the hold ended, and it ended before the later day
WHERE due_at <= least(%(at)s, read_at) AND y_day::date > due_at::date
  AND NOT EXISTS (
    SELECT 1 FROM catalog_providerevent e
    WHERE e.offering_id = met.offering_id AND e.kind = 'disagreement'
      AND (e.old #>> '{{}}', e.new #>> '{{}}') IN ((x_day, y_day), (y_day, x_day)))
  AND NOT EXISTS (
    -- the publisher may have withdrawn a row that was removed before its own day
    SELECT 1 FROM catalog_assertion i
    WHERE i.topic = 'identity' AND i.missing_since IS NOT NULL
      AND ((i.source_id, i.external_id) = (x_source, x_row)
          AND x_day::date > i.missing_since::date
        OR (i.source_id, i.external_id) = (y_source, y_row)
            AND y_day::date > i.missing_since::date))
  AND NOT EXISTS (
    -- a manual override has decided
    SELECT 1 FROM catalog_assertion m JOIN catalog_source s ON s.id = m.source_id
    WHERE m.offering_id = met.offering_id AND m.topic = 'lifecycle'
        AND m.withdrawn_at IS NULL
      AND s.slug = 'manual')
  -- not what the first poll of a source contained
  AND since > (SELECT min(f.first_seen) FROM catalog_assertion f
  WHERE f.source_id = later_source)
