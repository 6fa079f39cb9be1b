"""How much time is left to leave what ends, and whether it is enough.

Runway = days until the offering that answers for a live primary ends, minus the calendar days the
last exit test took (or, without one, the exit plan's estimate). Negative: it is too late already by
what is known.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from apps.inventory.cost_queries import ANSWERING_OFFERINGS, InventoryRelations
from apps.inventory.models import Application


class RunwayPosition(NamedTuple):
    """Position of a row in the order of urgency: the end of one page, after which the next one
    begins."""

    urgency: Decimal | None
    criticality: int
    dependency_id: int


@dataclass(frozen=True, slots=True)
class PrimaryRunway:
    """One active primary model with an announced retirement.

    `offering_id` is the one served today, redirects followed. `days_left` is negative once past,
    and None if the retirement is announced without a date (`why` says so). With `at_least` the date
    is the earliest retirement: it might be later, and a past one counts as 0, since it retired
    nothing. `basis` is `test` or `estimate`, None if `effort_days` is unknown; `runway` is None
    unless both are known.
    """

    dependency_id: int
    application_id: int
    criticality: int
    offering_id: int
    retires_on: date | None
    days_left: int | None
    effort_days: Decimal | None
    basis: str | None
    runway: Decimal | None
    at_least: bool
    why: str | None

    @property
    def place(self) -> RunwayPosition:
        return RunwayPosition(
            self.runway if self.runway is not None else _days_from_row(self),
            self.criticality,
            self.dependency_id,
        )


def _days_from_row(row: PrimaryRunway) -> Decimal | None:
    return None if row.days_left is None else Decimal(row.days_left)


# A primary whose share comes out as exactly 0 is a standby and no path of its own: it says 0, or
# says nothing while the others already reach 1 (thirds kept to 15 digits miss it by a hair); unless
# all say 0, when they share equally. Effort: the last test that did not fail and measured one, else
# the estimate.
_RUNWAYS = f"""
WITH {ANSWERING_OFFERINGS}
ending AS (
    SELECT o.id, o.retires_on,
           CASE WHEN o.retires_on IS NULL AND NOT o.lifecycle = 'retired' THEN NULL
                WHEN o.retires_on IS NULL THEN 0
                WHEN o.date_kind = 'not_before' AND o.lifecycle <> 'retired'
                    THEN greatest(o.retires_on - %(on)s::date, 0)
                ELSE o.retires_on - %(on)s::date END AS days_left,
           o.date_kind = 'not_before' AND (o.retires_on IS NOT NULL
           OR o.lifecycle = 'retired') AS at_least
    FROM catalog_offering o
    WHERE o.retires_on IS NOT NULL OR o.lifecycle IN ('retired', 'deprecated')
),
live AS (
    SELECT d.id, d.application_id, a.criticality, coalesce(e.ref, d.offering_id) AS offering_id,
        d.traffic_share,
           coalesce(sum(d.traffic_share) OVER own, 0) AS given,
           count(*) OVER own > count(d.traffic_share) OVER own
               AS some_missing
    FROM {{dependencies}} d
    JOIN {{applications}} a ON a.id = d.application_id
    LEFT JOIN answering e ON e.offering_id = d.offering_id
    WHERE d.role = 'primary' AND a.status = ANY (%(statuses)s)
      AND d.since <= %(on)s::date AND (d.until IS NULL OR d.until > %(on)s::date)
      AND (%(application_ids)s::bigint[] IS NULL
          OR d.application_id = ANY (%(application_ids)s::bigint[]))
      AND (%(team_ids)s::bigint[] IS NULL OR a.team_id = ANY (%(team_ids)s::bigint[]))
    WINDOW own AS (PARTITION BY d.application_id)
),
found AS (
    SELECT l.id, l.application_id, l.criticality, l.offering_id, x.retires_on, x.days_left,
        x.at_least,
           coalesce(t.effort_days, p.estimated_days) AS effort_days,
           CASE WHEN t.effort_days IS NOT NULL THEN 'test' WHEN p.estimated_days IS NOT NULL
               THEN 'estimate' END
               AS basis
    FROM live l
    JOIN ending x ON x.id = l.offering_id
    LEFT JOIN LATERAL (
        SELECT t.effort_days FROM inventory_exittest t
        WHERE t.dependency_id = l.id AND t.tested_on <= %(on)s::date AND t.result <> 'failed'
          AND t.effort_days IS NOT NULL
        ORDER BY t.tested_on DESC, t.id DESC LIMIT 1
    ) t ON true
    LEFT JOIN inventory_exitplan p ON p.dependency_id = l.id
    WHERE l.traffic_share > 0 OR (l.traffic_share IS NULL AND l.given < 1 - 1e-9)
       OR (l.traffic_share = 0 AND l.given = 0 AND NOT l.some_missing)
),
urgent AS (
    SELECT *, days_left - effort_days AS runway, coalesce(days_left - effort_days,
        days_left) AS urgency FROM found
)
SELECT id, application_id, criticality, offering_id, retires_on, days_left, effort_days, basis,
    runway, at_least,
       CASE WHEN days_left IS NULL THEN 'announced_without_date' END
FROM urgent
WHERE (NOT %(has_place)s
   OR (coalesce(urgency, 'Infinity'), criticality, id)
      > (coalesce(%(urgency)s::numeric, 'Infinity'), %(criticality)s::int,
      %(dependency_id)s::bigint))
  AND (NOT %(only_late)s OR days_left < effort_days)
ORDER BY coalesce(urgency, 'Infinity'), criticality, id
LIMIT %(limit)s
"""


def runway_statement(relations: InventoryRelations = InventoryRelations()) -> str:  # noqa: B008 - frozen
    """The rule, with the parameters that `runways` gives it: columns of PrimaryRunway, most urgent
    first."""
    return _RUNWAYS.format(dependencies=relations.dependencies, applications=relations.applications)


def runways(
    *,
    on: date,
    application_ids: Collection[int] | None = None,
    team_ids: Collection[int] | None = None,
    statuses: Collection[str] = Application.IN_SCOPE,
    limit: int | None = None,
    after: RunwayPosition | None = None,
    only_late: bool = False,
    relations: InventoryRelations = InventoryRelations(),  # noqa: B008 - frozen
) -> list[PrimaryRunway]:
    """Return active primary models with an announced retirement, most urgent first: by runway, by
    days left if the effort is unknown, those without a date last; one statement.

    `after` is the `place` of the last row of the page before. An application's runway is that of
    its first row. `only_late`: those with a negative runway.
    """
    parameters: dict[str, Any] = {
        "on": on,
        "statuses": [str(status) for status in statuses],
        "application_ids": None if application_ids is None else list(application_ids),
        "team_ids": None if team_ids is None else list(team_ids),
        "has_place": after is not None,
        "urgency": after.urgency if after else None,
        "criticality": after.criticality if after else 0,
        "dependency_id": after.dependency_id if after else 0,
        "only_late": only_late,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(runway_statement(relations), parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return [PrimaryRunway(*row) for row in rows]
