"""Scenarios in which nodes fail together and nothing else changes: answered directly from the
engine's tables, at any size."""

from collections.abc import Collection, Sequence

from django.db import connection

from apps.exposure.engine.states import STANDING, STATE_OF_CODE, path_states_sql
from apps.exposure.threats import NodeFailure


def team_state_counts(
    failures: Sequence[NodeFailure], *, team_ids: Collection[int] | None = None
) -> dict[int, dict[str, tuple[int, int]]]:
    """Return {team: {state: (applications, critical ones)}} if all the nodes fail together; one
    statement."""
    common, params = path_states_sql(
        failures,
        with_candidates=False,
        paths="" if team_ids is None else "AND p.team_id = ANY (%(teams)s)",
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""{common}{STANDING}
            SELECT a.team_id, CASE WHEN t.n_struck < a.n_paths THEN 3 ELSE t.worst END, count(*),
                   count(*) FILTER (WHERE a.criticality = 0)
            FROM standing t JOIN exposure_scopedapplication a ON a.application_id = t.application_id
            GROUP BY 1, 2
            """,
            {**params, "teams": list(team_ids or ())},
        )
        counts_by_team: dict[int, dict[str, tuple[int, int]]] = {}
        for team_id, code, n, n_critical in cursor.fetchall():
            counts_by_team.setdefault(team_id, {})[STATE_OF_CODE[code]] = (n, n_critical)
    return counts_by_team
