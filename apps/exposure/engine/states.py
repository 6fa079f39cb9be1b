"""States of applications when nodes fail: the one statement behind states, single points of
failure, flags and losses.

A path (an active primary model with traffic) is affected if it holds a failing node by a
relationship that counts for the node's failure mode. A candidate rescues it if it is not affected
itself, is independent enough, and is served as long as the failure mode requires; a tested one
makes the path portable, another cushions it. The worst affected path is the application's state,
unless some paths are not affected: then it is partial.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.catalog.models import Node, NodeKind
from apps.exposure.engine.settings import EngineSettings
from apps.exposure.models import StandingState
from apps.exposure.threats import (
    DEFAULT_THREAT,
    THREAT_CODES,
    THREATS_WITH_NOTICE,
    TIES,
    NodeFailure,
    needed_grade,
)

STATE_OF_CODE: tuple[str, ...] = tuple(str(state) for state in StandingState)

# q numbers the failures: nodes of one q fail together. If all nodes are requested, each is its own
# q.
_HIT = """
hit AS MATERIALIZED ({hits}),
party_hit AS MATERIALIZED ({party_hits}),"""

# a path is affected by its offering or by its party; by both if a gateway is in both
_APART = """
struck AS MATERIALIZED (
    SELECT h.q, p.dependency_id, p.application_id, p.share, h.need, h.immediate, h.noticed
    FROM hit h JOIN exposure_path p ON p.offering_id = h.offering_id {paths}
    UNION ALL
    SELECT h.q, p.dependency_id, p.application_id, p.share, h.need, h.immediate, h.noticed
    FROM party_hit h JOIN exposure_path p ON p.via_party_id = h.party_id
        AND p.reached = h.reached {paths}
    -- already affected through its offering
    WHERE NOT EXISTS (SELECT 1 FROM hit x WHERE x.q = h.q AND x.offering_id = p.offering_id)
)"""

_TOGETHER = """
struck AS MATERIALIZED (
    SELECT q, dependency_id, application_id, share,
           max(need) AS need, bool_or(immediate) AS immediate, bool_or(noticed) AS noticed
    FROM (
        SELECT h.q, p.dependency_id, p.application_id, p.share, h.need, h.immediate, h.noticed
        FROM hit h JOIN exposure_path p ON p.offering_id = h.offering_id {paths}
        UNION ALL
        SELECT h.q, p.dependency_id, p.application_id, p.share, h.need, h.immediate, h.noticed
        FROM party_hit h JOIN exposure_path p ON p.via_party_id = h.party_id
            AND p.reached = h.reached {paths}
    ) each_way
    GROUP BY q, dependency_id, application_id, share
)"""

# every candidate that rescues an affected path
_RESCUES = """
FROM struck s JOIN exposure_candidategrade r ON r.primary_id = s.dependency_id
-- independent enough, and served when it is needed: today if the failure is immediate, until the
-- horizon if it is announced
WHERE r.grade >= s.need AND (r.is_immediate OR NOT s.immediate)
  AND (r.alive_at_horizon OR NOT s.noticed) AND (r.alive OR NOT s.immediate)
  -- not affected by the same failure, through its offering or its party
  AND NOT EXISTS (SELECT 1 FROM hit h WHERE h.q = s.q AND h.offering_id = r.offering_id)
  AND NOT EXISTS (
      SELECT 1 FROM party_hit h WHERE h.q = s.q AND h.party_id = r.via_party_id
          AND h.reached = r.reached
  )"""

_BEST = f""",
best AS (SELECT s.q, s.dependency_id, max(1 + r.tested::int) AS best {_RESCUES}
GROUP BY s.q, s.dependency_id)"""

_NAMED_BEST = f""",
best AS (
    SELECT DISTINCT ON (s.q, s.dependency_id) s.q, s.dependency_id, 1 + r.tested::int AS best,
        r.candidate_id
    {_RESCUES}
    ORDER BY s.q, s.dependency_id, r.tested DESC, r.place, r.dependency_id NULLS LAST,
        r.candidate_id
)"""

STANDING = """,
standing AS (
    SELECT s.q, s.application_id, count(*) AS n_struck, min(coalesce(b.best, 0)) AS worst,
        sum(s.share) AS hit
    FROM struck s LEFT JOIN best b ON b.q = s.q AND b.dependency_id = s.dependency_id
    GROUP BY s.q, s.application_id
)"""


@dataclass(frozen=True, slots=True)
class FallbackCandidate:
    """A candidate that takes over: a dependency, or (None) the target of a past exit test."""

    dependency_id: int | None
    offering_id: int


@dataclass(frozen=True, slots=True)
class PathState:
    application_id: int
    dependency_id: int
    share: float
    state: str
    rescue: FallbackCandidate | None


@dataclass(frozen=True, slots=True)
class ApplicationImpact:
    """The state of one application; `hit_share` is exactly 1 if every path is affected: paths are
    counted, shares only shown."""

    application_id: int
    state: str
    hit_share: float


def node_failures(
    node_ids: Collection[int], *, settings: EngineSettings, threat: str | None = None
) -> list[NodeFailure]:
    """Return the failures of these nodes, each under `threat` or its kind's usual one; unknown IDs
    are left out."""
    failures = []
    for pk, number in Node.objects.filter(pk__in=node_ids).order_by("pk").values_list("pk", "kind"):
        kind = NodeKind(number)
        failure_threat = threat or DEFAULT_THREAT[kind]
        failures.append(
            NodeFailure(
                pk, failure_threat, needed_grade(settings.required_grade, failure_threat, kind)
            )
        )
    return failures


def path_states_sql(
    failures: Sequence[NodeFailure], *, with_candidates: bool, paths: str = ""
) -> tuple[str, dict[str, Any]]:
    """Return (SQL of the common tables up to `best`, parameters) for nodes that fail together; q is
    0.

    Each node is written out with its relationships, so that the planner can estimate its rows.
    """
    hits, party_hits = [], []
    params: dict[str, Any] = {}
    for index, failure in enumerate(failures):
        params[f"n{index}"] = failure.node_id
        needs = (
            f"{failure.need} AS need, {not failure.notice} AS immediate, "
            f"{failure.notice} AS noticed"
        )
        node = f"%(n{index})s::bigint"
        ties = ", ".join(str(tie) for tie in failure.ties)
        hits.append(
            f"SELECT 0 AS q, offering_id, {needs} FROM exposure_enginefooting "
            f"WHERE node_id = {node} "
            f"AND via IN ({ties})"
        )
        party_hits.append(
            f"SELECT 0 AS q, reached, party_id, {needs} FROM exposure_partyfooting WHERE node_id = "
            f"{node}"
        )
    if len(failures) > 1:
        hits.append(_NAMES_WITHOUT_MODEL_ID)
        params |= {
            "failing": [failure.node_id for failure in failures],
            "failing_needs": [failure.need for failure in failures],
            "failing_noticed": [failure.notice for failure in failures],
        }
    if not failures:
        needs = "0 AS need, false AS immediate, false AS noticed"
        hits = [f"SELECT 0 AS q, 0::bigint AS offering_id, {needs} WHERE false"]
        party_hits = [
            f"SELECT 0 AS q, 0::smallint AS reached, 0::bigint AS party_id, {needs} WHERE false"
        ]
    common = _states_statement(
        _union_sql(hits, "offering_id"),
        _union_sql(party_hits, "reached, party_id"),
        together=len(failures) > 1,
        with_candidates=with_candidates,
        paths=paths,
    )
    return common, params


# A name depends on one of its model IDs (via 1): it fails when all of them do.
_NAMES_WITHOUT_MODEL_ID = """
SELECT 0 AS q, f.offering_id, max(x.need) AS need, bool_or(NOT x.noticed) AS immediate,
       bool_or(x.noticed) AS noticed
FROM (
    -- the names of which one fails
    SELECT DISTINCT c.offering_id
    FROM exposure_enginefooting c
    JOIN catalog_node n ON n.id = c.node_id AND n.kind = node_kind('offering')
    WHERE c.via = 1 AND c.node_id = ANY (%(failing)s::bigint[])
) named
JOIN exposure_enginefooting f ON f.offering_id = named.offering_id AND f.via = 1
JOIN catalog_node n ON n.id = f.node_id AND n.kind = node_kind('offering')
LEFT JOIN unnest(%(failing)s::bigint[], %(failing_needs)s::int[], %(failing_noticed)s::boolean[])
    AS x(node_id, need, noticed) ON x.node_id = f.node_id
GROUP BY f.offering_id HAVING bool_and(x.node_id IS NOT NULL)"""


def _union_sql(statements: Sequence[str], key: str) -> str:
    if len(statements) == 1:
        return statements[0]
    return (
        f"SELECT q, {key}, max(need) AS need, bool_or(immediate) AS immediate, bool_or(noticed) AS "
        "noticed"
        f" FROM ({' UNION ALL '.join(statements)}) each_node GROUP BY q, {key}"
    )


def _states_statement(
    hits: str, party_hits: str, *, together: bool, with_candidates: bool, paths: str
) -> str:
    """Return the common tables `hit`, `party_hit`, `struck` and `best`, to which a SELECT is
    appended.

    `together`: nodes of one failure can affect a path several times, so its rows are merged.
    `with_candidates`: `best` also names the candidate that takes over. `paths` is a condition on
    `p`.
    """
    failed_sql = (_TOGETHER if together else _APART).format(paths=paths)
    affected_sql = _HIT.format(hits=hits, party_hits=party_hits)
    return f"WITH {affected_sql}{failed_sql}{_NAMED_BEST if with_candidates else _BEST}"


def every_path_state_sql(
    *,
    settings: EngineSettings,
    threats: Collection[tuple[NodeKind, str]],
    offerings: str = "",
    paths: str = "",
) -> str:
    """Return SQL of the common tables up to `best` if each node fails alone; q is its ID x 8 + the
    threat's code.

    `offerings` limits the upstream nodes to those of the `paths`, if these are few.
    """
    failing_nodes_sql = f"({every_node_failure_sql(settings=settings, threats=threats)}) k"
    failure_columns = "k.need, NOT k.notice AS immediate, k.notice AS noticed"
    hits = (
        f"SELECT k.q, f.offering_id, {failure_columns} FROM {failing_nodes_sql}"
        " JOIN exposure_enginefooting f ON f.node_id = k.node_id AND f.via = ANY (k.ties) "
        f"{offerings}"
    )
    party_hits = (
        f"SELECT k.q, f.reached, f.party_id, {failure_columns} FROM {failing_nodes_sql}"
        " JOIN exposure_partyfooting f ON f.node_id = k.node_id"
    )
    return _states_statement(hits, party_hits, together=False, with_candidates=False, paths=paths)


def every_node_failure_sql(
    *, settings: EngineSettings, threats: Collection[tuple[NodeKind, str]]
) -> str:
    """Return SQL of (q, node_id, need, notice, ties): each node under the given threats of its
    kind."""
    demands_sql = ", ".join(
        f"({kind.value}, {THREAT_CODES[threat]}, "
        f"{needed_grade(settings.required_grade, threat, kind)},"
        f" {threat in THREATS_WITH_NOTICE}, ARRAY{[int(via) for via in TIES[threat]]})"
        for kind, threat in sorted(threats)
    )
    return (
        "SELECT n.id * 8 + t.threat AS q, n.id AS node_id, t.need, t.notice, t.ties FROM "
        "catalog_node n"
        f" JOIN (VALUES {demands_sql}) AS t(kind, threat, need, notice, ties) ON t.kind = n.kind"
    )


def _scope_condition(
    application_ids: Collection[int] | None, team_ids: Collection[int] | None
) -> tuple[str, dict[str, Any]]:
    """Return (SQL condition on `p`, its parameters), which limits the paths to these applications
    and teams; None: no limit."""
    clauses, params = [], {}
    if application_ids is not None:
        clauses.append("p.application_id = ANY (%(applications)s)")
        params["applications"] = list(application_ids)
    if team_ids is not None:
        clauses.append("p.team_id = ANY (%(teams)s)")
        params["teams"] = list(team_ids)
    return "".join(f" AND {clause}" for clause in clauses), params


def path_states(
    failures: Sequence[NodeFailure],
    *,
    application_ids: Collection[int] | None = None,
    team_ids: Collection[int] | None = None,
) -> list[PathState]:
    """Return every affected path if all the nodes fail together, with its rescues; by application
    and dependency."""
    return list(_path_rows(failures, application_ids, team_ids))


def _path_rows(
    failures: Sequence[NodeFailure],
    application_ids: Collection[int] | None,
    team_ids: Collection[int] | None,
) -> Iterator[PathState]:
    """Yield the affected paths with their state and the candidate that takes over, by application
    and dependency."""
    paths, scope_params = _scope_condition(application_ids, team_ids)
    states_sql, params = path_states_sql(failures, with_candidates=True, paths=paths)
    sql = (
        states_sql
        + """
        SELECT s.application_id, s.dependency_id, s.share, coalesce(b.best, 0), c.dependency_id,
            c.offering_id
        FROM struck s
        LEFT JOIN best b ON b.q = s.q AND b.dependency_id = s.dependency_id
        LEFT JOIN exposure_candidate c ON c.id = b.candidate_id
        ORDER BY s.application_id, s.dependency_id
        """
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, {**params, **scope_params})
        for application_id, dependency_id, share, best, candidate, offering_id in cursor.fetchall():
            rescue = None if offering_id is None else FallbackCandidate(candidate, offering_id)
            yield PathState(application_id, dependency_id, share, STATE_OF_CODE[best], rescue)


def application_states(
    failures: Sequence[NodeFailure],
    *,
    application_ids: Collection[int] | None = None,
    team_ids: Collection[int] | None = None,
    states: Collection[str] | None = None,
    after: tuple[int, int] | None = None,
    limit: int | None = None,
) -> list[ApplicationImpact]:
    """Return applications that depend on the nodes when all of them fail together, most critical
    first, then by ID.

    Other applications are not included. `after` is (criticality, application ID) of the last one.
    """
    paths, scope_params = _scope_condition(application_ids, team_ids)
    states_sql, params = path_states_sql(failures, with_candidates=False, paths=paths)
    sql = (
        states_sql
        + STANDING
        + """
        SELECT application_id, state, hit FROM (
            -- only some paths are affected: state 3, partial, with the affected share
            SELECT t.application_id, a.criticality,
                   CASE WHEN t.n_struck < a.n_paths THEN 3 ELSE t.worst END AS state,
                   CASE WHEN t.n_struck < a.n_paths THEN t.hit ELSE 1 END AS hit
            FROM standing t JOIN exposure_scopedapplication a ON a.application_id = t.application_id
        ) found
        WHERE (%(codes)s::int[] IS NULL OR state = ANY (%(codes)s))
          -- rows after the cursor
          AND (%(grave)s::int IS NULL OR (criticality, application_id) > (%(grave)s, %(last)s))
        ORDER BY criticality, application_id LIMIT %(limit)s
        """
    )
    codes = None if states is None else [STATE_OF_CODE.index(state) for state in states]
    after_criticality, after_id = after or (None, None)
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            {
                **params,
                **scope_params,
                "codes": codes,
                "grave": after_criticality,
                "last": after_id,
                "limit": limit,
            },
        )
        return [
            ApplicationImpact(application_id, STATE_OF_CODE[state], hit)
            for application_id, state, hit in cursor.fetchall()
        ]


def count_states(
    failures: Sequence[NodeFailure], *, team_ids: Collection[int] | None = None
) -> dict[str, tuple[int, int]]:
    """Return {state: (applications, critical ones)} if all the nodes fail together."""
    paths, scope_params = _scope_condition(None, team_ids)
    states_sql, params = path_states_sql(failures, with_candidates=False, paths=paths)
    sql = (
        states_sql
        + STANDING
        + """
        SELECT CASE WHEN t.n_struck < a.n_paths THEN 3 ELSE t.worst END, count(*),
               count(*) FILTER (WHERE a.criticality = 0)
        FROM standing t JOIN exposure_scopedapplication a ON a.application_id = t.application_id
        GROUP BY 1
        """
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, {**params, **scope_params})
        return {STATE_OF_CODE[code]: (n, n_critical) for code, n, n_critical in cursor.fetchall()}
