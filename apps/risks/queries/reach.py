"""The number of dependencies that inherit a risk and their assessment, counted as sets instead of
pair by pair."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from datetime import date, timedelta
from operator import attrgetter
from typing import Any

from django.db import connection

from apps.accounts.models import User
from apps.common.database.prepared_statements import prepared_cursor
from apps.common.database.statements import compose_statement
from apps.risks.models import Assessment
from apps.risks.models.assessments import AssessmentQuerySet
from apps.risks.queries import counts_sql, inheritance_sql

NO_TEAMS = [0]


def team_scope(user: Any) -> dict[str, Any]:
    """Return `visible_to` as parameters: `teams` null means everything, an empty list nothing."""
    reads_all = bool(getattr(user, "can_read_all", False))
    teams = (
        None
        if reads_all
        else (sorted(user.team_roles()) or NO_TEAMS if isinstance(user, User) else NO_TEAMS)
    )
    return {"teams": teams, "in_scope": inheritance_sql.IN_SCOPE}


@dataclass(frozen=True, slots=True)
class RiskReach:
    """The number of dependencies that inherit a risk, in total and by state of assessment."""

    n_inherited: int = 0
    n_assessed: int = 0
    n_stale: int = 0
    n_not_applicable: int = 0
    n_accepted: int = 0
    n_critical: int = 0
    n_critical_decided: int = 0
    n_secret: int = 0
    n_critical_secret: int = 0

    @property
    def n_unassessed(self) -> int:
        return self.n_inherited - self.n_assessed - self.n_stale - self.n_not_applicable

    @property
    def n_critical_unassessed(self) -> int:
        """Return the number of dependencies of critical applications without any assessment."""
        return self.n_critical - self.n_critical_decided

    def n_in_state(self, state: str) -> int:
        """Return the number of dependencies in a state of `conditions.STATES`; empty: in any."""
        return {
            "": self.n_inherited,
            "unassessed": self.n_unassessed,
            "stale": self.n_stale,
            "undecided": self.n_unassessed + self.n_stale,
            "assessed": self.n_assessed,
            "not_applicable": self.n_not_applicable,
        }[state]

    @classmethod
    def total(cls, reaches: Iterable["RiskReach"]) -> "RiskReach":
        """Return the sum; column by column, as a register has thousands."""
        columns = zip(*map(_get_counts, reaches), strict=True)
        return cls(*map(sum, columns))

    def __add__(self, other: "RiskReach") -> "RiskReach":
        return RiskReach(
            self.n_inherited + other.n_inherited,
            self.n_assessed + other.n_assessed,
            self.n_stale + other.n_stale,
            self.n_not_applicable + other.n_not_applicable,
            self.n_accepted + other.n_accepted,
            self.n_critical + other.n_critical,
            self.n_critical_decided + other.n_critical_decided,
            self.n_secret + other.n_secret,
            self.n_critical_secret + other.n_critical_secret,
        )


_get_counts = attrgetter(*(field.name for field in fields(RiskReach)))


def reach_per_risk(
    *,
    user: Any,
    on: date,
    risk_ids: Collection[int] | None = None,
    application: str = "",
    team_ids: Collection[int] | None = None,
    criticality: int | None = None,
) -> dict[int, RiskReach]:
    """Return {risk: its reach among what `user` can view}, without risks that are not inherited;
    one statement. `team_ids` are teams that `user` can view; `criticality` limits to its
    applications.

    The dependencies are grouped by offering first, so the cost is one pass over them and does not
    grow with the number of risks times dependencies. For readers of everything the stored numbers
    of dependencies (`DependencyCount`) are added up instead.
    """
    params: dict[str, Any] = {**team_scope(user), "day": on}
    risk_condition, dependency_condition = "", "true"
    if risk_ids is not None:
        risk_condition, params["risk_ids"] = "AND r.id = ANY (%(risk_ids)s)", list(risk_ids)
    if application:
        dependency_condition, params["application"] = "a.slug = %(application)s", application
    if criticality is not None:
        dependency_condition += " AND a.criticality = %(criticality)s"
        params["criticality"] = criticality
    if team_ids is not None:
        params["teams"] = list(team_ids)
    scope = count_scope(on)
    statement = counts_sql.totals_sql(
        conditions=scope.conditions,
        risk_condition=risk_condition,
        dependency_condition=dependency_condition,
        stored=scope.is_counted and params["teams"] is None and dependency_condition == "true",
    )
    # for one application, planning takes longer than executing
    with prepared_cursor() if application else connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({statement}) total" if application else statement, params)
        return {row[0]: RiskReach(*row[1:]) for row in cursor.fetchall() if row[1]}


@dataclass(frozen=True, slots=True)
class CountScope:
    """What a count needs: the template conditions that open risks have, since the others need not
    be computed, and whether the stored numbers of dependencies hold on that day."""

    conditions: tuple[str, ...]
    is_counted: bool


def count_scope(on: date) -> CountScope:
    """Return what a count on that day needs; one statement.

    The stored numbers are those of the present day and later: they do not know when past
    dependencies began."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT array_agg(DISTINCT t.applies_when), %s >= (now() AT TIME ZONE 'UTC')::date
               FROM risks_foundationrisk r
               JOIN risks_risktemplate t ON t.id = r.template_id
               WHERE r.closed_at IS NULL AND r.dismissed_at IS NULL AND r.inherits
                   AND t.applies_when <> ''""",
            [on],
        )
        conditions, is_counted = cursor.fetchone()
    return CountScope(tuple(conditions or ()), is_counted)


def total_reach(*, user: Any, on: date, application: str = "") -> RiskReach:
    """Return the sum over everything that `user` can view: the number of pairs, in total and by
    state."""
    return RiskReach.total(reach_per_risk(user=user, on=on, application=application).values())


def count_inheriting_applications(*, risk_id: int, user: Any, on: date) -> int:
    """Return how many distinct applications inherit one risk."""
    sql = """
        WITH {party}, {risk}
        SELECT count(DISTINCT a.id)
        FROM risk r CROSS JOIN LATERAL (
            -- dependencies on the node through their offering
            SELECT d.id FROM catalog_footing f
            JOIN inventory_dependency d ON d.offering_id = f.offering_id
            WHERE f.node_id = r.node_id AND {live}
            UNION
            -- dependencies on the node through their own gateway or vendor
            SELECT d.id FROM party p JOIN inventory_dependency d ON d.via_party_id = p.id
                AND {reached} AND {live}
            WHERE {party_kinds} AND p.above = r.ref
        ) standing
        JOIN inventory_dependency d ON d.id = standing.id
        JOIN inventory_application a ON a.id = d.application_id
        WHERE {counts} AND ({applies})
    """
    sql_by_name = inheritance_sql.sql_parts(backwards=False, risk_condition="AND r.id = %(risk)s")
    with connection.cursor() as cursor:
        cursor.execute(
            compose_statement(sql, **sql_by_name), {**team_scope(user), "day": on, "risk": risk_id}
        )
        count: int = cursor.fetchone()[0]
    return count


def inheriting_dependencies(*, risk_id: int, dependency_ids: Collection[int], on: date) -> set[int]:
    """Return those dependencies that inherit the risk on that day, independent of the reader; one
    statement."""
    sql = """
        WITH {party}, {risk}
        SELECT d.id FROM risk r CROSS JOIN inventory_dependency d
        JOIN inventory_application a ON a.id = d.application_id
        WHERE d.id = ANY (%(dependency_ids)s) AND {counts} AND {live} AND {holds} AND ({applies})
    """
    sql_by_name = inheritance_sql.sql_parts(backwards=False, risk_condition="AND r.id = %(risk)s")
    params = {"teams": None, "in_scope": inheritance_sql.IN_SCOPE, "day": on, "risk": risk_id}
    with connection.cursor() as cursor:
        cursor.execute(
            compose_statement(sql, **sql_by_name),
            {**params, "dependency_ids": list(dependency_ids)},
        )
        return {row[0] for row in cursor.fetchall()}


def expiring_acceptances(*, on: date, within: timedelta) -> AssessmentQuerySet:
    """Return acceptances in force on `on` that expire within that time, the earliest first."""
    return (
        Assessment.objects.accepted_on(on)
        .filter(accepted_until__lte=on + within)
        .select_related(
            "risk__template", "risk__node", "dependency__application__team", "accepted_by", "owner"
        )
        .order_by("accepted_until", "pk")
    )
