"""Decisions on what may be built on, and what stands against them, on the pages."""

from datetime import timedelta

import pytest

from apps.common.time import now
from apps.inventory.governance.approvals import record_decision, revoke_decision
from apps.inventory.models import Application, Approval
from tests.builders import make_application, make_dependency
from tests.http import csv_rows, text_of


@pytest.fixture
def blocked(world):
    return record_decision(
        target=world.sonnet.host,
        decision="blocked",
        reason="No terms we can sign.",
        at=now(),
        by=world.governance,
    )


def test_governance_finds_a_thing_and_restricts_it(world, as_user):
    client = as_user(world.governance)

    found = text_of(client.get("/approvals/new/?q=sonnet"))
    answer = client.post(
        f"/approvals/new/?version={world.sonnet.version_id}",
        {
            "decision": "restricted",
            "expires_on": world.today + timedelta(200),
            "criticalities": ["2", "3"],
            "regions": "CH, EU",
            "reason": "Until the evaluation is done.",
        },
    )

    made = Approval.objects.get()
    page = text_of(client.get(answer["Location"]))
    assert f'href="?version={world.sonnet.version_id}"' in found
    assert (made.target, made.criticalities, made.regions) == (
        world.sonnet.version,
        [2, 3],
        ["CH", "EU"],
    )
    assert "only standard and low applications, in CH and EU" in page
    assert "violate it" in page
    assert "Claims triage" in page


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"decision": "approved", "reason": "x"}, "Only a block can have no end"),
        (
            {"decision": "restricted", "reason": "x", "expires_on": "2030-01-01"},
            "Select the restriction: data classes, applications, regions or data terms",
        ),
        (
            {"decision": "blocked", "reason": "x", "criticalities": ["0"]},
            "Only a restricted approval can have limits",
        ),
        ({"decision": "blocked"}, "Users have to comply with the decision"),
        ({"reason": "x"}, "This field is required."),
    ],
)
def test_a_decision_that_does_not_hold_together_is_refused_with_a_sentence(
    data, words, world, as_user
):
    answer = as_user(world.governance).post("/approvals/new/?provider=anthropic", data)

    assert answer.status_code == 422
    assert words in text_of(answer)
    assert not Approval.objects.exists()


def test_a_thing_already_decided_leads_to_its_decision(world, blocked, as_user):
    page = text_of(as_user(world.governance).get("/approvals/new/?provider=anthropic"))

    assert f'href="/approvals/{blocked.pk}/"' in page
    assert 'name="decision"' not in page


def test_renewing_keeps_the_old_decision_and_of_two_at_once_one_is_told(world, blocked, as_user):
    client = as_user(world.governance)
    again = {
        "decision": "approved",
        "expires_on": world.today + timedelta(30),
        "reason": "Terms are signed.",
    }

    answer = client.post(f"/approvals/{blocked.pk}/replace/", again)
    late = text_of(client.post(f"/approvals/{blocked.pk}/replace/", again, follow=True))

    blocked.refresh_from_db()
    made = Approval.objects.exclude(pk=blocked.pk).get()
    assert answer["Location"] == f"/approvals/{made.pk}/"
    assert blocked.revoked_reason == "Replaced: Terms are signed."
    assert "maren revoked this approval on" in late
    assert "No terms we can sign." in text_of(client.get(f"/approvals/{made.pk}/"))


def test_taking_back_needs_a_reason(world, blocked, as_user):
    client = as_user(world.governance)

    without = client.post(f"/approvals/{blocked.pk}/revoke/", {"reason": ""})
    said = text_of(
        client.post(f"/approvals/{blocked.pk}/revoke/", {"reason": "We were wrong."}, follow=True)
    )

    assert without.status_code == 422
    assert "Enter a reason for the revocation." in text_of(without)
    assert "maren revoked the approval on" in said
    assert "We were wrong." in said


def test_the_list_shows_what_is_in_force_and_on_request_the_rest(world, blocked, as_user):
    revoke_decision(approval=blocked, reason="x", at=now(), by=world.governance)
    record_decision(
        target=world.sonnet,
        decision="approved",
        reason="x",
        at=now(),
        by=world.governance,
        expires_on=world.today + timedelta(9),
    )
    client = as_user(world.viewer)

    page = text_of(client.get("/approvals/"))
    rows = csv_rows(client.get("/approvals.csv"))
    every = csv_rows(client.get("/approvals.csv?standing="))

    assert "1 approval is valid; <em" in page
    assert [row["Approval of"] for row in rows] == ["claude-sonnet-4-5"]
    assert sorted(row["State"] for row in every) == ["revoked", "valid"]


def test_findings_are_leafed_through_and_the_file_has_all(world, blocked, as_user):
    client = as_user(world.governance)
    for _number in range(60):
        make_dependency(make_application(team=world.team), world.sonnet)

    first = text_of(client.get("/approvals/against/"))
    second = text_of(client.get("/approvals/against/?page=2"))
    rows = csv_rows(client.get("/approvals/against.csv"))

    assert "1–50 of" in first
    assert "Claims triage" in first
    assert "Claims triage" not in second
    assert "51–" in second
    assert len(rows) == int(first.split("1–50 of ")[1].split("<")[0])
    assert "51–" in text_of(client.get("/approvals/against/?page=9"))


def test_findings_can_be_asked_of_one_decision_or_one_thing(world, blocked, as_user):
    record_decision(
        target=world.unknown,
        decision="blocked",
        reason="Nobody knows it.",
        at=now(),
        by=world.governance,
    )
    client = as_user(world.governance)

    of_decision = csv_rows(client.get(f"/approvals/against.csv?approval={blocked.pk}"))
    of_thing = csv_rows(client.get(f"/approvals/against.csv?offering={world.unknown.pk}"))

    assert {row["Approval of"] for row in of_decision} == {"Anthropic"}
    assert [row["Application"] for row in of_thing] == ["Mail drafter"]
    assert client.get("/approvals/against/?approval=999999").status_code == 404
    assert client.get("/approvals/against/?provider=nobody").status_code == 404


def test_readers_see_their_own_findings_and_no_form(world, blocked, as_user):
    viewer = as_user(world.viewer)

    page = text_of(viewer.get("/approvals/against/"))
    one = text_of(viewer.get(f"/approvals/{blocked.pk}/"))

    assert "Claims triage" in page
    assert "Clause finder" not in page
    assert "Replace approval" not in one
    assert "No dependency violates an approval." in text_of(
        as_user(world.outsider).get("/approvals/against/")
    )


@pytest.mark.parametrize("path", ["new/?provider=anthropic", "{pk}/replace/", "{pk}/revoke/"])
def test_others_than_governance_decide_nothing(path, world, blocked, as_user):
    answer = as_user(world.editor).post(f"/approvals/{path.format(pk=blocked.pk)}", {"reason": "x"})

    assert answer.status_code == 403
    blocked.refresh_from_db()
    assert blocked.revoked_at is None


def test_what_is_not_on_record_is_said_to_be_uncertain(world, as_user):
    record_decision(
        target=world.sonnet,
        decision="restricted",
        reason="x",
        at=now(),
        by=world.governance,
        expires_on=world.today + timedelta(9),
        data_classes=[Application.DataClass.values[0]],
    )

    page = text_of(as_user(world.governance).get("/approvals/against/"))

    assert "Only missing data might clear it" in page


def test_pages_of_approvals_cost_the_same_for_any_number(
    world, blocked, as_user, django_assert_num_queries
):
    client = as_user(world.governance)
    for _number in range(5):
        make_dependency(make_application(team=world.team), world.sonnet)

    with django_assert_num_queries(8):
        client.get("/approvals/")
    with django_assert_num_queries(11):
        client.get(f"/approvals/{blocked.pk}/")
    with django_assert_num_queries(7):
        client.get("/approvals/against/")
