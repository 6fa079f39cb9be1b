"""Call volumes, without counting one call twice because several senders report it.

Traces may be sampled and name the called model; metrics and gateway logs count everything, and a
usage report is the basis of payment. For one application (or unlinked service), one model and one
day, only the most complete kind of sender counts: usage reports, else metrics, else gateways, else
traces."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

from apps.common.database.statements import compose_statement, fetch_rows

METRICS, TRACES, USAGE = "otlp-metrics", "otlp", "usage"
GATEWAY_PREFIX = "litellm:"

_COUNT_STATEMENT = """
    WITH reported AS (
        -- the service is named only without an application, the name only without an offering
        SELECT o.application_id, CASE WHEN o.application_id IS NULL
            THEN o.service_id END AS service_id,
               o.offering_id,
               CASE WHEN o.offering_id IS NULL THEN coalesce(nullif(o.requested, ''), o.served)
                   ELSE '' END AS name,
               u.day,
               -- kinds of senders, the most complete first
               CASE WHEN o.stream = %(usage)s THEN 1 WHEN o.stream = %(metrics)s THEN 2
                   WHEN starts_with(o.stream, %(gateway)s) THEN 3 ELSE 4 END AS rank,
               sum(u.n_calls)::bigint AS n_calls, sum(u.n_errors)::bigint AS n_errors,
               sum(u.n_refused)::bigint AS n_refused,
               sum(u.n_without_usage)::bigint AS n_without_usage,
               sum(u.input_tokens)::bigint AS input_tokens,
               sum(u.output_tokens)::bigint AS output_tokens,
               sum(u.cost_usd) AS cost_usd
        FROM intake_usageday u JOIN intake_observation o ON o.id = u.observation_id
        WHERE {mine} AND u.day >= %(since)s AND u.day < %(until)s
        GROUP BY 1, 2, 3, 4, 5, 6
    ),
    counted AS (
        -- of several kinds of senders the one with the lowest rank
        SELECT DISTINCT ON (day, application_id, service_id, offering_id, name)
               application_id, service_id, offering_id, name, day,
               (ARRAY['usage', 'metrics', 'gateway', 'traces'])[rank] AS kind, n_calls, n_errors,
                   n_refused, n_without_usage,
               input_tokens, output_tokens, cost_usd
        FROM reported
        ORDER BY day, application_id, service_id, offering_id, name, rank
    )
"""
_SENDERS = {"usage": USAGE, "metrics": METRICS, "gateway": GATEWAY_PREFIX}


@dataclass(frozen=True, slots=True)
class CallVolume:
    """Calls of one application or service to one model on one day.

    `offering` is None while the model is unknown; `name` then states it. Tokens and cost are None
    if not reported."""

    application: int | None
    service: int | None
    offering: int | None
    name: str
    day: date
    kind: str
    n_calls: int
    n_errors: int
    n_without_usage: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None


def call_volumes(observations: Iterable[int], *, since: date, until: date) -> list[CallVolume]:
    """Return the call volumes of these observations on days from `since` to before `until`, oldest
    day first. One statement."""
    statement = compose_statement(_COUNT_STATEMENT, mine="o.id = ANY(%(observations)s)")
    return fetch_rows(
        CallVolume,
        f"""{statement}
        SELECT application_id AS application, service_id AS service, offering_id AS offering, name,
            day, kind, n_calls, n_errors, n_without_usage, input_tokens, output_tokens, cost_usd
        FROM counted
        """,
        {**_SENDERS, "observations": list(observations), "since": since, "until": until},
    )


def days_of_application(
    application: int, *, since: date, until: date
) -> list[tuple[date, int, int, int, Decimal | None]]:
    """Return (day, calls, failed calls, refused calls, cost) of one application, oldest day first;
    days without any are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_COUNT_STATEMENT.format(mine='o.application_id = %(application)s')}"
            " SELECT day, sum(n_calls)::bigint, sum(n_errors)::bigint, "
            "sum(n_refused)::bigint, sum(cost_usd) FROM counted "
            "GROUP BY day"
            " ORDER BY day",
            {**_SENDERS, "application": application, "since": since, "until": until},
        )
        days: list[tuple[date, int, int, int, Decimal | None]] = cursor.fetchall()
    return days
