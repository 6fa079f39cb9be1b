"""The pages of capabilities: what applies, what every source states, and what users enter."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.claims.stated_values import record_stated_value, stated_value_changes
from apps.catalog.models import Assertion, Offering, SettledClaims
from apps.common.time import day_of, now
from tests.builders import (
    make_application,
    make_dependency,
    make_offering,
    make_provider,
    make_source,
    make_user,
    make_version,
)
from tests.exposure.portfolio import bring_up_to_date
from tests.http import visible_text

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def governance(client: Client) -> User:
    user = make_user("ada", role="governance")
    client.force_login(user)
    return user


def state(slug: str, offering: Offering, facts: dict[str, Any], *, rank: int = 20) -> Assertion:
    """Make a claim of a feed with these facts."""
    source = make_source(slug, kind=slug, trust_rank=rank, name=slug.title())
    return Assertion.objects.create(
        source=source,
        external_id=f"{slug}/{offering.pk}",
        topic="capability",
        offering=offering,
        value=facts,
        first_seen=AT,
        changed_at=AT,
    )


def settle(offering: Offering, facts: dict[str, Any]) -> None:
    SettledClaims.objects.create(offering=offering, topic="capability", values=facts, changed_at=AT)


def fact(value: object, **more: str) -> dict[str, Any]:
    return {"value": value, "at": "2026-11-01", **more}


def settled(value: object, **more: Any) -> dict[str, Any]:
    return {"value": value, "source": "LiteLLM", "at": "2026-11-01", "agreed": 1, **more}


def page(client: Client, offering: Offering, tab: str = "capabilities") -> str:
    return client.get(
        reverse("offerings:detail", args=[offering.pk]), {"tab": tab}
    ).content.decode()


def test_sources_stand_side_by_side(client: Client, governance: User) -> None:
    offering = make_offering("m")
    state("alpha", offering, {"tool_calling": fact(True), "vision": fact(True)})
    state(
        "beta",
        offering,
        {
            "vision": fact(False),
            "context_window": fact(128_000, silent_since="2026-11-10"),
        },
    )
    settle(
        offering,
        {
            "tool_calling": settled(True),
            "vision": settled(None, contradicted=True, source="", at="", agreed=0),
            "context_window": settled(128_000, agreed=2),
        },
    )
    text = page(client, offering)
    for words in (
        "2 of 15 capabilities are known; sources contradict each other about 1",
        "Alpha",
        "Beta",
        "128,000 tokens",
        "LiteLLM and 1 more, 1 November 2026",
        "Sources contradict each other",
        "silent since 10 Nov 2026",
        "contradicts the other sources",
        "Unknown",
    ):
        assert words in text


def test_an_offering_without_claims_says_what_to_do(client: Client, governance: User) -> None:
    offering = make_offering("m")
    enter = reverse("offerings:enter-capability", args=[offering.pk, "vision"])
    url = f"{reverse('offerings:detail', args=[offering.pk])}?tab=capabilities"
    response = client.get(url)
    assert "No source states capabilities of this model ID." in visible_text(response)
    assert enter in response.content.decode()
    client.force_login(make_user("vic"))
    response = client.get(url)
    assert "Governance users can enter" in visible_text(response)
    assert enter not in response.content.decode()


def test_a_value_is_entered_changed_removed_and_undone(client: Client, governance: User) -> None:
    offering = make_offering("m")
    url = reverse("offerings:enter-capability", args=[offering.pk, "context_window"])
    assert ": unknown." in client.get(url).content.decode()
    form = {"value": "200000", "kind": "own_test", "at": "2026-01-10", "note": "Filled it"}

    done = client.post(url, form, follow=True)
    assert "Context window saved. It outranks every feed." in done.content.decode()
    assert "200,000 tokens" in done.content.decode()
    assert "Own test by ada" in done.content.decode()
    assert settled_values([offering.pk])[offering.pk]["context_window"].value == 200_000
    assert 'value="200000"' in client.get(url).content.decode()

    same = client.post(url, form, follow=True).content.decode()
    assert "Nothing was changed" in same
    remove = reverse("offerings:remove-capability", args=[offering.pk, "context_window"])
    assert "Enter a reason" in client.post(remove, follow=True).content.decode()
    client.post(remove, {"reason": "Wrong model"})
    assert "context_window" not in settled_values([offering.pk]).get(offering.pk, {})

    change = stated_value_changes(offering.pk, "capability")[0].change
    undone = client.post(
        reverse("offerings:undo-capability", args=[offering.pk, change]), follow=True
    ).content.decode()
    assert "The change was undone." in undone
    assert settled_values([offering.pk])[offering.pk]["context_window"].value == 200_000


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("tool_calling", "no", False),
        ("input_modalities", ["text", "image"], ["image", "text"]),
        ("knowledge_cutoff", "2025-01", "2025-01"),
    ],
)
def test_every_form_of_value_is_entered(
    field: str, value: object, stored: object, client: Client, governance: User
) -> None:
    offering = make_offering("m")
    url = reverse("offerings:enter-capability", args=[offering.pk, field])
    form = {
        "value": value,
        "kind": "statement",
        "at": "2026-01-10",
        "source_url": "https://acme.example/docs",
    }
    response = client.post(url, form)
    assert response.status_code == 302, response.content.decode()
    assert settled_values([offering.pk])[offering.pk][field].value == stored
    assert client.get(response["Location"]).status_code == 200
    assert client.get(url).status_code == 200


def test_a_wrong_value_is_explained(client: Client, governance: User) -> None:
    offering = make_offering("m")
    url = reverse("offerings:enter-capability", args=[offering.pk, "vision"])
    response = client.post(url, {"kind": "statement", "at": "2026-01-10", "value": "yes"})
    assert response.status_code == 422
    assert "Enter the address of the statement" in response.content.decode()
    response = client.post(url, {"kind": "own_test", "at": "2999-01-10", "value": "yes"})
    assert "in the future" in response.content.decode()
    assert "Enter a value for image input." in client.post(url, {}).content.decode()


def test_only_governance_may_enter_remove_and_undo(client: Client) -> None:
    ada, offering = make_user("ada", role="governance"), make_offering("m")
    write = record_stated_value(
        offering=offering,
        topic="capability",
        field="vision",
        value=True,
        kind="own_test",
        at=date(2026, 1, 10),
        by=ada,
    )
    client.force_login(make_user("vic"))
    key = [offering.pk, "vision"]
    assert client.get(reverse("offerings:enter-capability", args=key)).status_code == 403
    assert client.post(reverse("offerings:remove-capability", args=key)).status_code == 403
    undo = reverse("offerings:undo-capability", args=[offering.pk, write.change])
    assert client.post(undo).status_code == 403
    assert "Own test by ada" in page(client, offering)


def test_unknown_subjects_are_not_found(client: Client, governance: User) -> None:
    offering, name = make_offering("m"), make_offering("Some model", kind="name")
    for args in (
        [offering.pk, "telepathy"],
        [name.pk, "vision"],
    ):
        assert client.get(reverse("offerings:enter-capability", args=args)).status_code == 404
    undo = reverse("offerings:undo-capability", args=[offering.pk, uuid4()])
    assert "Change not found" in client.post(undo, follow=True).content.decode()


def test_a_version_shows_what_all_hosts_agree_on(client: Client, governance: User) -> None:
    version = make_version()
    alpha = make_offering("m", host=make_provider("alpha", name="Alpha"), version=version)
    beta = make_offering("m", host=make_provider("beta", name="Beta"), version=version)
    settle(
        alpha,
        {
            "tool_calling": settled(True),
            "context_window": settled(1_000_000),
            "vision": settled(True),
            "max_output": settled(65_536),
        },
    )
    settle(
        beta,
        {
            "tool_calling": settled(True),
            "context_window": settled(272_000),
            "max_output": settled(65_535),
        },
    )
    pages = (
        reverse("versions:detail", args=[version.pk]),
        reverse("foundations:detail", args=[version.foundation.slug]),
    )
    for url in pages:
        text = visible_text(client.get(url, {"tab": "capabilities"}))
        agreed, differing = text.split("Not the same for all hosts")
        assert "Two capabilities shared by its two model IDs; 1 differ by host." in agreed
        assert "Tool calling" in agreed
        assert "65,535 tokens" in agreed  # the smaller one of two that are the same limit
        assert "Context window" not in agreed.partition("Unknown for every host")[0]
        for words in ("1,000,000 tokens", "272,000 tokens", "Alpha", "Beta", "Image input"):
            assert words in differing
    empty = make_version()
    text = visible_text(
        client.get(reverse("versions:detail", args=[empty.pk]), {"tab": "capabilities"})
    )
    assert "No source states capabilities of its model IDs." in text


def test_contradicted_capabilities_of_offerings_in_use_are_listed(
    client: Client, governance: User
) -> None:
    used, unused, agreed = make_offering("used-m"), make_offering("unused-m"), make_offering("ok-m")
    for offering in (used, unused):
        state("alpha", offering, {"vision": fact(True)})
        state("beta", offering, {"vision": fact(False), "pdf": fact(True)})
        settle(offering, {"vision": settled(None, contradicted=True), "pdf": settled(True)})
    settle(agreed, {"vision": settled(True)})
    make_dependency(make_application(), used)
    make_dependency(make_application(), agreed)
    bring_up_to_date(day_of(now()))

    url = reverse("capability-contradictions:list")
    text = visible_text(client.get(url))
    assert "Sources contradict each other on the capabilities of 1 offering in use." in text
    assert "Image input: Alpha yes, Beta no" in text
    assert "unused-m" not in text
    assert "ok-m" not in text
    assert "unused-m" in visible_text(client.get(url, {"in_use": ""}))
