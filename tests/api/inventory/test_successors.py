"""GET dependencies/{id}/successors/: the ranked candidates of a dependency."""

import pytest

from tests.builders import make_member, make_user
from tests.kept_worlds import kept_world
from tests.worlds.successors import SuccessorWorld, make_successor_world


@pytest.fixture
@kept_world
def world(db: None) -> SuccessorWorld:
    return make_successor_world()


def path_of(world: SuccessorWorld) -> str:
    return f"/api/v1/dependencies/{world.dependency.pk}/successors/"


def test_candidates_come_ranked_with_what_decides_between_them(world, api):
    answer = api(make_user(role="governance"), "read").get(path_of(world))
    assert answer.status_code == 200
    body = answer.json()
    assert (body["cost"], body["currency"], body["n_keeping"]) == ("16850.00", "USD", 1)
    assert body["required_areas"] == ["EU"]
    assert body["needs"]["context_window"] == 231_000
    first = body["candidates"][0]
    assert (first["api_id"], first["verdict"], first["below_line"]) == ("gpt-5.4", "fits", [])
    assert (first["cost"], first["cost_difference"]) == ("18535.00", "1685.00")
    assert (first["region"], first["areas"]) == ("kept", ["EU"])
    assert (first["independence"], first["runway"], first["approval"]) == (5, 280, "approved")
    assert first["tests"][0]["application"] == world.hidden.slug
    assert first["fallback"]["state"] == "retires"
    assert any(row["node"] == "Microsoft Azure" for row in first["tolerances"])
    vision = next(item for item in first["fit"] if item["field"] == "vision")
    assert (vision["needed"], vision["new"], vision["verdict"]) == (True, True, "kept")
    broken = {row["api_id"]: row for row in body["candidates"][1:]}
    assert broken["mistral-large"]["verdict"] == "breaks"
    assert broken["mistral-large"]["below_line"] == [
        {"kind": "capability", "sentence": "Has no PDF input."}
    ]
    assert broken["grok-4.3"]["below_line"][0]["kind"] == "blocked"


def test_members_see_no_hidden_application_and_no_tolerance(world, api):
    first = api(make_member(world.team), "read").get(path_of(world)).json()["candidates"][0]
    assert first["tests"][0]["application"] is None
    assert first["tolerances"] is None


def test_strangers_find_nothing(world, api):
    assert api(make_user(), "read").get(path_of(world)).status_code == 404
