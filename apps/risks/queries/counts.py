"""Counts of inherited and assessed risks: live for readers of few applications, otherwise from the
stored counts.

Counting half a million dependencies takes too long for a page. So a large organisation has stored
counts (actions/counts.py), and a page that shows them states their time. The current number of
applications decides which of the two a reader gets, not the number at the last count: after a large
import, no page waits for a count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import F

from apps.accounts.models import User
from apps.risks.models import FoundationRisk, LevelCount, RiskCount, TeamCount
from apps.risks.queries import counts_sql, inheritance_sql
from apps.risks.queries.reach import RiskReach, count_scope, reach_per_risk, team_scope

# a reader of more applications than this gets the stored counts
MAX_LIVE_APPLICATIONS = 2000
CURRENT, RESIDUAL = LevelCount.Basis.CURRENT.value, LevelCount.Basis.RESIDUAL.value


@dataclass(frozen=True, slots=True)
class RiskStanding:
    """An inherited risk with its inherent level and the progress of its assessments."""

    risk_id: int
    template_id: int | None
    node_id: int
    likelihood: int
    impact: int
    reach: RiskReach


@dataclass(frozen=True, slots=True)
class TeamStanding:
    team: str
    name: str
    reach: RiskReach


@dataclass(frozen=True, slots=True)
class CountBasis:
    """The origin of a reader's counts: `stored` ones were made at `counted_at`, None if there is no
    count yet."""

    stored: bool = False
    counted_at: datetime | None = None

    @property
    def is_counted(self) -> bool:
        return not self.stored or self.counted_at is not None


def count_basis(user: Any, *, by_team: bool = False) -> CountBasis:
    """Return whether this reader gets stored counts; one statement, whose cost does not grow with
    the organisation.

    Counts by risk are stored only for readers of everything. With `by_team` the answer is about
    counts by team, which are stored for every reader.
    """
    if not isinstance(user, User) or not (user.can_read_all or by_team):
        return CountBasis()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT counted_at FROM risks_countstate WHERE id = 1), (SELECT count(*) FROM (
                SELECT 1 FROM inventory_application a WHERE a.status = ANY (%(in_scope)s)
                  AND (%(teams)s::bigint[] IS NULL OR a.team_id = ANY (%(teams)s)) LIMIT %(most)s
            ) first)
            """,
            {**team_scope(user), "most": MAX_LIVE_APPLICATIONS + 1},
        )
        moment, n_applications = cursor.fetchone()
    return (
        CountBasis(stored=True, counted_at=moment)
        if n_applications > MAX_LIVE_APPLICATIONS
        else CountBasis()
    )


def counted_at(user: Any) -> datetime | None:
    """Return the time of the stored counts that this reader gets; None if the counts are live or do
    not exist yet."""
    return count_basis(user).counted_at


def risk_standings(
    *, user: Any, on: date, stored: bool, application: str = ""
) -> list[RiskStanding]:
    """Return every risk that dependencies of `user` inherit, most severe first; two or three
    statements.

    `stored` reads the stored counts (`count_basis` has their time), for readers of everything only.
    """
    if stored and not application:
        counts = RiskCount.objects.values_list(
            "risk_id",
            "n_inherited",
            "n_assessed",
            "n_stale",
            "n_not_applicable",
            "n_accepted",
            "n_critical",
            "n_critical_decided",
            "n_secret",
            "n_critical_secret",
        )
        reach = {row[0]: RiskReach(*row[1:]) for row in counts}
    else:
        reach = reach_per_risk(user=user, on=on, application=application)
    risks = FoundationRisk.objects.handed_on().order_by("-inherent", "pk")
    rows = risks.values_list("pk", "template_id", "node_id", "likelihood", "impact")
    return [RiskStanding(*row, reach[row[0]]) for row in rows if row[0] in reach]


def team_standings(
    *, user: Any, on: date, stored: bool, limit: int | None = None
) -> list[TeamStanding]:
    """Return at most `limit` teams whose applications inherit risks, most unassessed first; two
    statements at most."""
    if stored:
        n_unassessed = F("n_inherited") - F("n_assessed") - F("n_stale") - F("n_not_applicable")
        teams = team_scope(user)["teams"]
        stored_counts = (
            TeamCount.objects.all() if teams is None else TeamCount.objects.filter(team__in=teams)
        )
        rows = stored_counts.order_by(n_unassessed.desc(), "team__name").values_list(
            "team__slug", "team__name", "n_inherited", "n_assessed", "n_stale", "n_not_applicable"
        )
        return [
            TeamStanding(slug, name, RiskReach(*counts)) for slug, name, *counts in rows[:limit]
        ]
    standings = [
        TeamStanding(slug, name, reach)
        for (_, slug, name), reach in _live_teams(user=user, on=on).items()
    ]
    return sorted(standings, key=lambda team: (-team.reach.n_unassessed, team.name))[:limit]


def level_counts(
    *, user: Any, on: date, stored: bool, application: str = ""
) -> dict[str, dict[tuple[int, int], int]]:
    """Return {current or residual: {(likelihood, impact): number of assessed risks}}; one
    statement."""
    counts: dict[str, dict[tuple[int, int], int]] = {CURRENT: {}, RESIDUAL: {}}
    if stored and not application:
        rows = list(LevelCount.objects.values_list("basis", "likelihood", "impact", "n"))
    else:
        condition = "a.slug = %(application)s" if application else "true"
        with connection.cursor() as cursor:
            cursor.execute(
                counts_sql.levels_sql(dependency_condition=condition),
                {**team_scope(user), "day": on, "application": application},
            )
            rows = cursor.fetchall()
    for basis, likelihood, impact, n in rows:
        counts[basis][likelihood, impact] = n
    return counts


def _live_teams(*, user: Any, on: date) -> Mapping[tuple[int, str, str], RiskReach]:
    statement = counts_sql.teams_sql(conditions=count_scope(on).conditions)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT c.team_id, g.slug, g.name, c.n, c.n_assessed, c.n_stale, c.n_not_applicable
                FROM ({statement}) c(team_id, n, n_assessed, n_stale, n_not_applicable)
                JOIN accounts_team g ON g.id = c.team_id""",
            {**team_scope(user), "day": on},
        )
        return {(row[0], row[1], row[2]): RiskReach(*row[3:]) for row in cursor.fetchall()}


def count_everything(
    *, on: date
) -> tuple[dict[int, RiskReach], dict[int, RiskReach], dict[str, dict[tuple[int, int], int]]]:
    """Return ({risk: reach}, {team: reach}, {current or residual: {(likelihood, impact): number}})
    of the whole organisation, for the stored counts; four statements."""
    everyone = _Everyone()
    by_team = {
        team_id: reach for (team_id, _, _), reach in _live_teams(user=everyone, on=on).items()
    }
    return (
        reach_per_risk(user=everyone, on=on),
        by_team,
        level_counts(user=everyone, on=on, stored=False),
    )


class _Everyone:
    """The reader for which the job counts; can view everything."""

    can_read_all = True


def n_in_scope() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM inventory_application WHERE status = ANY (%s)",
            [inheritance_sql.IN_SCOPE],
        )
        n: int = cursor.fetchone()[0]
    return n
