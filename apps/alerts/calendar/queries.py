"""Calendar queries: upcoming retirements and deadlines of one user, in two statements. They use the
retirements and the causes of kinds/reminders/queries.py, limited to the teams whose applications
the user can view. A third query counts them without sorting.

Each row carries how many versions its subject has had and when the latest was written, from the
history tables."""

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Model

from apps.alerts.kinds.reminders.queries import OFFERING_NAME, all_reminder_types
from apps.alerts.kinds.reminders.retirement_queries import FEW_RETIREMENTS, TEAM_RETIREMENTS
from apps.alerts.kinds.reminders.types import ReminderType
from apps.alerts.models import DayKind, SubjectKind
from apps.catalog.models import Offering
from apps.exposure.models import CampaignTask, ExposureFlag, ExposureSettings
from apps.inventory.models import Application, Approval, ExitTest, Selection
from apps.risks.models import Assessment

# Past dates stay in the calendar for a quarter.
PAST_DAYS = 92
# Maximum number of retirements, and of deadlines; the ones nearest to today are returned.
MAX_ENTRIES = 2000
# Applications that a retirement names; the others are counted.
MAX_NAMED_APPLICATIONS = 20

_MODELS: dict[str, type[Model]] = {
    SubjectKind.ASSESSMENT: Assessment,
    SubjectKind.FLAG: ExposureFlag,
    SubjectKind.EXIT_TEST: ExitTest,
    SubjectKind.TASK: CampaignTask,
    SubjectKind.APPROVAL: Approval,
    SubjectKind.APPLICATION: Application,
    SubjectKind.SELECTION: Selection,
}


# The default, for as long as the row of the settings does not exist.
_TEST_VALIDITY_DAYS = ExposureSettings().test_validity_days


class UpcomingRetirement(NamedTuple):
    """A retirement of an offering that `n` applications use, `n_primary` of them as a primary
    model; `application_ids` are the first of them, highest criticality first."""

    offering_id: int
    on: date
    soft: bool
    n: int
    n_primary: int
    application_ids: list[int]
    n_versions: int
    changed_at: datetime | None


class UpcomingDeadline(NamedTuple):
    """A date of the organisation. `words` as in `reminder_text`."""

    kind: str
    subject_kind: str
    subject_id: int
    on: date
    application_id: int | None
    words: dict[str, Any]
    n_versions: int
    changed_at: datetime | None


def _find_history_table(model: type[Model]) -> str:
    return f"{model._meta.db_table}history"


# A page requests the dates of a few months; a calendar app all dates, nearest to today first.
_WITHIN = (
    "(%(first)s::date IS NULL OR {on} >= %(first)s::date)"
    " AND (%(last)s::date IS NULL OR {on} <= %(last)s::date)"
)
_NEAREST = "coalesce({on} - %(first)s::date, abs({on} - %(day)s::date))"

_RETIREMENTS = f"""
WITH {{retirements}},
mine AS (
    SELECT l.id, l.retires_on, l.soft, count(*) AS n,
        count(*) FILTER (WHERE l.is_primary) AS n_primary,
           -- the applications to name: primary models first, then the most critical
           (array_agg(l.application_id ORDER BY l.is_primary DESC, l.criticality,
               l.application_id))[1:{MAX_NAMED_APPLICATIONS}] AS ids
    FROM live l
    GROUP BY l.id, l.retires_on, l.soft
    ORDER BY {_NEAREST.format(on="l.retires_on")}, l.id
    LIMIT %(most)s
)
SELECT m.id, m.retires_on, m.soft, m.n, m.n_primary, m.ids, h.n, h.at
-- the number and time of the changes of the offering, for the sequence number of the entry
FROM mine m CROSS JOIN LATERAL (
    SELECT count(*) AS n, max(v.pgh_created_at) AS at FROM {_find_history_table(Offering)} v
    WHERE v.pgh_obj_id = m.id
) h
ORDER BY m.retires_on, m.id
"""

# Deadlines of an application are visible to users who can view the application, those of a decision
# or selection to its author and the organisation roles, those of an accepted flag only to the
# organisation roles.
_REMINDERS_OF_TYPE = """
SELECT '{kind}' AS kind, '{subject}' AS subject, c.id, c.on, c.application_id, c.words
FROM ({sql}) c {visible} AND {within} AND '{kind}' = ANY (%(kinds)s)
"""
_EVERYTHING = ("WHERE TRUE",)
# separate selections, so that the planner can begin with the applications of the teams
_OF_TEAMS_AND_PERSON = (
    "JOIN inventory_application a ON a.id = c.application_id"
    " WHERE a.team_id = ANY (%(teams)s::bigint[])",
    "WHERE c.application_id IS NULL AND '{subject}' <> 'flag' AND %(user)s = ANY (c.people)",
)
_OF_SUBJECT = """
SELECT v.pgh_created_at FROM {history} v WHERE u.subject = '{subject}' AND v.pgh_obj_id = u.id
"""

# Exit tests that expire between two dates: those with an expiry date, then those with the default
# validity. The same rows as those of their reminder type, but each part uses an index instead of
# sorting all tests.
_TEST_EXPIRES_ON = "coalesce({e}.expires_on, {e}.tested_on + %(validity)s)"
_TESTS = f"""
SELECT e.id, {{on}} AS on, e.tested_on AS made_on, d.application_id, ARRAY[]::bigint[] AS people,
       jsonb_build_object('what', {OFFERING_NAME}) AS words
FROM inventory_exittest e JOIN inventory_dependency d ON d.id = e.dependency_id
JOIN inventory_application b ON b.id = d.application_id
JOIN catalog_offering o ON o.id = e.target_id JOIN catalog_provider h ON h.id = o.host_id
WHERE e.result = 'passed' AND e.tested_on <= %(day)s::date AND {{window}}
  AND b.status = ANY (%(in_scope)s) AND (d.until IS NULL OR d.until > %(day)s::date)
  -- no other passed test of the dependency is valid for longer
  AND NOT EXISTS (
      SELECT 1 FROM inventory_exittest n
      WHERE n.dependency_id = e.dependency_id AND n.result = 'passed'
          AND n.tested_on <= %(day)s::date
        AND ({_TEST_EXPIRES_ON.format(e="n")}, n.id) > ({{on}}, e.id))
"""
# (rows, order, condition). The conditions are on the columns themselves, so that the planner can
# use the index.
_TESTS_AHEAD = (
    (
        _TESTS.format(
            on="e.expires_on",
            window="e.expires_on IS NOT NULL AND e.expires_on >= %(first)s::date AND "
            "e.expires_on <= %(last)s::date",
        ),
        "c.on",
        "TRUE",
    ),
    (
        _TESTS.format(
            on="(e.tested_on + %(validity)s)",
            window="e.expires_on IS NULL AND e.tested_on >= %(first)s::date - %(validity)s"
            " AND e.tested_on <= %(last)s::date - %(validity)s",
        ),
        "c.made_on",
        "TRUE",
    ),
)


@cache
def _list_organisation_reminder_types() -> tuple[ReminderType, ...]:
    """Return the reminder types of the organisation, without those of a single user; reviews come
    first, since counting reaches its limit soonest with them."""
    organisation_types = (
        reminder_type for reminder_type in all_reminder_types() if not reminder_type.personal
    )
    return tuple(
        sorted(
            organisation_types,
            key=lambda reminder_type: reminder_type.kind != DayKind.REVIEW_DUE,
        )
    )


def calendar_kinds() -> tuple[str, ...]:
    """List the kinds by which a calendar can be filtered."""
    return (
        str(DayKind.MILESTONE),
        *dict.fromkeys(
            str(reminder_type.kind) for reminder_type in _list_organisation_reminder_types()
        ),
    )


def _list_union_arms(*, is_bounded: bool, of_teams: bool) -> Iterator[tuple[str, str]]:
    """Yield (SQL of the rows, ORDER BY column) of each reminder type: between two dates if
    `is_bounded`, otherwise nearest to today first."""
    condition = f"c.on >= %(day)s::date - %(grace)s AND {_WITHIN.format(on='c.on')}"
    order = "c.on" if is_bounded else _NEAREST.format(on="c.on")
    for reminder_type in _list_organisation_reminder_types():
        has_test_windows = is_bounded and reminder_type.kind == DayKind.EXIT_TEST_EXPIRING
        for sql, order_column, window in (
            _TESTS_AHEAD if has_test_windows else ((reminder_type.sql, order, condition),)
        ):
            for visible in _OF_TEAMS_AND_PERSON if of_teams else _EVERYTHING:
                yield (
                    _REMINDERS_OF_TYPE.format(
                        kind=reminder_type.kind,
                        subject=reminder_type.subject,
                        sql=sql,
                        visible=visible.format(subject=reminder_type.subject),
                        within=window,
                    ),
                    order_column,
                )


@cache
def _build_deadlines_statement(*, is_bounded: bool, of_teams: bool) -> str:
    """Build the statement. The limit also applies to each reminder type, so that no type is
    evaluated for more rows than can be shown."""
    order = "every.on" if is_bounded else _NEAREST.format(on="every.on")
    arms = " UNION ALL ".join(
        f"({sql} ORDER BY {order_column}, c.id LIMIT %(most)s)"
        for sql, order_column in _list_union_arms(is_bounded=is_bounded, of_teams=of_teams)
    )
    tables = {str(kind): _find_history_table(model) for kind, model in _MODELS.items()}
    tables |= {
        reminder_type.subject: reminder_type.history
        for reminder_type in _list_organisation_reminder_types()
        if reminder_type.history
    }
    history = " UNION ALL ".join(
        _OF_SUBJECT.format(history=table, subject=kind) for kind, table in tables.items()
    )
    return f"""
WITH mine AS (SELECT * FROM ({arms}) every ORDER BY {order}, every.kind, every.id LIMIT %(most)s)
SELECT u.kind, u.subject, u.id, u.on, u.application_id, u.words, h.n, h.at
FROM mine u CROSS JOIN LATERAL (
    SELECT count(*) AS n, max(w.pgh_created_at) AS at FROM ({history}) w
) h
ORDER BY u.on, u.kind, u.id
"""


@cache
def _build_count_statement(*, of_teams: bool) -> str:
    """Build the counting statement. Deadlines are counted first, up to the limit; the retirements
    are evaluated only if the limit is not reached."""
    arms = " UNION ALL ".join(
        f"({rows})" for rows, _ in _list_union_arms(is_bounded=True, of_teams=of_teams)
    )
    return f"""
WITH days AS MATERIALIZED (
    SELECT FROM ({arms}) every
    LIMIT %(most)s
)
SELECT (SELECT count(*) FROM days), CASE WHEN (SELECT count(*)
FROM days) < %(most)s THEN ({{ends}}) ELSE 0 END
"""


_RETIREMENT_COUNT = """
WITH {retirements}
SELECT count(DISTINCT l.id) FROM live l
"""


@cache
def _compose_retirements(statement: str, *, of_teams: bool) -> str:
    """Return the statement with the uses of the retirements between two dates, of all applications
    or of those of `teams`."""
    uses = TEAM_RETIREMENTS if of_teams else FEW_RETIREMENTS
    return statement.replace("{retirements}", uses.format(which=_WITHIN.format(on="o.retires_on")))


def upcoming_retirements(
    *,
    on: date,
    team_ids: Sequence[int] | None,
    first: date | None = None,
    last: date | None = None,
    limit: int = MAX_ENTRIES,
) -> list[UpcomingRetirement]:
    """List retirements, announced or earliest, of offerings that active applications of these teams
    (None: of all) use, by date, between `first` and `last` if given; one statement.

    Returns `limit` + 1 rows if there are more. The rows nearest to `first` (without it: to
    today) are returned."""
    return [
        UpcomingRetirement(*row)
        for row in _fetch_rows(
            _compose_retirements(_RETIREMENTS, of_teams=team_ids is not None),
            on,
            teams=team_ids,
            first=first,
            last=last,
            most=limit + 1,
        )
    ]


def upcoming_deadlines(
    *,
    on: date,
    team_ids: Sequence[int] | None,
    user_id: int,
    first: date | None = None,
    last: date | None = None,
    kinds: Collection[str] | None = None,
    limit: int = MAX_ENTRIES,
) -> list[UpcomingDeadline]:
    """List the deadlines of these teams (None: of all) and of the user's decisions, by date; at
    most two statements. Limited as in `upcoming_retirements`."""
    is_bounded = first is not None and last is not None
    rows = _fetch_rows(
        _build_deadlines_statement(is_bounded=is_bounded, of_teams=team_ids is not None),
        on,
        teams=team_ids,
        user=user_id,
        first=first,
        last=last,
        kinds=_list_kind_values(kinds),
        most=limit + 1,
        validity=_load_test_validity() if is_bounded else None,
    )
    return [
        UpcomingDeadline(kind, subject, pk, day, application_id, json.loads(details_json), n, at)
        for kind, subject, pk, day, application_id, details_json, n, at in rows
    ]


def count_upcoming(
    *,
    on: date,
    team_ids: Sequence[int] | None,
    user_id: int,
    first: date,
    last: date,
    kinds: Collection[str] | None = None,
    limit: int = MAX_ENTRIES,
) -> int:
    """Count the retirements and deadlines, `limit` + 1 if there are more; two statements."""
    of_teams = team_ids is not None
    retirement_count_sql = (
        _compose_retirements(_RETIREMENT_COUNT, of_teams=of_teams)
        if kinds is None or DayKind.MILESTONE in kinds
        else "0"
    )
    ((n_deadlines, n_retirements),) = _fetch_rows(
        _build_count_statement(of_teams=of_teams).replace("{ends}", retirement_count_sql),
        on,
        teams=team_ids,
        user=user_id,
        first=first,
        last=last,
        kinds=_list_kind_values(kinds),
        most=limit + 1,
        validity=_load_test_validity(),
    )
    n_entries: int = min(n_deadlines + n_retirements, limit + 1)
    return n_entries


def _load_test_validity() -> int:
    """Return the number of days for which a test without an expiry date is valid. Queried
    separately, so that the planner sees a number and can use the index."""
    days = ExposureSettings.objects.values_list("test_validity_days", flat=True).first()
    return _TEST_VALIDITY_DAYS if days is None else days


def _list_kind_values(kinds: Collection[str] | None) -> list[str]:
    return [str(kind) for kind in (calendar_kinds() if kinds is None else kinds)]


def _fetch_rows(
    statement: str, on: date, *, teams: Sequence[int] | None, **params: Any
) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "day": on,
                "grace": PAST_DAYS,
                "in_scope": [str(status) for status in Application.IN_SCOPE],
                "teams": None if teams is None else list(teams),
                **params,
            },
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
