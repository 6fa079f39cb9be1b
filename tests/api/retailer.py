"""A team that sends documents: one application, two hosts that offer three models; and the
documents."""

import json
from dataclasses import dataclass
from typing import Any

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.catalog.models import Offering
from apps.inventory.models import Application
from tests.builders import (
    make_application,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_version,
)

SERIAL = "urn:uuid:6dd5beed-446d-4092-9a8e-16333563835e"


@dataclass(frozen=True, slots=True)
class Retailer:
    team: Team
    editor: User
    shop: Application
    gpt: Offering
    mini: Offering
    claude: Offering


def make_retailer() -> Retailer:
    team = make_team("Retail")
    openai, anthropic = (
        make_provider("openai", name="OpenAI"),
        make_provider("anthropic", name="Anthropic"),
    )
    return Retailer(
        team=team,
        editor=make_member(team, TeamRole.EDITOR),
        shop=make_application("Shop", team=team),
        gpt=make_offering("gpt-4o", host=openai, version=make_version("openai/gpt-4o")),
        mini=make_offering("gpt-4o-mini", host=openai, version=make_version("openai/gpt-4o-mini")),
        claude=make_offering(
            "claude-1", host=anthropic, version=make_version("anthropic/claude-1")
        ),
    )


def bom(
    *names: str, tool: str = "scan", at: str = "", provider: str = "OpenAI", **more: Any
) -> dict[str, Any]:
    """A document of `tool` that names these models, all of one provider."""
    metadata: dict[str, Any] = {"tools": {"components": [{"type": "application", "name": tool}]}}
    if at:
        metadata["timestamp"] = at
    if subject := more.pop("subject", ""):
        metadata["component"] = {"type": "application", "name": subject}
    components = [
        {
            "type": "machine-learning-model",
            "name": name,
            **({"publisher": provider} if provider else {}),
        }
        for name in names
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": metadata,
        "components": components,
    } | more


def post(
    client: Any,
    said: Any,
    query: str = "",
    *,
    kind: str = "cyclonedx",
    type: str = "",
    **headers: str,
) -> Any:
    """The answer to a raw body: bytes as they are, anything else as JSON."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return client.generic(
        "POST", f"/api/v1/intake/{kind}/{query}", body, type or "application/json", headers=headers
    )
