"""Whether the engine's tables state the inventory as it is now."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

# changed applications are counted up to here
MAX_COUNTED_PENDING = 1_000

_STATEMENT = """
SELECT s.as_of, s.refreshed_at, coalesce(s.n_applications, 0),
       (SELECT count(*) FROM (
           SELECT DISTINCT application_id FROM inventory_changedapplication LIMIT %(limit)s
       ) changed)
FROM (SELECT 1) one LEFT JOIN exposure_enginestate s ON s.id = 1
"""


@dataclass(frozen=True, slots=True)
class RefreshState:
    """Day of the tables, None before the first calculation, and the number of applications that
    were changed since, at most MAX_COUNTED_PENDING."""

    as_of: date | None
    refreshed_at: datetime | None
    n_applications: int
    n_pending: int

    @property
    def is_current(self) -> bool:
        """Return whether a zero of the tables is a zero of the inventory."""
        return self.as_of is not None and self.n_pending == 0


def refresh_state() -> RefreshState:
    """Return the state of the tables; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, {"limit": MAX_COUNTED_PENDING})
        return RefreshState(*cursor.fetchone())
