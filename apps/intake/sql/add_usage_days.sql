-- Adds counts of calls, from one array per column, to the usage of observations by day. Null means
-- not reported, and adds nothing to a number. `uses` is {item: calls that use it}.
INSERT INTO intake_usageday AS u (
    observation_id, day, n_calls, n_errors, n_without_usage, input_tokens, output_tokens, cost_usd,
    first_seen_at, last_seen_at, sample_trace, longest_input, largest_output, uses,
    n_refused
)
SELECT o.id, d.day, d.calls, d.errors, greatest(d.without_usage, 0), d.input, d.output, d.cost,
       d.first, d.last, d.trace, d.longest, d.largest, d.uses, d.refused
FROM unnest(
    %s::uuid[], %s::date[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::numeric[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::bigint[], %s::bigint[],
    %s::jsonb[], %s::bigint[]
) AS d(
    key, day, calls, errors, without_usage, input, output, cost, first, last, trace, longest,
    largest, uses, refused
)
JOIN intake_observation o ON o.key = d.key
ORDER BY o.id, d.day
ON CONFLICT (observation_id, day) DO UPDATE SET
    n_calls = u.n_calls + excluded.n_calls,
    n_errors = u.n_errors + excluded.n_errors,
    n_refused = u.n_refused + excluded.n_refused,
    n_without_usage = u.n_without_usage + excluded.n_without_usage,
    input_tokens = coalesce(
        u.input_tokens + excluded.input_tokens, u.input_tokens, excluded.input_tokens
    ),
    output_tokens = coalesce(
        u.output_tokens + excluded.output_tokens, u.output_tokens, excluded.output_tokens
    ),
    -- the largest amount that the column can hold
    cost_usd = CASE
        WHEN u.cost_usd IS NULL AND excluded.cost_usd IS NULL THEN NULL
        ELSE least(coalesce(u.cost_usd, 0) + coalesce(excluded.cost_usd, 0), 9999999999)
    END,
    first_seen_at = least(u.first_seen_at, excluded.first_seen_at),
    last_seen_at = greatest(u.last_seen_at, excluded.last_seen_at),
    sample_trace = CASE
        WHEN u.sample_trace = '' THEN excluded.sample_trace ELSE u.sample_trace
    END,
    longest_input = greatest(u.longest_input, excluded.longest_input),
    largest_output = greatest(u.largest_output, excluded.largest_output),
    uses = CASE
        WHEN excluded.uses IS NULL THEN u.uses
        WHEN u.uses IS NULL THEN excluded.uses
        ELSE (
            SELECT jsonb_object_agg(x.item, x.n_calls)
            FROM (
                SELECT e.key AS item, sum(e.value::bigint) AS n_calls
                FROM (
                    SELECT * FROM jsonb_each_text(u.uses)
                    UNION ALL
                    SELECT * FROM jsonb_each_text(excluded.uses)
                ) e
                GROUP BY e.key
            ) x
        )
    END
