"""Adaptations, exit plans and exit tests through the API."""

import pytest

from apps.accounts.roles import TeamRole
from apps.inventory.models import Adaptation, ExitPlan, ExitTest
from tests.builders import (
    make_application,
    make_dependency,
    make_exit_test,
    make_member,
    make_offering,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db

API = "/api/v1/"


@pytest.fixture
def team():
    return make_team()


@pytest.fixture
def client(api, team):
    return api(make_member(team, TeamRole.EDITOR, make_user("eve")), "read", "write")


@pytest.fixture
def dependency(team):
    return make_dependency(make_application(team=team), make_offering(), monthly_input_tokens=1)


def body_of(resource, dependency):
    return {
        "adaptations": {"dependency": dependency.pk, "kind": "prompt", "name": "p"},
        "exit-plans": {
            "dependency": dependency.pk,
            "target": make_offering().pk,
            "estimated_days": "12.5",
        },
        "exit-tests": {
            "dependency": dependency.pk,
            "target": make_offering().pk,
            "tested_on": "2026-01-05",
            "result": "partial",
        },
    }[resource]


RESOURCES = ["adaptations", "exit-plans", "exit-tests"]


@pytest.mark.parametrize("resource", RESOURCES)
def test_what_is_made_is_answered_read_and_changed(client, dependency, resource):
    made = client.post(f"{API}{resource}/", body_of(resource, dependency))
    body = made.json()

    assert made.status_code == 201
    assert body["application"] == dependency.application.slug
    assert isinstance(body.pop("findings"), list)
    assert body.pop("change")
    assert client.get(f"{API}{resource}/{body['id']}/").json() == body
    listed = client.get(f"{API}{resource}/?application={dependency.application.slug}").json()[
        "results"
    ]
    assert listed == [body]
    changed = client.patch(
        f"{API}{resource}/{body['id']}/", {"note": "seen", "reason": "looked"}
    ).json()
    assert changed["note"] == "seen"
    [told] = [
        row["reason"]
        for row in client.get(f"{API}applications/{dependency.application.slug}/changes/").json()
        if row["id"] == changed["change"]
    ]
    assert told == "looked"


@pytest.mark.parametrize("resource", RESOURCES)
def test_it_stays_with_its_dependency(client, dependency, team, resource):
    made = client.post(f"{API}{resource}/", body_of(resource, dependency)).json()
    other = make_dependency(make_application(team=team), make_offering())

    answer = client.patch(f"{API}{resource}/{made['id']}/", {"dependency": other.pk})

    assert answer.status_code == 400


@pytest.mark.proof
@pytest.mark.parametrize("resource", RESOURCES)
def test_viewers_read_and_strangers_do_not(api, client, dependency, team, resource):
    made = client.post(f"{API}{resource}/", body_of(resource, dependency)).json()
    viewer = api(make_member(team, TeamRole.VIEWER), "read", "write")
    stranger = api(make_user(), "read", "write")
    address = f"{API}{resource}/{made['id']}/"

    assert [who.get(address).status_code for who in (viewer, stranger)] == [200, 404]
    assert [who.patch(address, {"note": "x"}).status_code for who in (viewer, stranger)] == [
        403,
        404,
    ]
    assert [
        who.post(f"{API}{resource}/", body_of(resource, dependency)).status_code
        for who in (viewer, stranger)
    ] == [
        403,
        400,
    ]
    assert stranger.get(f"{API}{resource}/").json()["results"] == []


@pytest.mark.parametrize(
    ("resource", "wrong"),
    [
        ("adaptations", {"invested_days": "-1"}),
        ("adaptations", {"kind": "magic"}),
        ("exit-plans", {"estimated_days": "-1"}),
        ("exit-plans", {"next_test_on": "9999-12-31"}),
        ("exit-plans", {"substitutability": "not"}),
        ("exit-tests", {"tested_on": "9999-12-31"}),
        ("exit-tests", {"tested_on": "2149-01-01"}),
        ("exit-tests", {"effort_days": "-1"}),
        ("exit-tests", {"expires_on": "2026-01-05"}),
        ("exit-tests", {"result": "superb"}),
    ],
)
def test_what_cannot_be_is_refused(client, dependency, resource, wrong):
    answer = client.post(f"{API}{resource}/", {**body_of(resource, dependency), **wrong})

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


def test_leaving_to_where_it_is_already_is_refused(client, dependency):
    answer = client.post(
        f"{API}exit-plans/", {"dependency": dependency.pk, "target": dependency.offering_id}
    )

    assert answer.status_code == 409


def test_why_it_is_hard_is_apart_from_the_reason_of_the_history(client, dependency):
    body = client.post(
        f"{API}exit-plans/",
        {
            "dependency": dependency.pk,
            "substitutability": "not",
            "hard_because": "migration",
            "reason": "audit",
        },
    ).json()

    assert (body["hard_because"], ExitPlan.objects.get().reason) == ("migration", "migration")
    assert "reason" not in body


def test_how_far_the_work_relies_on_it_is_written_read_and_narrowed_by(client, dependency):
    made = client.post(
        f"{API}exit-plans/", {"dependency": dependency.pk, "reliance": "full"}
    ).json()
    address = f"{API}exit-plans/{made['id']}/"

    assert (made["reliance"], client.get(address).json()["reliance"]) == ("full", "full")
    assert len(client.get(f"{API}exit-plans/?reliance=full").json()["results"]) == 1
    assert client.patch(address, {"reliance": "low"}).json()["reliance"] == "low"
    assert client.get(f"{API}exit-plans/?reliance=full").json()["results"] == []
    assert client.patch(address, {"reliance": "total"}).json()["errors"][0]["field"] == "reliance"


def test_adaptations_and_plans_are_taken_away_and_tests_are_not(client, dependency):
    made = {
        resource: client.post(f"{API}{resource}/", body_of(resource, dependency)).json()["id"]
        for resource in RESOURCES
    }

    codes = [client.delete(f"{API}{resource}/{pk}/").status_code for resource, pk in made.items()]

    assert codes == [204, 204, 405]
    assert (Adaptation.objects.count(), ExitPlan.objects.count(), ExitTest.objects.count()) == (
        0,
        0,
        1,
    )


def test_lists_cost_one_statement_whatever_their_length(
    client, dependency, django_assert_num_queries
):
    for _ in range(3):
        make_exit_test(
            dependency,
            make_offering(),
            tested_on="2026-01-05",
            tested_version=dependency.offering.version,
        )
    client.get(f"{API}exit-tests/")

    # the token with its roles, the page
    with django_assert_num_queries(2):
        assert len(client.get(f"{API}exit-tests/").json()["results"]) == 3
