-- Writes what the calls of the days from `since` prove about live dependencies, one requirement for
-- each item, and only those that differ. Several senders can report the same calls, so the numbers
-- of requests are those of the sender with most. A flag stays once it was observed. A number stays
-- the largest one as long as the day on which it was reached is not before `since`, or no calls are
-- reported any more; afterwards it is the largest one of the days that are read.
WITH used AS (
    SELECT o.dependency_id, o.stream, x.item, min(u.day) AS first, max(u.day) AS last,
           sum(x.n_calls::bigint) AS n_calls
    FROM intake_usageday u
    JOIN intake_observation o ON o.id = u.observation_id
    CROSS JOIN LATERAL jsonb_each_text(u.uses) AS x(item, n_calls)
    WHERE u.uses IS NOT NULL AND u.day BETWEEN %(since)s AND %(today)s
      AND o.dependency_id IS NOT NULL
    GROUP BY o.dependency_id, o.stream, x.item
),
flags AS (
    SELECT dependency_id,
           CASE item WHEN 'image_output' THEN 'output_modalities' ELSE item END AS field,
           CASE item WHEN 'image_output' THEN '["image"]'::jsonb ELSE 'true'::jsonb END AS value,
           min(first) AS first, max(last) AS last, max(n_calls)::bigint AS n_calls
    FROM used WHERE item = ANY (%(items)s) GROUP BY dependency_id, item
),
sized AS (
    SELECT o.dependency_id, o.stream, l.field, l.size, u.day,
           u.n_calls - least(u.n_without_usage, u.n_calls) AS n_calls
    FROM intake_usageday u
    JOIN intake_observation o ON o.id = u.observation_id
    CROSS JOIN LATERAL (
        VALUES ('context_window', u.longest_input), ('max_output', u.largest_output)
    ) AS l(field, size)
    WHERE u.day BETWEEN %(since)s AND %(today)s AND o.dependency_id IS NOT NULL AND l.size > 0
),
largest AS (
    SELECT DISTINCT ON (dependency_id, field) dependency_id, field, size, day
    FROM sized ORDER BY dependency_id, field, size DESC, day DESC
),
counted AS (
    SELECT dependency_id, field, min(first) AS first, max(n_calls)::bigint AS n_calls
    FROM (
        SELECT dependency_id, field, stream, min(day) AS first, sum(n_calls) AS n_calls
        FROM sized GROUP BY dependency_id, field, stream
    ) s
    GROUP BY dependency_id, field
),
observed AS (
    SELECT dependency_id, field, value, first, last, n_calls, false AS is_size FROM flags
    UNION ALL
    SELECT l.dependency_id, l.field, to_jsonb(l.size), c.first, l.day, c.n_calls, true
    FROM largest l JOIN counted c USING (dependency_id, field)
),
compared AS (
    SELECT n.dependency_id, n.field, n.first, n.n_calls, n.value AS new_value, n.last AS new_last,
           n.is_size, r.id, r.value, r.last_seen_on, r.first_seen_on, r.n_requests, r.updated_at,
           n.is_size AND r.value > n.value AND r.last_seen_on >= %(since)s AS is_kept
    FROM observed n
    JOIN inventory_dependency d ON d.id = n.dependency_id
        AND (d.until IS NULL OR d.until > %(today)s)
    LEFT JOIN inventory_requirement r ON r.dependency_id = n.dependency_id
        AND r.field = n.field AND r.origin = 'observed'
),
wanted AS (
    SELECT dependency_id, field, id, updated_at,
           CASE WHEN is_kept THEN value ELSE new_value END AS value,
           least(first_seen_on, first) AS first,
           CASE WHEN is_kept THEN last_seen_on
                WHEN is_size AND value <> new_value THEN new_last
                ELSE greatest(last_seen_on, new_last) END AS last,
           n_calls, value AS old_value, first_seen_on AS old_first, last_seen_on AS old_last,
           n_requests AS old_n
    FROM compared
)
INSERT INTO inventory_requirement (
    dependency_id, field, origin, value, first_seen_on, last_seen_on, n_requests, note, created_at,
    updated_at
)
SELECT dependency_id, field, 'observed', value, first, last, n_calls, '', %(at)s,
       -- the days and the number of requests are no change for the history
       CASE WHEN (value, first) IS NOT DISTINCT FROM (old_value, old_first) THEN updated_at
            ELSE %(at)s END
FROM wanted
WHERE id IS NULL OR (value, first, last, n_calls)
    IS DISTINCT FROM (old_value, old_first, old_last, old_n)
ORDER BY dependency_id, field
ON CONFLICT (dependency_id, field, origin) DO UPDATE SET
    value = excluded.value, first_seen_on = excluded.first_seen_on,
    last_seen_on = excluded.last_seen_on, n_requests = excluded.n_requests,
    updated_at = excluded.updated_at
