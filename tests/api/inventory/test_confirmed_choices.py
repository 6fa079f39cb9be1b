"""REST writes of a choice that breaks something: 409 with what breaks, until it is confirmed."""

from typing import Any

import pytest

from apps.accounts.roles import TeamRole
from apps.inventory.models import Dependency, ExitPlan
from tests.builders import make_application, make_dependency, make_member, make_offering, make_team
from tests.worlds.fit import require, settle

pytestmark = pytest.mark.django_db

API = "/api/v1/"


@pytest.fixture
def team() -> Any:
    return make_team()


@pytest.fixture
def client(api: Any, team: Any) -> Any:
    return api(make_member(team, TeamRole.EDITOR), "read", "write")


@pytest.fixture
def primary(team: Any) -> Dependency:
    dependency = make_dependency(make_application("Claims", team=team), make_offering("old"))
    require(dependency, vision=True)
    return dependency


@pytest.fixture
def blind() -> Any:
    offering = make_offering("blind")
    settle(offering, vision=False)
    return offering


def _requests(primary: Dependency, offering: Any) -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        "replace": (f"{API}dependencies/{primary.pk}/replace/", {"offering": offering.pk}),
        "fallback": (
            f"{API}dependencies/",
            {
                "application": primary.application.slug,
                "offering": offering.pk,
                "role": "fallback",
                "fallback_order": 1,
            },
        ),
        "exit plan": (
            f"{API}exit-plans/",
            {"dependency": primary.pk, "target": offering.pk, "substitutability": "easily"},
        ),
    }


@pytest.mark.parametrize("choice", ["replace", "fallback", "exit plan"])
def test_a_choice_that_breaks_something_is_refused_until_confirmed(
    client: Any, primary: Dependency, blind: Any, choice: str
) -> None:
    path, body = _requests(primary, blind)[choice]
    before = (Dependency.objects.count(), ExitPlan.objects.count())
    refused = client.post(path, body)
    assert refused.status_code == 409
    assert "blind has no image input" in refused.json()["detail"]
    assert "confirm_breaks: true" in refused.json()["detail"]
    assert (Dependency.objects.count(), ExitPlan.objects.count()) == before
    made = client.post(path, {**body, "confirm_breaks": True})
    assert made.status_code == 201
    assert "confirm_breaks" not in made.json()


@pytest.mark.parametrize("choice", ["replace", "fallback", "exit plan"])
def test_a_choice_that_breaks_nothing_needs_no_confirmation(
    client: Any, primary: Dependency, choice: str
) -> None:
    path, body = _requests(primary, make_offering("unknown to all sources"))[choice]
    assert client.post(path, body).status_code == 201


def test_a_plan_is_changed_without_asking_about_its_target_again(
    client: Any, primary: Dependency, blind: Any
) -> None:
    plan = ExitPlan.objects.create(dependency=primary, target=blind)
    path = f"{API}exit-plans/{plan.pk}/"
    assert client.patch(path, {"note": "seen", "target": blind.pk}).status_code == 200
    other = make_offering("other")
    settle(other, vision=False)
    assert client.patch(path, {"target": other.pk}).status_code == 409


def test_a_use_that_has_ended_is_recorded_as_it_was(
    client: Any, primary: Dependency, blind: Any
) -> None:
    path, body = _requests(primary, blind)["fallback"]
    ended = {**body, "since": "2025-01-01", "until": "2025-06-01"}
    assert client.post(path, ended).status_code == 201
