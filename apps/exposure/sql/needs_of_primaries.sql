-- The live primary models (`used`), whether their weights are open (`known`) and what their
-- dependencies need (`needed`) if that is not known and something is known of their use. `fields` are
-- needs as `combine_needs` (apps/inventory/requirements.py) returns them. `need` is the same for
-- dependencies that the same models fit: instead of a number it has how many of the stated limits are
-- large enough, 5 percent less included. {teams} is a condition on p.
used AS (SELECT p.* FROM exposure_path p {teams}),
called AS (SELECT DISTINCT effective_id FROM used),
known AS MATERIALIZED (
    SELECT c.effective_id, (s.values -> 'open_weights' ->> 'value')::boolean AS is_open
    FROM called c
    JOIN catalog_settledclaims s ON s.offering_id = c.effective_id AND s.topic = 'capability'
),
reached AS MATERIALIZED (
    -- the limits that models with open weights state, the largest first and as negative numbers
    SELECT f.key AS field, array_agg(DISTINCT -(f.value ->> 'value')::numeric
            ORDER BY -(f.value ->> 'value')::numeric) AS limits
    FROM catalog_settledclaims s CROSS JOIN LATERAL jsonb_each(s.values) f
    WHERE s.topic = 'capability' AND s.values -> 'open_weights' -> 'value' = 'true'
      AND jsonb_typeof(f.value -> 'value') = 'number'
    GROUP BY f.key
),
stated AS (
    -- declared and observed together: the larger number, the names of both, and used
    SELECT r.dependency_id, r.field, bool_or(r.value = 'null') AS is_unknown,
        min(jsonb_typeof(r.value)) AS form,
        max(CASE WHEN jsonb_typeof(r.value) = 'number' THEN (r.value #>> '{{}}')::numeric END)
            AS number,
        min(r.value::text) AS one, max(r.value::text) AS other
    FROM used u
    LEFT JOIN known k ON k.effective_id = u.effective_id
    JOIN inventory_requirement r ON r.dependency_id = u.dependency_id AND r.value <> 'false'
    WHERE k.is_open IS NOT TRUE
    GROUP BY r.dependency_id, r.field
),
combined AS (
    SELECT s.dependency_id, s.field, s.is_unknown, s.number, coalesce(l.limits, '{{}}') AS limits,
        CASE s.form WHEN 'number' THEN to_jsonb(s.number)
            WHEN 'array' THEN s.one::jsonb || s.other::jsonb
            ELSE s.other::jsonb END AS value
    FROM stated s LEFT JOIN reached l ON l.field = s.field
),
needed AS MATERIALIZED (
    SELECT c.dependency_id, jsonb_object_agg(c.field, c.value) AS fields,
        jsonb_object_agg(c.field, CASE WHEN c.number IS NULL THEN c.value
            ELSE to_jsonb(width_bucket(-c.number * 0.95, c.limits)) END) AS need
    FROM combined c
    GROUP BY c.dependency_id
    -- an unknown need is never kept
    HAVING NOT bool_or(c.is_unknown)
)
