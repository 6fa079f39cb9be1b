-- The active claims on one topic of the offerings in %(ids)s that count: (offering_id, id, source,
-- trust_rank, value, changed_at, kind of the source, whether a newer value is on hold, whether an
-- announced date is in truth an earliest one). %(unmarked)s: sources that cannot mark earliest
-- dates.
WITH polled AS (SELECT slug FROM catalog_source s
-- a feed has claims from its first successful poll on
WHERE s.slug NOT IN ('manual', 'built-in')
    AND EXISTS (SELECT 1 FROM catalog_assertion a WHERE a.source_id = s.id))
SELECT a.offering_id, a.id, s.slug, s.trust_rank, a.value, a.changed_at, s.kind,
    a.pending IS NOT NULL,
  -- the source cannot mark earliest dates, and calls this one announced, but another
  -- claim about the same version has, or once had, the same day as the earliest
  s.slug = ANY (%(unmarked)s) AND a.value ->> 'date_kind' = 'firm' AND EXISTS (
    SELECT 1 FROM catalog_offering o
    JOIN catalog_offering sibling ON sibling.version_id = o.version_id
    JOIN catalog_assertion other ON other.offering_id = sibling.id
        AND other.topic = 'lifecycle'
    JOIN catalog_assertionhistory past ON past.pgh_obj_id = other.id
    LEFT JOIN catalog_assertion other_identity
      ON other_identity.source_id = other.source_id
      AND other_identity.external_id = other.external_id
      AND other_identity.topic = 'identity'
    WHERE o.id = a.offering_id AND other.withdrawn_at IS NULL
        AND other_identity.withdrawn_at IS NULL
      AND past.value ->> 'date_kind' = 'not_before'
      AND past.value ->> 'retires_on' = a.value ->> 'retires_on'
      -- unless the other source has announced that day since
      AND NOT (other.value ->> 'date_kind' = 'firm'
               AND other.value ->> 'retires_on' = a.value ->> 'retires_on'))
FROM catalog_assertion a
JOIN catalog_source s ON s.id = a.source_id
LEFT JOIN catalog_assertion i
  ON i.source_id = a.source_id AND i.external_id = a.external_id
      AND i.topic = 'identity'
WHERE a.topic = %(topic)s AND a.offering_id = ANY (%(ids)s) AND a.withdrawn_at IS NULL
  -- the row is listed, or its retirement date had passed when it was delisted
  AND (i.withdrawn_at IS NULL OR (a.value ->> 'retires_on')::date <=
      i.withdrawn_at::date)
  -- the built-in catalogue replaces a feed (its slug begins the external ID) until that
  -- feed has been polled
  AND NOT (s.slug = 'built-in' AND split_part(a.external_id, ':', 1) IN (SELECT slug
  FROM polled))
