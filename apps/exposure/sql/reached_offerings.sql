-- (event_id, offering_id): every offering that the events of {events} affect. Rules:
-- affected_dependencies. Node kinds 1 offering, 2 version; via 0 direct, 2 weights (footing.py).
SELECT e.id AS event_id, f.offering_id
FROM catalog_providerevent e
-- offerings whose upstream dependencies include the offering of the event
JOIN catalog_node n ON n.kind = node_kind('offering') AND n.ref = e.offering_id
JOIN catalog_footing f ON f.node_id = n.id AND f.via = 0
WHERE {events}
UNION
-- the same model ID on the same host, in the region of the event or in all
SELECT e.id, o.id
FROM catalog_providerevent e
JOIN catalog_offering x ON x.id = e.offering_id
JOIN catalog_offering o ON o.host_id = x.host_id AND o.api_id = x.api_id
    AND (x.region_scope = '' OR o.region_scope = x.region_scope)
    -- a fine-tuned model is not its base model, and a feature is no model
    AND (x.service_tier <> 'fine-tuned' OR o.service_tier = 'fine-tuned')
    AND (x.kind IN ('feature', 'endpoint', 'parameter'))
        = (o.kind IN ('feature', 'endpoint', 'parameter'))
WHERE {events} AND e.kind IN {lifecycle_kinds} AND (o.id = x.id OR NOT {told_itself})
UNION
SELECT e.id, o.id
-- offerings of the same version on the same host, unless the event is about an alias that moves
FROM catalog_providerevent e
JOIN catalog_offering x ON x.id = e.offering_id
LEFT JOIN catalog_alias a ON a.id = x.alias_id
JOIN catalog_node n ON n.kind = node_kind('version') AND n.ref = x.version_id
JOIN catalog_footing f ON f.node_id = n.id
JOIN catalog_offering o ON o.id = f.offering_id AND o.host_id = x.host_id
WHERE {events} AND NOT (CASE WHEN a.id IS NULL THEN x.binding = 'alias'
    ELSE a.kind <> 'synonym' END)
  -- dates also affect offerings with the same weights; prices the same region and service tier
  AND ((e.kind IN {lifecycle_kinds} AND f.via IN (0, 2) AND (x.region_scope = ''
      OR o.region_scope = x.region_scope)
      AND (x.service_tier <> 'fine-tuned' OR o.service_tier = 'fine-tuned'))
    OR (e.kind = 'repriced' AND f.via = 0 AND o.region_scope = x.region_scope
        AND o.service_tier = x.service_tier))
  AND (o.id = x.id OR NOT {told_itself})
