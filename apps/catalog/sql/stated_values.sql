-- What counts of the claims on %(topic)s of the offerings in %(ids)s: (offering_id, slug, name,
-- kind, trust_rank, whether the source is that of the offering's host, value, whether the row is
-- not listed any more). A claim of the built-in catalogue counts as one of the feed that begins its
-- external ID, until that feed has claims of its own on the topic.
SELECT a.offering_id, COALESCE(f.slug, s.slug), COALESCE(f.name, s.name),
    COALESCE(f.kind, s.kind), COALESCE(f.trust_rank, s.trust_rank),
    COALESCE(f.host_id, s.host_id) IS NOT DISTINCT FROM o.host_id, a.value,
    i.withdrawn_at IS NOT NULL
FROM catalog_assertion a
JOIN catalog_source s ON s.id = a.source_id
JOIN catalog_offering o ON o.id = a.offering_id
LEFT JOIN catalog_source f
  ON s.slug = 'built-in' AND f.slug = split_part(a.external_id, ':', 1)
LEFT JOIN catalog_assertion i
  ON i.source_id = a.source_id AND i.external_id = a.external_id AND i.topic = 'identity'
WHERE a.topic = %(topic)s AND a.offering_id = ANY (%(ids)s) AND a.withdrawn_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM catalog_assertion own
      WHERE own.source_id = f.id AND own.topic = %(topic)s)
ORDER BY a.offering_id, a.id
