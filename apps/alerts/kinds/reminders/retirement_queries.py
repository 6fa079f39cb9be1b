"""Queries for reminders of retirements: milestones that are due, and the state of retirements with
alerts.

Each is one statement. `%(day)s` is today. A date that passed during an outage still counts for a
week.
"""

from datetime import date
from typing import Any, NamedTuple

from apps.common.database.statements import compose_statement, fetch_rows, load_statement
from apps.exposure.queries.dependents import reached_offerings_sql
from apps.inventory.models import Application

# Days for which a past date still creates a reminder, for example after an outage.
GRACE_DAYS = 7

# Every active use of a retiring offering: (offering, retirement date, soft?, application, team,
# criticality, is primary?). A redirected offering retires with the offering that serves its calls;
# an offering without a date retires with the first one whose retirement affects it. The affected
# offerings are determined by the rules of apps/exposure/queries/dependents.py, with the retirements
# in place of the table of events; an announced date goes before an earliest one, which only is a
# lower bound. An application is listed once, also with several dependencies on the offering.
RETIREMENTS = f"""
redirected AS MATERIALIZED (SELECT offering_id, effective_id FROM redirected_offering()),
ending AS (
    SELECT o.id, o.kind, o.host_id, o.version_id, o.retires_on, o.date_kind = 'not_before' AS soft,
           o.api_id
    FROM catalog_offering o
    WHERE o.retires_on >= %(day)s::date - %(grace)s AND {{which}}
),
catalog_providerevent(id, offering_id, source_id, kind) AS (SELECT x.id, x.id, NULL::bigint,
'announced' FROM ending x WHERE x.kind = 'model_id'),
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
    FROM origin x
    JOIN (
        SELECT d.id, d.offering_id FROM inventory_dependency d
        UNION ALL
        -- the features that a dependency uses
        SELECT d.id, f.id FROM inventory_dependency d
        JOIN catalog_offering m ON m.id = d.offering_id
        CROSS JOIN LATERAL unnest(d.features) used(name)
        JOIN ending f ON f.host_id = m.host_id AND f.api_id = used.name
            AND f.kind IN ('feature', 'endpoint', 'parameter')
        WHERE d.features <> '{{{{}}}}'
    ) c ON c.offering_id = x.called_id
    JOIN inventory_dependency d ON d.id = c.id
    JOIN inventory_application a ON a.id = d.application_id
    WHERE a.status = ANY (%(in_scope)s) AND is_live(d.since, d.until, %(day)s::date)
    GROUP BY x.id, x.host_id, x.version_id, x.retires_on, x.soft, d.application_id, a.team_id,
        a.criticality
)"""

# Alerts created by a clock that was ahead do not count: the reminder is created again on its date.
RAISED_BY_DAY = "(a.raised_at AT TIME ZONE 'UTC')::date <= %(day)s::date"

_DUE_RETIREMENTS = compose_statement(
    load_statement("alerts", "due_retirements"),
    retirements=RETIREMENTS.format(
        which="o.retires_on <= %(day)s::date + (SELECT max(m) FROM alerts_alertpolicy p,"
        " unnest(p.milestones || p.soft_milestones) m)"
    ),
)


class DueRetirement(NamedTuple):
    """A milestone before the retirement of an offering that is due for one application."""

    offering_id: int
    retires_on: date
    soft: bool
    milestone: int
    team_id: int
    application_id: int
    criticality: int
    is_primary: bool


def due_retirements(*, on: date) -> list[DueRetirement]:
    """Return the due milestones without an alert for the application's party; one statement."""
    return fetch_rows_on(DueRetirement, _DUE_RETIREMENTS, on)


_ALERTED_RETIREMENTS = compose_statement(
    load_statement("alerts", "alerted_retirements"),
    retirements=RETIREMENTS.format(which="o.id IN (SELECT subject_id FROM told)").replace(
        "%(grace)s", "3650"
    ),
)


class AlertedRetirement(NamedTuple):
    """A live alert about a retirement. `stands`: the retirement still affects one of its
    applications on that date; `told_again`: each of these has an alert of a later milestone or of
    the retirement itself; `told_otherwise`: an event has reported another date."""

    alert_id: int
    stands: bool
    told_again: bool
    told_otherwise: bool


def alerted_retirements(*, on: date) -> list[AlertedRetirement]:
    """Return the current state of the retirements with live alerts; one statement."""
    return fetch_rows_on(AlertedRetirement, _ALERTED_RETIREMENTS, on)


def fetch_rows_on[Row](
    row_class: type[Row], statement: str, on: date, **extra_params: Any
) -> list[Row]:
    """Fetch the rows of a statement about the day `on`, for the modules of reminders."""
    params = {
        "day": on,
        "grace": GRACE_DAYS,
        "in_scope": [str(status) for status in Application.IN_SCOPE],
        **extra_params,
    }
    return fetch_rows(row_class, statement, params)
