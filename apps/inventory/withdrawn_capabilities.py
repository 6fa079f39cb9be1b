"""Dependencies whose model lost a capability that they use, and does not offer it today."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.db import connection

_WITHDRAWN = """
SELECT d.id, e.id, e.effective_on, array_agg(DISTINCT q.field ORDER BY q.field)
FROM inventory_dependency d
JOIN catalog_providerevent e ON e.offering_id = d.offering_id AND e.kind = 'capability_lost'
JOIN inventory_requirement q
  ON q.dependency_id = d.id AND q.value = 'true' AND e.new ? q.field
-- it is not offered again
JOIN catalog_settledclaims s ON s.offering_id = e.offering_id AND s.topic = 'capability'
    AND s.values -> q.field -> 'value' = 'false'
WHERE d.id = ANY (%s)
GROUP BY d.id, e.id, e.effective_on
ORDER BY e.effective_on DESC, e.id DESC, d.id
"""


@dataclass(frozen=True, slots=True)
class WithdrawnCapability:
    """What a dependency uses and its model lost by one event: keys of `CAPABILITY_FIELDS`."""

    dependency_id: int
    event_id: int
    on: date | None
    fields: tuple[str, ...]


def withdrawn_capabilities(dependency_ids: Collection[int]) -> list[WithdrawnCapability]:
    """Return what these dependencies use and their models lost, latest first; one statement."""
    if not dependency_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_WITHDRAWN, [list(dependency_ids)])
        return [
            WithdrawnCapability(dependency_id, event_id, on, tuple(fields))
            for dependency_id, event_id, on, fields in cursor.fetchall()
        ]
