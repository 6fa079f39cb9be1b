-- The prices of the names %(names)s: those in force on %(day)s that all their model IDs agree on,
-- from the day on which they agree.
CREATE TEMPORARY TABLE name_price_due ON COMMIT DROP AS
WITH known AS (
    SELECT k.name_id, k.offering_id, count(*) OVER (PARTITION BY k.name_id) AS n
    FROM known_model_id() k WHERE k.name_id = ANY (%(names)s::bigint[])
)
SELECT k.name_id, p.unit, p.above_tokens, p.currency, min(p.amount) AS amount,
       tstzrange(max(lower(p.valid)), min(upper(p.valid))) AS valid, min(p.claim_id) AS claim_id
FROM known k JOIN catalog_price p ON p.offering_id = k.offering_id
WHERE p.valid @> (%(day)s::date::timestamp AT TIME ZONE 'UTC' + interval '1 day')
GROUP BY k.name_id, p.unit, p.above_tokens, p.currency, k.n
HAVING count(*) = k.n AND min(p.amount) = max(p.amount)
