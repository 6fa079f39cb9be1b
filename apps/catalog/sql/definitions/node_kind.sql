-- The number of a kind of node, as `NodeKind` has it; null for a name that is none. The planner
-- puts the number in its place.
CREATE OR REPLACE FUNCTION node_kind(name text)
RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE name
        WHEN 'offering' THEN 1
        WHEN 'version' THEN 2
        WHEN 'foundation' THEN 3
        WHEN 'developer' THEN 4
        WHEN 'host' THEN 5
        WHEN 'gateway' THEN 6
        WHEN 'region' THEN 7
        WHEN 'vendor' THEN 8
    END
$$;
