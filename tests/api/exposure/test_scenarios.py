from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from apps.exposure.actions.scenarios import run_queued
from apps.exposure.models import LossRun, Scenario
from tests.builders import NOW, make_user
from tests.exposure.scenarios.two_teams import make_two_teams

pytestmark = pytest.mark.django_db
Client = Callable[..., APIClient]


def test_a_what_if_is_answered_without_being_saved(api: Client) -> None:
    two_teams = make_two_teams()
    body = {"ops": [{"op": "remove", "nodes": ["developer:anthropic"]}], "layers": ["developer"]}
    answer = api(two_teams.governance, "read", "write").post(
        "/api/v1/scenarios/run/", body, format="json"
    )
    assert answer.status_code == 200
    assert answer.json()["before"]["states"] == {two_teams.triage.slug: "exposed"}
    assert answer.json()["before"]["hhi"] == {"developer": 0.5}
    assert answer.json()["whole_organisation"] is True
    assert not Scenario.objects.exists()


def test_others_get_an_answer_about_their_own(api: Client) -> None:
    two_teams = make_two_teams()
    body = {"ops": [{"op": "remove", "nodes": ["developer:anthropic", "host:azure"]}]}
    answer = (
        api(two_teams.editor, "read", "write")
        .post("/api/v1/scenarios/run/", body, format="json")
        .json()
    )
    assert answer["before"]["states"] == {two_teams.quotes.slug: "exposed"}
    assert answer["whole_organisation"] is False


def test_a_wrong_operation_is_a_problem_with_its_place(api: Client) -> None:
    two_teams = make_two_teams()
    body = {"ops": [{"op": "remove", "nodes": ["host:nobody"]}]}
    answer = api(two_teams.governance, "read", "write").post(
        "/api/v1/scenarios/run/", body, format="json"
    )
    assert answer.status_code == 400
    assert "Operation 1: 'host:nobody' was not found" in answer.content.decode()


def test_a_saved_scenario_is_asked_and_its_runs_are_kept(api: Client) -> None:
    two_teams = make_two_teams()
    client = api(two_teams.editor, "read", "write")
    saved = client.post(
        "/api/v1/scenarios/",
        {"name": "Gone", "ops": [{"op": "remove", "nodes": ["host:azure"]}]},
        format="json",
    )
    assert saved.status_code == 201
    address = f"/api/v1/scenarios/{saved.json()['id']}/"
    asked = client.post(f"{address}ask/")
    assert asked.status_code == 202
    run_queued(at=NOW)
    runs = client.get(f"/api/v1/scenario-runs/?scenario={saved.json()['id']}").json()["results"]
    assert [run["state"] for run in runs] == ["done"]
    assert runs[0]["result"]["before"]["states"] == {two_teams.quotes.slug: "exposed"}
    stranger = api(make_user(), "read", "write")
    assert stranger.get(address).status_code == 404
    assert stranger.get("/api/v1/scenario-runs/").json()["results"] == []


def test_a_reading_token_saves_nothing(api: Client) -> None:
    two_teams = make_two_teams()
    answer = api(two_teams.governance, "read").post(
        "/api/v1/scenarios/run/", {"ops": []}, format="json"
    )
    assert answer.status_code == 403


def test_losses_are_asked_and_read_by_the_offices_only(api: Client) -> None:
    two_teams = make_two_teams()
    client = api(two_teams.governance, "read", "write")
    asked = client.post("/api/v1/loss-runs/", {"years": 2000, "seed": 3}, format="json")
    assert asked.status_code == 202
    run_queued(at=NOW)
    answer = client.get(f"/api/v1/loss-runs/{asked.json()['id']}/").json()
    assert answer["state"] == "done"
    assert answer["result"]["shared"]["one_in_100"]["var"] > 0
    assert api(two_teams.editor).get("/api/v1/loss-runs/").json()["results"] == []
    assert (
        api(two_teams.editor, "read", "write")
        .post("/api/v1/loss-runs/", {}, format="json")
        .status_code
        == 403
    )
    assert LossRun.objects.count() == 1


@pytest.mark.parametrize("body", [{"years": 5}, {"seed": -1}, {"keep": 2}, {"years": "many"}])
def test_a_loss_with_odd_numbers_is_refused(api: Client, body: dict[str, object]) -> None:
    two_teams = make_two_teams()
    assert (
        api(two_teams.governance, "read", "write")
        .post("/api/v1/loss-runs/", body, format="json")
        .status_code
        == 400
    )


def test_rates_say_where_they_come_from(api: Client) -> None:
    rates = api(make_user(role="auditor")).get("/api/v1/event-rates/").json()["results"]
    retirement = next(rate for rate in rates if rate["kind"] == "retirement")
    assert (retirement["rate"], retirement["low"], retirement["high"]) == (0.74, 0.5, 1.02)
    assert "offering-year" in retirement["source"]
    assert api(make_user()).get("/api/v1/event-rates/").json()["results"] == []
