"""The acceptance of a critical risk can require a second governance person."""

from datetime import timedelta

import pytest

from apps.accounts.roles import TeamRole
from apps.catalog.models import NodeKind
from apps.common.errors import ConflictError, ForbiddenError
from apps.inventory.governance.proposals import confirm_proposal
from apps.inventory.models import ConfirmationSettings, DecisionProposal
from apps.risks.actions.assessments import (
    accept_many,
    accept_risk,
    assess_risk,
    submit_acceptance,
)
from apps.risks.errors import RiskChangeError
from apps.risks.models import Assessment
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_assessment,
    make_dependency,
    make_member,
    make_node,
    make_offering,
    make_risk,
    make_team,
    make_template,
    make_user,
)

UNTIL = TODAY + timedelta(days=90)
REASON = "Only the pilot uses it."


class CriticalRisk:
    """A risk of 4 x 4 on the only dependency of Claims triage, whose team has an owner."""

    def __init__(self, impact: int = 4) -> None:
        team = make_team("Claims")
        self.owner = make_member(team, TeamRole.OWNER, make_user("olive"))
        offering = make_offering()
        application = make_application("Claims triage", team=team)
        self.dependency = make_dependency(application, offering)
        self.risk = make_risk(
            make_node(NodeKind.OFFERING, offering),
            make_template("OWN-1", title="Prompt injection", layer="ecosystem"),
            impact=impact,
        )

    def submit(self, by=None, *, version: int = 0, until=UNTIL, **facts):
        return submit_acceptance(
            risk=self.risk,
            dependency=self.dependency,
            until=until,
            reason=REASON,
            expected_version=version,
            by=by or self.owner,
            at=NOW,
            facts=facts,
        )


@pytest.fixture
def required(db):
    ConfirmationSettings.objects.create(pk=1, acceptances=True)


@pytest.fixture
def critical(db) -> CriticalRisk:
    return CriticalRisk()


@pytest.fixture
def jonas(db):
    return make_user("jonas", role="governance", first_name="Jonas", last_name="Keller")


def test_by_default_an_owner_accepts_alone(critical):
    assert isinstance(critical.submit(), Assessment)


@pytest.mark.usefixtures("required")
class TestCritical:
    def test_the_acceptance_is_proposed(self, critical):
        proposal = critical.submit()

        assert (proposal.kind, proposal.dependency, proposal.proposed_by) == (
            "acceptance",
            critical.dependency,
            critical.owner,
        )
        assert proposal.target_name == "OWN-1, Prompt injection for Claims triage"
        assert not Assessment.objects.exists()

    def test_a_lower_risk_is_accepted_immediately(self, db):
        assert isinstance(CriticalRisk(impact=3).submit(), Assessment)

    def test_it_applies_once_governance_confirms(self, critical, jonas):
        proposal = critical.submit(owner=critical.owner, due_on=UNTIL, confidence="high")

        confirm_proposal(proposal=proposal, by=jonas, at=NOW)

        assessment = Assessment.objects.get()
        assert assessment.accepts_on(TODAY)
        assert (assessment.accepted_by, assessment.accept_reason, assessment.accepted_until) == (
            critical.owner,
            REASON,
            UNTIL,
        )
        assert (assessment.owner, assessment.due_on, assessment.confidence) == (
            critical.owner,
            UNTIL,
            "high",
        )

    def test_the_history_names_both(self, critical, jonas):
        confirm_proposal(proposal=critical.submit(), by=jonas, at=NOW)

        metadata = Assessment.objects.get().history.get().pgh_context.metadata
        assert metadata["user"] == jonas.pk
        assert metadata["reason"] == f"{REASON} (proposed by olive, confirmed by Jonas Keller)"

    def test_another_owner_of_the_team_cannot_confirm(self, critical):
        colleague = make_member(critical.dependency.application.team, TeamRole.OWNER)

        with pytest.raises(ForbiddenError):
            confirm_proposal(proposal=critical.submit(), by=colleague, at=NOW)

    def test_a_date_too_late_is_refused_before_it_is_proposed(self, critical):
        with pytest.raises(RiskChangeError, match="must expire by"):
            critical.submit(until=TODAY + timedelta(days=3000))

        assert not DecisionProposal.objects.exists()

    def test_it_is_refused_once_the_assessment_has_changed(self, critical, jonas):
        proposal = critical.submit()
        assess_risk(
            risk=critical.risk,
            dependency=critical.dependency,
            facts={"treatment": "reduce"},
            expected_version=0,
            by=critical.owner,
            at=NOW,
        )

        with pytest.raises(ConflictError, match="olive assessed this"):
            confirm_proposal(proposal=proposal, by=jonas, at=NOW)

    def test_it_is_refused_once_its_author_has_left_the_team(self, critical, jonas):
        proposal = critical.submit()
        critical.owner.memberships.all().delete()

        with pytest.raises(ConflictError, match="olive no longer has the role"):
            confirm_proposal(proposal=proposal, by=jonas, at=NOW)

    def test_it_is_refused_once_the_date_has_passed(self, critical, jonas):
        proposal = critical.submit()

        with pytest.raises(ConflictError, match="already have expired"):
            confirm_proposal(proposal=proposal, by=jonas, at=NOW + timedelta(days=100))

    def test_members_of_the_team_see_the_proposal_and_strangers_do_not(self, critical):
        critical.submit()
        visible = DecisionProposal.objects.visible_to

        assert visible(critical.owner).count() == 1
        assert visible(make_user(role="auditor")).count() == 1
        assert visible(make_member(make_team())).count() == 0


@pytest.mark.usefixtures("required")
class TestOtherPaths:
    def test_the_action_itself_is_refused(self, critical):
        with pytest.raises(RiskChangeError, match="second governance user must confirm"):
            accept_risk(
                risk=critical.risk,
                dependency=critical.dependency,
                until=UNTIL,
                reason=REASON,
                expected_version=0,
                by=critical.owner,
                at=NOW,
            )

    def test_many_together_leave_out_critical_ones(self, critical):
        outcome = accept_many(
            risk=critical.risk,
            expected_versions={critical.dependency.pk: 0},
            until=UNTIL,
            reason=REASON,
            by=critical.owner,
            at=NOW,
        )

        assert not outcome.assessed
        assert "own page" in outcome.refused[critical.dependency.pk]

    def test_an_acceptance_does_not_survive_the_reassessment_of_a_risk_that_became_critical(
        self, critical
    ):
        make_assessment(
            critical.risk,
            critical.dependency,
            inherent_likelihood=2,
            inherent_impact=4,
            treatment="accept",
            accepted_by=critical.owner,
            accepted_at=NOW,
            accepted_until=UNTIL,
            accept_reason=REASON,
            state="stale",
            stale_cause="facts_changed",
        )

        with pytest.raises(RiskChangeError, match="has become critical"):
            assess_risk(
                risk=critical.risk,
                dependency=critical.dependency,
                facts={"plan": "as before"},
                expected_version=1,
                by=critical.owner,
                at=NOW,
            )
