"""Two teams on two developers: what a what-if may name, and what it changes."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.catalog.models import Offering, Price
from apps.common.time import start_of
from apps.exposure.engine.table_refresh import rebuild
from apps.inventory.models import Application, Criticality, Dependency
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)


@dataclass
class TwoTeams:
    claims: Team
    sales: Team
    governance: User
    editor: User
    triage: Application
    quotes: Application
    uses_sonnet: Dependency
    uses_gpt: Dependency
    sonnet: Offering
    gpt: Offering


def make_two_teams(on: date = TODAY) -> TwoTeams:
    """Triage (critical) on Sonnet at Anthropic, Quotes (standard) on GPT at Azure; 1 M input tokens
    a month each at 3 and 2 USD."""
    claims, sales = make_team("Claims"), make_team("Sales")
    anthropic = make_provider("anthropic", roles=("developer", "host"))
    openai, azure = make_provider("openai", roles=("developer",)), make_provider("azure")
    sonnet = make_offering(
        "claude-sonnet-4-5",
        host=anthropic,
        version=make_version(
            "anthropic/sonnet-1",
            foundation=make_foundation("anthropic/sonnet", developer=anthropic),
        ),
    )
    gpt = make_offering(
        "gpt-4o",
        host=azure,
        version=make_version(
            "openai/gpt-1", foundation=make_foundation("openai/gpt", developer=openai)
        ),
    )
    for offering, amount in ((sonnet, 3), (gpt, 2)):
        Price.objects.create(
            offering=offering,
            unit="input",
            amount=Decimal(amount),
            valid=DateTimeTZRange(start_of(date(2026, 1, 1)), None, "[)"),
        )
    triage = make_application("Triage", team=claims, criticality=Criticality.CRITICAL)
    quotes = make_application("Quotes", team=sales)
    two_teams = TwoTeams(
        claims=claims,
        sales=sales,
        governance=make_user(role="governance"),
        editor=make_member(sales, TeamRole.EDITOR),
        triage=triage,
        quotes=quotes,
        uses_sonnet=make_dependency(triage, sonnet, monthly_input_tokens=1_000_000),
        uses_gpt=make_dependency(quotes, gpt, monthly_input_tokens=1_000_000),
        sonnet=sonnet,
        gpt=gpt,
    )
    rebuild(on=on)
    return two_teams
