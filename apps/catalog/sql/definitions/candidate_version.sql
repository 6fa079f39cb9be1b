-- The versions that a name or a product may be, with their foundations. A candidate that is a whole
-- foundation means each of its versions; one that has none yet is a row without a version.
-- A function and no view: its names are looked up where it is called, so that inside
-- exposure.snapshots it reads the offerings of the past day.
CREATE OR REPLACE FUNCTION candidate_version()
RETURNS TABLE (offering_id bigint, version_id bigint, foundation_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT c.offering_id, v.id, v.foundation_id
    FROM catalog_offeringcandidate c JOIN catalog_version v ON v.id = c.version_id
    UNION
    SELECT c.offering_id, v.id, c.foundation_id
    FROM catalog_offeringcandidate c LEFT JOIN catalog_version v ON v.foundation_id = c.foundation_id
    WHERE c.foundation_id IS NOT NULL
$$;
