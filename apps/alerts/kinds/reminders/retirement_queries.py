"""Ends that come nearer, of what applications call: milestones that are due, and what has become of
those told.

Each is one statement. `%(day)s` is today; rows are what stands now and was not yet told at the
milestone that has come. A day that passed while nobody looked still counts for a week.
"""

from datetime import date
from typing import Any, NamedTuple

from apps.common.database.statements import compose_statement, fetch_rows, load_statement
from apps.exposure.queries.dependents import reached_offerings_sql
from apps.inventory.models import Application

# whom the catch-up after a stop still tells of a day that has passed
GRACE_DAYS = 7

# Every live use of what ends: (offering that ends, its day, soft?, application, team, criticality,
# as a primary?). An offering that is redirected ends when the one that answers in its place does;
# one without a day of its own ends with the first whose end reaches it. Whom an end reaches is
# worked out by the rules of apps/exposure/queries/dependents.py: the ends stand in for the table of
# events.
RETIREMENTS = f"""
redirected AS MATERIALIZED (SELECT offering_id, effective_id FROM redirected_offering()),
ending AS (
    SELECT o.id, o.host_id, o.version_id, o.retires_on, o.date_kind = 'not_before' AS soft
    FROM catalog_offering o
    WHERE o.retires_on >= %(day)s::date - %(grace)s AND {{which}}
),
catalog_providerevent(id, offering_id, source_id, kind) AS (SELECT x.id, x.id, NULL::bigint,
'announced' FROM ending x),
origin AS (
    SELECT x.*, x.id AS called_id FROM ending x
    WHERE NOT EXISTS (SELECT 1 FROM redirected e WHERE e.offering_id = x.id)
    UNION ALL
    SELECT x.*, e.offering_id FROM ending x JOIN redirected e ON e.effective_id = x.id
    UNION ALL (
        SELECT DISTINCT ON (o.id) x.*, o.id
        FROM ({reached_offerings_sql("TRUE")}) r JOIN ending x ON x.id = r.event_id
        JOIN catalog_offering o ON o.id = r.offering_id AND o.retires_on IS NULL
            AND o.lifecycle <> 'retired'
        WHERE NOT EXISTS (SELECT 1 FROM redirected e WHERE e.offering_id IN (o.id, x.id))
        ORDER BY o.id, x.soft, x.retires_on, x.id
    )
),
live AS (
    SELECT x.id, x.host_id, x.version_id, x.retires_on, x.soft, d.application_id, a.team_id,
        a.criticality,
           bool_or(d.role = 'primary') AS is_primary
    FROM origin x JOIN inventory_dependency d ON d.offering_id = x.called_id
    JOIN inventory_application a ON a.id = d.application_id
    WHERE a.status = ANY (%(in_scope)s) AND is_live(d.since, d.until, %(day)s::date)
    GROUP BY x.id, x.host_id, x.version_id, x.retires_on, x.soft, d.application_id, a.team_id,
        a.criticality
)"""

# what a clock that ran ahead told of is told again when its day has come
RAISED_BY_DAY = "(a.raised_at AT TIME ZONE 'UTC')::date <= %(day)s::date"

_DUE_RETIREMENTS = compose_statement(
    load_statement("alerts", "due_retirements"),
    retirements=RETIREMENTS.format(
        which="o.retires_on <= %(day)s::date + (SELECT max(m) FROM alerts_alertpolicy p,"
        " unnest(p.milestones || p.soft_milestones) m)"
    ),
)


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
    return fetch_rows_on(DueRetirement, _DUE_RETIREMENTS, on)


_ALERTED_RETIREMENTS = compose_statement(
    load_statement("alerts", "alerted_retirements"),
    retirements=RETIREMENTS.format(which="o.id IN (SELECT subject_id FROM told)").replace(
        "%(grace)s", "3650"
    ),
)


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
    return fetch_rows_on(AlertedRetirement, _ALERTED_RETIREMENTS, on)


def fetch_rows_on[Row](row_class: type[Row], statement: str, on: date, **more: Any) -> list[Row]:
    """The rows of a statement over a day, for the modules of this kind."""
    params = {
        "day": on,
        "grace": GRACE_DAYS,
        "in_scope": [str(status) for status in Application.IN_SCOPE],
        **more,
    }
    return fetch_rows(row_class, statement, params)
