"""States of the applications on each node of a kind if it failed: stored for usual failure modes,
otherwise computed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.catalog.models import NodeKind
from apps.exposure.engine.settings import EngineSettings
from apps.exposure.engine.states import STANDING, STATE_OF_CODE, every_path_state_sql
from apps.exposure.threats import THREAT_CODES

# number of nodes to compute if nothing is stored
_ASKED = 12


@dataclass(frozen=True, slots=True)
class NodeStates:
    """{state: (applications, critical ones)} of the applications that depend on the node, each
    counted once."""

    node_id: int
    counts: Mapping[str, tuple[int, int]]

    @property
    def n(self) -> int:
        return sum(n for n, _ in self.counts.values())

    @property
    def n_critical(self) -> int:
        return sum(n for _, n in self.counts.values())


_KEPT = """
SELECT s.node_id, s.state, s.n, s.n_critical
FROM exposure_nodesummary s
-- the nodes with the most critical, then the most applications
JOIN (
    SELECT s.node_id, sum(s.n_critical) AS n_critical, sum(s.n) AS n
    FROM catalog_node k JOIN exposure_nodesummary s ON s.node_id = k.id AND s.threat = %(threat)s
    WHERE k.kind = %(kind)s {nodes}
    GROUP BY s.node_id ORDER BY n_critical DESC, n DESC, s.node_id LIMIT %(limit)s
) top ON top.node_id = s.node_id
WHERE s.threat = %(threat)s
"""

_ASKED_FOR = """
SELECT t.q / 8 AS node_id, CASE WHEN t.n_struck < a.n_paths THEN 3 ELSE t.worst END AS state,
    count(*),
       count(*) FILTER (WHERE a.criticality = 0)
FROM standing t JOIN exposure_scopedapplication a ON a.application_id = t.application_id
GROUP BY 1, 2
"""

# the nodes of the kind with most dependents in any role
_WIDEST = """
SELECT r.node_id FROM exposure_nodereach r JOIN catalog_node k ON k.id = r.node_id
    AND k.kind = %(kind)s
ORDER BY r.n DESC, r.node_id LIMIT %(limit)s
"""


def node_states(
    *,
    kind: NodeKind,
    threat: str,
    settings: EngineSettings,
    team_ids: Collection[int] | None,
    node_ids: Collection[int] | None = None,
    limit: int = 8,
) -> list[NodeStates]:
    """Return states of the nodes with most critical applications, or of the named ones: one
    statement if the refresh stores them, otherwise two, and then of the nodes with most dependents
    in any role."""
    is_stored = team_ids is None and (kind, threat) in settings.threats
    params: dict[str, Any] = {
        "kind": kind.value,
        "threat": THREAT_CODES[threat],
        "limit": limit,
        "teams": list(team_ids or ()),
        "nodes": None if node_ids is None else list(node_ids),
    }
    with connection.cursor() as cursor:
        if is_stored:
            cursor.execute(
                _KEPT.format(nodes="" if node_ids is None else "AND k.id = ANY (%(nodes)s)"), params
            )
        else:
            if node_ids is None:
                cursor.execute(_WIDEST, {**params, "limit": _ASKED if team_ids is None else 1000})
                params["nodes"] = [pk for (pk,) in cursor.fetchall()]
            cursor.execute(
                _states_query(settings, kind, threat, team_ids) + STANDING + _ASKED_FOR, params
            )
        counts_by_node: dict[int, dict[str, tuple[int, int]]] = {}
        for node_id, code, n, n_critical in cursor.fetchall():
            counts_by_node.setdefault(node_id, {})[STATE_OF_CODE[code]] = (int(n), int(n_critical))
    listed_ids = counts_by_node if params["nodes"] is None else set(params["nodes"])
    rows = [
        NodeStates(node_id, counts)
        for node_id, counts in counts_by_node.items()
        if node_id in listed_ids
    ]
    return sorted(rows, key=lambda row: (-row.n_critical, -row.n, row.node_id))[:limit]


def _states_query(
    settings: EngineSettings, kind: NodeKind, threat: str, team_ids: Collection[int] | None
) -> str:
    """Return SQL of the states if each of the nodes %(nodes)s fails alone; limited to the
    applications of `team_ids`, if any."""
    offerings, paths = "AND k.node_id = ANY (%(nodes)s)", ""
    if team_ids is not None:
        # limited to offerings that these teams call; rescues also need the upstream nodes of
        # candidates
        offerings += """ AND f.offering_id IN (
            SELECT p.offering_id FROM exposure_path p WHERE p.team_id = ANY (%(teams)s)
            UNION
            SELECT c.offering_id FROM exposure_candidate c
            JOIN exposure_scopedapplication a ON a.application_id = c.application_id
                AND a.team_id = ANY (%(teams)s))"""
        paths = "AND p.team_id = ANY (%(teams)s)"
    return every_path_state_sql(
        settings=settings, threats={(kind, threat)}, offerings=offerings, paths=paths
    )
