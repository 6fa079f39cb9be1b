"""Connection summaries: each sender of usage data with the numbers of its observations and recent
calls, and its last activity."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from apps.accounts.models import User
from apps.common.database.statements import compose_statement, fetch_rows
from apps.common.time import day_of
from apps.intake.models import StreamSummary

CALL_DAYS = 7
# connections of one list
MAX_CONNECTIONS = 200


@dataclass(frozen=True, slots=True)
class ConnectionSummary:
    """Summary of a connection; `n_calls` and `n_errors` are of the last CALL_DAYS days, 0 for
    documents."""

    name: str
    n_observations: int
    n_applications: int
    first_seen_at: datetime
    last_seen_at: datetime
    n_calls: int
    n_errors: int


_COUNTS = """
WITH calls AS (
    -- added up on their own, so that an observation with several days counts once below
    SELECT o.stream, sum(u.n_calls) AS n_calls, sum(u.n_errors) AS n_errors
    FROM intake_usageday u JOIN intake_observation o ON o.id = u.observation_id
    WHERE u.day > %(since)s AND {mine} GROUP BY o.stream
)
SELECT o.stream AS name, count(*) AS n_observations,
       count(DISTINCT o.application_id) AS n_applications,
       min(o.first_seen_at) AS first_seen_at, max(o.last_seen_at) AS last_seen_at,
       coalesce(max(c.n_calls), 0) AS n_calls, coalesce(max(c.n_errors), 0) AS n_errors
FROM intake_observation o LEFT JOIN calls c ON c.stream = o.stream
WHERE {mine} GROUP BY o.stream
"""
_OF_TEAMS = (
    "o.application_id IN "
    "(SELECT a.id FROM inventory_application a WHERE a.team_id = ANY (%(teams)s))"
)


@transaction.atomic
def update_connections(*, at: datetime) -> int:
    """Update the summary of every connection, and return their number. Connections without
    observations are removed."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH counted AS ({_COUNTS.format(mine="true")})
            -- a stream without observations keeps its old counted_at, by which it is deleted below
            INSERT INTO intake_streamsummary AS k (stream, n_observations, n_applications,
                first_seen_at, last_seen_at,
                                                n_calls, n_errors, counted_at)
            SELECT c.*, %(at)s FROM counted c
            ON CONFLICT (stream) DO UPDATE SET
                n_observations = excluded.n_observations, n_applications = excluded.n_applications,
                first_seen_at = excluded.first_seen_at, last_seen_at = excluded.last_seen_at,
                n_calls = excluded.n_calls, n_errors = excluded.n_errors,
                    counted_at = excluded.counted_at
            """,
            {"since": day_of(at) - timedelta(days=CALL_DAYS), "at": at},
        )
        n_connections: int = cursor.rowcount
    StreamSummary.objects.filter(counted_at__lt=at).delete()
    return n_connections


def visible_connections(
    user: User, *, at: datetime
) -> tuple[Sequence[ConnectionSummary], datetime]:
    """Return (connections, latest first; time of the counts).

    Users who can view everything get the summaries of the last job; for other users, the
    observations of their teams are counted now."""
    if user.can_read_all:
        summaries = list(
            StreamSummary.objects.order_by("-last_seen_at", "stream")[:MAX_CONNECTIONS]
        )
        rows = [
            ConnectionSummary(
                summary.stream,
                summary.n_observations,
                summary.n_applications,
                summary.first_seen_at,
                summary.last_seen_at,
                summary.n_calls,
                summary.n_errors,
            )
            for summary in summaries
        ]
        return rows, summaries[0].counted_at if summaries else at
    counts = compose_statement(_COUNTS, mine=_OF_TEAMS)
    rows = fetch_rows(
        ConnectionSummary,
        f"{counts} ORDER BY last_seen_at DESC, o.stream LIMIT %(limit)s",
        {
            "since": day_of(at) - timedelta(days=CALL_DAYS),
            "teams": list(user.team_roles()),
            "limit": MAX_CONNECTIONS,
        },
    )
    return rows, at
