"""When the models that a product may contain retire (sql/definitions/candidate_retirement.sql)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.db import connection


@dataclass(frozen=True, slots=True)
class CandidateRetirement:
    """The retirement of a candidate: a version or a whole foundation. `host` is the developer's own
    host, empty if the date is that of the last host. `ends_on` may be missing of a retired one."""

    offering_id: int
    version_id: int | None
    foundation_id: int | None
    host: str
    ends_on: date | None
    is_retired: bool


def candidate_retirements(
    offering_ids: Collection[int], *, today: date
) -> list[CandidateRetirement]:
    """Return the announced retirements of the candidates of these products, the first one first;
    one statement."""
    if not offering_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.offering_id, c.version_id, c.foundation_id, coalesce(h.name, ''), c.ends_on,
                   c.is_retired OR c.ends_on <= %(day)s::date
            FROM candidate_retirement() c LEFT JOIN catalog_provider h ON h.id = c.host_id
            WHERE c.offering_id = ANY (%(ids)s::bigint[])
            ORDER BY c.ends_on, c.offering_id, c.version_id, c.foundation_id
            """,
            {"ids": sorted(offering_ids), "day": today},
        )
        return [CandidateRetirement(*row) for row in cursor.fetchall()]
