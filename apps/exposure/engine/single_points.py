"""Single points of failure: nodes that alone can stop an application."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

from apps.catalog.models import NodeKind
from apps.exposure.engine.settings import EngineSettings
from apps.exposure.engine.states import STANDING, every_path_state_sql
from apps.exposure.threats import DEFAULT_THREAT, THREAT_CODES

# the usual threat of each kind
_USUAL = ", ".join(
    f"({kind.value}, {THREAT_CODES[threat]})" for kind, threat in sorted(DEFAULT_THREAT.items())
)


@dataclass(frozen=True, slots=True)
class SinglePoint:
    """Applications that the node alone can stop: exposed ones have no sufficient fallback,
    cushioned ones an untested one. `n_critical` counts both."""

    node_id: int
    kind: NodeKind
    ref: int
    exposed: int
    cushioned: int
    n_critical: int
    points: int


def single_points(
    *,
    kinds: Collection[NodeKind] | None = None,
    limit: int | None = None,
    after: tuple[int, int, int] | None = None,
) -> list[SinglePoint]:
    """Return nodes that can stop an application under their usual threat: most critical
    applications first, then most applications, then ID.

    `after` is (n_critical, exposed + cushioned, node ID) of the last one of the previous page.
    """
    critical, n, node_id = after or (None, None, None)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT node_id, kind, ref, exposed, cushioned, n_critical, points FROM (
                -- state 0 is exposed, 1 cushioned
                SELECT s.node_id, n.kind, n.ref, coalesce(sum(s.n) FILTER (WHERE s.state = 0),
                    0)::int AS exposed,
                       coalesce(sum(s.n) FILTER (WHERE s.state = 1), 0)::int AS cushioned,
                       sum(s.n_critical)::int AS n_critical, sum(s.points)::bigint AS points
                FROM exposure_nodesummary s
                JOIN catalog_node n ON n.id = s.node_id
                JOIN (VALUES {_USUAL}) AS usual(kind, threat) ON usual.kind = n.kind
                    AND usual.threat = s.threat
                WHERE s.state IN (0, 1) AND (%(kinds)s::int[] IS NULL OR n.kind = ANY (%(kinds)s))
                GROUP BY s.node_id, n.kind, n.ref
            ) found
            -- rows after the cursor; counts are negated, since they fall while the ID rises
            WHERE %(node)s::bigint IS NULL
               OR (-n_critical, -(exposed + cushioned), node_id) > (%(critical)s, %(n)s, %(node)s)
            ORDER BY n_critical DESC, exposed + cushioned DESC, node_id LIMIT %(limit)s
            """,
            {
                "kinds": None if kinds is None else [kind.value for kind in kinds],
                "critical": None if critical is None else -critical,
                "n": None if n is None else -n,
                "node": node_id,
                "limit": limit,
            },
        )
        return [SinglePoint(row[0], NodeKind(row[1]), *row[2:]) for row in cursor.fetchall()]


def count_single_points() -> int:
    """Return how many nodes can stop an application."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT count(DISTINCT s.node_id) FROM exposure_nodesummary s
            JOIN catalog_node n ON n.id = s.node_id
            JOIN (VALUES {_USUAL}) AS usual(kind, threat) ON usual.kind = n.kind
                AND usual.threat = s.threat
            WHERE s.state IN (0, 1)
            """
        )
        n: int = cursor.fetchone()[0]
    return n


# limited to nodes of these teams' paths and candidates; otherwise a host would add every offering
# it serves
_OFFERINGS = """AND f.offering_id IN (
    SELECT p.offering_id FROM exposure_path p WHERE p.team_id = ANY (%(teams)s)
    UNION
    SELECT c.offering_id FROM exposure_candidate c
    JOIN exposure_scopedapplication a ON a.application_id = c.application_id
        AND a.team_id = ANY (%(teams)s))"""

_POINTS = """
SELECT point.node_id, n.kind, n.ref, point.exposed, point.cushioned, point.n_critical, point.points
FROM (
    SELECT t.q / 8 AS node_id,
           count(*) FILTER (WHERE t.worst = 0)::int AS exposed,
           count(*) FILTER (WHERE t.worst = 1)::int AS cushioned,
           count(*) FILTER (WHERE a.criticality = 0)::int AS n_critical,
           sum(a.points)::bigint AS points
    FROM standing t JOIN exposure_scopedapplication a ON a.application_id = t.application_id
    -- all primary paths of the application are affected, and one has no tested exit
    WHERE t.n_struck = a.n_paths AND t.worst IN (0, 1)
    GROUP BY 1
) point
JOIN catalog_node n ON n.id = point.node_id AND (%(kinds)s::int[] IS NULL
    OR n.kind = ANY (%(kinds)s))
WHERE %(node)s::bigint IS NULL
   OR (-point.n_critical, -(point.exposed + point.cushioned), point.node_id) > (%(critical)s, %(n)s,
       %(node)s)
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
    """Return `single_points` of these teams' applications; one statement, linear in their paths."""
    critical, n, node_id = after or (None, None, None)
    states = every_path_state_sql(
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
