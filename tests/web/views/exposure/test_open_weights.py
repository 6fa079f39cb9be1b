"""Open weights: the figures on the page of concentration, the list behind them, and REST."""

from typing import Any

import pytest

from apps.catalog.models import Offering, SettledClaims
from apps.inventory.models import Requirement
from tests.builders import NOW, TODAY, make_member, make_offering, make_team, make_user
from tests.exposure.portfolio import bring_up_to_date, user_of
from tests.http import signed_in_client, token_client, visible_text
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db


def settle(offering: Offering, **values: Any) -> Offering:
    SettledClaims.objects.create(
        offering=offering,
        topic="capability",
        values={
            name: {"value": value, "source": "models.dev", "at": "2026-07-01", "agreed": 1}
            for name, value in values.items()
        },
        changed_at=NOW,
    )
    return offering


@pytest.fixture
@kept_world
def portfolio() -> dict[str, Any]:
    """One application on open weights, one with a fitting alternative, and two unknown ones."""
    team = make_team("Ours")
    closed = settle(make_offering("closed-model"), open_weights=False, tool_calling=True)
    settle(make_offering("open-tools"), open_weights=True, tool_calling=True)
    user_of(settle(make_offering("open-model"), open_weights=True))
    application = user_of(closed, team=team)
    Requirement.objects.create(
        dependency=application.dependencies.get(), field="tool_calling", value=True
    )
    user_of(closed)
    user_of(make_offering("unknown-model"))
    bring_up_to_date(TODAY)
    return {"team": team, "application": application}


def test_the_page_of_concentration_has_the_figures(portfolio: dict[str, Any]) -> None:
    client = signed_in_client(make_user(role="governance"))
    text = visible_text(client.get("/exposure/"))
    assert (
        "50% of the weight is on open weights, or has an open-weight model that fits; "
        "50% is unknown." in text
    )
    assert "Weighted by each application once" in text
    assert "25% 1 primary model" in text


def test_the_list_names_models_sources_and_alternatives(portfolio: dict[str, Any]) -> None:
    client = signed_in_client(make_user(role="governance"))
    text = visible_text(client.get("/exposure/open-weights/"))
    for words in (
        "open-model",
        "closed-model",
        "open-tools",
        "models.dev, 1 July 2026",
        "no source",
    ):
        assert words in text
    text = visible_text(client.get("/exposure/open-weights/?state=alternative&weight=users"))
    assert portfolio["application"].name in text
    assert "unknown-model" not in text
    text = visible_text(client.get("/exposure/open-weights/?state=none"))
    assert "closed-model" not in text
    csv = b"".join(client.get("/exposure/open-weights.csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert "Open-weight model fits" in csv
    assert csv.count("\n") == 5


def test_a_member_sees_the_own_team_alone(portfolio: dict[str, Any]) -> None:
    user = make_user()
    make_member(portfolio["team"], user=user)
    client = signed_in_client(user)
    text = visible_text(client.get("/exposure/open-weights/"))
    assert "100% of the weight" in text
    assert "unknown-model" not in text
    body = token_client(user).get("/api/v1/concentration/").json()["open_weights"]
    assert (body["covered"], body["total_weight"]) == (1.0, 1.0)


def test_an_empty_portfolio_says_what_to_do() -> None:
    client = signed_in_client(make_user(role="governance"))
    assert "Declare the dependencies" in visible_text(client.get("/exposure/open-weights/"))
    assert "No application has an active primary model." in visible_text(client.get("/exposure/"))


def test_rest_gives_shares_by_state(portfolio: dict[str, Any]) -> None:
    client = token_client(make_user(role="governance"))
    body = client.get("/api/v1/concentration/?weight=count").json()["open_weights"]
    assert body == {
        "covered": 0.5,
        "total_weight": 4.0,
        "states": [
            {"state": "open", "share": 0.25, "n": 1},
            {"state": "alternative", "share": 0.25, "n": 1},
            {"state": "none", "share": 0.0, "n": 0},
            {"state": "unknown", "share": 0.5, "n": 2},
        ],
    }
