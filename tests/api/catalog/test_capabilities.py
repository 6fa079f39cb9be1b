"""`offerings/{id}/capabilities/`: what applies, what every source states, entry and removal."""

from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.catalog.capabilities.fields import CAPABILITY_FIELDS
from apps.catalog.models import Assertion, Offering, SettledClaims
from tests.builders import make_offering, make_source, make_user
from tests.http import token_client

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 20, tzinfo=UTC)
ENTERED = {
    "capability": "vision",
    "value": False,
    "kind": "own_test",
    "at": "2026-01-10",
    "note": "It refused images",
}


@pytest.fixture
def offering(db: None) -> Offering:
    """Two sources contradict each other about vision, and one of them states tool calling."""
    offering = make_offering("m")
    for slug, facts in {
        "alpha": {"vision": True, "tool_calling": True},
        "beta": {"vision": False},
    }.items():
        Assertion.objects.create(
            source=make_source(slug, kind=slug),
            external_id=f"{slug}/m",
            topic="capability",
            offering=offering,
            value={name: {"value": value, "at": "2026-11-01"} for name, value in facts.items()},
            first_seen=AT,
            changed_at=AT,
        )
    SettledClaims.objects.create(
        offering=offering,
        topic="capability",
        values={
            "tool_calling": {"value": True, "source": "Alpha", "at": "2026-11-01", "agreed": 1},
            "vision": {"value": None, "contradicted": True},
        },
        changed_at=AT,
    )
    return offering


def governance_client() -> APIClient:
    return token_client(make_user(role="governance"), "read", "write")


def url(offering: Offering) -> str:
    return f"/api/v1/offerings/{offering.pk}/capabilities/"


def read(client: APIClient, offering: Offering) -> dict[str, Any]:
    response = client.get(url(offering))
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def test_whoever_has_signed_in_reads_values_and_claims(offering: Offering) -> None:
    body = read(token_client(make_user()), offering)
    assert (body["offering"], body["host"], body["api_id"]) == (
        offering.pk,
        offering.host.slug,
        "m",
    )
    capabilities = body["capabilities"]
    assert list(capabilities) == list(CAPABILITY_FIELDS)
    assert capabilities["tool_calling"] | {"claims": None} == {
        "label": "Tool calling",
        "value": True,
        "source": "Alpha",
        "at": "2026-11-01",
        "agreed": 1,
        "contradicted": False,
        "claims": None,
    }
    assert [
        (claim["source"], claim["value"], claim["accepted"], claim["contradicts"])
        for claim in capabilities["tool_calling"]["claims"]
    ] == [("alpha", True, True, False), ("beta", None, False, False)]
    # unknown is never yes, nor no
    assert capabilities["vision"]["value"] is None
    assert capabilities["vision"]["contradicted"] is True
    assert all(claim["contradicts"] for claim in capabilities["vision"]["claims"])
    assert capabilities["pdf"]["value"] is None


def test_a_value_is_entered_and_removed(offering: Offering) -> None:
    client = governance_client()
    response = client.post(url(offering), ENTERED, format="json")
    assert response.status_code == 200, response.content
    claims = response.json()["capabilities"]["vision"]["claims"]
    entered = next(claim for claim in claims if claim["source"] == "manual")
    assert (entered["value"], entered["kind"], entered["note"]) == (
        False,
        "own_test",
        "It refused images",
    )
    assert read(client, offering)["capabilities"]["vision"]["value"] is False

    response = client.delete(f"{url(offering)}?capability=vision&reason=Wrong")
    assert response.status_code == 204, response.content
    assert all(
        claim["source"] != "manual" or claim["value"] is None
        for claim in read(client, offering)["capabilities"]["vision"]["claims"]
    )
    assert client.delete(f"{url(offering)}?capability=vision&reason=Again").status_code == 409


@pytest.mark.parametrize(
    ("facts", "field", "words"),
    [
        ({"value": "perhaps"}, "value", "must be yes or no"),
        ({"capability": "telepathy"}, "capability", "telepathy"),
        ({"capability": "context_window", "value": -1}, "value", "whole number of tokens"),
        ({"at": "2999-01-01"}, "at", "in the future"),
        ({"kind": "statement", "note": ""}, "source_url", "Enter the address"),
        ({"source": "x"}, "source", "Unknown field"),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence(
    facts: dict[str, Any], field: str, words: str, offering: Offering
) -> None:
    response = governance_client().post(url(offering), {**ENTERED, **facts}, format="json")
    assert response.status_code == 400, response.content
    errors = {error["field"]: str(error) for error in response.json()["errors"]}
    assert words in errors[field]


def test_only_governance_enters_and_removes(offering: Offering) -> None:
    client = token_client(make_user(), "read", "write")
    assert client.post(url(offering), ENTERED, format="json").status_code == 403
    assert client.delete(f"{url(offering)}?capability=vision&reason=x").status_code == 403
    assert APIClient().get(url(offering)).status_code == 401
    assert (
        token_client(make_user()).get("/api/v1/offerings/999999/capabilities/").status_code == 404
    )
