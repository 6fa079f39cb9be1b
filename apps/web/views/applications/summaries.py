"""Application summaries in lists of several pages: the main offering, and the primary model that
retires first."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.catalog.models import Offering
from apps.exposure.queries.dependents import retirement_countdown
from apps.inventory.models import Application


@dataclass(frozen=True, slots=True)
class ApplicationSummary:
    """`primary` is the primary model that retires first, otherwise the main one; the date is its
    own."""

    application: Application
    primary: Offering | None
    ends_on: date | None
    days_left: int | None
    at_least: bool

    @property
    def is_over(self) -> bool:
        return self.days_left is not None and self.days_left < 0 and not self.at_least


def application_summaries(application: Any, today: date) -> ApplicationSummary:
    """Summarise an application that `with_primary_stacks` has loaded."""
    primaries: list[Offering] = [row.offering for row in application.primaries]
    main_offering = primaries[0] if primaries else None
    countdowns = [(retirement_countdown(offering, today), offering) for offering in primaries]
    dated_countdowns = [
        (countdown, offering)
        for countdown, offering in countdowns
        if countdown.days_left is not None
    ]
    if not dated_countdowns:
        return ApplicationSummary(application, main_offering, None, None, at_least=False)
    countdown, offering = min(dated_countdowns, key=lambda pair: pair[0].days_left or 0)
    return ApplicationSummary(
        application, offering, offering.retires_on, countdown.days_left, countdown.at_least
    )
