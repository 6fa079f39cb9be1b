"""Exit readiness of critical applications: valid tested exits, and adaptations to rebuild.

An application is as portable as its worst primary model: an alternative for one is none for
another. A tested exit counts while its latest test has passed and is valid, and while its offering
is served until the planning horizon. Read from the derived tables; the adaptations are read
directly.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from apps.catalog.capabilities.phrases import describe_losses
from apps.catalog.models import NodeKind
from apps.exposure.engine.settings import EngineSettings
from apps.exposure.threats import DEVELOPER_FAILURE, RETIREMENT, needed_grade
from apps.inventory.requirements import FIT_COLUMNS, fit_of_columns

# no alternative
NO_FALLBACK = -1
GRADES = range(NO_FALLBACK, 6)


@dataclass(frozen=True, slots=True)
class Portability:
    """Portability of the `n` critical applications with a live primary.

    `tested` and `declared` are {grade: applications} by the best alternative of the worst primary:
    one with a valid test, or one that is declared or was ever tested. `by_grades` has the same by
    both grades: {(tested, declared): applications}. `n_lapsing` applications have a tested exit
    that expires within `within_days`, because its test expires or its offering retires. Work is
    that of adaptations on their live primaries.
    """

    n: int
    tested: Mapping[int, int]
    declared: Mapping[int, int]
    by_grades: Mapping[tuple[int, int], int]
    leaves_model: int
    outlasts_developer: int
    within_days: int
    n_lapsing: int
    n_rebuild: int
    rebuild_days: Decimal
    rebuild_cost: Decimal
    n_moves_unknown: int

    @property
    def n_tested(self) -> int:
        """Return the number with a tested exit that survives the retirement of today's model."""
        return sum(n for grade, n in self.tested.items() if grade >= self.leaves_model)

    @property
    def n_outlasting(self) -> int:
        """Return the number with a tested exit that also survives the failure of today's
        developer."""
        return sum(n for grade, n in self.tested.items() if grade >= self.outlasts_developer)

    @property
    def n_untested(self) -> int:
        """Return the number with an alternative that would survive the retirement of the model, but
        is not tested."""
        return (
            sum(n for grade, n in self.declared.items() if grade >= self.leaves_model)
            - self.n_tested
        )

    def count(self, *, state: str = "", grade: int | None = None) -> int:
        """Return the number of applications that `fallback_options` selects."""
        return sum(
            n
            for (tested, declared), n in self.by_grades.items()
            if (grade is None or tested == grade)
            and (not state or state == self._state_of(tested, declared))
        )

    def _state_of(self, tested: int, declared: int) -> str:
        if tested >= self.leaves_model:
            return "tested"
        return "untested" if declared >= self.leaves_model else "none"


# the best alternative of each primary of critical applications, then the worst primary of each
# application
_BEST = """
SELECT w.application_id, min(w.tested) AS tested, min(w.declared) AS declared
FROM (
    SELECT p.application_id, p.dependency_id,
           -- -1 is NO_FALLBACK: no alternative that is served until the planning horizon
           coalesce(max(r.grade) FILTER (WHERE r.tested AND r.alive_at_horizon), -1) AS tested,
           coalesce(max(r.grade) FILTER (WHERE r.alive_at_horizon), -1) AS declared
    FROM exposure_path p LEFT JOIN exposure_candidategrade r ON r.primary_id = p.dependency_id
    WHERE p.criticality = 0 {teams}
    GROUP BY p.application_id, p.dependency_id
) w GROUP BY w.application_id
"""

_LAPSING = """
SELECT count(DISTINCT c.application_id) FROM exposure_candidate c
JOIN exposure_scopedapplication a ON a.application_id = c.application_id
WHERE c.tested AND c.next_change_on <= %(until)s AND a.criticality = 0 {teams}
"""

_WORK = """
SELECT count(DISTINCT p.application_id) FILTER (WHERE d.moves = 'rebuild'),
       coalesce(sum(d.invested_days) FILTER (WHERE d.moves = 'rebuild'), 0),
       coalesce(sum(d.invested_cost) FILTER (WHERE d.moves = 'rebuild'), 0),
       -- an empty value means that the reuse of the adaptation is unknown
       count(DISTINCT p.application_id) FILTER (WHERE d.moves = '')
FROM exposure_path p
JOIN inventory_adaptation d ON d.dependency_id = p.dependency_id AND d.moves IN ('rebuild', '')
WHERE p.criticality = 0 {teams}
"""


def portability(
    *, settings: EngineSettings, team_ids: Collection[int] | None, on: date, within_days: int = 90
) -> Portability:
    """Measure the portability of critical applications; three statements."""
    params: dict[str, Any] = {"teams": list(team_ids or ()), "until": on + timedelta(within_days)}
    teams = _team_condition("p", team_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT tested, declared, count(*) FROM ({_BEST.format(teams=teams)}) b GROUP BY "
            "tested, declared",
            params,
        )
        counts = cursor.fetchall()
        cursor.execute(_LAPSING.format(teams=_team_condition("a", team_ids)), params)
        n_lapsing = cursor.fetchone()[0]
        cursor.execute(_WORK.format(teams=teams), params)
        n_rebuild, days, cost, n_unknown = cursor.fetchone()
    return Portability(
        n=sum(n for _, _, n in counts),
        tested={
            grade: sum(n for counted_grade, _, n in counts if counted_grade == grade)
            for grade in GRADES
        },
        declared={
            grade: sum(n for _, counted_grade, n in counts if counted_grade == grade)
            for grade in GRADES
        },
        by_grades={(tested, declared): n for tested, declared, n in counts},
        leaves_model=needed_grade(settings.required_grade, RETIREMENT, NodeKind.VERSION),
        outlasts_developer=needed_grade(
            settings.required_grade, DEVELOPER_FAILURE, NodeKind.DEVELOPER
        ),
        within_days=within_days,
        n_lapsing=n_lapsing,
        n_rebuild=n_rebuild,
        rebuild_days=days,
        rebuild_cost=cost,
        n_moves_unknown=n_unknown,
    )


def count_portable(
    *, settings: EngineSettings, team_ids: Collection[int] | None
) -> tuple[int, int]:
    """Return the numbers of critical applications with a live primary, and of those with a valid
    tested exit: the `n` and `n_tested` of `portability`. One statement."""
    minimum_grade = needed_grade(settings.required_grade, RETIREMENT, NodeKind.VERSION)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE tested >= %(least)s) "
            f"FROM ({_BEST.format(teams=_team_condition('p', team_ids))}) b",
            {"teams": list(team_ids or ()), "least": minimum_grade},
        )
        n, n_tested = cursor.fetchone()
    return n, n_tested


@dataclass(frozen=True, slots=True)
class FallbackOption:
    """The best alternative of an application's worst primary, by its independence; NO_FALLBACK if
    there is none.

    `offering_id` is its target, of the tested one if there is any; `next_change_on` the day on
    which it becomes valid or stops being valid; `losses` what the target lacks of what the primary
    is used for, as a phrase.
    """

    application_id: int
    tested: int
    declared: int
    offering_id: int | None
    next_change_on: date | None
    losses: str = ""


# filters of the list: conditions on `b`
STATES: Mapping[str, str] = {
    "tested": "b.tested >= %(least)s",
    "untested": "b.tested < %(least)s AND b.declared >= %(least)s",
    "none": "b.declared < %(least)s",
}

_ROWS = """
SELECT b.application_id, b.tested, b.declared
FROM ({best}) b
WHERE {condition} ORDER BY b.tested, b.declared, b.application_id LIMIT %(limit)s OFFSET %(offset)s
"""

_WHERE_TO = f"""
SELECT w.application_id, w.offering_id, w.next_change_on,
    {FIT_COLUMNS.format(dependency="w.primary_id", offering="w.effective_id")}
FROM (
    SELECT DISTINCT ON (r.application_id) r.application_id, r.primary_id, c.offering_id,
        c.effective_id, c.next_change_on
    FROM exposure_candidategrade r JOIN exposure_candidate c ON c.id = r.candidate_id
    JOIN exposure_path p ON p.dependency_id = r.primary_id
    WHERE r.application_id = ANY (%(applications)s) AND r.alive_at_horizon
    ORDER BY r.application_id, r.tested DESC, r.grade DESC, r.place, c.offering_id
) w
"""


def fallback_options(
    *,
    settings: EngineSettings,
    team_ids: Collection[int] | None,
    state: str = "",
    grade: int | None = None,
    offset: int = 0,
    limit: int = 50,
) -> list[FallbackOption]:
    """Return critical applications with a live primary, the least portable first; `grade` selects
    those whose best tested exit has that grade. Two statements."""
    conditions = [STATES[state]] if state in STATES else []
    if grade is not None:
        conditions.append("b.tested = %(grade)s")
    with connection.cursor() as cursor:
        cursor.execute(
            _ROWS.format(
                best=_BEST.format(teams=_team_condition("p", team_ids)),
                condition=" AND ".join(conditions) or "true",
            ),
            {
                "teams": list(team_ids or ()),
                "least": needed_grade(settings.required_grade, RETIREMENT, NodeKind.VERSION),
                "grade": grade,
                "limit": limit,
                "offset": offset,
            },
        )
        rows: Sequence[tuple[int, int, int]] = cursor.fetchall()
        cursor.execute(_WHERE_TO, {"applications": [pk for pk, _, _ in rows]})
        leads = {
            pk: (offering, next_change_on, describe_losses(fit_of_columns(requirements, values)))
            for pk, offering, next_change_on, requirements, values in cursor.fetchall()
        }
    return [
        FallbackOption(pk, tested, declared, *leads.get(pk, (None, None)))
        for pk, tested, declared in rows
    ]


def _team_condition(table: str, team_ids: Collection[int] | None) -> str:
    return "" if team_ids is None else f"AND {table}.team_id = ANY (%(teams)s)"
