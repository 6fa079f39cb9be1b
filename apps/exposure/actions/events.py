"""Provider events worked through on this floor, each once."""

from datetime import datetime

from django.db import connection, transaction

from apps.common.time import day_of
from apps.exposure.queries.dependents import reached_offerings_sql
from apps.inventory.models import Application


@transaction.atomic
def handle_events(*, at: datetime) -> int:
    """Mark the events nobody has handled here, with how many applications each reaches; their
    number.

    Found by NOT EXISTS, since ids commit out of order. Two runs at once: the second waits for the
    first one's rows and then has none of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH waiting AS (
                SELECT e.id FROM catalog_providerevent e
                WHERE NOT EXISTS (SELECT 1 FROM exposure_handledevent h WHERE h.event_id = e.id)
            ),
            reached AS ({reached_offerings_sql("e.id IN (SELECT id FROM waiting)")}),
            counted AS (
                SELECT r.event_id, count(DISTINCT d.application_id) AS n
                FROM reached r
                JOIN inventory_dependency d ON d.offering_id = r.offering_id
                    AND is_live(d.since, d.until, %(day)s)
                JOIN inventory_application a ON a.id = d.application_id
                    AND a.status = ANY (%(in_scope)s)
                GROUP BY r.event_id
            )
            INSERT INTO exposure_handledevent (event_id, handled_at, n_applications)
            SELECT w.id, %(at)s, coalesce(c.n, 0) FROM waiting w LEFT
            JOIN counted c ON c.event_id = w.id
            ORDER BY w.id
            ON CONFLICT DO NOTHING
            """,
            {
                "day": day_of(at),
                "at": at,
                "in_scope": [str(status) for status in Application.IN_SCOPE],
            },
        )
        n_handled: int = cursor.rowcount
    return n_handled
