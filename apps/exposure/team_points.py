"""Single points of failure of some teams' applications, found when asked: the kept summary is the organisation's."""

from collections.abc import Collection

from django.db import connection

from apps.catalog.models import NodeKind
from apps.exposure.engine.settings import EngineSettings
from apps.exposure.engine.single_points import SinglePoint
from apps.exposure.engine.states import STANDING, states_of_every_node
from apps.exposure.threats import DEFAULT_THREAT

# the nodes' footing is cut to what these teams' paths and candidates hold, else a host would bring all it serves
_OFFERINGS = """AND f.offering_id IN (
    SELECT p.offering_id FROM exposure_path p WHERE p.team_id = ANY (%(teams)s)
    UNION
    SELECT c.offering_id FROM exposure_candidate c
    JOIN exposure_scopedapplication a ON a.application_id = c.application_id AND a.team_id = ANY (%(teams)s))"""

_POINTS = """
SELECT point.node_id, n.kind, n.ref, point.exposed, point.cushioned, point.n_critical, point.points
FROM (
    SELECT t.q / 8 AS node_id,
           count(*) FILTER (WHERE t.worst = 0)::int AS exposed, count(*) FILTER (WHERE t.worst = 1)::int AS cushioned,
           count(*) FILTER (WHERE a.criticality = 0)::int AS n_critical, sum(a.points)::bigint AS points
    FROM standing t JOIN exposure_scopedapplication a ON a.application_id = t.application_id
    WHERE t.n_struck = a.n_paths AND t.worst IN (0, 1)
    GROUP BY 1
) point
JOIN catalog_node n ON n.id = point.node_id AND (%(kinds)s::int[] IS NULL OR n.kind = ANY (%(kinds)s))
WHERE %(node)s::bigint IS NULL
   OR (-point.n_critical, -(point.exposed + point.cushioned), point.node_id) > (%(critical)s, %(n)s, %(node)s)
ORDER BY point.n_critical DESC, point.exposed + point.cushioned DESC, point.node_id LIMIT %(limit)s
"""


def team_points(
    *,
    team_ids: Collection[int],
    settings: EngineSettings,
    kinds: Collection[NodeKind] | None = None,
    limit: int | None = None,
    after: tuple[int, int, int] | None = None,
) -> list[SinglePoint]:
    """As `single_points`, of these teams' applications alone; one statement, linear in their paths."""
    critical, n, node_id = after or (None, None, None)
    states = states_of_every_node(
        settings=settings,
        threats=set(DEFAULT_THREAT.items()),
        offerings=_OFFERINGS,
        paths="AND p.team_id = ANY (%(teams)s)",
    )
    with connection.cursor() as cursor:
        cursor.execute(
            states + STANDING + _POINTS,
            {
                "teams": list(team_ids),
                "kinds": None if kinds is None else [kind.value for kind in kinds],
                "critical": None if critical is None else -critical,
                "n": None if n is None else -n,
                "node": node_id,
                "limit": limit,
            },
        )
        return [SinglePoint(row[0], NodeKind(row[1]), *row[2:]) for row in cursor.fetchall()]
