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
from apps.alerts.kinds.reminders.retirement_queries import RETIREMENTS
from apps.alerts.kinds.reminders.types import ReminderType
from apps.alerts.models import DayKind, SubjectKind
from apps.catalog.models import Offering
from apps.exposure.models import CampaignTask, ExposureFlag, ExposureSettings
from apps.inventory.models import Application, Approval, ExitTest, Selection
from apps.risks.models import Assessment

# days that have passed stay in the calendar for a quarter
PAST_DAYS = 92
# of each of the two, those nearest to today: a whole organisation has more than a calendar can show
MAX_ENTRIES = 2000
# applications that an end names; the rest is counted
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


# while nobody has changed how exposure is measured, there is no row of it
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


def _history(model: type[Model]) -> str:
    return f"{model._meta.db_table}history"


# a page asks for the first days of a few months; a calendar program for everything, nearest to
# today first
_WITHIN = (
    "(%(first)s::date IS NULL OR {on} >= %(first)s::date)"
    " AND (%(last)s::date IS NULL OR {on} <= %(last)s::date)"
)
_NEAREST = "coalesce({on} - %(first)s::date, abs({on} - %(day)s::date))"

_RETIREMENTS = f"""
WITH {RETIREMENTS.format(which=_WITHIN.format(on="o.retires_on"))},
mine AS (
    SELECT l.id, l.retires_on, l.soft, count(*) AS n,
        count(*) FILTER (WHERE l.is_primary) AS n_primary,
           (array_agg(l.application_id ORDER BY l.is_primary DESC, l.criticality,
               l.application_id))[1:{MAX_NAMED_APPLICATIONS}] AS ids
    FROM live l
    WHERE %(teams)s::bigint[] IS NULL OR l.team_id = ANY (%(teams)s::bigint[])
    GROUP BY l.id, l.retires_on, l.soft
    ORDER BY {_NEAREST.format(on="l.retires_on")}, l.id
    LIMIT %(most)s
)
SELECT m.id, m.retires_on, m.soft, m.n, m.n_primary, m.ids, h.n, h.at
FROM mine m CROSS JOIN LATERAL (
    SELECT count(*) AS n, max(v.pgh_created_at) AS at FROM {_history(Offering)} v
    WHERE v.pgh_obj_id = m.id
) h
ORDER BY m.retires_on, m.id
"""

# What hangs on an application is seen by who sees that; a decision or selection by who made it and
# by the offices, and an accepted flag by the offices alone.
_REMINDERS_OF_TYPE = """
SELECT '{kind}' AS kind, '{subject}' AS subject, c.id, c.on, c.application_id, c.words
FROM ({sql}) c LEFT JOIN inventory_application a ON a.id = c.application_id
WHERE {within} AND '{kind}' = ANY (%(kinds)s) AND (
    %(teams)s::bigint[] IS NULL OR a.team_id = ANY (%(teams)s::bigint[])
    OR (c.application_id IS NULL AND '{subject}' <> 'flag' AND %(user)s = ANY (c.people)))
"""
_OF_SUBJECT = """
SELECT v.pgh_created_at FROM {history} v WHERE u.subject = '{subject}' AND v.pgh_obj_id = u.id
"""

# The exit tests that run out between two days: those with a day of their own, then those that hold
# for as long as usual. The same rows as of their cause, found along an index each instead of by
# sorting every test there is.
_TEST_EXPIRES_ON = "coalesce({e}.expires_on, {e}.tested_on + %(validity)s)"
_TESTS = f"""
SELECT e.id, {{on}} AS on, e.tested_on AS made_on, d.application_id, ARRAY[]::bigint[] AS people,
       jsonb_build_object('what', {OFFERING_NAME}) AS words
FROM inventory_exittest e JOIN inventory_dependency d ON d.id = e.dependency_id
JOIN inventory_application b ON b.id = d.application_id
JOIN catalog_offering o ON o.id = e.target_id JOIN catalog_provider h ON h.id = o.host_id
WHERE e.result = 'passed' AND e.tested_on <= %(day)s::date AND {{window}}
  AND b.status = ANY (%(in_scope)s) AND (d.until IS NULL OR d.until > %(day)s::date)
  AND NOT EXISTS (
      SELECT 1 FROM inventory_exittest n
      WHERE n.dependency_id = e.dependency_id AND n.result = 'passed'
          AND n.tested_on <= %(day)s::date
        AND ({_TEST_EXPIRES_ON.format(e="n")}, n.id) > ({{on}}, e.id))
"""
# (rows, their order, their window): conditions on the columns themselves, else the planner does not
# see the index
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
def _organisation_reminder_types() -> tuple[ReminderType, ...]:
    """Return the reminder types of the organisation, without those of a single user; reviews come
    first, since counting reaches its limit soonest with them."""
    shown = (reminder_type for reminder_type in all_reminder_types() if not reminder_type.personal)
    return tuple(sorted(shown, key=lambda cause: cause.kind != DayKind.REVIEW_DUE))


def calendar_kinds() -> tuple[str, ...]:
    """List the kinds by which a calendar can be filtered."""
    return (
        str(DayKind.MILESTONE),
        *dict.fromkeys(str(reminder_type.kind) for reminder_type in _organisation_reminder_types()),
    )


def _arms(*, ahead: bool) -> Iterator[tuple[str, str]]:
    """Return (rows, the column they are ordered by): `ahead` those between two dates, otherwise
    nearest to today first."""
    within = f"c.on >= %(day)s::date - %(grace)s AND {_WITHIN.format(on='c.on')}"
    order = "c.on" if ahead else _NEAREST.format(on="c.on")
    for reminder_type in _organisation_reminder_types():
        split = ahead and reminder_type.kind == DayKind.EXIT_TEST_EXPIRING
        for sql, by, window in _TESTS_AHEAD if split else ((reminder_type.sql, order, within),):
            yield (
                _REMINDERS_OF_TYPE.format(
                    kind=reminder_type.kind, subject=reminder_type.subject, sql=sql, within=window
                ),
                by,
            )


@cache
def _deadlines_statement(*, ahead: bool) -> str:
    """Return the statement. The limit applies cause by cause as well, so that no cause is evaluated
    further than it can be shown."""
    order = "every.on" if ahead else _NEAREST.format(on="every.on")
    arms = " UNION ALL ".join(
        f"({rows} ORDER BY {by}, c.id LIMIT %(most)s)" for rows, by in _arms(ahead=ahead)
    )
    tables = {str(kind): _history(model) for kind, model in _MODELS.items()}
    tables |= {
        reminder_type.subject: reminder_type.history
        for reminder_type in _organisation_reminder_types()
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
def _count_statement() -> str:
    """Return the counting statement. The causes come first and stop at the limit; an organisation
    with that many need not evaluate the retirements."""
    return f"""
WITH days AS MATERIALIZED (
    SELECT FROM ({" UNION ALL ".join(f"({rows})" for rows, _ in _arms(ahead=True))}) every
    LIMIT %(most)s
)
SELECT (SELECT count(*) FROM days), CASE WHEN (SELECT count(*)
FROM days) < %(most)s THEN ({{ends}}) ELSE 0 END
"""


_RETIREMENT_COUNT = f"""
WITH {RETIREMENTS.format(which=_WITHIN.format(on="o.retires_on"))}
SELECT count(DISTINCT l.id) FROM live l WHERE %(teams)s::bigint[] IS NULL
    OR l.team_id = ANY (%(teams)s::bigint[])
"""


def upcoming_retirements(
    *,
    on: date,
    team_ids: Sequence[int] | None,
    first: date | None = None,
    last: date | None = None,
    most: int = MAX_ENTRIES,
) -> list[UpcomingRetirement]:
    """List retirements, announced or earliest, of offerings that active applications of these teams
    (None: of all) use, by date, between `first` and `last` if given; one statement.

    Returns one row more than `most` if there are more. The rows nearest to `first` (without it: to
    today) are returned."""
    return [
        UpcomingRetirement(*row)
        for row in _rows(_RETIREMENTS, on, teams=team_ids, first=first, last=last, most=most + 1)
    ]


def upcoming_deadlines(
    *,
    on: date,
    team_ids: Sequence[int] | None,
    user_id: int,
    first: date | None = None,
    last: date | None = None,
    kinds: Collection[str] | None = None,
    most: int = MAX_ENTRIES,
) -> list[UpcomingDeadline]:
    """List what expires or is due for these teams (None: for all) and for decisions of the user, by
    date; at most two statements. Limited as in `upcoming_retirements`."""
    ahead = first is not None and last is not None
    rows = _rows(
        _deadlines_statement(ahead=ahead),
        on,
        teams=team_ids,
        user=user_id,
        first=first,
        last=last,
        kinds=_words(kinds),
        most=most + 1,
        validity=_validity() if ahead else None,
    )
    return [
        UpcomingDeadline(kind, subject, pk, day, application_id, json.loads(words), n, at)
        for kind, subject, pk, day, application_id, words, n, at in rows
    ]


def count_upcoming(
    *,
    on: date,
    team_ids: Sequence[int] | None,
    user_id: int,
    first: date,
    last: date,
    kinds: Collection[str] | None = None,
    most: int = MAX_ENTRIES,
) -> int:
    """Count the retirements and deadlines, `most` + 1 if there are more; two statements."""
    ends = _RETIREMENT_COUNT if kinds is None or DayKind.MILESTONE in kinds else "0"
    ((n_days, n_ends),) = _rows(
        _count_statement().replace("{ends}", ends),
        on,
        teams=team_ids,
        user=user_id,
        first=first,
        last=last,
        kinds=_words(kinds),
        most=most + 1,
        validity=_validity(),
    )
    n: int = min(n_days + n_ends, most + 1)
    return n


def _validity() -> int:
    """Return how many days a test is valid that states no date of its own. Queried separately: a
    planner that does not see the number does not see the index either."""
    days = ExposureSettings.objects.values_list("test_validity_days", flat=True).first()
    return _TEST_VALIDITY_DAYS if days is None else days


def _words(kinds: Collection[str] | None) -> list[str]:
    return [str(kind) for kind in (calendar_kinds() if kinds is None else kinds)]


def _rows(
    statement: str, on: date, *, teams: Sequence[int] | None, **more: Any
) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "day": on,
                "grace": PAST_DAYS,
                "in_scope": [str(status) for status in Application.IN_SCOPE],
                "teams": None if teams is None else list(teams),
                **more,
            },
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
