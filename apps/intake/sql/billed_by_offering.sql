-- Charges of a month by application, currency and offering, or by observed name where the offering
-- is unknown. Sums that a row does not state are null. An observation that belongs to a dependency
-- counts for its offering: the same model can be a further offering in a region.
SELECT coalesce(a.merged_into_id, a.id) AS application_id, c.currency,
       coalesce(d.offering_id, o.offering_id) AS offering_id,
       CASE WHEN o.offering_id IS NULL THEN o.requested ELSE '' END AS name,
       CASE WHEN o.offering_id IS NULL THEN o.provider ELSE '' END AS provider,
       sum(c.billed) AS billed,
       coalesce(sum(c.effective) FILTER (WHERE c.category = 'Usage'), 0) AS effective,
       coalesce(sum(c.effective) FILTER (WHERE c.category <> 'Usage'), 0) AS charges,
       CASE WHEN bool_and(c.listed IS NOT NULL) FILTER (WHERE c.category = 'Usage')
           THEN sum(c.listed) FILTER (WHERE c.category = 'Usage') END AS listed,
       CASE WHEN bool_and(c.contracted IS NOT NULL) FILTER (WHERE c.category = 'Usage')
           THEN sum(c.contracted) FILTER (WHERE c.category = 'Usage') END AS contracted,
       sum(c.input_tokens) AS input, sum(c.output_tokens) AS output,
       sum(c.cache_read_tokens) AS cache_read, sum(c.cache_write_tokens) AS cache_write,
       sum(c.other_tokens) AS other, sum(c.requests) AS requests,
       -- tokens of which the kind is not stated, and usage without tokens, cannot be priced
       bool_or(
           c.other_tokens IS NOT NULL
           OR coalesce(c.input_tokens, c.output_tokens, c.cache_read_tokens, c.cache_write_tokens)
               IS NULL
       ) FILTER (WHERE c.category = 'Usage') IS NOT FALSE AS has_untold_tokens,
       coalesce(sum(c.billed) FILTER (WHERE c.is_correction), 0) AS corrections
FROM intake_billedcost c
JOIN intake_observation o ON o.id = c.observation_id
JOIN inventory_application a ON a.id = o.application_id
LEFT JOIN inventory_dependency d ON d.id = o.dependency_id
WHERE c.is_current AND c.day >= %(since)s AND c.day < %(until)s
  AND (a.id = ANY (%(application_ids)s) OR a.merged_into_id = ANY (%(application_ids)s))
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, sum(c.billed) DESC, 3, 4, 5
