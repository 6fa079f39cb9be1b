"""Summary of a portfolio's upstream dependencies, read from the engine's tables: for pages that
need a quick response.

Numbers are of the whole organisation for organisation roles, otherwise of the reader's teams, on
the day of the last refresh. `apps/web/queries.py` has the same queries on the inventory itself,
which are exact to the second.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from apps.accounts.models import User
from apps.catalog.models import NodeKind, Offering, Provider
from apps.common.database.statements import compose_statement, fetch_rows, load_statement
from apps.exposure.queries.concentration import scope_count_sql, visible_team_ids
from apps.exposure.threats import DEFAULT_THREAT, THREAT_CODES, TIES
from apps.inventory.models import Application, ApplicationQuerySet, Criticality

# limit up to which applications of a party with several roles are counted one by one
COUNT_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class PortfolioFigures:
    """Applications in scope, each counted once; retirements are those of the offering served for an
    active primary model.

    `n_ending_30` and `n_ending_180` have an announced date in the future and no replacement that
    takes over by itself; `n_ending_180` includes past ones. `n_unresolved` have a primary model
    whose model ID is not identified; names without a model ID are issues instead.
    """

    n_applications: int
    n_critical: int
    n_ended: int
    n_ending_30: int
    n_ending_180: int
    n_offerings_180: int
    n_unresolved: int
    as_of: date | None


_ENDS = """
SELECT count(DISTINCT p.application_id) FILTER (WHERE e.ended),
       count(DISTINCT p.application_id) FILTER (WHERE e.ends_on <= %(soon)s),
       count(DISTINCT p.application_id) FILTER (WHERE e.ended OR e.ends_on IS NOT NULL),
       count(DISTINCT p.effective_id) FILTER (WHERE e.ended OR e.ends_on IS NOT NULL),
       count(DISTINCT p.application_id) FILTER (WHERE e.unresolved),
       {n_applications},
       (SELECT count(*) FROM exposure_scopedapplication s WHERE s.criticality = 0 {of_teams}),
       (SELECT as_of FROM exposure_enginestate WHERE id = 1)
FROM (
    SELECT o.id, o.version_id IS NULL AND o.kind = 'model_id' AS unresolved,
           -- retired: its status says so, or an announced date has come
           o.lifecycle = 'retired'
               OR (o.date_kind = 'firm' AND o.retires_on <= %(day)s) IS TRUE AS ended,
           -- retires between the day and the horizon; a redirect to a replacement is no retirement
           CASE WHEN o.date_kind = 'firm' AND o.retires_on > %(day)s AND o.retires_on <= %(later)s
                     AND o.lifecycle <> 'retired'
                     AND NOT (o.end_behaviour = 'redirect' AND o.replacement_id IS NOT NULL)
                THEN o.retires_on END AS ends_on
    FROM catalog_offering o
    WHERE o.version_id IS NULL OR o.retires_on <= %(later)s OR o.lifecycle = 'retired'
) e JOIN exposure_path p ON p.effective_id = e.id {teams}
"""


def portfolio_figures(*, user: User, on: date) -> PortfolioFigures:
    """Return the figures of the portfolio; one statement, two while the tables have no
    applications."""
    teams = visible_team_ids(user)
    with connection.cursor() as cursor:
        cursor.execute(
            _ENDS.format(
                teams=_team_condition("p", teams),
                of_teams=_team_condition("s", teams),
                n_applications=scope_count_sql(teams),
            ),
            {
                "day": on,
                "soon": on + timedelta(30),
                "later": on + timedelta(180),
                "teams": list(teams or ()),
            },
        )
        ended, ending_30, ending_180, offerings_180, unresolved, n, n_critical, as_of = (
            cursor.fetchone()
        )
    if not n:
        n, n_critical = _count_in_inventory(user)
    return PortfolioFigures(
        n, n_critical, ended, ending_30, ending_180, offerings_180, unresolved, as_of
    )


def _count_in_inventory(user: User) -> tuple[int, int]:
    """Return (applications, critical ones) while the tables are empty."""
    row = (
        Application.objects.visible_to(user)
        .in_scope()
        .order_by()
        .aggregate(
            n=Count("pk"), n_critical=Count("pk", filter=Q(criticality=Criticality.CRITICAL))
        )
    )
    return row["n"], row["n_critical"]


@dataclass(frozen=True, slots=True)
class CommonStack:
    """Applications with an active primary model of one version on one host; the names are None if
    unresolved. An application with primary models on several stacks is in each, once. `event_date`
    is the earliest retirement on the stack, None if unresolved."""

    n: int
    n_critical: int
    host: str
    version: str | None
    line: str | None
    foundation: str | None
    developer: str | None
    ends_on: date | None


_STACKS = load_statement("exposure", "common_stacks")


def common_stacks(*, user: User, limit: int) -> list[CommonStack]:
    """Return the `limit` most common stacks, the most common first; one statement."""
    teams = visible_team_ids(user)
    return fetch_rows(
        CommonStack,
        compose_statement(_STACKS, teams=_team_condition("p", teams)),
        {"teams": list(teams or ()), "limit": limit},
    )


@dataclass(frozen=True, slots=True)
class RetiringOffering:
    """`offering` is loaded with host, version with foundation, and replacement; applications are in
    any role."""

    offering: Offering
    n: int
    n_critical: int


# the number of dependents of an offering is stored for the organisation; for teams, and of critical
# applications, it is counted
_ENDING = """
SELECT o.id, r.n FROM catalog_offering o
JOIN catalog_node k ON k.kind = node_kind('offering') AND k.ref = o.id
JOIN exposure_nodereach r ON r.node_id = k.id
WHERE o.retires_on <= %(until)s AND o.retires_on >= %(since)s
  AND EXISTS (SELECT 1 FROM exposure_activedependency l WHERE l.offering_id = o.id)
ORDER BY o.retires_on, r.n DESC, o.id LIMIT %(limit)s
"""
_ENDING_OF_TEAMS = """
SELECT o.id, count(DISTINCT l.application_id) AS n
FROM catalog_offering o JOIN exposure_activedependency l ON l.offering_id = o.id
    AND l.team_id = ANY (%(teams)s)
WHERE o.retires_on <= %(until)s AND o.retires_on >= %(since)s
GROUP BY o.id ORDER BY o.retires_on, n DESC, o.id LIMIT %(limit)s
"""
_COUNTED = """
SELECT l.offering_id, count(DISTINCT l.application_id),
       count(DISTINCT l.application_id) FILTER (WHERE l.criticality = 0)
FROM exposure_activedependency l WHERE l.offering_id = ANY (%(offerings)s) {teams}
    GROUP BY l.offering_id
"""


def retiring_offerings(
    *, user: User, on: date, within: int, limit: int, since: date = date.min
) -> list[RetiringOffering]:
    """Return offerings of live dependencies whose date has passed or is within `within` days,
    soonest first, without dates before `since`; three statements."""
    teams = visible_team_ids(user)
    params: dict[str, Any] = {
        "until": on + timedelta(within),
        "since": since,
        "limit": limit,
        "teams": list(teams or ()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ENDING if teams is None else _ENDING_OF_TEAMS, params)
        ids = [pk for pk, _ in cursor.fetchall()]
        cursor.execute(
            _COUNTED.format(teams=_team_condition("l", teams)), {**params, "offerings": ids}
        )
        counts = {pk: (n, n_critical) for pk, n, n_critical in cursor.fetchall()}
    offerings = Offering.objects.select_related(
        "host", "version__foundation", "replacement"
    ).in_bulk(ids)
    rows = [
        RetiringOffering(offerings[pk], *counts[pk])
        for pk in ids
        if pk in offerings and pk in counts
    ]
    return sorted(
        rows, key=lambda row: (row.offering.retires_on or date.max, -row.n, row.offering.pk)
    )


@dataclass(frozen=True, slots=True)
class RetiringModel:
    """Offerings of one version on one host that retire on the same day, or are retired without a
    date; `offering` is loaded with host and version and stands for the others. Applications are in
    any role."""

    offering: Offering
    offering_ids: tuple[int, ...]
    n: int
    n_critical: int

    @property
    def name(self) -> str:
        """Return the name of the version, as in its issues; the model ID if it is unresolved."""
        version = self.offering.version
        return version.name or version.identifier if version else self.offering.api_id


_RETIRING = """
(SELECT o.id FROM catalog_offering o
 WHERE (o.lifecycle = 'retired' OR (o.date_kind = 'firm' AND o.retires_on <= %(day)s)) AND EXISTS (
     SELECT 1 FROM exposure_activedependency l WHERE l.offering_id = o.id {teams})
 ORDER BY o.retires_on DESC NULLS LAST, o.id LIMIT %(limit)s)
UNION ALL
(SELECT o.id FROM catalog_offering o
 WHERE o.retires_on <= %(until)s AND (o.retires_on > %(day)s OR o.date_kind <> 'firm')
   AND o.lifecycle <> 'retired' AND EXISTS (
     SELECT 1 FROM exposure_activedependency l WHERE l.offering_id = o.id {teams})
 ORDER BY o.retires_on, o.id LIMIT %(limit)s)
"""
_COUNTED_GROUPS = """
SELECT g.place, count(DISTINCT l.application_id),
       count(DISTINCT l.application_id) FILTER (WHERE l.criticality = 0)
FROM unnest(%(places)s::int[], %(offerings)s::bigint[]) AS g(place, offering_id)
JOIN exposure_activedependency l ON l.offering_id = g.offering_id {teams} GROUP BY g.place
"""
# model IDs that are read on either side of today, before they are grouped
_MAX_RETIRING_IDS = 120


def retiring_models(
    *, user: User, on: date, within: int, max_past: int, max_next: int
) -> tuple[list[RetiringModel], list[RetiringModel]]:
    """Return (models that are retired and still used, latest first; models that retire within so
    many days, soonest first), each cut to one more than its maximum; three statements.

    A date that is only a lower bound retires nothing: it belongs to the second list, even if past.
    """
    teams = visible_team_ids(user)
    condition = _team_condition("l", teams)
    params: dict[str, Any] = {
        "day": on,
        "until": on + timedelta(within),
        "limit": _MAX_RETIRING_IDS,
        "teams": list(teams or ()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RETIRING.format(teams=condition), params)
        ids = [pk for (pk,) in cursor.fetchall()]
    offerings = Offering.objects.select_related("host", "version__foundation").in_bulk(ids)
    groups: dict[Any, list[Offering]] = {}
    for pk in ids:
        offering = offerings[pk]
        model = offering.version_id or f"offering {pk}"
        is_retired = offering.is_retired(on)
        key = (model, offering.host_id, offering.retires_on, offering.date_kind, is_retired)
        groups.setdefault(key, []).append(offering)
    past = [rows for rows in groups.values() if rows[0].is_retired(on)][: max_past + 1]
    upcoming = [rows for rows in groups.values() if not rows[0].is_retired(on)][: max_next + 1]
    shown = [*past, *upcoming]
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNTED_GROUPS.format(teams=condition),
            {
                **params,
                "places": [place for place, rows in enumerate(shown) for _ in rows],
                "offerings": [offering.pk for rows in shown for offering in rows],
            },
        )
        counts = {place: (n, n_critical) for place, n, n_critical in cursor.fetchall()}
    models = [
        RetiringModel(rows[0], tuple(o.pk for o in rows), *counts.get(place, (0, 0)))
        for place, rows in enumerate(shown)
    ]
    return models[: len(past)], models[len(past) :]


# --- one party ------------------------------------------------------------------------------------

PARTY_KINDS: tuple[NodeKind, ...] = (
    NodeKind.DEVELOPER,
    NodeKind.HOST,
    NodeKind.GATEWAY,
    NodeKind.VENDOR,
)

# live uses on the nodes, one row per relationship
_USES = """
SELECT l.application_id, l.criticality
FROM exposure_enginefooting f JOIN exposure_activedependency l ON l.offering_id = f.offering_id
WHERE f.node_id = ANY (%(nodes)s) {only}
"""
_PARTY_USES = """
UNION ALL
SELECT l.application_id, l.criticality FROM exposure_partyfooting f
JOIN exposure_activedependency l ON l.via_party_id = f.party_id AND l.reached = f.reached
WHERE f.node_id = ANY (%(nodes)s) {only}
"""

# uses of the few critical applications, looked up among the offerings on the nodes
_CRITICAL = """
SELECT count(DISTINCT a.application_id) FROM exposure_scopedapplication a
JOIN exposure_activedependency l ON l.application_id = a.application_id
LEFT JOIN (SELECT DISTINCT offering_id FROM exposure_enginefooting
    WHERE node_id = ANY (%(nodes)s)) f
  ON f.offering_id = l.offering_id
LEFT JOIN exposure_partyfooting q ON q.party_id = l.via_party_id AND q.reached = l.reached
 AND q.node_id = ANY (%(nodes)s)
-- affected through an offering on the nodes, or through its own gateway or vendor
WHERE a.criticality = 0 {teams} AND (f.offering_id IS NOT NULL OR q.node_id IS NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class PartyReach:
    """Applications that depend on a provider in any role and by any relationship: as developer,
    host, gateway or vendor, or on a company it owns. With `at_least` there are `n` or more.
    `by_part` counts by the provider's role, for organisation roles."""

    n: int
    at_least: bool
    n_critical: int
    by_part: dict[NodeKind, int]

    @property
    def shown(self) -> str:
        return f"{self.n:,}+" if self.at_least else f"{self.n:,}"


def party_reach(*, provider: Provider, user: User) -> PartyReach:
    """Return the reach of a provider in one to three statements: one for organisation roles and a
    provider of one role, whose numbers the engine keeps.

    It is exact, except for a party with several roles and more than COUNT_LIMIT applications: then
    `n` is that of the largest role.
    """
    teams, parts = visible_team_ids(user), _party_parts(provider)
    if not parts:
        return PartyReach(0, False, 0, {})
    by_part = {kind: n for _, kind, n, _ in parts} if teams is None else {}
    if teams is None and len(parts) == 1:
        ((_, _, n, n_critical),) = parts
        return PartyReach(n, False, n_critical, by_part)
    params: dict[str, Any] = {"nodes": [part[0] for part in parts], "teams": list(teams or ())}
    largest = max(n for _, _, n, _ in parts)
    with connection.cursor() as cursor:
        cursor.execute(_CRITICAL.format(teams=_team_condition("a", teams)), params)
        n_critical = cursor.fetchone()[0]
        if teams is None and largest > COUNT_LIMIT:
            n, at_least = largest, True
        else:
            cursor.execute(
                f"SELECT count(DISTINCT application_id) FROM ({_uses_sql(parts, teams)}) u", params
            )
            n, at_least = cursor.fetchone()[0], False
    return PartyReach(n, at_least, n_critical, by_part)


def party_applications(*, provider: Provider, user: User, limit: int) -> ApplicationQuerySet:
    """Return the `limit` most critical applications of the party, by criticality and ID; two
    statements."""
    teams, parts = visible_team_ids(user), _party_parts(provider)
    params: dict[str, Any] = {
        "nodes": [part[0] for part in parts],
        "teams": list(teams or ()),
        "limit": limit,
    }
    if teams is None and sum(n for _, _, n, _ in parts) > COUNT_LIMIT:
        # OFFSET 0 prevents the ordered walk from being turned into a join of everything
        use_sql = _uses_sql(parts, None, condition="AND l.application_id = a.application_id")
        statement = f"""
            SELECT a.application_id FROM exposure_scopedapplication a
            WHERE EXISTS (SELECT 1 FROM ({use_sql}) used OFFSET 0)
            ORDER BY a.criticality, a.application_id LIMIT %(limit)s
            """
    else:
        statement = (
            f"SELECT application_id FROM ({_uses_sql(parts, teams)}) u GROUP BY application_id, "
            "criticality"
            " ORDER BY criticality, application_id LIMIT %(limit)s"
        )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        ids = [pk for (pk,) in cursor.fetchall()]
    return Application.objects.filter(pk__in=ids).order_by("criticality", "pk")


type _Part = tuple[int, NodeKind, int, int]


def _uses_sql(
    parts: Collection[_Part], teams: Collection[int] | None, *, condition: str = ""
) -> str:
    condition = f"{condition} {_team_condition('l', teams)}"
    through_party = any(kind in {NodeKind.GATEWAY, NodeKind.VENDOR} for _, kind, _, _ in parts)
    return _USES.format(only=condition) + (
        _PARTY_USES.format(only=condition) if through_party else ""
    )


def _party_parts(provider: Provider) -> list[_Part]:
    """Return (node, kind, applications of the organisation, critical ones) of the party's roles
    that have dependents."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT k.id, k.kind, r.n, r.n_critical FROM catalog_node k"
            " JOIN exposure_nodereach r ON r.node_id = k.id"
            " WHERE k.kind = ANY (%s) AND k.ref = %s ORDER BY k.kind",
            [[kind.value for kind in PARTY_KINDS], provider.pk],
        )
        return [
            (pk, NodeKind(kind), n, n_critical) for pk, kind, n, n_critical in cursor.fetchall()
        ]


@dataclass(frozen=True, slots=True)
class DependentCount:
    """Applications that depend on a node. `n` and `n_critical` count all of them, in any role and
    by any relationship; `n_standing` those with a primary model that the node's usual failure mode
    affects."""

    n: int = 0
    n_standing: int = 0
    n_critical: int = 0


_COUNT_EVERYWHERE = """
SELECT k.ref, r.n, coalesce(s.n, 0)::bigint, r.n_critical
FROM catalog_node k JOIN exposure_nodereach r ON r.node_id = k.id
LEFT JOIN LATERAL (
    -- applications whose primary model the usual failure mode of the kind affects
    SELECT sum(n) AS n FROM exposure_nodesummary s
    WHERE s.node_id = k.id AND s.threat = %(threat)s
) s ON true
WHERE k.kind = %(kind)s AND k.ref = ANY (%(refs)s)
"""
_COUNT_OF_TEAMS = """
SELECT ref, count(*), count(*) FILTER (WHERE stands), count(*) FILTER (WHERE criticality = 0)
FROM (
    SELECT ref, application_id, criticality, bool_or(stands) AS stands
    FROM (
        -- stands: a primary model (role 0) that the usual failure mode of the node affects
        SELECT k.ref, l.application_id, l.criticality, l.role = 0
            AND f.via = ANY (%(ties)s) AS stands
        FROM catalog_node k JOIN exposure_enginefooting f ON f.node_id = k.id
        JOIN exposure_activedependency l ON l.offering_id = f.offering_id
            AND l.team_id = ANY (%(teams)s)
        WHERE k.kind = %(kind)s AND k.ref = ANY (%(refs)s)
        UNION ALL
        -- the party of the dependency itself is always affected
        SELECT k.ref, l.application_id, l.criticality, l.role = 0
        FROM catalog_node k JOIN exposure_partyfooting f ON f.node_id = k.id
        JOIN exposure_activedependency l ON l.via_party_id = f.party_id AND l.reached = f.reached
            AND l.team_id = ANY (%(teams)s)
        WHERE k.kind = %(kind)s AND k.ref = ANY (%(refs)s)
    ) used GROUP BY ref, application_id, criticality
) each GROUP BY ref
"""


def dependent_counts(
    *, kind: NodeKind, refs: Collection[int], user: User
) -> dict[int, DependentCount]:
    """Return {ref: count} of the nodes of one kind with any dependent: one statement."""
    if not refs:
        return {}
    teams, threat = visible_team_ids(user), DEFAULT_THREAT[kind]
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT_EVERYWHERE if teams is None else _COUNT_OF_TEAMS,
            {
                "kind": kind.value,
                "refs": list(refs),
                "teams": list(teams or ()),
                "threat": THREAT_CODES[threat],
                "ties": [int(via) for via in TIES[threat]],
            },
        )
        return {ref: DependentCount(*counts) for ref, *counts in cursor.fetchall()}


def used_nodes(*, kind: NodeKind, user: User) -> list[int]:
    """Return refs of the nodes of one kind with any dependent, those with most applications first
    (for teams: unordered): one statement."""
    return _used_refs([kind], user)


def used_parties(*, user: User) -> set[int]:
    """Return the providers with any dependent in any role: one statement."""
    return set(_used_refs(PARTY_KINDS, user))


def _used_refs(kinds: Sequence[NodeKind], user: User) -> list[int]:
    teams = visible_team_ids(user)
    with connection.cursor() as cursor:
        cursor.execute(
            _USED_EVERYWHERE if teams is None else _USED_OF_TEAMS,
            {"teams": list(teams or ()), "kinds": [kind.value for kind in kinds]},
        )
        return [ref for (ref,) in cursor.fetchall()]


_USED_EVERYWHERE = """
SELECT k.ref FROM exposure_nodereach r
JOIN catalog_node k ON k.id = r.node_id AND k.kind = ANY (%(kinds)s)
ORDER BY r.n DESC, k.ref
"""
_USED_OF_TEAMS = """
WITH called AS MATERIALIZED (
    -- offerings and parties that the teams use, each once
    SELECT DISTINCT offering_id, via_party_id, reached FROM exposure_activedependency
    WHERE team_id = ANY (%(teams)s)
)
SELECT DISTINCT k.ref FROM catalog_node k
JOIN exposure_enginefooting f ON f.node_id = k.id
JOIN called c ON c.offering_id = f.offering_id WHERE k.kind = ANY (%(kinds)s)
UNION
SELECT DISTINCT k.ref FROM catalog_node k
JOIN exposure_partyfooting f ON f.node_id = k.id
JOIN called c ON c.via_party_id = f.party_id AND c.reached = f.reached
WHERE k.kind = ANY (%(kinds)s)
"""


def _team_condition(table: str, teams: Collection[int] | None) -> str:
    return "" if teams is None else f"AND {table}.team_id = ANY (%(teams)s)"
