-- The effective offering of each one that is redirected: its footing holds the nodes of both. The
-- others are their own effective offering and have no row. Only what is set to redirect is looked
-- at, which is little.
-- A function and no view: its names are looked up where it is called, so that inside
-- exposure.snapshots it reads the footing of the past day. The planner puts its body in its place.
CREATE OR REPLACE FUNCTION redirected_offering()
RETURNS TABLE (offering_id bigint, effective_id bigint) LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT o.id, n.ref
    FROM catalog_offering o
    JOIN catalog_footing f ON f.offering_id = o.id
    JOIN catalog_node n ON n.id = f.node_id AND n.kind = 1 AND n.ref <> o.id
    WHERE o.end_behaviour = 'redirect' AND o.replacement_id IS NOT NULL
$$;
