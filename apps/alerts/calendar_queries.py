"""Days that matter to one person, in two statements: the ends and the causes of day_queries.py, over the teams whose
applications the person may see.

Each row carries how many versions its subject has had and when the last one was written, out of the history.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Model

from apps.alerts.day_queries import CAUSES
from apps.alerts.end_queries import LIVE_ENDS
from apps.alerts.models import DayKind, SubjectKind
from apps.catalog.models import Offering
from apps.exposure.models import CampaignTask, ExposureFlag
from apps.inventory.models import Application, Approval, ExitTest, Selection
from apps.risks.models import Assessment

# days that have passed stay in the calendar for a quarter
BACK_DAYS = 92
# of each of the two, those nearest to today: a whole organisation has more than a calendar can show
MOST = 2000
# applications that an end names; the rest is counted
NAMED = 20

_MODELS: dict[str, type[Model]] = {
    SubjectKind.ASSESSMENT: Assessment,
    SubjectKind.FLAG: ExposureFlag,
    SubjectKind.EXIT_TEST: ExitTest,
    SubjectKind.TASK: CampaignTask,
    SubjectKind.APPROVAL: Approval,
    SubjectKind.APPLICATION: Application,
    SubjectKind.SELECTION: Selection,
}


class EndAhead(NamedTuple):
    """The end of an offering that `n` applications use, `n_primary` of them as a primary; `application_ids` are the
    first of them, gravest in front."""

    offering_id: int
    on: date
    soft: bool
    n: int
    n_primary: int
    application_ids: list[int]
    n_versions: int
    changed_at: datetime | None


class DayAhead(NamedTuple):
    """A day of the organisation's own. `words` as in `day_words`."""

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


# a page asks for a few months; a calendar program for everything
_WITHIN = "(%(first)s::date IS NULL OR {on} >= %(first)s::date) AND (%(last)s::date IS NULL OR {on} <= %(last)s::date)"

_ENDS_AHEAD = f"""
WITH {LIVE_ENDS.format(which=_WITHIN.format(on="o.retires_on"))},
mine AS (
    SELECT l.id, l.retires_on, l.soft, count(*) AS n, count(*) FILTER (WHERE l.is_primary) AS n_primary,
           (array_agg(l.application_id ORDER BY l.is_primary DESC, l.criticality, l.application_id))[1:{NAMED}] AS ids
    FROM live l
    WHERE %(teams)s::bigint[] IS NULL OR l.team_id = ANY (%(teams)s::bigint[])
    GROUP BY l.id, l.retires_on, l.soft
    ORDER BY abs(l.retires_on - %(day)s::date), l.id
    LIMIT %(most)s
)
SELECT m.id, m.retires_on, m.soft, m.n, m.n_primary, m.ids, h.n, h.at
FROM mine m CROSS JOIN LATERAL (
    SELECT count(*) AS n, max(v.pgh_created_at) AS at FROM {_history(Offering)} v WHERE v.pgh_obj_id = m.id
) h
ORDER BY m.retires_on, m.id
"""

# What hangs on an application is seen by who sees that; a decision or selection by who made it and by the offices, and
# an accepted flag by the offices alone.
_OF_CAUSE = """
SELECT '{kind}' AS kind, '{subject}' AS subject, c.id, c.on, c.application_id, c.words
FROM ({sql}) c LEFT JOIN inventory_application a ON a.id = c.application_id
WHERE c.on >= %(day)s::date - %(grace)s AND {within} AND (
    %(teams)s::bigint[] IS NULL OR a.team_id = ANY (%(teams)s::bigint[])
    OR (c.application_id IS NULL AND '{subject}' <> 'flag' AND %(user)s = ANY (c.people)))
"""
_OF_SUBJECT = """
SELECT v.pgh_created_at FROM {history} v WHERE u.subject = '{subject}' AND v.pgh_obj_id = u.id
"""

_DAYS_AHEAD = f"""
WITH mine AS (
    SELECT * FROM (
        {
    " UNION ALL ".join(
        _OF_CAUSE.format(kind=cause.kind, subject=cause.subject, sql=cause.sql, within=_WITHIN.format(on="c.on"))
        for cause in CAUSES
        if cause.kind != DayKind.MUTE_EXPIRING
    )
}
    ) every
    ORDER BY abs(every.on - %(day)s::date), every.kind, every.id
    LIMIT %(most)s
)
SELECT u.kind, u.subject, u.id, u.on, u.application_id, u.words, h.n, h.at
FROM mine u CROSS JOIN LATERAL (
    SELECT count(*) AS n, max(w.pgh_created_at) AS at FROM (
        {
    " UNION ALL ".join(_OF_SUBJECT.format(history=_history(model), subject=kind) for kind, model in _MODELS.items())
}
    ) w
) h
ORDER BY u.on, u.kind, u.id
"""


def ends_ahead(
    *, on: date, team_ids: Sequence[int] | None, first: date | None = None, last: date | None = None
) -> list[EndAhead]:
    """Ends, firm or not before, of what live applications of these teams (None: of all) call, by day, between `first`
    and `last` where given; one statement. One more than MOST where there are more."""
    return [EndAhead(*row) for row in _rows(_ENDS_AHEAD, on, teams=team_ids, first=first, last=last)]


def days_ahead(
    *, on: date, team_ids: Sequence[int] | None, user_id: int, first: date | None = None, last: date | None = None
) -> list[DayAhead]:
    """What expires or is due for these teams (None: for all) and for what the person decided, by day; one statement.
    One more than MOST where there are more."""
    return [
        DayAhead(kind, subject, pk, day, application_id, json.loads(words), n, at)
        for kind, subject, pk, day, application_id, words, n, at in _rows(
            _DAYS_AHEAD, on, teams=team_ids, user=user_id, first=first, last=last
        )
    ]


def _rows(statement: str, on: date, *, teams: Sequence[int] | None, **more: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "day": on,
                "grace": BACK_DAYS,
                "most": MOST + 1,
                "in_scope": [str(status) for status in Application.IN_SCOPE],
                "teams": None if teams is None else list(teams),
                **more,
            },
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
