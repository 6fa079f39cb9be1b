"""Data quality on Home: what is missing so that the other numbers are complete."""

from dataclasses import dataclass

from django.db import connection

from apps.accounts.models import User
from apps.exposure.queries.concentration import visible_team_ids
from apps.inventory.models import Application

# missing facts are counted up to here
MAX_COUNTED_GAPS = 1_000

_STATEMENT = """
SELECT (SELECT count(*) FROM (
            SELECT 1 FROM inventory_application a
            WHERE a.status = ANY (%(statuses)s) AND a.business_owner = ''
              AND a.technical_owner = '' {of_applications} LIMIT %(limit)s) unowned),
       (SELECT count(*) FROM (
            SELECT 1 FROM inventory_cachedrunway r
            WHERE r.is_first AND r.start_by IS NOT NULL AND r.effort_days IS NULL {of_runways}
            LIMIT %(limit)s) unknown)
"""


@dataclass(frozen=True, slots=True)
class DataGaps:
    """Applications in scope without any owner, and those that retire with unknown effort; each
    counted up to MAX_COUNTED_GAPS + 1."""

    n_without_owner: int
    n_unknown_effort: int


def data_gaps(*, user: User) -> DataGaps:
    """Count what is missing; one statement."""
    teams = visible_team_ids(user)
    with connection.cursor() as cursor:
        cursor.execute(
            _STATEMENT.format(
                of_applications="" if teams is None else "AND a.team_id = ANY (%(teams)s)",
                of_runways="" if teams is None else "AND r.team_id = ANY (%(teams)s)",
            ),
            {
                "statuses": list(Application.IN_SCOPE),
                "teams": list(teams or ()),
                "limit": MAX_COUNTED_GAPS + 1,
            },
        )
        return DataGaps(*cursor.fetchone())
