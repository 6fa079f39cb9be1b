"""Ends that come nearer, of what applications call: milestones that are due, and what has become of
those told.

Each is one statement. `%(day)s` is today; rows are what stands now and was not yet told at the
milestone that has come. A day that passed while nobody looked still counts for a week.
"""

from datetime import date
from typing import Any, NamedTuple

from django.db import connection

from apps.exposure.queries.dependents import reached_offerings_sql
from apps.inventory.cost_queries import ANSWERING_OFFERINGS
from apps.inventory.models import Application

# whom the catch-up after a stop still tells of a day that has passed
GRACE_DAYS = 7

# Every live use of what ends: (offering that ends, its day, soft?, application, team, criticality,
# as a primary?). An offering that is redirected ends when the one that answers in its place does;
# one without a day of its own ends with the first whose end reaches it. Whom an end reaches is
# worked out by the rules of apps/exposure/queries/dependents.py: the ends stand in for the table of
# events.
RETIREMENTS = f"""
{ANSWERING_OFFERINGS}
ending AS (
    SELECT o.id, o.host_id, o.version_id, o.retires_on, o.date_kind = 'not_before' AS soft
    FROM catalog_offering o
    WHERE o.retires_on >= %(day)s::date - %(grace)s AND {{which}}
),
catalog_providerevent(id, offering_id, source_id, kind) AS (SELECT x.id, x.id, NULL::bigint,
'announced' FROM ending x),
origin AS (
    SELECT x.*, x.id AS called_id FROM ending x
    WHERE NOT EXISTS (SELECT 1 FROM answering e WHERE e.offering_id = x.id)
    UNION ALL
    SELECT x.*, e.offering_id FROM ending x JOIN answering e ON e.ref = x.id
    UNION ALL (
        SELECT DISTINCT ON (o.id) x.*, o.id
        FROM ({reached_offerings_sql("TRUE")}) r JOIN ending x ON x.id = r.event_id
        JOIN catalog_offering o ON o.id = r.offering_id AND o.retires_on IS NULL
            AND o.lifecycle <> 'retired'
        WHERE NOT EXISTS (SELECT 1 FROM answering e WHERE e.offering_id IN (o.id, x.id))
        ORDER BY o.id, x.soft, x.retires_on, x.id
    )
),
live AS (
    SELECT x.id, x.host_id, x.version_id, x.retires_on, x.soft, d.application_id, a.team_id,
        a.criticality,
           bool_or(d.role = 'primary') AS is_primary
    FROM origin x JOIN inventory_dependency d ON d.offering_id = x.called_id
    JOIN inventory_application a ON a.id = d.application_id
    WHERE a.status = ANY (%(in_scope)s) AND d.since <= %(day)s::date
      AND (d.until IS NULL OR d.until > %(day)s::date)
    GROUP BY x.id, x.host_id, x.version_id, x.retires_on, x.soft, d.application_id, a.team_id,
        a.criticality
)"""

# what a clock that ran ahead told of is told again when its day has come
RAISED_BY_DAY = "(a.raised_at AT TIME ZONE 'UTC')::date <= %(day)s::date"

# `told` is how many days before the end it was last told of it: by a milestone, or by the event
# that set the day
_DUE_RETIREMENTS = f"""
WITH {
    RETIREMENTS.format(
        which="o.retires_on <= %(day)s::date + (SELECT max(m) FROM alerts_alertpolicy p,"
        " unnest(p.milestones || p.soft_milestones) m)"
    )
},
due AS (
    SELECT l.*, (SELECT min(m) FROM unnest(CASE WHEN l.soft THEN p.soft_milestones
        ELSE p.milestones END) m
                 WHERE m >= l.retires_on - %(day)s::date) AS milestone
    FROM live l JOIN alerts_alertpolicy p ON p.criticality = l.criticality
),
by_milestone AS (
    SELECT a.subject_id AS id, a.due_on, app.value::bigint AS application_id,
        min(a.milestone) AS told
    FROM alerts_alert a CROSS JOIN LATERAL jsonb_array_elements_text(a.application_ids) app
    WHERE a.subject_kind = 'offering' AND a.kind = 'milestone'
        AND a.due_on >= %(day)s::date - %(grace)s
      AND {RAISED_BY_DAY}
    GROUP BY 1, 2, 3
),
by_event AS (
    SELECT o.host_id, o.id, o.version_id, a.due_on, app.value::bigint AS application_id,
           min(a.due_on - (a.raised_at AT TIME ZONE 'UTC')::date) AS told
    FROM alerts_alert a JOIN catalog_offering o ON o.id = a.offering_id
    CROSS JOIN LATERAL jsonb_array_elements_text(a.application_ids) app
    WHERE a.kind IN ('announced', 'moved_earlier', 'moved_later', 'retired')
      AND a.due_on >= %(day)s::date - %(grace)s
      AND {RAISED_BY_DAY}
    GROUP BY 1, 2, 3, 4, 5
),
by_backfill AS (
    SELECT said ->> 'api_id' AS api_id, said ->> 'host' AS host, said ->> 'ended_on' AS ended_on,
           app.value::bigint AS application_id
    FROM alerts_alert a CROSS JOIN LATERAL jsonb_array_elements(a.details -> 'offerings') said
    CROSS JOIN LATERAL jsonb_array_elements_text(said -> 'applications') app
    WHERE a.kind = 'backfilled' AND a.raised_at > %(day)s::date - %(grace)s * interval '2 days'
)
SELECT d.id, d.retires_on, d.soft, d.milestone, d.team_id, d.application_id, d.criticality,
    d.is_primary
FROM due d
WHERE d.milestone IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM by_milestone t WHERE t.id = d.id AND t.due_on = d.retires_on
                  AND t.application_id = d.application_id AND t.told <= d.milestone)
  AND NOT EXISTS (SELECT 1 FROM by_event t WHERE t.due_on = d.retires_on
      AND t.application_id = d.application_id
                  AND (t.id = d.id OR (t.host_id = d.host_id AND t.version_id = d.version_id))
                  AND t.told <= d.milestone)
  AND NOT EXISTS (SELECT 1 FROM by_backfill t JOIN catalog_offering o ON o.id = d.id
                  JOIN catalog_provider h ON h.id = o.host_id
                  WHERE t.application_id = d.application_id AND t.ended_on = d.retires_on::text
                  AND t.api_id = o.api_id AND t.host = h.name)
ORDER BY d.retires_on, d.id, d.criticality, d.application_id
"""


class DueRetirement(NamedTuple):
    """That a milestone before the end of an offering has come for one application."""

    offering_id: int
    retires_on: date
    soft: bool
    milestone: int
    team_id: int
    application_id: int
    criticality: int
    is_primary: bool


def due_retirements(*, on: date) -> list[DueRetirement]:
    """Milestones that have come and that the application's party has not been told of; one
    statement."""
    return [DueRetirement(*row) for row in fetch_rows(_DUE_RETIREMENTS, on)]


# Alerts before an end: whether an application they concern still meets it, and whether every such
# application has been told of it once more since, by a later milestone or by the end itself;
# whether an event has told that the day is another: (alert, stands, told again, told otherwise)
_ALERTED_RETIREMENTS = f"""
WITH told AS (
    SELECT a.id, a.subject_id, a.due_on, a.milestone, a.raised_at,
        app.value::bigint AS application_id
    FROM alerts_alert a CROSS JOIN LATERAL jsonb_array_elements_text(a.application_ids) app
    WHERE a.kind = 'milestone' AND a.state <> 'resolved'
),
{RETIREMENTS.format(which="o.id IN (SELECT subject_id FROM told)").replace("%(grace)s", "3650")},
standing AS (
    SELECT t.id, EXISTS (
        SELECT 1 FROM alerts_alert n
        WHERE n.kind = 'milestone' AND n.subject_kind = 'offering' AND n.subject_id = t.subject_id
          AND n.due_on = t.due_on AND n.milestone < t.milestone
              AND n.application_ids @> to_jsonb(t.application_id)
          AND {RAISED_BY_DAY.replace("a.", "n.")}
    ) OR EXISTS (
        SELECT 1 FROM alerts_alert n JOIN catalog_offering o ON o.id = n.offering_id
        WHERE n.kind = 'retired' AND n.due_on = t.due_on
            AND n.application_ids @> to_jsonb(t.application_id)
          AND (o.id = l.id OR (o.host_id = l.host_id AND o.version_id = l.version_id))
    ) AS told_again
    FROM told t JOIN live l ON l.id = t.subject_id AND l.retires_on = t.due_on
        AND l.application_id = t.application_id
),
otherwise AS (
    SELECT t.id FROM told t JOIN alerts_alert e ON e.offering_id = t.subject_id
        AND e.event_id IS NOT NULL
        AND e.raised_at >= t.raised_at AND e.application_ids @> to_jsonb(t.application_id)
    WHERE e.kind = 'retired'
       OR (e.kind IN ('announced', 'moved_earlier', 'moved_later', 'withdrawn')
           AND e.due_on IS DISTINCT FROM t.due_on)
)
SELECT a.id, count(s.id) > 0, coalesce(bool_and(s.told_again), false), a.id IN (SELECT id
FROM otherwise)
FROM (SELECT DISTINCT id FROM told) a LEFT JOIN standing s ON s.id = a.id
GROUP BY a.id
ORDER BY a.id
"""


class AlertedRetirement(NamedTuple):
    """A live alert before an end. `stands`: an application of it still meets that end on that day;
    `told_again`: each that does was told by a later milestone, or of the end; `told_otherwise`: an
    event told of another day."""

    alert_id: int
    stands: bool
    told_again: bool
    told_otherwise: bool


def alerted_retirements(*, on: date) -> list[AlertedRetirement]:
    """What has become of the ends that live alerts are about; one statement."""
    return [AlertedRetirement(*row) for row in fetch_rows(_ALERTED_RETIREMENTS, on)]


def fetch_rows(statement: str, on: date, **more: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement over a day, for the modules of this kind."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "day": on,
                "grace": GRACE_DAYS,
                "in_scope": [str(status) for status in Application.IN_SCOPE],
                **more,
            },
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
