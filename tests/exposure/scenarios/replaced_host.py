"""A host that is replaced by another: three models in use, of which one is served there too."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.catalog.models import Offering, SettledClaims
from apps.exposure.engine.table_refresh import rebuild
from apps.inventory.models import Application, Criticality, Dependency, Requirement
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_foundation,
    make_member,
    make_offering,
    make_price,
    make_provider,
    make_team,
    make_user,
    make_version,
)


@dataclass
class ReplacedHost:
    claims: Team
    sales: Team
    governance: User
    editor: User
    triage: Application
    quotes: Application
    uses_large: Dependency
    uses_backup: Dependency
    uses_small: Dependency
    uses_vectors: Dependency
    large: Offering
    small: Offering
    vectors: Offering
    backup: Offering
    large_elsewhere: Offering
    other: Offering


def settle(offering: Offering, **values: Any) -> None:
    SettledClaims.objects.create(
        offering=offering,
        topic="capability",
        changed_at=NOW,
        values={
            field: {"value": value, "source": "LiteLLM", "at": "2026-11-01", "agreed": 1}
            for field, value in values.items()
        },
    )


def need(dependency: Dependency, field: str, value: Any) -> None:
    Requirement.objects.create(dependency=dependency, field=field, value=value, origin="declared")


def make_replaced_host(on: date = TODAY) -> ReplacedHost:
    """Azure serves large, small and vectors; Bedrock serves large too, and other, a text model
    without image input.

    Triage (critical, Claims) uses large with the fallback `backup` of another developer at Bedrock,
    Quotes (Sales) uses small with images and vectors. Large costs 2 USD per million at Azure and 3
    at Bedrock, small 1 USD, other nothing known.
    """
    claims, sales = make_team("Claims"), make_team("Sales")
    maker, rival = (
        make_provider("maker", roles=("developer",)),
        make_provider("rival", roles=("developer",)),
    )
    azure, bedrock = make_provider("azure"), make_provider("bedrock")
    large_version = make_version(
        "maker/large-1", foundation=make_foundation("maker/large", developer=maker)
    )
    small_version = make_version(
        "maker/small-1", foundation=make_foundation("maker/small", developer=maker)
    )
    vectors_version = make_version(
        "maker/vectors-1", foundation=make_foundation("maker/vectors", developer=maker)
    )
    other_version = make_version(
        "rival/other-1", foundation=make_foundation("rival/other", developer=rival)
    )
    large = make_offering("large", host=azure, version=large_version)
    small = make_offering("small", host=azure, version=small_version)
    vectors = make_offering("vectors", host=azure, version=vectors_version)
    large_elsewhere = make_offering("large", host=bedrock, version=large_version)
    other = make_offering("other", host=bedrock, version=other_version)
    backup = make_offering("backup", host=bedrock, version=other_version)
    settle(large, output_modalities=["text"], vision=True)
    settle(large_elsewhere, output_modalities=["text"], vision=True)
    settle(small, output_modalities=["text"], vision=True)
    settle(other, output_modalities=["text"], vision=False)
    settle(backup, output_modalities=["text"])
    settle(vectors, output_modalities=["embedding"])
    make_price(large, "input", "2")
    make_price(large_elsewhere, "input", "3")
    make_price(small, "input", "1")
    triage = make_application("Triage", team=claims, criticality=Criticality.CRITICAL)
    quotes = make_application("Quotes", team=sales)
    world = ReplacedHost(
        claims=claims,
        sales=sales,
        governance=make_user("maren", role="governance"),
        editor=make_member(sales, TeamRole.EDITOR),
        triage=triage,
        quotes=quotes,
        uses_large=make_dependency(triage, large, monthly_input_tokens=1_000_000),
        uses_backup=make_dependency(triage, backup, role="fallback", fallback_order=1),
        uses_small=make_dependency(quotes, small, monthly_input_tokens=1_000_000),
        uses_vectors=make_dependency(quotes, vectors, role="embedding"),
        large=large,
        small=small,
        vectors=vectors,
        backup=backup,
        large_elsewhere=large_elsewhere,
        other=other,
    )
    need(world.uses_large, "vision", True)
    need(world.uses_small, "vision", True)
    rebuild(on=on)
    return world
