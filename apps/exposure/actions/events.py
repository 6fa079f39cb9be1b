"""Handling of provider events in the exposure app, each once."""

from datetime import datetime

from django.db import connection, transaction

from apps.common.time import day_of
from apps.exposure.queries.dependents import reached_offerings_sql
from apps.inventory.models import Application


@transaction.atomic
def handle_events(*, at: datetime) -> int:
    """Mark unhandled events with the number of applications each affects; return the number of
    events.

    Found by NOT EXISTS, since IDs commit out of order. Of two concurrent runs the second waits for
    the rows of the first and then has none left.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH waiting AS (
                SELECT e.id FROM catalog_providerevent e
                WHERE NOT EXISTS (SELECT 1 FROM exposure_handledevent h WHERE h.event_id = e.id)
            ),
            reached AS ({reached_offerings_sql("e.id IN (SELECT id FROM waiting)")}),
            -- applications in scope with a live dependency on an affected offering
            counted AS (
                SELECT r.event_id, count(DISTINCT d.application_id) AS n
                FROM reached r JOIN catalog_offering x ON x.id = r.offering_id
                -- a feature is used by dependencies on other offerings of its host
                JOIN catalog_offering m ON m.id = x.id OR (
                    x.kind IN ('feature', 'endpoint', 'parameter') AND m.host_id = x.host_id)
                JOIN inventory_dependency d ON d.offering_id = m.id
                    AND (m.id = x.id OR x.api_id = ANY (d.features))
                    AND is_live(d.since, d.until, %(day)s)
                JOIN inventory_application a ON a.id = d.application_id
                    AND a.status = ANY (%(in_scope)s)
                GROUP BY r.event_id
            )
            INSERT INTO exposure_handledevent (event_id, handled_at, n_applications)
            -- events that affect none are recorded with 0
            SELECT w.id, %(at)s, coalesce(c.n, 0) FROM waiting w LEFT
            JOIN counted c ON c.event_id = w.id
            ORDER BY w.id
            -- a concurrent run might have handled the same event
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
