-- For each JSON object of %(needs)s, {field: true, number, list of names or month}, an offering
-- with open weights that keeps all of it: (place from 1, offering). Without one there is no row.
-- The rules are those of check_fit (apps/catalog/capabilities/fit.py): unknown is never kept, and a
-- limit may be smaller by 5 percent.
WITH candidate AS MATERIALIZED (
    -- offerings that state the same are one candidate
    SELECT min(o.id) AS offering_id, facts.values
    FROM catalog_settledclaims s
    JOIN catalog_offering o ON o.id = s.offering_id
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(f.key, f.value -> 'value') AS values FROM jsonb_each(s.values) f
    ) facts
    WHERE s.topic = 'capability' AND s.values -> 'open_weights' -> 'value' = 'true'
      AND o.kind = 'model_id' AND o.lifecycle <> 'retired' AND NOT o.not_a_model
    GROUP BY facts.values
    -- the largest first, since they fit most often
    ORDER BY (facts.values ->> 'context_window')::numeric DESC NULLS LAST, 1
),
need AS (
    SELECT place, text::jsonb AS fields
    FROM unnest(%(needs)s::text[]) WITH ORDINALITY AS given(text, place)
)
SELECT need.place, found.offering_id
FROM need CROSS JOIN LATERAL (
    SELECT c.offering_id FROM candidate c
    WHERE NOT EXISTS (
        SELECT 1 FROM jsonb_each(need.fields) f
        WHERE NOT coalesce(CASE jsonb_typeof(f.value)
            WHEN 'boolean' THEN c.values -> f.key = 'true'
            WHEN 'number' THEN jsonb_typeof(c.values -> f.key) = 'number'
                AND (c.values ->> f.key)::numeric >= (f.value #>> '{}')::numeric * 0.95
            WHEN 'array' THEN c.values -> f.key @> f.value
            WHEN 'string' THEN c.values ->> f.key >= f.value #>> '{}'
        END, false))
    LIMIT 1
) found
