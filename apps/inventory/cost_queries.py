"""The SQL of costs.py. Nothing is rounded: products of numeric values are exact, and every division
comes out whole."""

from dataclasses import dataclass

from apps.common.database.statements import compose_statement, load_statement


@dataclass(frozen=True, slots=True)
class InventoryRelations:
    """The relations that dependencies and applications are read from: the tables, or views of a
    scenario with the same columns. The names come from code, never from users."""

    dependencies: str = "inventory_dependency"
    applications: str = "inventory_application"


# Live dependencies with their effective offering, redirects followed.
_LIVE = """
live AS (
    SELECT d.id, coalesce(e.effective_id, d.offering_id) AS offering_id,
           coalesce(d.typical_request_tokens, 0) AS size,
           d.monthly_input_tokens AS input, d.monthly_output_tokens AS output,
           d.monthly_cache_read_tokens AS cache_read, d.monthly_cache_write_tokens AS cache_write,
           d.monthly_requests AS request
    FROM {dependencies} d
    -- a redirected offering is charged at the price of the offering that serves its calls
    JOIN {applications} a ON a.id = d.application_id
    LEFT JOIN redirected_offering() e ON e.offering_id = d.offering_id
    WHERE a.status = ANY (%(statuses)s) AND is_live(d.since, d.until, %(on)s::date)
      -- null: all applications, of all teams
      AND (%(application_ids)s::bigint[] IS NULL
          OR d.application_id = ANY (%(application_ids)s::bigint[]))
      AND (%(team_ids)s::bigint[] IS NULL OR a.team_id = ANY (%(team_ids)s::bigint[]))
),
"""

# Stated quantities, such as those of a bill, in place of those of dependencies.
_STATED = """
live AS (
    SELECT u.id, coalesce(e.effective_id, u.offering_id) AS offering_id, u.size,
           u.input, u.output, u.cache_read, u.cache_write, u.request
    FROM unnest(
        %(ids)s::bigint[], %(offerings)s::bigint[], %(sizes)s::bigint[], %(input)s::numeric[],
        %(output)s::numeric[], %(cache_read)s::numeric[], %(cache_write)s::numeric[],
        %(request)s::numeric[]
    ) AS u(id, offering_id, size, input, output, cache_read, cache_write, request)
    LEFT JOIN redirected_offering() e ON e.offering_id = u.offering_id
),
"""

# Prices of the day: a period includes its first day and excludes its last. `price` is times
# %(denominator)s.
_LISTED = """
listed AS (
    SELECT p.offering_id, p.unit, p.above_tokens AS above, p.currency, p.amount
    FROM catalog_price p
    WHERE p.unit = ANY (%(units)s)
      -- a price is valid if it holds at the last moment of the day
      AND p.valid @> ((%(prices_on)s::date + 1)::timestamp AT TIME ZONE 'UTC' - interval
          '1 microsecond')
      AND (%(all_offerings)s OR p.offering_id IN (SELECT offering_id FROM live))
),
"""
_LINES = (
    _LISTED + "line AS (SELECT offering_id, unit, above, currency, amount AS price FROM listed),\n"
)

# Changes in order, folded one after the other over the offerings that they affect: those whose own
# upstream dependencies include the node directly (via 0). The row without an amount lets a change
# set a price that did not exist. `multiple` starts as the common denominator, so that every
# division in the fold comes out whole.
_LINES_CHANGED = _LISTED + load_statement("inventory", "price_lines_changed")

# One row per offering, band of request sizes and currency, with the price of each unit. A band
# starts where any unit changes its price; a unit's price in a band is that of its highest tier not
# above the band.
_PRICED = """
band AS (
    -- a band ends where the next one starts; the last one has no end
    SELECT offering_id, above, lead(above) OVER (PARTITION BY offering_id ORDER BY above) AS upto
    FROM (SELECT DISTINCT offering_id, above FROM line) tiers
),
priced AS (
    SELECT b.offering_id, b.above, l.currency,
           -- the price of the highest tier that the band includes; null if the unit has no price
           (array_agg(l.price ORDER BY l.above DESC) FILTER (WHERE l.unit = 'input'))[1] AS input,
           (array_agg(l.price ORDER BY l.above DESC) FILTER (WHERE l.unit = 'output'))[1] AS output,
           (array_agg(l.price ORDER BY l.above DESC) FILTER (WHERE l.unit = 'cache_read'))[1] AS
               cache_read,
           (array_agg(l.price ORDER BY l.above DESC) FILTER (WHERE l.unit = 'cache_write'))[1] AS
               cache_write,
           (array_agg(l.price ORDER BY l.above DESC) FILTER (WHERE l.unit = 'request'))[1] AS
               request
    FROM band b JOIN line l ON l.offering_id = b.offering_id AND l.above <= b.above
    GROUP BY b.offering_id, b.above, l.currency
),
"""

# The units used, by key: a tier applies to requests larger than its bound, the base tier also to
# those of unknown size.
_PLACED = """
placed AS (
    SELECT v.*, b.above
    FROM live v
    LEFT JOIN band b ON b.offering_id = v.offering_id
         -- requests of unknown size (0) are in the base band
         AND (b.above = 0 OR v.size > b.above) AND (b.upto IS NULL OR v.size <= b.upto)
),
"""
_USED_BY_DEPENDENCY = """
used AS (
    SELECT id AS key, offering_id, above, 1 AS n,
           coalesce(input, output, cache_read, cache_write) IS NOT NULL AS has_tokens,
           request IS NOT NULL AS has_requests,
           coalesce(input, 0)::numeric AS input, coalesce(output, 0)::numeric AS output,
           coalesce(cache_read, 0)::numeric AS cache_read, coalesce(cache_write,
           0)::numeric AS cache_write,
           coalesce(request, 0)::numeric AS request
    FROM placed
),
"""
# Dependencies on one offering and band that use the same units are priced by their sums.
_USED_BY_GROUP = """
used AS (
    SELECT row_number() OVER () AS key, offering_id, above, count(*) AS n,
           coalesce(input, output, cache_read, cache_write) IS NOT NULL AS has_tokens,
           request IS NOT NULL AS has_requests,
           coalesce(sum(input), 0) AS input, coalesce(sum(output), 0) AS output,
           coalesce(sum(cache_read), 0) AS cache_read, coalesce(sum(cache_write), 0) AS cache_write,
           coalesce(sum(request), 0) AS request
    FROM placed
    -- only uses that are charged for the same units have the same missing prices
    GROUP BY offering_id, above, coalesce(input, output, cache_read, cache_write) IS NOT NULL,
        request IS NOT NULL,
             input > 0, output > 0, cache_read > 0, cache_write > 0, request > 0
),
"""

# Each group with the currencies it could be priced in. Requests are charged only if they have a
# price; they count as usage of their own only if tokens have no price.
_COSTED = """
costed AS (
    SELECT u.key, u.n, p.currency,
           u.input * coalesce(p.input, 0) + u.output * coalesce(p.output, 0)
           + u.cache_read * coalesce(p.cache_read, 0) + u.cache_write * coalesce(p.cache_write, 0)
           + u.request * coalesce(p.request, 0) AS amount,
           -- usage is recorded in a unit that is charged
           u.has_tokens OR (u.has_requests AND p.request IS NOT NULL AND p.input IS NULL
           AND p.output IS NULL)
               AS is_metered,
           -- an amount of 0 has no currency
           u.input + u.output + u.cache_read + u.cache_write + CASE WHEN p.request IS NULL THEN 0
           ELSE u.request END > 0
               AS is_used,
           u.input > 0 AND p.input IS NULL AS no_input, u.output > 0
           AND p.output IS NULL AS no_output,
           u.cache_read > 0 AND p.cache_read IS NULL AS no_read,
           u.cache_write > 0 AND p.cache_write IS NULL AS no_write
    FROM used u LEFT JOIN priced p ON p.offering_id = u.offering_id AND p.above = u.above
),
judged AS (
    SELECT *, no_input OR no_output OR no_read OR no_write AS is_incomplete,
           -- units without a price in any currency
           array_remove(ARRAY[CASE WHEN bool_and(no_input) OVER own THEN 'input' END,
                              CASE WHEN bool_and(no_output) OVER own THEN 'output' END,
                              CASE WHEN bool_and(no_read) OVER own THEN 'cache_read' END,
                              CASE WHEN bool_and(no_write) OVER own
                                  THEN 'cache_write' END], NULL) AS missing
    FROM costed WINDOW own AS (PARTITION BY key)
),
"""
# If several currencies price all units used, US dollars are preferred, then alphabetical order. A
# unit has no price if no currency prices it.
_CHOSEN = """
chosen AS (
    SELECT DISTINCT ON (key) key, n, amount, CASE WHEN is_used THEN currency END AS currency,
        missing,
           CASE WHEN NOT is_metered THEN 'no_tokens'
                WHEN NOT is_incomplete THEN NULL
                WHEN cardinality(missing) > 0 THEN 'no_price'
                ELSE 'several_currencies' END AS why
    FROM judged
    ORDER BY key, is_metered DESC, is_incomplete, currency <> 'USD', currency
)
"""

COSTS_OF_DEPENDENCIES = (
    _PLACED
    + _USED_BY_DEPENDENCY
    + _COSTED
    + _CHOSEN
    + "SELECT key, amount, currency, why, CASE WHEN why = 'no_price' THEN missing END FROM "
    "chosen ORDER BY key"
)
COSTS_OF_QUANTITIES = "WITH RECURSIVE " + _STATED + _LINES + _PRICED + COSTS_OF_DEPENDENCIES
TOTALS = (
    _PLACED
    + _USED_BY_GROUP
    + _COSTED
    + _CHOSEN
    + "SELECT sum(n)::bigint, sum(amount), currency, why FROM chosen GROUP BY currency, why"
)


def cost_statement(template: str, relations: InventoryRelations, *, with_changes: bool) -> str:
    """Return `template` over the live dependencies of `relations`, with or without the price
    changes of the parameters."""
    lines = _LINES_CHANGED if with_changes else _LINES
    return compose_statement(
        "WITH RECURSIVE " + _LIVE + lines + _PRICED + template,
        dependencies=relations.dependencies,
        applications=relations.applications,
    )
