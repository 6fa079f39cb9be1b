"""A tolerance that is loosened during a breach needs a reason and a second governance person."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from apps.accounts.service_accounts import add_service
from apps.common.errors import ConflictError, ForbiddenError
from apps.exposure.actions.policies import change_policy, submit_policy_change
from apps.exposure.models import ExposureFlag, Policy
from apps.inventory.governance.proposals import (
    ConfirmationRequiredError,
    confirm_proposal,
    reject_proposal,
    submit_confirmation_settings,
    withdraw_proposal,
)
from apps.inventory.models import ConfirmationSettings, DecisionProposal
from tests.builders import NOW, make_offering, make_provider, make_user
from tests.exposure.portfolio import critical_on, evaluate, only
from tests.kept_worlds import kept_world

REASON = "The board accepts more until the migration is done."


@pytest.fixture
def maren(db):
    return make_user("maren", role="governance", first_name="Maren", last_name="Vogt")


@pytest.fixture
def jonas(db):
    return make_user("jonas", role="admin", first_name="Jonas", last_name="Keller")


@pytest.fixture
def program(jonas):
    return add_service(username="program", about="", team=None, office="governance", by=jonas)


@pytest.fixture
@kept_world
def policy(db) -> Policy:
    """Two of three critical applications on one host, where half is tolerated."""
    policy = only()
    critical_on(make_offering(host=make_provider("here")), 2)
    critical_on(make_offering(host=make_provider("there")))
    evaluate()
    return policy


def submit(policy, by, *, reason=REASON, **facts):
    facts = facts or {"tolerance": Decimal("0.7")}
    return submit_policy_change(policy=policy, facts=facts, at=NOW, by=by, reason=reason)


def stored_tolerance(policy) -> Decimal:
    return Policy.objects.get(pk=policy.pk).tolerance


class TestProposal:
    def test_a_higher_tolerance_is_proposed_and_not_applied(self, policy, maren):
        proposal = submit(policy, maren)

        assert (proposal.kind, proposal.state, proposal.target) == (
            "tolerance",
            "proposed",
            f"policy:{policy.pk}",
        )
        assert (proposal.before["tolerance"], proposal.after) == ("0.5", {"tolerance": "0.7"})
        assert stored_tolerance(policy) == Decimal("0.5")

    def test_it_needs_a_reason(self, policy, maren):
        with pytest.raises(ValidationError, match="Enter a reason"):
            submit(policy, maren, reason=" ")

    def test_the_change_itself_is_refused_without_a_proposal(self, policy, maren):
        with pytest.raises(ConfirmationRequiredError, match="second governance user"):
            change_policy(
                policy=policy, facts={"tolerance": Decimal(1)}, at=NOW, by=maren, reason=REASON
            )

    def test_a_second_one_about_the_same_tolerance_is_refused(self, policy, maren, jonas):
        submit(policy, maren)

        with pytest.raises(ConflictError, match="Maren Vogt already proposed"):
            submit(policy, jonas)

    def test_a_service_account_cannot_propose(self, policy, program):
        with pytest.raises(ForbiddenError, match="service account"):
            submit(policy, program)

    def test_an_invalid_change_is_refused_before_it_is_proposed(self, policy, maren):
        with pytest.raises(ValidationError, match="at most 1"):
            submit(policy, maren, tolerance=Decimal(2))

    @pytest.mark.parametrize(
        "facts",
        [
            {"enabled": False},
            {"kinds": ["developer"]},
            {"measure": "n_critical", "tolerance": Decimal(9)},
            {"states": ["partial"]},
        ],
        ids=["disabled", "another layer", "another measure", "other states"],
    )
    def test_whatever_hides_the_breach_is_proposed(self, policy, maren, facts):
        assert isinstance(submit(policy, maren, **facts), DecisionProposal)

    @pytest.mark.parametrize(
        "facts",
        [{"tolerance": Decimal("0.4")}, {"name": "Hosts"}, {"kinds": ["host", "developer"]}],
        ids=["tighter", "a name", "one more layer"],
    )
    def test_other_changes_apply_immediately(self, policy, maren, facts):
        assert isinstance(submit(policy, maren, **facts), Policy)

    def test_without_a_breach_a_higher_tolerance_applies_immediately(self, policy, maren):
        Policy.objects.filter(pk=policy.pk).update(tolerance="0.8")

        assert submit(policy, maren, tolerance=Decimal("0.9")).tolerance == Decimal("0.9")

    def test_a_disabled_policy_is_not_breached(self, policy, maren):
        Policy.objects.filter(pk=policy.pk).update(enabled=False)

        assert isinstance(submit(policy, maren), Policy)


class TestConfirmation:
    def test_the_decision_applies_once_a_second_person_confirms(self, policy, maren, jonas):
        proposal = submit(policy, maren)

        confirmed = confirm_proposal(proposal=proposal, by=jonas, at=NOW, reason="Seen.")

        assert (confirmed.state, confirmed.decided_by) == ("confirmed", jonas)
        assert stored_tolerance(policy) == Decimal("0.7")

    def test_the_history_names_both(self, policy, maren, jonas):
        confirm_proposal(proposal=submit(policy, maren), by=jonas, at=NOW)

        metadata = policy.history.order_by("pgh_id").last().pgh_context.metadata
        assert metadata["user"] == jonas.pk
        assert metadata["reason"] == (
            f"{REASON} (proposed by Maren Vogt, confirmed by Jonas Keller)"
        )

    def test_disabling_resolves_the_flags_only_then(self, policy, maren, jonas):
        proposal = submit(policy, maren, enabled=False)
        assert ExposureFlag.objects.get().state == "open"

        confirm_proposal(proposal=proposal, by=jonas, at=NOW)

        assert ExposureFlag.objects.get().state == "resolved"

    def test_the_author_cannot_confirm(self, policy, maren):
        with pytest.raises(ConflictError, match="Another governance user must decide"):
            confirm_proposal(proposal=submit(policy, maren), by=maren, at=NOW)

    @pytest.mark.parametrize("role", ["auditor", ""])
    def test_only_governance_confirms(self, policy, maren, role):
        with pytest.raises(ForbiddenError):
            confirm_proposal(proposal=submit(policy, maren), by=make_user(role=role), at=NOW)

    def test_a_service_account_cannot_confirm(self, policy, maren, program):
        with pytest.raises(ForbiddenError, match="service account"):
            confirm_proposal(proposal=submit(policy, maren), by=program, at=NOW)

    def test_the_database_refuses_one_person(self, policy, maren):
        proposal = submit(policy, maren)
        proposal.state, proposal.decided_by, proposal.decided_at = "confirmed", maren, NOW

        with pytest.raises(ValidationError, match="Another governance user"):
            proposal.full_clean()

    def test_it_is_refused_once_the_tolerance_has_changed(self, policy, maren, jonas):
        proposal = submit(policy, maren)
        submit(policy, jonas, tolerance=Decimal("0.4"))

        with pytest.raises(ConflictError, match="changed after this was proposed"):
            confirm_proposal(proposal=proposal, by=jonas, at=NOW)

        proposal.refresh_from_db()
        assert (proposal.state, stored_tolerance(policy)) == ("proposed", Decimal("0.4"))

    def test_it_is_refused_once_the_author_has_lost_the_role(self, policy, maren, jonas):
        proposal = submit(policy, maren)
        maren.organisation_role = ""
        maren.save()

        with pytest.raises(ConflictError, match="Maren Vogt no longer has the role"):
            confirm_proposal(proposal=proposal, by=jonas, at=NOW)

    def test_a_second_confirmation_is_refused(self, policy, maren, jonas):
        proposal = submit(policy, maren)
        confirm_proposal(proposal=proposal, by=jonas, at=NOW)

        with pytest.raises(ConflictError, match="already confirmed by Jonas Keller"):
            confirm_proposal(proposal=proposal, by=jonas, at=NOW)


class TestEnd:
    def test_a_rejection_needs_a_reason_and_changes_nothing(self, policy, maren, jonas):
        proposal = submit(policy, maren)
        with pytest.raises(Exception, match="Enter a reason"):
            reject_proposal(proposal=proposal, by=jonas, at=NOW, reason="")

        rejected = reject_proposal(proposal=proposal, by=jonas, at=NOW, reason="Too high.")

        assert (rejected.state, rejected.decision_reason) == ("rejected", "Too high.")
        assert stored_tolerance(policy) == Decimal("0.5")

    def test_the_author_withdraws_and_can_propose_again(self, policy, maren):
        withdrawn = withdraw_proposal(proposal=submit(policy, maren), by=maren, at=NOW)

        assert withdrawn.state == "withdrawn"
        assert submit(policy, maren).state == "proposed"

    def test_others_reject_instead_of_withdrawing(self, policy, maren, jonas):
        with pytest.raises(ForbiddenError, match="Only Maren Vogt can withdraw"):
            withdraw_proposal(proposal=submit(policy, maren), by=jonas, at=NOW)


class TestSetting:
    def test_without_the_requirement_the_change_applies_and_is_recorded(self, policy, maren):
        ConfirmationSettings.objects.create(pk=1, tolerances=False)

        assert submit(policy, maren).tolerance == Decimal("0.7")

        record = DecisionProposal.objects.get()
        assert (record.state, record.proposed_by, record.reason) == ("applied", maren, REASON)
        assert (record.before["tolerance"], record.after["tolerance"]) == ("0.5", "0.7")

    def test_without_the_requirement_a_reason_is_needed_all_the_same(self, policy, maren):
        ConfirmationSettings.objects.create(pk=1, tolerances=False)

        with pytest.raises(ValidationError, match="Enter a reason"):
            submit(policy, maren, reason="")

    def test_removing_it_needs_the_second_person_too(self, policy, maren, jonas):
        outcome = submit_confirmation_settings(
            facts={"tolerances": False}, by=maren, at=NOW, reason="Too slow."
        )

        assert isinstance(outcome, DecisionProposal)
        confirm_proposal(proposal=outcome, by=jonas, at=NOW)
        assert ConfirmationSettings.objects.get().tolerances is False

    def test_a_single_governance_person_can_remove_it(self, maren):
        row = submit_confirmation_settings(facts={"tolerances": False}, by=maren, at=NOW)

        assert row.tolerances is False

    def test_an_invited_person_is_no_second_one_yet(self, maren):
        make_user("new", role="governance", state="invited")

        row = submit_confirmation_settings(facts={"tolerances": False}, by=maren, at=NOW)

        assert row.tolerances is False

    def test_a_further_requirement_applies_immediately(self, maren, jonas):
        row = submit_confirmation_settings(facts={"blocks": True}, by=maren, at=NOW)

        assert (row.tolerances, row.acceptances, row.blocks) == (True, False, True)

    def test_an_auditor_cannot_change_it(self, db):
        with pytest.raises(ForbiddenError):
            submit_confirmation_settings(
                facts={"blocks": True}, by=make_user(role="auditor"), at=NOW
            )
