-- When each candidate of a product retires: at the developer's own host if that serves it,
-- otherwise at all hosts together. A candidate retires with the last of its model IDs there; without
-- a date for each of them it is no row. `host_id` is the developer's host, null for all hosts.
CREATE OR REPLACE FUNCTION candidate_retirement()
RETURNS TABLE (offering_id bigint, version_id bigint, foundation_id bigint, host_id bigint,
               ends_on date, is_retired boolean)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH served AS (
        SELECT c.offering_id, c.version_id, c.foundation_id, f.developer_id, o.host_id,
               o.retires_on, o.date_kind, o.lifecycle, o.host_id = f.developer_id AS is_own,
               bool_or(o.host_id = f.developer_id) OVER (
                   PARTITION BY c.offering_id, c.version_id, c.foundation_id) AS has_own
        FROM catalog_offeringcandidate c
        JOIN catalog_offering p ON p.id = c.offering_id AND p.kind = 'product'
        JOIN catalog_version v ON v.id = c.version_id OR v.foundation_id = c.foundation_id
        JOIN catalog_foundation f ON f.id = v.foundation_id
        JOIN catalog_offering o ON o.version_id = v.id AND o.kind = 'model_id' AND NOT o.not_a_model
    )
    SELECT s.offering_id, s.version_id, s.foundation_id,
           CASE WHEN s.has_own THEN s.developer_id END, max(s.retires_on),
           bool_and(s.lifecycle = 'retired')
    FROM served s
    WHERE s.is_own OR NOT s.has_own
    GROUP BY s.offering_id, s.version_id, s.foundation_id, s.has_own, s.developer_id
    HAVING bool_and(s.lifecycle = 'retired' OR s.date_kind = 'firm')
$$;
