"""Decisions that a second governance person confirms, over REST: 202 with the proposal, and what
happens to it."""

from datetime import timedelta

import pytest

from apps.accounts.roles import TeamRole
from apps.catalog.models import NodeKind
from apps.exposure.models import Policy
from apps.inventory.models import Approval, ConfirmationSettings
from apps.issues.models import Issue
from apps.risks.models import Assessment
from tests.builders import (
    TODAY,
    make_application,
    make_approval,
    make_dependency,
    make_foundation,
    make_member,
    make_node,
    make_offering,
    make_provider,
    make_risk,
    make_team,
    make_user,
)
from tests.exposure.portfolio import critical_on, evaluate, only
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db

PROPOSALS, SETTINGS = "/api/v1/decision-proposals/", "/api/v1/confirmation-settings/"


@pytest.fixture
def maren():
    return make_user("maren", role="governance")


@pytest.fixture
def client(api, maren):
    return api(maren, "read", "write")


@pytest.fixture
def second(api):
    return api(make_user("jonas", role="governance"), "read", "write")


@pytest.fixture
@kept_world
def policy() -> Policy:
    """Two of three critical applications on one host, where half is tolerated."""
    policy = only()
    critical_on(make_offering(host=make_provider("here")), 2)
    critical_on(make_offering(host=make_provider("there")))
    evaluate()
    return policy


def propose(client, policy):
    return client.patch(
        f"/api/v1/exposure-policies/{policy.pk}/",
        {"tolerance": "0.7", "change_reason": "The board accepts more."},
    )


class TestTolerance:
    def test_the_answer_is_202_with_the_proposal_and_its_issue_is_open(self, client, policy):
        answer = propose(client, policy)

        assert answer.status_code == 202
        body = answer.json()
        assert (body["kind"], body["state"], body["proposed_by"]) == (
            "tolerance",
            "proposed",
            "maren",
        )
        assert (body["before"]["tolerance"], body["after"]) == ("0.5", {"tolerance": "0.7"})
        issue = Issue.objects.get(cause__kind="tolerance_change")
        assert (issue.state, issue.details["proposal"]) == ("open", body["id"])

    def test_a_reason_is_required(self, client, policy):
        answer = client.patch(f"/api/v1/exposure-policies/{policy.pk}/", {"tolerance": "0.7"})

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "change_reason"

    def test_a_second_user_confirms(self, client, second, policy):
        pk = propose(client, policy).json()["id"]

        answer = second.post(f"{PROPOSALS}{pk}/confirm/", {"reason": "Seen."})

        assert (answer.status_code, answer.json()["state"]) == (200, "confirmed")
        policy.refresh_from_db()
        assert str(policy.tolerance.normalize()) == "0.7"
        issue = Issue.objects.get(cause__kind="tolerance_change")
        assert (issue.state, issue.resolution) == ("resolved", "completed")

    def test_the_author_cannot_confirm(self, client, policy):
        pk = propose(client, policy).json()["id"]

        answer = client.post(f"{PROPOSALS}{pk}/confirm/")

        assert answer.status_code == 409
        assert "Another governance user must decide" in answer.json()["detail"]

    def test_the_author_withdraws(self, client, policy):
        pk = propose(client, policy).json()["id"]

        assert client.post(f"{PROPOSALS}{pk}/withdraw/").json()["state"] == "withdrawn"

    def test_a_rejection_needs_a_reason(self, client, second, policy):
        pk = propose(client, policy).json()["id"]

        assert second.post(f"{PROPOSALS}{pk}/reject/").status_code == 400
        rejected = second.post(f"{PROPOSALS}{pk}/reject/", {"reason": "Too high."}).json()
        assert (rejected["state"], rejected["decision_reason"]) == ("rejected", "Too high.")

    def test_an_auditor_reads_and_decides_nothing(self, client, api, policy):
        pk = propose(client, policy).json()["id"]
        auditor = api(make_user(role="auditor"), "read", "write")

        assert auditor.get(f"{PROPOSALS}?state=proposed").json()["results"][0]["id"] == pk
        for act in ("confirm", "reject", "withdraw"):
            assert auditor.post(f"{PROPOSALS}{pk}/{act}/").status_code == 403

    def test_users_without_an_organisation_role_do_not_find_it(self, client, api, policy):
        pk = propose(client, policy).json()["id"]
        owner = api(make_member(make_team(), TeamRole.OWNER), "read", "write")

        assert owner.get(f"{PROPOSALS}{pk}/").status_code == 404
        assert owner.post(f"{PROPOSALS}{pk}/confirm/").status_code == 404


class TestBlock:
    @pytest.fixture(autouse=True)
    def _required(self):
        ConfirmationSettings.objects.create(pk=1, blocks=True)

    def test_a_block_is_proposed(self, client, second):
        foundation = make_foundation("openai/gpt-4.1")

        answer = client.post(
            "/api/v1/approvals/",
            {"foundation": foundation.slug, "decision": "blocked", "reason": "It is unsafe."},
        )

        assert answer.status_code == 202
        assert not Approval.objects.exists()
        second.post(f"{PROPOSALS}{answer.json()['id']}/confirm/")
        assert Approval.objects.get().decision == "blocked"

    def test_so_is_the_replacement_of_an_approval(self, client):
        approval = make_approval(foundation=make_foundation())

        answer = client.post(
            f"/api/v1/approvals/{approval.pk}/replace/",
            {"decision": "blocked", "reason": "It is unsafe."},
        )

        assert (answer.status_code, answer.json()["after"]["replaces"]) == (202, approval.pk)


class TestAcceptance:
    @pytest.fixture(autouse=True)
    def _required(self):
        ConfirmationSettings.objects.create(pk=1, acceptances=True)

    def test_the_acceptance_of_a_critical_risk_is_proposed(self, api, second):
        team = make_team()
        owner = make_member(team, TeamRole.OWNER)
        offering = make_offering()
        dependency = make_dependency(make_application(team=team), offering)
        risk = make_risk(make_node(NodeKind.OFFERING, offering))

        answer = api(owner, "read", "write").post(
            "/api/v1/assessments/accept/",
            {
                "risk": risk.pk,
                "dependency": dependency.pk,
                "version": 0,
                "until": (TODAY + timedelta(days=400)).isoformat(),
                "because": "Small audience.",
                "owner": owner.username,
            },
        )

        assert answer.status_code == 202
        assert not Assessment.objects.exists()
        confirmed = second.post(f"{PROPOSALS}{answer.json()['id']}/confirm/")
        assert confirmed.status_code == 200
        assert Assessment.objects.get().accepted_by == owner


class TestSettings:
    def test_the_defaults(self, client):
        assert client.get(SETTINGS).json() == {
            "tolerances": True,
            "acceptances": False,
            "blocks": False,
        }

    def test_a_further_requirement_applies_immediately(self, client, second):
        answer = client.patch(SETTINGS, {"blocks": True})

        assert (answer.status_code, answer.json()["blocks"]) == (200, True)

    def test_a_requirement_is_removed_by_two(self, client, second):
        answer = client.patch(SETTINGS, {"tolerances": False, "reason": "Too slow."})

        assert (answer.status_code, answer.json()["kind"]) == (202, "setting")
        second.post(f"{PROPOSALS}{answer.json()['id']}/confirm/")
        assert client.get(SETTINGS).json()["tolerances"] is False

    def test_an_auditor_reads_and_an_owner_does_not(self, api):
        auditor = api(make_user(role="auditor"), "read", "write")
        owner = api(make_member(make_team(), TeamRole.OWNER), "read", "write")

        assert auditor.get(SETTINGS).status_code == 200
        assert auditor.patch(SETTINGS, {"blocks": True}).status_code == 403
        assert owner.get(SETTINGS).status_code == 404


def test_the_board_summary_lists_it_once_confirmed(client, second, policy):
    pk = propose(client, policy).json()["id"]
    assert client.get("/api/v1/reports/board/").json()["loosened_tolerances"] == []

    second.post(f"{PROPOSALS}{pk}/confirm/")

    (row,) = client.get("/api/v1/reports/board/").json()["loosened_tolerances"]
    assert (row["id"], row["proposed_by"], row["decided_by"]) == (pk, "maren", "jonas")


def test_the_list_is_filtered_by_kind(client, policy):
    propose(client, policy)

    assert client.get(f"{PROPOSALS}?kind=block").json()["results"] == []
    assert len(client.get(f"{PROPOSALS}?kind=tolerance").json()["results"]) == 1
