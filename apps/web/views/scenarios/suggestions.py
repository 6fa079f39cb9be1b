"""Suggested scenarios for the portfolio: what most applications depend on, and what retires
next."""

from dataclasses import dataclass
from datetime import date

from apps.accounts.models import User
from apps.exposure.models import Layer
from apps.exposure.queries.concentration import layer_table
from apps.exposure.queries.portfolio import retiring_offerings
from apps.web.views.scenarios.links import scenario_url

AHEAD_DAYS = 365
PRICE_FACTOR = "1.5"


@dataclass(frozen=True, slots=True)
class SuggestedScenario:
    words: str
    url: str


def suggest_scenarios(user: User, *, on: date) -> list[SuggestedScenario]:
    """Suggest at most four scenarios; none while nothing depends on anything. Seven statements."""
    scenarios = []
    developer = next(iter(layer_table(layer=Layer.DEVELOPER, user=user, limit=1).rows), None)
    host = next(iter(layer_table(layer=Layer.HOST, user=user, limit=1).rows), None)
    retirement = next(
        iter(retiring_offerings(user=user, on=on, within=AHEAD_DAYS, limit=1, since=on)), None
    )
    node = f"developer:{developer.slug}" if developer else ""
    if developer:
        scenarios.append(SuggestedScenario(f"{developer.name} fails", scenario_url(remove=[node])))
    if host:
        scenarios.append(
            SuggestedScenario(f"{host.name} is down", scenario_url(remove=[f"host:{host.slug}"]))
        )
    if retirement:
        offering = retirement.offering
        scenarios.append(
            SuggestedScenario(
                f"{offering.api_id} on {offering.host.name} retires today",
                scenario_url(remove=[f"offering:{offering.pk}"]),
            )
        )
    if developer:
        scenarios.append(
            SuggestedScenario(
                f"{developer.name} costs 50% more",
                scenario_url(reprice=[(node, PRICE_FACTOR)]),
            )
        )
    return scenarios
