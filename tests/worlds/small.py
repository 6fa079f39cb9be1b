"""The small world: one team with one application on one model at one host, and nobody in the team.

For alerts, whose receivers each test chooses. The model ends on 15 January 2027; the world's clock
is the builders'.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.accounts.models import Team
from apps.catalog.models import Offering, ProviderEvent
from apps.inventory.models import Application, Criticality
from tests.builders import (
    make_application,
    make_dependency,
    make_event,
    make_foundation,
    make_offering,
    make_provider,
    make_team,
    make_version,
)


@dataclass
class SmallWorld:
    team: Team
    offering: Offering
    application: Application

    def event(self, kind: str = "announced", **fields: Any) -> ProviderEvent:
        return make_event(self.offering, kind, **fields)


def make_small_world(
    team_name: str = "Claims",
    *,
    criticality: Criticality = Criticality.CRITICAL,
    email: str = "claims@example.org",
) -> SmallWorld:
    """Claims runs the Motor damage estimator on Gemini 2.5 Pro at Google Vertex AI, which ends on
    15 January 2027."""
    team = make_team(team_name, email=email)
    host = make_provider("google-vertex-ai", name="Google Vertex AI")
    developer = make_provider("google", roles=("developer",), name="Google")
    foundation = make_foundation(
        "google/gemini-2.5-pro", developer=developer, name="Gemini 2.5 Pro"
    )
    version = make_version("google/gemini-2.5-pro-001", foundation=foundation)
    offering = make_offering(
        "gemini-2.5-pro",
        host=host,
        version=version,
        retires_on=date(2027, 1, 15),
        date_kind="firm",
        replacement_text="gemini-3-pro",
    )
    application = make_application("Motor damage estimator", team=team, criticality=criticality)
    make_dependency(application, offering)
    return SmallWorld(team, offering, application)
