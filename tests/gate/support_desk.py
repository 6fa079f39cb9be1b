"""A team that asks the gate: one application, and models that hold, end, have ended or are not
known."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from apps.accounts.models import Team, User
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.catalog.models import Offering, Provider, Source
from apps.common.time import day_of, now
from apps.feeds.models import PollState
from apps.inventory.models import Application, Criticality
from tests.builders import (
    make_application,
    make_claim,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_source,
    make_team,
    make_user,
    make_version,
)


@dataclass
class SupportDesk:
    today: date
    team: Team
    application: Application
    openai: Provider
    azure: Provider
    good: Offering
    ending: Offering
    retired: Offering
    deployment: Offering
    governance: User
    editor: User
    viewer: User
    stranger: User


def make_support_desk() -> SupportDesk:
    moment = now()
    today = day_of(moment)
    source = make_source("litellm", enabled=True, name="LiteLLM price map")
    openai = make_provider("openai", roles=("developer", "host"), name="OpenAI")
    azure = make_provider("azure", roles=("host",), name="Microsoft Azure")
    line = make_foundation("openai/gpt-4o", developer=openai, name="GPT-4o")
    old_line = make_foundation("openai/gpt-3.5-turbo", developer=openai, name="GPT-3.5 Turbo")
    good = make_offering(
        "gpt-4o-2024-11-20",
        host=openai,
        version=make_version("openai/gpt-4o-2024-11-20", foundation=line),
        lifecycle="active",
    )
    ending = make_offering(
        "gpt-4o-2024-08-06",
        host=openai,
        version=make_version("openai/gpt-4o-2024-08-06", foundation=line),
        lifecycle="deprecated",
        retires_on=today + timedelta(50),
        date_kind="firm",
        replacement=good,
    )
    retired = make_offering(
        "gpt-3.5-turbo-0125",
        host=openai,
        version=make_version("openai/gpt-3.5-turbo-0125", foundation=old_line),
        lifecycle="retired",
        retires_on=today - timedelta(33),
        date_kind="firm",
        replacement_text="gpt-5.6-terra",
    )
    read_dates(source, ending, at=moment)
    deployment = make_offering("contact-centre-prod", host=azure, resolved=False)
    team = make_team("Support")
    application = make_application(
        "Support assistant",
        team=team,
        criticality=Criticality.CRITICAL,
        business_owner="Ilse",
        geography="EU",
        data_classification="internal",
    )
    return SupportDesk(
        today=today,
        team=team,
        application=application,
        openai=openai,
        azure=azure,
        good=good,
        ending=ending,
        retired=retired,
        deployment=deployment,
        governance=make_user("maren", role=OrganisationRole.GOVERNANCE),
        editor=make_member(team, TeamRole.EDITOR, make_user("ilse")),
        viewer=make_member(team, TeamRole.VIEWER, make_user("hana")),
        stranger=make_user("stranger"),
    )


def read_dates(source: Source, offering: Offering, *, at: datetime) -> PollState:
    """`source` as if it had been polled `at` that moment and had said when `offering` retires."""
    make_claim(
        source,
        offering.api_id,
        offering=offering,
        first_seen=at,
        changed_at=at,
        value={"retires_on": (day_of(at) + timedelta(50)).isoformat(), "date_kind": "firm"},
    )
    return PollState.objects.create(source=source, last_success_at=at, last_observed_at=at)


def rules_of(findings: Any) -> list[tuple[str, str, str]]:
    """(rule, level, model) of each finding."""
    return [(each.rule, each.level, each.model) for each in findings]
