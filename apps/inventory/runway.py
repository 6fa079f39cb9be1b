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

from apps.common.database.statements import compose_statement, fetch_rows, load_statement
from apps.inventory.cost_queries import InventoryRelations
from apps.inventory.models import Application


class RunwayPosition(NamedTuple):
    """Where a row stands in the order of urgency: the end of one page, where the next one begins
    after it."""

    urgency: Decimal | None
    criticality: int
    dependency_id: int


@dataclass(frozen=True, slots=True)
class PrimaryRunway:
    """One live primary whose end is announced.

    `offering_id` answers today, redirects followed. `days_left` is negative once past, and None
    while only the end but no day is announced (`why` says so). With `at_least` the day is a 'not
    before': the end may come later, and a passed one counts as 0, since it retired nothing. `basis`
    is `test` or `estimate`, None where `effort_days` is not known; `runway` is None unless both
    are.
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


_RUNWAYS = load_statement("inventory", "runways")


def runway_statement(relations: InventoryRelations = InventoryRelations()) -> str:  # noqa: B008 - frozen
    """The rule, with the parameters that `runways` gives it: columns of PrimaryRunway, most urgent
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
    """Live primaries whose end is announced, most urgent first: by runway, by days left where the
    effort is not known, those without a day last; one statement whatever the number.

    `after` is the `place` of the last row of the page before. An application's runway is that of
    its first row. `only_late`: those whose runway is negative.
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
