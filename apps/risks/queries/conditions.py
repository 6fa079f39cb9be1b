"""Conditions of lists of inherited risks, and their SQL."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from apps.accounts.queries import team_and_below
from apps.risks.levels import score_range
from apps.risks.models import Assessment
from apps.risks.queries import inheritance_sql
from apps.risks.queries.reach import NO_TEAMS, team_scope

UNASSESSED = "unassessed"
# unassessed or stale: what a user has to decide
UNDECIDED = "undecided"
STATES = (UNASSESSED, *(str(state) for state in Assessment.State), UNDECIDED)
# the levels that filters of likelihood and impact can refer to
INHERENT, CURRENT, RESIDUAL = "inherent", "current", "residual"
# readers of more applications get lists that start from the risks, like readers of everything
MAX_GATHERED_APPLICATIONS = 200


@dataclass(frozen=True, slots=True)
class InheritedRiskQuery:
    """The filters of a list of inherited risks; None or empty means no filter.

    `likelihood` and `impact` refer to the level `level` (inherent, current or residual; empty:
    inherent). `foundation` and `provider` are slugs: risks on them and on their versions and
    offerings; `party`: only risks on the provider itself and its regions. `entry` is a code of
    `taxonomy`, or of any taxonomy. `q` searches titles and codes. `alone` leaves out the teams
    below `team`.
    """

    application: str = ""
    dependency: int | None = None
    risk: int | None = None
    team: str = ""
    template: str = ""
    layer: str = ""
    state: str = ""
    min_inherent: int | None = None
    q: str = ""
    level: str = ""
    likelihood: int | None = None
    impact: int | None = None
    severity: int | None = None
    criticality: int | None = None
    treatment: str = ""
    owner: str = ""
    due_before: date | None = None
    accepted_before: date | None = None
    foundation: str = ""
    provider: str = ""
    party: str = ""
    offering: int | None = None
    taxonomy: str = ""
    entry: str = ""
    node: int | None = None
    alone: bool = False


# risks on a foundation, its versions and their offerings
_OF_FOUNDATION = """r.node_id IN (
    SELECT n.id FROM catalog_foundation f
    JOIN catalog_node n ON n.kind = node_kind('foundation') AND n.ref = f.id
    WHERE f.slug = %(foundation)s
    UNION ALL
    SELECT n.id FROM catalog_foundation f JOIN catalog_version v ON v.foundation_id = f.id
    JOIN catalog_node n ON n.kind = node_kind('version') AND n.ref = v.id
    WHERE f.slug = %(foundation)s
    UNION ALL
    SELECT n.id FROM catalog_foundation f JOIN catalog_version v ON v.foundation_id = f.id
    JOIN catalog_offering o ON o.version_id = v.id
    JOIN catalog_node n ON n.kind = node_kind('offering') AND n.ref = o.id
    WHERE f.slug = %(foundation)s)"""
# risks on a provider in any role, on what it develops and on what it hosts
_OF_PROVIDER = """r.node_id IN (
    SELECT n.id FROM catalog_provider p JOIN catalog_node n ON n.ref = p.id AND n.kind IN (
        node_kind('developer'), node_kind('host'), node_kind('gateway'), node_kind('vendor'))
    WHERE p.slug = %(provider)s
    UNION ALL
    SELECT n.id FROM catalog_provider p JOIN catalog_foundation f ON f.developer_id = p.id
    JOIN catalog_node n ON n.kind = node_kind('foundation') AND n.ref = f.id
    WHERE p.slug = %(provider)s
    UNION ALL
    SELECT n.id FROM catalog_provider p JOIN catalog_foundation f ON f.developer_id = p.id
    JOIN catalog_version v ON v.foundation_id = f.id
    JOIN catalog_node n ON n.kind = node_kind('version') AND n.ref = v.id
    WHERE p.slug = %(provider)s
    UNION ALL
    SELECT n.id FROM catalog_provider p JOIN catalog_offering o ON o.host_id = p.id
    JOIN catalog_node n ON n.kind = node_kind('offering') AND n.ref = o.id
    WHERE p.slug = %(provider)s
    UNION ALL
    SELECT n.id FROM catalog_provider p JOIN catalog_region g ON g.host_id = p.id
    JOIN catalog_node n ON n.kind = node_kind('region') AND n.ref = g.id
    WHERE p.slug = %(provider)s)"""
# risks on a provider itself, in any role, and on its regions
_OF_PARTY = """r.node_id IN (
    SELECT n.id FROM catalog_provider p JOIN catalog_node n ON n.ref = p.id AND n.kind IN (
        node_kind('developer'), node_kind('host'), node_kind('gateway'), node_kind('vendor'))
    WHERE p.slug = %(party)s
    UNION ALL
    SELECT n.id FROM catalog_provider p JOIN catalog_region g ON g.host_id = p.id
    JOIN catalog_node n ON n.kind = node_kind('region') AND n.ref = g.id
    WHERE p.slug = %(party)s)"""
_OF_TAXONOMY = """r.template_id IN (
    SELECT m.template_id FROM risks_templatemapping m
    JOIN risks_taxonomyentry e ON e.id = m.entry_id
    JOIN risks_taxonomy x ON x.id = e.taxonomy_id
    WHERE (%(taxonomy)s = '' OR x.slug = %(taxonomy)s)
        AND (%(entry)s = '' OR lower(e.code) = lower(%(entry)s)))"""
_WHICH = {
    "risk": "r.id = %(risk)s",
    "template": "t.code = %(template)s",
    "layer": "t.layer = %(layer)s",
    "min_inherent": "r.inherent >= %(min_inherent)s",
    "severity": "r.inherent BETWEEN %(lowest)s AND %(highest)s",
    "q": "(coalesce(nullif(r.title, ''), t.title) ILIKE %(like)s OR t.code ILIKE %(like)s)",
    "foundation": _OF_FOUNDATION,
    "provider": _OF_PROVIDER,
    "offering": "r.node_id IN (SELECT n.id FROM catalog_node n "
    "WHERE n.kind = node_kind('offering') AND n.ref = %(offering)s)",
    "taxonomy": _OF_TAXONOMY,
    "entry": _OF_TAXONOMY,
    "party": _OF_PARTY,
    "node": "r.node_id = %(node)s",
}
_CHOSEN = {
    "application": "a.slug = %(application)s",
    "dependency": "d.id = %(dependency)s",
    "criticality": "a.criticality = %(criticality)s",
}
# conditions that only an assessment can meet
_STORED = {
    "treatment": "s.treatment = %(treatment)s",
    "owner": "s.owner_id = (SELECT w.id FROM accounts_user w WHERE w.username = %(owner)s)",
    "due_before": "s.due_on < %(due_before)s",
    "accepted_before": "s.treatment = 'accept' AND s.revoked_at IS NULL AND s.accepted_until < "
    "%(accepted_before)s",
}


# states that rows without an assessment can have
_STATE_CONDITIONS = {
    UNASSESSED: "s.id IS NULL",
    UNDECIDED: "(s.id IS NULL OR s.state = 'stale')",
}
# fields that are handled by other conditions
_OTHER_FIELDS = frozenset({"team", "alone", "level", "q"})


@dataclass(frozen=True, slots=True)
class InheritedRiskConditions:
    """Conditions of a query.

    `is_small`: the requested applications are few enough to collect all their inherited risks.
    `stored`: only assessments can match. `owned`: only those of one owner. `is_empty`: nothing can
    match.
    """

    which: str
    chosen: str
    state: str
    params: dict[str, Any]
    is_small: bool
    stored: bool
    owned: bool
    is_empty: bool

    @property
    def gathered(self) -> bool:
        """Return whether the matching rows are few enough to be sorted and counted."""
        return self.is_small or self.owned


def build_conditions(
    *, user: Any, on: date, query: InheritedRiskQuery, count_all: bool = False
) -> InheritedRiskConditions:
    """Build the conditions of a list; at most three statements.

    `count_all` counts the applications even for readers of everything, to detect a small inventory.
    """
    params: dict[str, Any] = {**team_scope(user), "day": on}
    params |= {
        name: getattr(query, name)
        for name in InheritedRiskQuery.__slots__
        if name not in {"team", "alone", "level", "q"}
    }
    params["lowest"], params["highest"] = score_range(query.severity or 1)
    params["like"] = f"%{_escape_pattern(query.q)}%"
    query_fields = {
        name for name in InheritedRiskQuery.__slots__ if getattr(query, name) not in (None, "")
    }
    risk_conditions = ["", *(sql for name, sql in _WHICH.items() if name in query_fields)]
    dependency_conditions = [
        "true",
        *(sql for name, sql in _CHOSEN.items() if name in query_fields),
    ]
    stored_conditions = [sql for name, sql in _STORED.items() if name in query_fields]
    for name in ("likelihood", "impact"):
        if name in query_fields and query.level in (CURRENT, RESIDUAL):
            stored_conditions.append(
                f"s.{query.level}_{name} = %({name})s AND s.state <> 'not_applicable'"
            )
        elif name in query_fields:
            risk_conditions.append(f"r.{name} = %({name})s")
    is_empty = bool(stored_conditions) and query.state == UNASSESSED
    state = _STATE_CONDITIONS.get(query.state, "true")
    if query.state == UNDECIDED and stored_conditions:
        stored_conditions.append("s.state = 'stale'")
    elif query.state and query.state not in _STATE_CONDITIONS:
        stored_conditions.append("s.state = %(state)s")
    if stored_conditions:
        state = "(" + " AND ".join(stored_conditions) + ")"

    if query.team:
        top = _team_ids(query.team)
        teams = set(top) if query.alone else team_and_below(team_ids=top)
        params["teams"] = (
            sorted(teams if params["teams"] is None else teams & set(params["teams"])) or NO_TEAMS
        )
    is_small = bool(query.application) or query.dependency is not None
    if not is_small and (params["teams"] is not None or count_all):
        is_small = _count_applications(params["teams"]) <= MAX_GATHERED_APPLICATIONS
    return InheritedRiskConditions(
        " AND ".join(risk_conditions),
        " AND ".join(dependency_conditions),
        state,
        params,
        is_small,
        bool(stored_conditions),
        bool(query.owner),
        is_empty,
    )


def _escape_pattern(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _team_ids(slug: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM accounts_team WHERE slug = %s", [slug])
        return [row[0] for row in cursor.fetchall()]


def _count_applications(team_ids: list[int] | None) -> int:
    """Return the number of applications of these teams, or of all, counted only up to the limit
    that matters."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM (
                   SELECT 1 FROM inventory_application
                   WHERE (%(teams)s::bigint[] IS NULL OR team_id = ANY (%(teams)s))
                       AND status = ANY (%(in_scope)s)
                   LIMIT %(most)s) probe""",
            {
                "teams": team_ids,
                "in_scope": inheritance_sql.IN_SCOPE,
                "most": MAX_GATHERED_APPLICATIONS + 1,
            },
        )
        count: int = cursor.fetchone()[0]
    return count
