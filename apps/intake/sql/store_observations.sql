-- Writes observations from one array per column: new ones are inserted; the period of existing ones
-- is extended, and the latest sighting determines their places and facts.
INSERT INTO intake_observation AS o (
    key, stream, application_id, service_id, environment, alias, requested, served, provider,
    region, gateway, role, fallback_order, confidence, places, facts, first_seen_at, last_seen_at,
    seen_in_id, state, explanation
)
SELECT d.*, %(seen_in)s, 'new', '' FROM unnest(
    %(keys)s::uuid[], %(streams)s::text[], %(applications)s::bigint[], %(services)s::bigint[],
    %(environments)s::text[], %(aliases)s::text[], %(requested)s::text[], %(served)s::text[],
    %(providers)s::text[], %(regions)s::text[], %(gateways)s::text[], %(roles)s::text[],
    %(fallback_orders)s::smallint[], %(confidences)s::smallint[], %(places)s::jsonb[],
    %(facts)s::jsonb[], %(first_seen)s::timestamptz[], %(last_seen)s::timestamptz[]
) AS d
ON CONFLICT (key) DO UPDATE SET
    first_seen_at = least(o.first_seen_at, excluded.first_seen_at),
    last_seen_at = greatest(o.last_seen_at, excluded.last_seen_at),
    confidence = greatest(o.confidence, excluded.confidence),
    fallback_order = excluded.fallback_order,
    places = CASE WHEN excluded.last_seen_at >= o.last_seen_at THEN excluded.places
    ELSE o.places END,
    facts = CASE WHEN excluded.last_seen_at >= o.last_seen_at THEN excluded.facts
    ELSE o.facts END,
    seen_in_id = CASE WHEN excluded.last_seen_at >= o.last_seen_at
                      THEN coalesce(excluded.seen_in_id, o.seen_in_id)
                      ELSE o.seen_in_id END,
    missing_since = CASE WHEN excluded.last_seen_at >= o.last_seen_at THEN NULL
    ELSE o.missing_since END,
    -- reconciled again, to update the last observed day of its dependency; a later sighting on the
    -- same day changes nothing there
    state = CASE WHEN o.state = 'set_aside' THEN o.state
                 WHEN o.state = 'matched' AND o.dependency_id IS NOT NULL
                     AND o.missing_since IS NULL
                      AND (excluded.last_seen_at AT TIME ZONE 'UTC')::date
                          <= (o.last_seen_at AT TIME ZONE 'UTC')::date THEN o.state
                 ELSE 'new' END
