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

_USES = load_statement("alerts", "retiring_uses").replace(
    "{reached}", reached_offerings_sql("TRUE")
)


def _fill_in(**parts: str) -> str:
    """Return the uses with these parts; `{which}` is left to the statement that contains them."""
    statement = _USES
    for name, part in parts.items():
        statement = statement.replace(f"{{{name}}}", part)
    return statement


_JOINED_APPLICATION = "JOIN inventory_application a ON a.id = d.application_id"

# Every active use of a retiring offering, for `{which}` offerings.
_RETIREMENTS = _fill_in(
    own="", dependencies="inventory_dependency", application=_JOINED_APPLICATION
)
# The same for statements that read a few uses. Each application is looked up: OFFSET 0 prevents a
# join that reads all of them.
FEW_RETIREMENTS = _fill_in(
    own="",
    dependencies="inventory_dependency",
    application="JOIN LATERAL (SELECT a.team_id, a.criticality, a.status FROM inventory_application"
    " a WHERE a.id = d.application_id OFFSET 0) a ON TRUE",
)
# The same of the applications of some teams, `%(teams)s`: their dependencies are read first.
TEAM_RETIREMENTS = _fill_in(
    own="""
own AS MATERIALIZED (
    SELECT d.* FROM inventory_application a
    JOIN LATERAL (
        SELECT * FROM inventory_dependency d WHERE d.application_id = a.id OFFSET 0
    ) d ON TRUE
    WHERE a.team_id = ANY (%(teams)s::bigint[])
),
""",
    dependencies="own",
    application=_JOINED_APPLICATION,
)

# Alerts created by a clock that was ahead do not count: the reminder is created again on its date.
RAISED_BY_DAY = "(a.raised_at AT TIME ZONE 'UTC')::date <= %(day)s::date"

_DUE_RETIREMENTS = compose_statement(
    load_statement("alerts", "due_retirements"),
    retirements=_RETIREMENTS.format(
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
    retirements=_RETIREMENTS.format(which="o.id IN (SELECT subject_id FROM told)").replace(
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
