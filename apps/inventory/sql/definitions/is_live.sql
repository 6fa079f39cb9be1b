-- Whether something that holds from `since` (inclusive) to `until` (exclusive, null: without an
-- end) holds on a day. The planner puts the comparison in its place, so that indexes serve it as if
-- it were written out; it reads no table, so that it also judges rows of the history and of what-
-- ifs.
CREATE OR REPLACE FUNCTION is_live(since date, until date, on_day date)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT since <= on_day AND (until IS NULL OR until > on_day)
$$;
