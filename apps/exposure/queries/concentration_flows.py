"""Weight of active primary models by layer, for flows from layer to layer; one statement."""

from collections.abc import Collection
from dataclasses import dataclass

from apps.common.database.statements import compose_statement, fetch_rows
from apps.exposure.models import Basis

_WEIGHT = {
    Basis.COUNT: "p.share",
    Basis.CRITICALITY: "p.points",
    Basis.SPEND: "p.spend",
    Basis.USERS: "p.users",
}


@dataclass(frozen=True, slots=True)
class ConcentrationFlow:
    """One flow. `team` is empty unless requested; developer and foundation are None if
    unresolved."""

    team: str
    developer: str | None
    foundation: str | None
    host: str
    weight: float
    n_paths: int


# grouped by offering before the joins, because many paths share few offerings
_FLOWS = """
WITH used AS MATERIALIZED (
    SELECT {team} AS team_id, p.effective_id, sum({weight}) AS weight, count(*) AS n
    FROM exposure_path p {teams} GROUP BY 1, 2
)
SELECT coalesce(t.name, '') AS team, d.name AS developer, f.name AS foundation, h.name AS host,
       sum(u.weight) AS weight, sum(u.n)::bigint AS n_paths
FROM used u JOIN catalog_offering o ON o.id = u.effective_id
JOIN catalog_provider h ON h.id = o.host_id
LEFT JOIN catalog_version v ON v.id = o.version_id
LEFT JOIN LATERAL (
    -- what all candidates of a name agree on
    SELECT max(n.ref) FILTER (WHERE n.kind = node_kind('foundation')) AS foundation_id,
           max(n.ref) FILTER (WHERE n.kind = node_kind('developer')) AS developer_id
    FROM catalog_footing x JOIN catalog_node n ON n.id = x.node_id
    WHERE x.offering_id = o.id AND o.version_id IS NULL AND o.kind <> 'model_id'
      AND x.via = 0 AND x.depth = 0
) a ON true
LEFT JOIN catalog_foundation f ON f.id = coalesce(v.foundation_id, a.foundation_id)
LEFT JOIN catalog_provider d ON d.id = coalesce(f.developer_id, a.developer_id)
LEFT JOIN accounts_team t ON t.id = u.team_id
GROUP BY 1, 2, 3, 4 HAVING sum(u.weight) > 0 ORDER BY weight DESC, 1, 2, 3, 4 LIMIT %(limit)s
"""


def concentration_flows(
    *,
    basis: Basis,
    team_ids: Collection[int] | None,
    by_team: bool = False,
    limit: int | None = 1_000,
) -> list[ConcentrationFlow]:
    """Return the `limit` heaviest combinations of developer, foundation and host (and team), the
    heaviest first."""
    statement = compose_statement(
        _FLOWS,
        team="p.team_id" if by_team else "NULL::bigint",
        weight=_WEIGHT[basis],
        teams="" if team_ids is None else "WHERE p.team_id = ANY (%(teams)s)",
    )
    return fetch_rows(ConcentrationFlow, statement, {"teams": list(team_ids or ()), "limit": limit})
