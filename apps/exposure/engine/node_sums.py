"""Sums per node and state: `NodeSummary` and `NodeReach`, for all applications or updated for a
few."""

from typing import Any

from django.db import connection

from apps.exposure.engine.settings import EngineSettings
from apps.exposure.engine.states import STANDING, every_path_state_sql

_SUMS = """
-- q is the node ID times 8 plus the code of the failure mode; state 3, partial: not all paths are
-- affected
SELECT t.q / 8 AS node_id, (t.q %% 8)::int AS threat, CASE WHEN t.n_struck < a.n_paths THEN 3
    ELSE t.worst END AS state,
       count(*) AS n, count(*) FILTER (WHERE a.criticality = 0) AS n_critical,
       sum(a.points) AS points,
       coalesce(sum(a.users), 0) AS users, coalesce(sum(a.spend), 0) AS spend
FROM standing t JOIN exposure_scopedapplication a ON a.application_id = t.application_id
GROUP BY 1, 2, 3
"""

# an application often has many uses of one offering, so these are made distinct before the join
# with the nodes multiplies them
_REACH = """
WITH use AS MATERIALIZED (
    SELECT DISTINCT l.offering_id, l.reached, l.via_party_id, l.application_id, l.criticality
    FROM exposure_activedependency l {due}
)
SELECT node_id, count(DISTINCT application_id) AS n,
    count(DISTINCT application_id) FILTER (WHERE criticality = 0) AS n_critical
FROM (
    -- through the offering
    SELECT f.node_id, u.application_id, u.criticality FROM use u
    JOIN exposure_enginefooting f ON f.offering_id = u.offering_id
    UNION ALL
    -- through the party of the dependency
    SELECT f.node_id, u.application_id, u.criticality FROM use u
    JOIN exposure_partyfooting f ON f.party_id = u.via_party_id AND f.reached = u.reached
) reached GROUP BY node_id
"""

_DUE = "WHERE l.application_id IN (SELECT application_id FROM exposure_due)"


def _states_sql(settings: EngineSettings, *, due_only: bool) -> str:
    """Return SQL of the sums by node, failure mode and state. `due_only`: of the applications in
    `exposure_due`."""
    offerings = paths = ""
    if due_only:
        # limited to nodes of the due applications; otherwise a host would add every offering it
        # serves
        offerings = """AND f.offering_id IN (
            SELECT p.offering_id FROM exposure_path p
            JOIN exposure_due d ON d.application_id = p.application_id
            UNION
            SELECT c.offering_id
            FROM exposure_candidate c JOIN exposure_due d ON d.application_id = c.application_id)"""
        paths = "AND p.application_id IN (SELECT application_id FROM exposure_due)"
    states_sql = every_path_state_sql(
        settings=settings, threats=settings.threats, offerings=offerings, paths=paths
    )
    return states_sql + STANDING + _SUMS


def write_node_sums(settings: EngineSettings) -> None:
    """Rewrite both tables."""
    with connection.cursor() as cursor:
        # not TRUNCATE, for the reason given in build_all
        cursor.execute("DELETE FROM exposure_nodesummary")
        cursor.execute("DELETE FROM exposure_nodereach")
        # the planner expects a twentieth of the failures; with a million applications it would look
        # up the candidates of millions of paths one by one
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(
            "INSERT INTO exposure_nodesummary (node_id, threat, state, n, n_critical, points, "
            "users, spend)"
            f" {_states_sql(settings, due_only=False)}",
            {},
        )
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
        cursor.execute(
            f"INSERT INTO exposure_nodereach (node_id, n, n_critical) {_REACH.format(due='')}"
        )
        cursor.execute("ANALYZE exposure_nodesummary, exposure_nodereach")


def sum_due_applications(cursor: Any, settings: EngineSettings, into: str) -> None:
    """Create the sums of the due applications as temporary tables `into` and `into`_reach."""
    cursor.execute(
        f"CREATE TEMPORARY TABLE {into} ON COMMIT DROP AS {_states_sql(settings, due_only=True)}",
        {},
    )
    cursor.execute(
        f"CREATE TEMPORARY TABLE {into}_reach ON COMMIT DROP AS {_REACH.format(due=_DUE)}"
    )


def merge_node_sums(cursor: Any, *, before: str, after: str) -> set[int]:
    """Add the new sums and subtract the old ones; return the nodes whose summary or reach
    changed."""
    cursor.execute(
        f"""
        CREATE TEMPORARY TABLE due_difference ON COMMIT DROP AS
        SELECT node_id, threat, state, sum(n) AS n, sum(n_critical) AS n_critical,
            sum(points) AS points,
               sum(users) AS users, sum(spend) AS spend
        FROM (SELECT * FROM {after}
              UNION ALL
              -- the old sums are negative, so that equal ones add up to 0
              SELECT node_id, threat, state, -n, -n_critical, -points, -users, -spend
              FROM {before}) both_sides
        GROUP BY node_id, threat, state
        HAVING sum(n) <> 0 OR sum(n_critical) <> 0 OR sum(points) <> 0 OR sum(users) <> 0
        OR sum(spend) <> 0
        """
    )
    cursor.execute(
        """
        INSERT INTO exposure_nodesummary AS s (node_id, threat, state, n, n_critical, points, users,
            spend)
        SELECT node_id, threat, state, n, n_critical, points, users, spend FROM due_difference
        ON CONFLICT (node_id, threat, state) DO UPDATE SET
            n = s.n + EXCLUDED.n, n_critical = s.n_critical + EXCLUDED.n_critical,
            points = s.points + EXCLUDED.points,
            users = s.users + EXCLUDED.users, spend = s.spend + EXCLUDED.spend
        """
    )
    cursor.execute(
        f"""
        CREATE TEMPORARY TABLE due_reach ON COMMIT DROP AS
        SELECT node_id, sum(n) AS n, sum(n_critical) AS n_critical
        FROM (SELECT * FROM {after}_reach
              UNION ALL
              SELECT node_id, -n, -n_critical FROM {before}_reach) r
        GROUP BY node_id HAVING sum(n) <> 0 OR sum(n_critical) <> 0
        """
    )
    cursor.execute(
        """
        INSERT INTO exposure_nodereach AS r (node_id, n, n_critical)
        SELECT node_id, n, n_critical FROM due_reach
        ON CONFLICT (node_id) DO UPDATE SET
            n = r.n + EXCLUDED.n, n_critical = r.n_critical + EXCLUDED.n_critical
        """
    )
    cursor.execute("DELETE FROM exposure_nodesummary WHERE n = 0")
    cursor.execute("DELETE FROM exposure_nodereach WHERE n = 0")
    cursor.execute("SELECT node_id FROM due_difference UNION SELECT node_id FROM due_reach")
    changed_nodes = {node_id for (node_id,) in cursor.fetchall()}
    cursor.execute(
        f"DROP TABLE due_difference, due_reach, {before}, {after}, {before}_reach, {after}_reach"
    )
    return changed_nodes
