-- The model IDs that each name may be: those of its host that serve one of its candidate
-- versions, in its region and tier where it has them; without a stated host those of all hosts.
CREATE OR REPLACE FUNCTION known_model_id()
RETURNS TABLE (name_id bigint, offering_id bigint, version_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT n.id, o.id, o.version_id
    FROM catalog_offering n
    JOIN catalog_provider p ON p.id = n.host_id
    JOIN candidate_version() c ON c.offering_id = n.id
    JOIN catalog_offering o ON o.version_id = c.version_id
        AND (o.host_id = n.host_id OR p.slug = 'host-not-stated')
    WHERE n.kind = 'name' AND o.kind = 'model_id' AND NOT o.not_a_model
      AND (n.region_scope = '' OR o.region_scope IN ('', n.region_scope))
      AND (n.service_tier = '' OR o.service_tier IN ('', n.service_tier))
$$;
