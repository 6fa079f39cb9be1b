"""A small world for the alerts: one team, its applications on one model, and what happened to that model."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.accounts.models import Team
from apps.catalog.models import Assertion, Node, NodeKind, Offering, ProviderEvent
from apps.exposure.models import ExposureFlag, FlagEvent, Policy, StandingState
from apps.inventory.models import Application, Criticality
from tests.builders import (
    NOW,
    make_application,
    make_dependency,
    make_event,
    make_foundation,
    make_offering,
    make_provider,
    make_source,
    make_team,
    make_version,
)

RIPE = timedelta(seconds=61)
"""Longer than alerts wait for further ones."""


@dataclass
class World:
    team: Team
    offering: Offering
    application: Application

    def event(self, kind: str = "announced", **fields: Any) -> ProviderEvent:
        return make_event(self.offering, kind, **fields)


def make_world(
    team_name: str = "Claims", *, criticality: Criticality = Criticality.CRITICAL, email: str = "claims@example.org"
) -> World:
    """Claims runs the Motor damage estimator on Gemini 2.5 Pro at Google Vertex AI, which ends on 15 January 2027."""
    team = make_team(team_name, email=email)
    host = make_provider("google-vertex-ai", name="Google Vertex AI")
    developer = make_provider("google", roles=("developer",), name="Google")
    foundation = make_foundation("google/gemini-2.5-pro", developer=developer, name="Gemini 2.5 Pro")
    version = make_version("google/gemini-2.5-pro-001", foundation=foundation)
    offering = make_offering(
        "gemini-2.5-pro", host=host, version=version, retires_on=date(2027, 1, 15), date_kind="firm",
        replacement_text="gemini-3-pro",
    )  # fmt: skip
    application = make_application("Motor damage estimator", team=team, criticality=criticality)
    make_dependency(application, offering)
    return World(team, offering, application)


def make_flag(name: str = "Google", *, events: tuple[str, ...] = ("opened",), **fields: Any) -> ExposureFlag:
    """62 % of the critical applications on one developer, where half is tolerated; with its life so far."""
    policy = fields.pop("policy", None) or Policy.objects.get_or_create(
        slug="line",
        defaults={
            "name": "Critical applications on one developer", "kinds": ["developer"],
            "states": StandingState.values, "measure": "critical_share", "tolerance": "0.5",
        },
    )[0]  # fmt: skip
    if "node" not in fields:
        developer = make_provider(name.lower(), roles=("developer",), name=name)
        fields["node"], _ = Node.objects.get_or_create(kind=NodeKind.DEVELOPER, ref=developer.pk)
    fields.setdefault("value", Decimal("0.62"))
    fields.setdefault("limit", Decimal("0.5"))
    fields.setdefault("n_applications", len(fields.get("application_ids", [])))
    flag = ExposureFlag.objects.create(policy=policy, opened_at=NOW, **fields)
    for kind in events:
        add_turn(flag, kind)
    return flag


def add_turn(flag: ExposureFlag, kind: str, *, at: datetime = NOW, **fields: Any) -> FlagEvent:
    """A turn in the life of a flag, and the value with which it came."""
    fields.setdefault("value", flag.value)
    return FlagEvent.objects.create(flag=flag, kind=kind, at=at, **fields)


def add_evidence(event: ProviderEvent, url: str, *, at: datetime = NOW) -> Assertion:
    claim = Assertion.objects.create(
        source=make_source(), external_id=f"row-{event.pk}", topic="lifecycle", offering=event.offering,
        first_seen=at, changed_at=at, source_url=url,
    )  # fmt: skip
    event.evidence.add(claim)
    return claim
