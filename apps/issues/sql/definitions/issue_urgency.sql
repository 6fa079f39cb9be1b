-- The urgency of an issue on a day: now, this_month, this_quarter or later. `act_by` is the date
-- from which it is Now: the fact's own date, or the last day on which a migration can start.
-- Critical and important applications (0, 1) get the next higher urgency twice as early. An accepted
-- issue can wait until its acceptance expires.
CREATE OR REPLACE FUNCTION issue_urgency(act_by date, criticality smallint, state text, today date)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN state IN ('accepted', 'resolved') AND act_by > today THEN 'later'
        WHEN act_by <= today THEN 'now'
        WHEN act_by <= today + CASE WHEN criticality <= 1 THEN 60 ELSE 30 END THEN 'this_month'
        WHEN act_by <= today + CASE WHEN criticality <= 1 THEN 180 ELSE 90 END THEN 'this_quarter'
        ELSE 'later'
    END
$$
