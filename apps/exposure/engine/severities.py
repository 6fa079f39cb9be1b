"""The cost of one event at each node, by classes of equal loss: the input of the loss
simulation."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection, transaction

from apps.catalog.models import NodeKind
from apps.common.database.statements import load_statement
from apps.exposure.engine.settings import EngineSettings
from apps.exposure.engine.states import STATE_OF_CODE, every_path_state_sql
from apps.exposure.threats import THREATS

# Applications whose paths the same failures affect and the same candidates rescue lose the same, so
# one of them is computed and counts `n` times: at a million applications a third.
_EQUAL_APPLICATIONS = """
SELECT min(application_id) AS application_id, criticality, count(*) AS n
FROM (
    SELECT application_id, criticality, array_agg(like_id ORDER BY like_id, share) AS paths,
        array_agg(share ORDER BY like_id, share) AS shares
    FROM equal_path GROUP BY application_id, criticality
) described
GROUP BY criticality, paths, shares
"""

# x of an application: the sum over its affected paths of share x the factor of the path's state
_CLASSES = """,
severity AS (
    -- the factor of the state of each path; best is 0 without an alternative, and arrays begin at 1
    SELECT s.q, a.application_id, a.criticality, a.n,
           sum(e.share * (%(factors)s::float8[])[1 + coalesce(b.best, 0)]) AS x
    FROM struck s LEFT JOIN best b ON b.q = s.q AND b.dependency_id = s.dependency_id
    JOIN (equal_application a JOIN equal_path e ON e.application_id = a.application_id)
        ON e.like_id = s.dependency_id
    GROUP BY s.q, a.application_id, a.criticality, a.n
)
-- q is the node ID times 8 plus the code of the failure mode; x is rounded so that equal losses
-- form one class
SELECT q / 8, (q %% 8)::int, criticality, round(x::numeric, 9)::float8, sum(n)::bigint
FROM severity
WHERE x > 0
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
_COMPUTED_PATHS = "AND p.dependency_id IN (SELECT like_id FROM equal_path)"

type SeverityClass = tuple[
    int, float, int
]  # criticality, part of the base loss, number of applications


@transaction.atomic
def severity_classes(
    threats: Collection[tuple[NodeKind, str]], *, settings: EngineSettings
) -> Mapping[tuple[int, str], list[SeverityClass]]:
    """Return {(node, threat): [(criticality, x, n), ...]}: `n` applications lose `x` of the base
    loss of their criticality.

    Statements over the whole portfolio (seconds at 100,000 applications): for jobs.
    """
    if not threats:
        return {}
    factors = [float(settings.factor[state]) for state in STATE_OF_CODE[:3]]
    classes: dict[tuple[int, str], list[SeverityClass]] = defaultdict(list)
    statement = every_path_state_sql(settings=settings, threats=threats, paths=_COMPUTED_PATHS)
    with connection.cursor() as cursor:
        _find_equal_applications(cursor)
        cursor.execute(statement + _CLASSES, {"factors": factors})
        for node_id, threat, criticality, x, n in cursor:
            classes[node_id, THREATS[threat]].append((criticality, x, n))
        cursor.execute(
            "DROP TABLE equal_path, equal_application; SET LOCAL enable_nestloop TO DEFAULT"
        )
    return classes


def _find_equal_applications(cursor: Any) -> None:
    """Create the temporary tables `equal_path` and `equal_application`. They are dropped, and
    nested loops are on again, at the end of the transaction."""
    # the planner expects a twentieth of the failures, and would look up millions of rows one by one
    cursor.execute("SET LOCAL enable_nestloop = off")
    for table, statement in (
        ("equal_path", load_statement("exposure", "equal_paths")),
        ("equal_application", _EQUAL_APPLICATIONS),
    ):
        cursor.execute(
            f"CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS {statement}; ANALYZE {table}"
        )
