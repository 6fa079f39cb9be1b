"""GET fit/: whether a candidate does what a dependency uses, for those who can view it."""

from typing import Any

import pytest

from apps.accounts.roles import TeamRole
from apps.inventory.models import Dependency
from tests.builders import (
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_price,
    make_team,
)
from tests.worlds.fit import require, settle

pytestmark = pytest.mark.django_db

FIT = "/api/v1/fit/"


@pytest.fixture
def team() -> Any:
    return make_team()


@pytest.fixture
def client(api: Any, team: Any) -> Any:
    return api(make_member(team, TeamRole.VIEWER), "read")


@pytest.fixture
def dependency(team: Any) -> Dependency:
    return make_dependency(
        make_application("Claims", team=team),
        make_offering("old"),
        monthly_input_tokens=2_000_000,
        monthly_output_tokens=1_000_000,
    )


def test_items_verdict_and_costs(client: Any, dependency: Dependency) -> None:
    require(dependency, vision=True, context_window=90_000, tool_calling=False)
    candidate = make_offering("new")
    settle(candidate, vision=False)
    for offering, amount in ((dependency.offering, "1"), (candidate, "3")):
        make_price(offering, "input", amount)
        make_price(offering, "output", "10")

    body = client.get(FIT, {"dependency": dependency.pk, "candidate": candidate.pk}).json()

    assert body == {
        "dependency": dependency.pk,
        "candidate": candidate.pk,
        "verdict": "breaks",
        "items": [
            {
                "field": "tool_calling",
                "needed": False,
                "new": None,
                "verdict": "not_used",
                "source": "no source states it",
            },
            {
                "field": "vision",
                "needed": True,
                "new": False,
                "verdict": "lost",
                "source": "models.dev, 1 July 2026",
            },
            {
                "field": "context_window",
                "needed": 90_000,
                "new": None,
                "verdict": "unknown",
                "source": "no source states it",
            },
        ],
        "price_ratio": {"input": 3.0, "output": 1.0},
        "monthly_cost": {
            "current": "12",
            "candidate": "16",
            "difference": "4",
            "currency": "USD",
            "detail": "",
        },
        "breaks": [
            {
                "kind": "capability",
                "detail": "Claims would lose what it uses: new has no image input.",
            }
        ],
    }


def test_nothing_known_of_the_use_is_unknown(client: Any, dependency: Dependency) -> None:
    candidate = make_offering("new")
    settle(candidate, vision=True)
    body = client.get(FIT, {"dependency": dependency.pk, "candidate": candidate.pk}).json()
    assert (body["verdict"], body["items"], body["breaks"]) == ("unknown", [], [])
    assert body["monthly_cost"]["difference"] is None
    assert body["monthly_cost"]["detail"].startswith("Today's model: No price")


def test_who_cannot_view_the_application_finds_nothing(client: Any) -> None:
    hidden = make_dependency(make_application(), make_offering())
    question = {"dependency": hidden.pk, "candidate": make_offering().pk}
    assert client.get(FIT, question).status_code == 404


def test_a_question_names_both(client: Any, dependency: Dependency) -> None:
    assert client.get(FIT).status_code == 400
    unknown = client.get(FIT, {"dependency": dependency.pk, "candidate": 0})
    assert unknown.status_code == 400
    assert unknown.json()["errors"][0]["field"] == "candidate"
