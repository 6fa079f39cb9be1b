"""An application shows what its models lost of what it uses."""

from apps.catalog.models import SettledClaims
from apps.common.time import now
from apps.inventory.models import Requirement
from tests.builders import make_event
from tests.http import signed_in_client, visible_text
from tests.worlds.portfolio import PortfolioWorld


def settle_tools(world: PortfolioWorld, value: bool) -> None:
    SettledClaims.objects.update_or_create(
        offering=world.sonnet,
        topic="capability",
        defaults={"values": {"tool_calling": {"value": value}}, "changed_at": now()},
    )


def test_a_capability_in_use_that_was_withdrawn_is_shown(world: PortfolioWorld) -> None:
    dependency = world.triage.dependencies.filter(offering=world.sonnet).first()
    assert dependency is not None
    event = make_event(
        world.sonnet,
        "capability_lost",
        old={"tool_calling": True},
        new={"tool_calling": False},
        effective_on=now().date(),
    )
    settle_tools(world, False)
    url = f"/applications/{world.triage.slug}/?tab=overview"
    client = signed_in_client(world.editor)
    assert "lost tool calling" not in visible_text(client.get(url))

    Requirement.objects.create(dependency=dependency, field="tool_calling", value=True)
    response = client.get(url)
    text = visible_text(response)
    role = dependency.get_role_display().lower()
    assert f"The {role} {world.sonnet.api_id} lost tool calling on" in text
    assert f"/events/{event.pk}/" in response.content.decode()

    settle_tools(world, True)  # it is offered again
    assert "lost tool calling" not in visible_text(client.get(url))
