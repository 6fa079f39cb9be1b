"""Blast radius: applications that depend on a node, in any role and by any relationship."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.catalog.models import NodeKind
from apps.common.database.prepared_statements import prepared_cursor
from apps.common.database.statements import fetch_rows
from apps.exposure.models import ScopedApplication
from apps.inventory.models import Dependency

ROLES: tuple[str, ...] = tuple(Dependency.Role.values)
# from this share of the scope on, walking the applications in order is faster than collecting and
# sorting them
_WALK_FROM = 0.05

# live uses of the node; a gateway or vendor is also reached by the party of a dependency
_USES = """
SELECT l.application_id, l.team_id, l.criticality, l.role
FROM exposure_enginefooting f JOIN exposure_activedependency l ON l.offering_id = f.offering_id
WHERE f.node_id = %(node)s {teams}
"""
_PARTY_USES = """
UNION ALL
SELECT l.application_id, l.team_id, l.criticality, l.role
FROM exposure_partyfooting f JOIN exposure_activedependency l ON l.via_party_id = f.party_id
    AND l.reached = f.reached
WHERE f.node_id = %(node)s {teams}
"""
_PARTIES = frozenset({NodeKind.GATEWAY, NodeKind.VENDOR})
_GATHERED = """
SELECT application_id, criticality, array_agg(DISTINCT role ORDER BY role)
FROM ({uses}) u WHERE true {narrowed}
GROUP BY application_id, criticality ORDER BY criticality, application_id LIMIT %(limit)s
"""
# IS TRUE prevents a join: the offerings on the node are hashed once, and each use is looked up
_WALKED = """
SELECT a.application_id, a.criticality, used.roles
FROM exposure_scopedapplication a
CROSS JOIN LATERAL (
    -- the roles in which the application depends on the node; null if it does not
    SELECT array_agg(DISTINCT l.role ORDER BY l.role) AS roles FROM exposure_activedependency l
    WHERE l.application_id = a.application_id AND (
        (l.offering_id IN (SELECT f.offering_id FROM exposure_enginefooting f
        WHERE f.node_id = %(node)s)) IS TRUE
        {by_party}
    )
) used
WHERE used.roles IS NOT NULL {narrowed}
ORDER BY a.criticality, a.application_id LIMIT %(limit)s
"""
_BY_PARTY = """
OR ((l.via_party_id, l.reached) IN (
    SELECT f.party_id, f.reached FROM exposure_partyfooting f WHERE f.node_id = %(node)s
)) IS TRUE
"""


@dataclass(frozen=True, slots=True)
class TeamReach:
    team_id: int
    n: int
    n_critical: int


@dataclass(frozen=True, slots=True)
class ReachedApplication:
    """One application on a node: the `roles` in which it uses it, as primary or in a supporting
    role."""

    application_id: int
    criticality: int
    roles: tuple[str, ...]


def _uses_sql(kind: NodeKind, team_ids: Collection[int] | None) -> tuple[str, dict[str, Any]]:
    teams = "AND l.team_id = ANY (%(teams)s)" if team_ids is not None else ""
    sql = _USES.format(teams=teams)
    if kind in _PARTIES:
        sql += _PARTY_USES.format(teams=teams)
    return sql, {} if team_ids is None else {"teams": list(team_ids)}


def count_reached(
    node_id: int, kind: NodeKind, *, team_ids: Collection[int] | None = None
) -> tuple[int, int]:
    """Return the numbers of all applications and of critical ones on the node."""
    uses, params = _uses_sql(kind, team_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT application_id), count(DISTINCT application_id) FILTER (WHERE "
            "criticality = 0)"
            f" FROM ({uses}) u",
            {"node": node_id, **params},
        )
        n, n_critical = cursor.fetchone()
    return n, n_critical


def reached_by_team(
    node_id: int, kind: NodeKind, *, team_ids: Collection[int] | None = None
) -> list[TeamReach]:
    """Return the teams with applications on the node, those with most critical applications
    first."""
    uses, params = _uses_sql(kind, team_ids)
    return fetch_rows(
        TeamReach,
        f"""
        SELECT team_id, count(DISTINCT application_id) AS n,
               count(DISTINCT application_id) FILTER (WHERE criticality = 0) AS n_critical
        FROM ({uses}) u GROUP BY team_id ORDER BY n_critical DESC, n DESC, team_id
        """,
        {"node": node_id, **params},
    )


def reached_applications(
    node_id: int,
    kind: NodeKind,
    *,
    team_ids: Collection[int] | None = None,
    after: tuple[int, int] | None = None,
    limit: int = 50,
) -> list[ReachedApplication]:
    """Return a page of the applications on the node, most critical first; `after` is (criticality,
    application ID) of the last one. Two statements.

    For a node with many applications these are read in order, for any other its few are collected:
    the choice is made here from the stored reach, since an ordered read over a rare node reads the
    whole portfolio.
    """
    walk = _is_widely_used(node_id, team_ids)
    params: dict[str, Any] = {"node": node_id, "limit": limit}
    after_condition, teams = "", ""
    if after is not None:
        after_condition = "AND ({of}.criticality, {of}.application_id) > (%(grave)s, %(last)s)"
        params |= {"grave": after[0], "last": after[1]}
    if team_ids is not None:
        teams = "AND {of}.team_id = ANY (%(teams)s)"
        params["teams"] = list(team_ids)
    of = "a" if walk else "u"
    conditions = f"{after_condition} {teams}".format(of=of)
    if walk:
        by_party = _BY_PARTY if kind in _PARTIES else ""
        statement = _WALKED.format(by_party=by_party, narrowed=conditions)
    else:
        statement = _GATHERED.format(uses=_uses_sql(kind, None)[0], narrowed=conditions)
    with prepared_cursor() as cursor:
        cursor.execute(statement, params)
        return [
            ReachedApplication(pk, criticality, tuple(ROLES[code] for code in codes))
            for pk, criticality, codes in cursor
        ]


def _is_widely_used(node_id: int, team_ids: Collection[int] | None) -> bool:
    """Return whether a large share of the applications used the node at the last refresh, assuming
    teams are alike."""
    share, params = "1", [node_id, _WALK_FROM]
    if team_ids is not None:
        share = "(SELECT %s::float / greatest(count(*), 1) FROM accounts_team)"
        params = [len(team_ids), *params]
    with prepared_cursor() as cursor:
        cursor.execute(
            f"SELECT {share} * (SELECT n FROM exposure_nodereach WHERE node_id = %s) >"
            " %s * (SELECT n_applications FROM exposure_enginestate WHERE id = 1)",
            params,
        )
        return bool(cursor.fetchone()[0])


def supporting_roles(
    node_id: int, kind: NodeKind, *, team_ids: Collection[int] | None = None
) -> dict[int, list[str]]:
    """Return {application: roles other than primary in which it uses the node}. A standby primary
    counts as a fallback."""
    uses, params = _uses_sql(kind, team_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT application_id, array_agg(DISTINCT role ORDER BY role) FROM ({uses}) u
            WHERE role > 0
            GROUP BY application_id ORDER BY application_id
            """,
            {"node": node_id, **params},
        )
        return {pk: [ROLES[code] for code in codes] for pk, codes in cursor.fetchall()}


def unresolved_applications(
    kind: NodeKind, *, team_ids: Collection[int] | None = None
) -> list[int]:
    """Return applications with an unresolved primary model: they might depend on any version,
    foundation or developer."""
    if kind not in {NodeKind.VERSION, NodeKind.FOUNDATION, NodeKind.DEVELOPER}:
        return []
    applications = ScopedApplication.objects.filter(unresolved=True)
    if team_ids is not None:
        applications = applications.filter(team_id__in=team_ids)
    return list(applications.order_by("pk").values_list("pk", flat=True))
