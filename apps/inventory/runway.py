"""Runway: the time left until a retirement, compared with the time that the migration takes.

Runway = days until the effective offering of a live primary retires, minus the calendar days that
the last exit test took (or, without one, the estimate of the exit plan). Negative: the migration
cannot finish in time.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from apps.common.database.statements import compose_statement, fetch_rows, load_statement
from apps.inventory.cost_queries import InventoryRelations
from apps.inventory.models import Application


class RunwayPosition(NamedTuple):
    """Position of a row in the order of urgency, from which the next page continues."""

    urgency: Decimal | None
    criticality: int
    dependency_id: int


@dataclass(frozen=True, slots=True)
class PrimaryRunway:
    """One active primary model with an announced retirement.

    `offering_id` is the one served today, redirects followed. `days_left` is negative once past,
    and None if the retirement is announced without a date (see `why`). With `at_least` the date is
    the earliest retirement: it might be later, and a past date counts as 0, since it retired
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
    def position(self) -> RunwayPosition:
        return RunwayPosition(
            self.runway if self.runway is not None else _days_from_row(self),
            self.criticality,
            self.dependency_id,
        )


def _days_from_row(row: PrimaryRunway) -> Decimal | None:
    return None if row.days_left is None else Decimal(row.days_left)


_RUNWAYS = load_statement("inventory", "runways")


def runway_statement(relations: InventoryRelations = InventoryRelations()) -> str:  # noqa: B008 - frozen
    """Return the statement for the parameters of `runways`: columns of PrimaryRunway, most urgent
    first."""
    return compose_statement(
        _RUNWAYS,
        dependencies=relations.dependencies,
        applications=relations.applications,
    )


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

    `after` is the `position` of the last row of the previous page. An application's runway is that
    of its first row. `only_late`: those with a negative runway.
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
    return fetch_rows(PrimaryRunway, runway_statement(relations), parameters)
