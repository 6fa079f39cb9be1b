-- Whether a record that holds from `since` (inclusive) to `until` (exclusive, null: no end) holds
-- on a day. The planner inlines the comparison, so indexes are used as if it were written out; the
-- function reads no table, so it can also be applied to rows of the history and of scenarios.
CREATE OR REPLACE FUNCTION is_live(since date, until date, on_day date)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT since <= on_day AND (until IS NULL OR until > on_day)
$$;
