"""A block can require a second governance person."""

from datetime import timedelta

import pytest

from apps.common.errors import ConflictError
from apps.inventory.governance.approvals import (
    record_decision,
    replace_decision,
    revoke_decision,
    submit_decision,
    submit_replacement,
)
from apps.inventory.governance.proposals import ConfirmationRequiredError, confirm_proposal
from apps.inventory.models import Approval, ConfirmationSettings, DecisionProposal
from tests.builders import NOW, TODAY, make_approval, make_foundation, make_user

IN_A_YEAR = TODAY + timedelta(days=365)
REASON = "The provider trains on inputs."


@pytest.fixture
def maren(db):
    return make_user("maren", role="governance", first_name="Maren", last_name="Vogt")


@pytest.fixture
def jonas(db):
    return make_user("jonas", role="governance", first_name="Jonas", last_name="Keller")


@pytest.fixture
def required(db):
    ConfirmationSettings.objects.create(pk=1, blocks=True)


@pytest.fixture
def foundation(db):
    return make_foundation("openai/gpt-4.1")


def submit(target, by, decision="blocked", **fields):
    return submit_decision(target=target, decision=decision, reason=REASON, at=NOW, by=by, **fields)


def test_by_default_one_person_blocks(foundation, maren):
    assert isinstance(submit(foundation, maren), Approval)


@pytest.mark.usefixtures("required")
class TestBlock:
    def test_a_block_is_proposed(self, foundation, maren):
        proposal = submit(foundation, maren)

        assert (proposal.kind, proposal.target) == ("block", f"foundation:{foundation.pk}/block")
        assert not Approval.objects.exists()

    def test_an_approval_applies_immediately(self, foundation, maren):
        assert isinstance(submit(foundation, maren, "approved", expires_on=IN_A_YEAR), Approval)

    def test_it_applies_once_a_second_person_confirms(self, foundation, maren, jonas):
        proposal = submit(foundation, maren, expires_on=IN_A_YEAR)

        confirm_proposal(proposal=proposal, by=jonas, at=NOW)

        block = Approval.objects.get()
        assert (block.decision, block.approver, block.reason, block.expires_on) == (
            "blocked",
            maren,
            REASON,
            IN_A_YEAR,
        )
        metadata = block.history.get().pgh_context.metadata
        assert metadata["reason"] == (
            f"{REASON} (proposed by Maren Vogt, confirmed by Jonas Keller)"
        )

    def test_it_replaces_an_approval(self, foundation, maren, jonas):
        approval = make_approval(foundation=foundation)
        proposal = submit_replacement(
            approval=approval, decision="blocked", reason=REASON, at=NOW, by=maren
        )

        confirm_proposal(proposal=proposal, by=jonas, at=NOW)

        approval.refresh_from_db()
        assert approval.revoked_by == maren
        assert Approval.objects.get(revoked_at=None).decision == "blocked"

    def test_it_is_refused_once_another_decision_was_made(self, foundation, maren, jonas):
        approval = make_approval(foundation=foundation)
        proposal = submit_replacement(
            approval=approval, decision="blocked", reason=REASON, at=NOW, by=maren
        )
        revoke_decision(approval=approval, reason="Wrong.", at=NOW, by=jonas)

        with pytest.raises(ConflictError, match="changed after this was proposed"):
            confirm_proposal(proposal=proposal, by=jonas, at=NOW)

    def test_a_block_beside_an_approval_is_refused_before_it_is_proposed(self, foundation, maren):
        make_approval(foundation=foundation)

        with pytest.raises(ConflictError, match="An approval already exists"):
            submit(foundation, maren)
        assert not DecisionProposal.objects.exists()

    def test_the_actions_themselves_are_refused(self, foundation, maren):
        values = {"decision": "blocked", "reason": REASON, "at": NOW, "by": maren}
        with pytest.raises(ConfirmationRequiredError):
            record_decision(target=foundation, **values)

        with pytest.raises(ConfirmationRequiredError):
            replace_decision(approval=make_approval(foundation=foundation), **values)
