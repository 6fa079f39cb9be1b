-- Facts of model versions that are stated about any of their offerings: for the versions in
-- %(versions)s the columns of stated_values.sql, with the version instead of the offering, and only
-- the fields in %(fields)s.
SELECT o.version_id, COALESCE(f.slug, s.slug), COALESCE(f.name, s.name),
    COALESCE(f.kind, s.kind), COALESCE(f.trust_rank, s.trust_rank),
    COALESCE(f.host_id, s.host_id) IS NOT DISTINCT FROM o.host_id,
    (SELECT jsonb_object_agg(field, a.value -> field) FROM unnest(%(fields)s::text[]) AS field
     WHERE a.value ? field),
    i.withdrawn_at IS NOT NULL
FROM catalog_offering o
JOIN catalog_assertion a ON a.offering_id = o.id
JOIN catalog_source s ON s.id = a.source_id
LEFT JOIN catalog_source f
  ON s.slug = 'built-in' AND f.slug = split_part(a.external_id, ':', 1)
LEFT JOIN catalog_assertion i
  ON i.source_id = a.source_id AND i.external_id = a.external_id AND i.topic = 'identity'
WHERE o.version_id = ANY (%(versions)s) AND a.topic = %(topic)s AND a.withdrawn_at IS NULL
  AND a.value ?| %(fields)s::text[]
  AND NOT EXISTS (SELECT 1 FROM catalog_assertion own
      WHERE own.source_id = f.id AND own.topic = %(topic)s)
ORDER BY o.version_id, a.id
