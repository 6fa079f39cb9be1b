-- A part of the statements of costs.py with price changes, after `listed`, the prices of the day:
-- `line` holds those prices with the changes of the parameters applied, times %(denominator)s.
change AS (
    SELECT * FROM unnest(%(change_positions)s::int[], %(change_nodes)s::bigint[],
        %(change_units)s::text[],
        %(change_sets)s::bool[], %(change_numerators)s::numeric[],
        %(change_denominators)s::numeric[],
        %(change_currencies)s::text[])
        AS c(position, node_id, unit, is_amount, numerator, denominator, currency)
),
reach AS (
    SELECT c.position, f.offering_id FROM change c
    JOIN catalog_footing f ON f.node_id = c.node_id AND f.via = 0
),
reached AS (SELECT DISTINCT offering_id FROM reach),
fold(position, offering_id, unit, above, currency, amount, multiple) AS (
    SELECT 0, start.*, %(denominator)s::numeric
    FROM (SELECT l.offering_id, l.unit::text, l.above, l.currency::text, l.amount::numeric
          FROM listed l JOIN reached o ON o.offering_id = l.offering_id
          UNION ALL
          SELECT o.offering_id, u.unit, 0, NULL, NULL FROM reached o CROSS
          JOIN unnest(%(units)s::text[]) u(unit)
         ) start
    UNION ALL
    SELECT c.position, f.offering_id, f.unit, f.above,
           CASE WHEN r.offering_id IS NOT NULL AND c.is_amount THEN c.currency ELSE f.currency END,
           CASE WHEN r.offering_id IS NOT NULL AND c.is_amount THEN 1 ELSE f.amount END,
           CASE WHEN r.offering_id IS NULL THEN f.multiple
                WHEN c.is_amount THEN div(%(denominator)s::numeric * c.numerator, c.denominator)
                ELSE div(f.multiple * c.numerator, c.denominator) END
    FROM fold f
    JOIN change c ON c.position = f.position + 1
    LEFT JOIN reach r ON r.position = c.position AND r.offering_id = f.offering_id
         AND (c.unit IS NULL OR c.unit = f.unit)
),
line AS (
    SELECT offering_id, unit, above, currency::text, amount * %(denominator)s::numeric AS price
    FROM listed
    WHERE offering_id NOT IN (SELECT offering_id FROM reached)
    UNION
    SELECT offering_id, unit, above, currency, amount * multiple FROM fold
    WHERE position = %(n_changes)s AND amount IS NOT NULL
),
