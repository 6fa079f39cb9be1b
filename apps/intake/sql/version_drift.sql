-- Versions that were served in the last drift period but not in the one before, although another
-- version served the same requests then: (key, application_id, dependency_id, observation_id,
-- details).
WITH calls AS (
    -- calls by what was requested from whom, and by what served them, in two periods of
    -- equal length: n_now and n_before, null without calls
    SELECT o.application_id, o.environment,
           coalesce(nullif(o.alias, ''), o.requested) AS requested_name,
           CASE WHEN o.alias = '' THEN lower(o.provider) ELSE lower(o.gateway) END AS recipient,
           coalesce('v' || o.served_version_id, lower(o.served)) AS served_key,
           max(coalesce(v.identifier, o.served)) AS served_name,
           max(o.id) AS observation_id, max(o.dependency_id) AS dependency_id,
           sum(u.n_calls) FILTER (WHERE u.day > %(drift_day)s) AS n_now,
           sum(u.n_calls) FILTER (WHERE u.day <= %(drift_day)s) AS n_before,
           min(u.day) AS first_on
    FROM intake_usageday u
    JOIN intake_observation o ON o.id = u.observation_id
    LEFT JOIN catalog_version v ON v.id = o.served_version_id
    JOIN inventory_application a ON a.id = o.application_id
        AND a.status = ANY (%(in_scope)s)
    WHERE u.day > %(before_day)s AND u.day <= %(day)s AND u.n_calls > u.n_errors
      AND o.served <> '' AND o.state <> 'set_aside'
    GROUP BY 1, 2, 3, 4, 5
),
before AS (
    -- what served the same requests before, most calls first
    SELECT application_id, environment, requested_name, recipient,
           string_agg(served_name, ', ' ORDER BY n_before DESC, served_name) AS served_name
    FROM calls WHERE n_before > 0 GROUP BY 1, 2, 3, 4
)
SELECT 'drift:' || n.application_id || ':' || md5(concat_ws(chr(31), n.environment,
    n.requested_name, n.recipient, n.served_key)),
       n.application_id, n.dependency_id, n.observation_id,
       jsonb_build_object('asked', n.requested_name, 'environment', n.environment, 'was',
       left(b.served_name, 200),
                          'now', n.served_name, 'first_on', n.first_on, 'n_calls', n.n_now)
FROM calls n JOIN before b USING (application_id, environment, requested_name, recipient)
WHERE n.n_now > 0 AND n.n_before IS NULL
