"""The cost of one event at each node, by classes of equal loss: the input of the loss
simulation."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from django.db import connection

from apps.catalog.models import NodeKind
from apps.exposure.engine.settings import EngineSettings
from apps.exposure.engine.states import STATE_OF_CODE, every_path_state_sql
from apps.exposure.threats import THREATS

# x of an application: the sum over its affected paths of share x the factor of the path's state
_CLASSES = """,
severity AS (
    -- the factor of the state of each path; best is 0 without an alternative, and arrays begin at 1
    SELECT s.q, s.application_id,
           sum(s.share * (%(factors)s::float8[])[1 + coalesce(b.best, 0)]) AS x
    FROM struck s LEFT JOIN best b ON b.q = s.q AND b.dependency_id = s.dependency_id
    GROUP BY s.q, s.application_id
)
-- q is the node ID times 8 plus the code of the failure mode; x is rounded so that equal losses
-- form one class
SELECT t.q / 8, (t.q %% 8)::int, a.criticality, round(t.x::numeric, 9)::float8, count(*)
FROM severity t JOIN exposure_scopedapplication a ON a.application_id = t.application_id
WHERE t.x > 0
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""

type SeverityClass = tuple[
    int, float, int
]  # criticality, part of the base loss, number of applications


def severity_classes(
    threats: Collection[tuple[NodeKind, str]], *, settings: EngineSettings
) -> Mapping[tuple[int, str], list[SeverityClass]]:
    """Return {(node, threat): [(criticality, x, n), ...]}: `n` applications lose `x` of the base
    loss of their criticality.

    One statement over the whole portfolio (seconds at 100,000 applications): for jobs.
    """
    if not threats:
        return {}
    factors = [float(settings.factor[state]) for state in STATE_OF_CODE[:3]]
    classes: dict[tuple[int, str], list[SeverityClass]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            every_path_state_sql(settings=settings, threats=threats) + _CLASSES,
            {"factors": factors},
        )
        for node_id, threat, criticality, x, n in cursor.fetchall():
            classes[node_id, THREATS[threat]].append((criticality, x, n))
    return classes
