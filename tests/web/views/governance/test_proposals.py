"""Decisions that a second governance person confirms, on the pages of the record, the issue, the
settings and the board summary."""

from datetime import date, timedelta

import pytest

from apps.accounts.roles import TeamRole
from apps.catalog.models import NodeKind
from apps.common.text import format_date
from apps.common.time import day_of, now
from apps.exposure.models import Policy
from apps.inventory.governance.proposals import confirm_proposal
from apps.inventory.models import Approval, ConfirmationSettings, DecisionProposal
from apps.issues.models import Issue
from apps.risks.models import Assessment
from tests.builders import (
    make_application,
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
from tests.http import flash_text, text_of
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db


def in_two_months() -> date:
    return day_of(now()) + timedelta(days=60)


@pytest.fixture
def maren():
    return make_user("maren", role="governance", first_name="Maren", last_name="Vogt")


@pytest.fixture
def jonas():
    return make_user("jonas", role="governance", first_name="Jonas", last_name="Keller")


@pytest.fixture
@kept_world
def policy() -> Policy:
    """Two of three critical applications on one host, where half is tolerated."""
    policy = only(slug="one-host", name="Critical applications on one host")
    critical_on(make_offering(host=make_provider("here")), 2)
    critical_on(make_offering(host=make_provider("there")))
    evaluate()
    return policy


def save_tolerance(client, policy, **fields):
    return client.post(
        f"/exposure/lines/of/{policy.slug}/",
        {
            "name": policy.name,
            "measure": policy.measure,
            "basis": policy.basis,
            "kinds": policy.kinds,
            "states": policy.states,
            "tolerance": "70",
            "hysteresis": "10",
            "clear_days": "2",
            "enabled": "on",
            "change_reason": "The board accepts more.",
            **fields,
        },
    )


def decide(client, proposal, action, **data):
    return client.post(f"/decision-proposals/{proposal.pk}/{action}/", data)


class TestTolerance:
    def test_the_form_says_beforehand_that_a_second_person_must_confirm(
        self, policy, maren, jonas, as_user
    ):
        page = text_of(as_user(maren).get("/exposure/lines/of/one-host/"))

        assert "A second governance user must confirm a higher tolerance" in page
        assert "No other user has the governance or administrator role" not in page

    def test_without_a_second_person_it_says_how_to_get_one(self, policy, maren, as_user):
        page = text_of(as_user(maren).get("/exposure/lines/of/one-host/"))

        assert "No other user has the governance or administrator role" in page

    def test_without_a_breach_it_says_nothing(self, policy, maren, as_user):
        Policy.objects.update(tolerance="0.9")

        page = text_of(as_user(maren).get("/exposure/lines/of/one-host/"))

        assert "must confirm" not in page

    def test_saving_proposes_and_the_author_can_withdraw(self, policy, maren, jonas, as_user):
        client = as_user(maren)

        answer = save_tolerance(client, policy)

        page = client.get(answer["Location"])
        assert "Proposed. The decision applies once" in text_of(page)
        assert "Withdraw proposal" in text_of(page)
        assert "Confirm decision" not in text_of(page)
        policy.refresh_from_db()
        assert float(policy.tolerance) == 0.5
        decide(client, DecisionProposal.objects.get(), "withdraw")
        assert DecisionProposal.objects.get().state == "withdrawn"

    def test_without_a_reason_it_is_rejected_with_the_input(self, policy, maren, as_user):
        answer = save_tolerance(as_user(maren), policy, change_reason="")

        assert answer.status_code == 422
        assert "Enter a reason for the change" in text_of(answer)

    def test_the_other_person_confirms_on_the_same_page(self, policy, maren, jonas, as_user):
        save_tolerance(as_user(maren), policy)
        client = as_user(jonas)

        page = text_of(client.get("/exposure/lines/of/one-host/"))
        assert "Maren Vogt proposed it" in page
        assert "The board accepts more." in page
        assert "Confirm decision" in page
        answer = decide(
            client, DecisionProposal.objects.get(), "confirm", back="/exposure/lines/of/one-host/"
        )

        assert answer["Location"] == "/exposure/lines/of/one-host/"
        policy.refresh_from_db()
        assert float(policy.tolerance) == 0.7

    def test_or_rejects_with_a_reason_on_the_page_of_the_issue(self, policy, maren, jonas, as_user):
        save_tolerance(as_user(maren), policy)
        client = as_user(jonas)
        issue = Issue.objects.get(cause__kind="tolerance_change")

        page = text_of(client.get(f"/issues/{issue.pk}/"))
        assert "Tolerance to confirm: Critical applications on one host" in page
        assert "50%" in page
        assert "70%" in page
        refused = decide(client, DecisionProposal.objects.get(), "reject")
        assert "Enter a reason for the rejection" in flash_text(refused)
        decide(client, DecisionProposal.objects.get(), "reject", reason="Too high.")

        assert DecisionProposal.objects.get().state == "rejected"
        issue.refresh_from_db()
        assert issue.state == "resolved"

    def test_an_author_who_confirms_gets_a_sentence(self, policy, maren, jonas, as_user):
        client = as_user(maren)
        save_tolerance(client, policy)

        answer = decide(client, DecisionProposal.objects.get(), "confirm")

        assert "Another governance user must decide" in flash_text(answer)

    def test_an_auditor_is_refused_and_a_stranger_finds_nothing(self, policy, maren, as_user):
        save_tolerance(as_user(maren), policy)
        proposal = DecisionProposal.objects.get()

        assert decide(as_user(make_user(role="auditor")), proposal, "confirm").status_code == 403
        stranger = make_member(make_team(), TeamRole.OWNER)
        assert decide(as_user(stranger), proposal, "confirm").status_code == 404

    def test_the_form_shows_fewer_digits_without_loosening(self, policy, maren, as_user):
        Policy.objects.update(tolerance="0.666666666666666")
        critical_on(make_offering(host=make_provider("here")), 2)
        evaluate()

        save_tolerance(as_user(maren), policy, tolerance="66.6667", name="One host")

        assert not DecisionProposal.objects.exists()
        assert Policy.objects.get(slug="one-host").name == "One host"


class TestAcceptance:
    @pytest.fixture(autouse=True)
    def _required(self):
        ConfirmationSettings.objects.create(pk=1, acceptances=True)

    @pytest.fixture
    def dependency(self):
        return make_dependency(make_application("Claims triage"), make_offering())

    @pytest.fixture
    def address(self, dependency):
        risk = make_risk(
            make_node(NodeKind.OFFERING, dependency.offering), title="Prompt injection"
        )
        return f"/risks/inherited/{risk.pk}-{dependency.pk}/"

    def test_it_is_proposed_by_the_owner_and_confirmed_by_governance(
        self, dependency, address, jonas, as_user
    ):
        owner = as_user(make_member(dependency.application.team, TeamRole.OWNER))
        assert "This risk is critical" in text_of(owner.get(address))

        answer = owner.post(
            f"{address}accept/", {"until": in_two_months(), "because": "Small audience."}
        )

        page = text_of(owner.get(answer["Location"]))
        assert "Proposed. The decision applies once" in page
        assert "Withdraw proposal" in page
        assert not Assessment.objects.exists()
        decider = as_user(jonas)
        assert format_date(in_two_months()) in text_of(decider.get(address))
        decide(decider, DecisionProposal.objects.get(), "confirm")
        assert Assessment.objects.get().treatment == "accept"

    def test_the_issue_links_to_the_risk(self, dependency, address, jonas, as_user):
        owner = as_user(make_member(dependency.application.team, TeamRole.OWNER))
        owner.post(f"{address}accept/", {"until": in_two_months(), "because": "Small audience."})
        issue = Issue.objects.get(cause__kind="tolerance_change")

        page = text_of(as_user(jonas).get(f"/issues/{issue.pk}/"))

        assert f'href="{address}"' in page
        assert "The decision concerns Claims triage." in page


class TestBlock:
    @pytest.fixture(autouse=True)
    def _required(self):
        ConfirmationSettings.objects.create(pk=1, blocks=True)

    def test_it_is_proposed_and_confirmed_on_the_page_of_the_decision(self, maren, jonas, as_user):
        address = f"/approvals/new/?foundation={make_foundation('openai/gpt-4.1').slug}"
        client = as_user(maren)
        assert "A second governance user must confirm a block." in text_of(client.get(address))

        answer = client.post(address, {"decision": "blocked", "reason": "It is unsafe."})

        assert answer["Location"] == address
        assert "Withdraw proposal" in text_of(client.get(address))
        assert not Approval.objects.exists()
        assert "Confirm decision" in text_of(as_user(jonas).get(address))
        decide(as_user(jonas), DecisionProposal.objects.get(), "confirm")
        assert Approval.objects.get().decision == "blocked"

    def test_other_decisions_apply_immediately(self, maren, as_user):
        foundation = make_foundation("openai/gpt-4.1")

        as_user(maren).post(
            f"/approvals/new/?foundation={foundation.slug}",
            {"decision": "approved", "reason": "Fine.", "expires_on": in_two_months()},
        )

        assert Approval.objects.get().decision == "approved"


class TestSettings:
    ADDRESS = "/settings/confirmations/"

    def test_a_requirement_is_added(self, maren, as_user):
        as_user(maren).post(self.ADDRESS, {"tolerances": "on", "blocks": "on"})

        row = ConfirmationSettings.objects.get()
        assert (row.tolerances, row.acceptances, row.blocks) == (True, False, True)

    def test_removing_one_is_proposed_and_confirmed(self, maren, jonas, as_user):
        client = as_user(maren)
        refused = client.post(self.ADDRESS, {})
        assert (refused.status_code, "Enter a reason" in text_of(refused)) == (422, True)

        client.post(self.ADDRESS, {"reason": "Too slow."})

        assert "Not required" in text_of(as_user(jonas).get(self.ADDRESS))
        decide(as_user(jonas), DecisionProposal.objects.get(), "confirm")
        assert ConfirmationSettings.objects.get().tolerances is False

    def test_an_auditor_reads_and_an_owner_finds_nothing(self, as_user):
        auditor = as_user(make_user(role="auditor"))

        assert "Not required" in text_of(auditor.get(self.ADDRESS))
        assert auditor.post(self.ADDRESS, {}).status_code == 403
        owner = as_user(make_member(make_team(), TeamRole.OWNER))
        assert owner.get(self.ADDRESS).status_code == 404


class TestBoard:
    def test_it_lists_what_was_loosened_with_reason_names_and_dates(
        self, policy, maren, jonas, as_user
    ):
        save_tolerance(as_user(maren), policy)
        proposal = DecisionProposal.objects.get()
        assert "loosened during a breach" not in text_of(as_user(jonas).get("/reports/board/"))

        confirm_proposal(proposal=proposal, by=jonas, at=proposal.proposed_at)

        page = text_of(as_user(jonas).get("/reports/board/"))
        for words in (
            "Tolerances loosened during a breach",
            "Critical applications on one host",
            "The board accepts more.",
            "Maren Vogt",
            "Jonas Keller",
        ):
            assert words in page

    def test_it_says_where_no_second_person_was_required(self, policy, maren, as_user):
        ConfirmationSettings.objects.create(pk=1, tolerances=False)

        save_tolerance(as_user(maren), policy)

        page = text_of(as_user(maren).get("/reports/board/"))
        assert "No second user was required" in page

    def test_users_without_an_organisation_role_do_not_see_it(self, policy, maren, as_user):
        ConfirmationSettings.objects.create(pk=1, tolerances=False)
        save_tolerance(as_user(maren), policy)

        page = text_of(as_user(make_member(make_team())).get("/reports/board/"))

        assert "loosened" not in page


def test_the_bulk_form_says_that_critical_risks_are_left_out(maren, as_user):
    ConfirmationSettings.objects.create(pk=1, acceptances=True)
    dependency = make_dependency(make_application("Claims triage"), make_offering())
    risk = make_risk(make_node(NodeKind.OFFERING, dependency.offering))

    page = as_user(maren).post("/risks/assess/", {"pick": f"{risk.pk}-{dependency.pk}-0"})

    assert "They are left out here" in text_of(page)
