-- Usage that is only observed: dependencies that observations made, observations that did not become
-- a dependency, and model IDs that answer a name of the same application. Of several observations
-- the most reliable, then the latest.
WITH named AS MATERIALIZED (
    -- the model IDs that each name may be
    SELECT n.id, n.api_id, k.offering_id
    FROM known_model_id() k JOIN catalog_offering n ON n.id = k.name_id
),
open_name AS (
    SELECT x.id AS dependency_id, x.application_id, n.id AS name_id, n.api_id AS name, n.offering_id
    FROM inventory_dependency x JOIN named n ON n.id = x.offering_id
    WHERE is_live(x.since, x.until, %(day)s)
)
SELECT DISTINCT ON (key) key, application_id, dependency_id, observation_id, details FROM (
    -- dependencies that only observations show
    SELECT 'shadow:' || d.id AS key, d.application_id, d.id AS dependency_id,
           o.id AS observation_id, o.last_seen_at, o.confidence,
           jsonb_strip_nulls(jsonb_build_object(
               'api_id', f.api_id, 'host', p.name, 'stream', o.stream,
               'environment', o.environment, 'first_on', d.since,
               'answers', u.name, 'name', u.name_id, 'offering', f.id)) AS details
    FROM inventory_dependency d
    JOIN inventory_application a ON a.id = d.application_id AND a.status = ANY (%(in_scope)s)
    JOIN intake_observation o ON o.dependency_id = d.id
    JOIN catalog_offering f ON f.id = d.offering_id
    JOIN catalog_provider p ON p.id = f.host_id
    LEFT JOIN open_name u ON u.application_id = d.application_id
        AND u.offering_id = d.offering_id AND o.confidence >= %(run_time)s
    WHERE d.origin = 'observed' AND is_live(d.since, d.until, %(day)s)
    UNION ALL
    -- observations that did not become a dependency
    SELECT 'shadow:' || o.application_id || ':offering:' || o.offering_id, o.application_id,
           NULL::bigint, o.id, o.last_seen_at, o.confidence,
           jsonb_build_object('api_id', f.api_id, 'host', p.name, 'stream', o.stream,
                              'environment', o.environment,
                              'first_on', (o.first_seen_at AT TIME ZONE 'UTC')::date)
    FROM intake_observation o
    JOIN inventory_application a ON a.id = o.application_id AND a.status = ANY (%(in_scope)s)
    JOIN catalog_offering f ON f.id = o.offering_id
    JOIN catalog_provider p ON p.id = f.host_id
    WHERE o.state = 'matched' AND o.dependency_id IS NULL AND o.missing_since IS NULL
    UNION ALL
    -- model IDs of calls that belong to the dependency on a name
    SELECT 'shadow:' || u.dependency_id || ':answer:' || o.offering_id, u.application_id,
           u.dependency_id, o.id, o.last_seen_at, o.confidence,
           jsonb_build_object('api_id', f.api_id, 'host', p.name, 'stream', o.stream,
                              'environment', o.environment,
                              'first_on', (o.first_seen_at AT TIME ZONE 'UTC')::date,
                              'answers', u.name, 'name', u.name_id, 'offering', f.id)
    FROM open_name u
    JOIN inventory_application a ON a.id = u.application_id AND a.status = ANY (%(in_scope)s)
    JOIN intake_observation o ON o.dependency_id = u.dependency_id
        AND o.offering_id = u.offering_id
    JOIN catalog_offering f ON f.id = o.offering_id
    JOIN catalog_provider p ON p.id = f.host_id
    WHERE o.state = 'matched' AND o.confidence >= %(run_time)s
      AND o.last_seen_at >= %(seen_since)s
) s ORDER BY key, confidence DESC, last_seen_at DESC, observation_id
