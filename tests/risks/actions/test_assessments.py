"""What people decide: states, acceptances, two at once, many at once, and undoing."""

import threading
from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.catalog.models import NodeKind
from apps.inventory.models import Dependency
from apps.risks import actions
from apps.risks.actions import assessments, foundation_risks, refresh
from apps.risks.errors import RiskChangeError
from apps.risks.models import Assessment, FoundationRisk
from apps.risks.queries.reach import expiring_acceptances
from tests.builders import (
    NOW,
    TODAY,
    make_adaptation,
    make_application,
    make_assessment,
    make_dependency,
    make_modifier,
    make_node,
    make_offering,
    make_risk,
    make_template,
    make_user,
)

pytestmark = pytest.mark.django_db
ONE_DAY = timedelta(days=1)
LEVELS = {
    "current_likelihood": 3,
    "current_impact": 4,
    "residual_likelihood": 2,
    "residual_impact": 3,
}


class InheritedRisk:
    def __init__(self, n=1):
        self.offering = make_offering()
        self.dependencies = [make_dependency(make_application(), self.offering) for _ in range(n)]
        self.dependency = self.dependencies[0]
        self.risk = make_risk(
            make_node(NodeKind.OFFERING, self.offering), make_template(layer="ecosystem")
        )
        self.person = User.objects.filter(username="ines").first() or make_user(
            "ines", role="governance"
        )

    def assess(self, version=0, **facts):
        return assessments.assess_risk(
            risk=self.risk,
            dependency=self.dependency,
            facts=facts,
            expected_version=version,
            by=self.person,
            at=NOW,
        )

    def accept(self, version=0, until=TODAY + 30 * ONE_DAY, because="small audience", **more):
        return assessments.accept_risk(
            risk=self.risk,
            dependency=self.dependency,
            until=until,
            reason=because,
            expected_version=version,
            by=self.person,
            at=NOW,
            **more,
        )


@pytest.fixture
def inherited():
    return InheritedRisk()


class TestAssessing:
    def test_it_keeps_levels_treatment_owner_and_the_inherent_level_after_the_adaptations(
        self, inherited
    ):
        make_modifier(inherited.risk.template, "fine_tune", 1, -1)
        make_adaptation(inherited.dependency, "fine_tune")

        assessment = inherited.assess(
            **LEVELS, treatment="reduce", plan="second reader", owner=inherited.person, due_on=TODAY
        )

        assert (assessment.state, assessment.version) == ("assessed", 1)
        assert (assessment.inherent, assessment.current, assessment.residual) == (15, 12, 6)
        assert (assessment.assessed_by, assessment.assessed_at) == (inherited.person, NOW)
        history = assessment.history.get()
        assert history.pgh_context.metadata["actor"] == "ines"

    def test_what_is_not_given_stays(self, inherited):
        inherited.assess(**LEVELS, treatment="reduce")

        assessment = inherited.assess(version=1, plan="another reader")

        assert (assessment.residual, assessment.treatment, assessment.plan) == (
            6,
            "reduce",
            "another reader",
        )

    def test_assessing_again_ends_what_was_stale(self, inherited):
        make_assessment(
            inherited.risk,
            inherited.dependency,
            state="stale",
            stale_cause="event",
            stale_reason="x",
            stale_since=NOW,
        )

        assessment = inherited.assess(version=1)

        assert (assessment.state, assessment.stale_cause, assessment.stale_since) == (
            "assessed",
            "",
            None,
        )

    def test_what_is_not_inherited_cannot_be_assessed(self, inherited):
        Dependency.objects.update(until=TODAY)

        with pytest.raises(RiskChangeError, match="does not inherit"):
            inherited.assess()

    @pytest.mark.parametrize(
        "facts",
        [{"residual_likelihood": 6}, {"treatment": "ignore"}, {"due_on": date(9999, 12, 31)}],
    )
    def test_values_outside_of_the_scale_are_refused_by_name(self, inherited, facts):
        with pytest.raises(ValidationError) as refusal:
            inherited.assess(**facts)

        assert set(refusal.value.message_dict) == set(facts)

    def test_accepting_is_an_action_of_its_own(self, inherited):
        with pytest.raises(RiskChangeError, match="approver"):
            inherited.assess(treatment="accept")

    def test_not_applicable_needs_a_reason(self, inherited):
        marked = {
            "risk": inherited.risk,
            "dependency": inherited.dependency,
            "by": inherited.person,
            "at": NOW,
        }
        with pytest.raises(RiskChangeError, match="Enter a reason"):
            assessments.mark_not_applicable(**marked, reason=" ", expected_version=0)

        assessment = assessments.mark_not_applicable(
            **marked, reason="internal only", expected_version=0
        )

        assert (assessment.state, assessment.not_applicable_reason) == (
            "not_applicable",
            "internal only",
        )
        with pytest.raises(IntegrityError), transaction.atomic():
            Assessment.objects.update(not_applicable_reason="")


class TestTwoAtOnce:
    def test_the_second_is_told_who_was_faster_and_what_was_decided(self, inherited):
        inherited.assess(**LEVELS, treatment="reduce")

        with pytest.raises(
            RiskChangeError, match=r"ines assessed this on 2026-11-24 .* reduce, residual 2 x 3"
        ):
            assessments.assess_risk(
                risk=inherited.risk,
                dependency=inherited.dependency,
                facts={},
                expected_version=0,
                by=make_user(role="governance"),
                at=NOW,
            )

    def test_one_that_became_stale_meanwhile_says_so(self, inherited):
        inherited.assess()
        Assessment.objects.update(
            state="stale", stale_cause="event", stale_reason="Alias moved.", version=2
        )

        with pytest.raises(RiskChangeError, match="became stale: Alias moved"):
            inherited.assess(version=1)

    @pytest.mark.django_db(transaction=True)
    def test_two_threads_make_one_assessment_and_one_refusal(self):
        inherited = InheritedRisk()
        answers = []

        def work():
            try:
                answers.append(inherited.assess(plan="mine").plan)
            except RiskChangeError as refusal:
                answers.append(type(refusal))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(map(str, answers)) == sorted(["mine", str(RiskChangeError)])
        assert Assessment.objects.count() == 1


class TestMany:
    def test_many_are_assessed_at_once_and_the_others_are_named(self):
        inherited = InheritedRisk(5)
        changed, ended, *others = inherited.dependencies
        make_assessment(inherited.risk, changed, version=3)
        Dependency.objects.filter(pk=ended.pk).update(until=TODAY)

        outcome = assessments.assess_many(
            risk=inherited.risk,
            expected_versions={each.pk: 0 for each in inherited.dependencies},
            facts=LEVELS,
            by=inherited.person,
            at=NOW,
        )

        assert {each.dependency_id for each in outcome.assessed} == {each.pk for each in others}
        assert "assessed this" in outcome.refused[changed.pk]
        assert "does not inherit" in outcome.refused[ended.pk]
        assert Assessment.objects.filter(residual=6).count() == 3

    def test_the_number_of_statements_does_not_grow(self):
        def cost(n):
            inherited = InheritedRisk(n)
            expected = {each.pk: 0 for each in inherited.dependencies}
            counts = []
            for version in (0, 1):
                with CaptureQueriesContext(connection) as statements:
                    outcome = assessments.assess_many(
                        risk=inherited.risk,
                        expected_versions=dict.fromkeys(expected, version),
                        facts=LEVELS,
                        by=inherited.person,
                        at=NOW,
                    )
                assert not outcome.refused
                counts.append(len(statements))
            return counts

        assert cost(2) == cost(12)


class TestAcceptance:
    def test_it_names_who_why_and_until_when_and_holds_until_that_day(self, inherited):
        assessment = inherited.accept(until=TODAY + ONE_DAY, facts=LEVELS)

        assert (assessment.accepted_by, assessment.accept_reason) == (
            inherited.person,
            "small audience",
        )
        assert (assessment.state, assessment.treatment, assessment.residual) == (
            "assessed",
            "accept",
            6,
        )
        assert assessment.accepts_on(TODAY)
        assert not assessment.accepts_on(TODAY + ONE_DAY)

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"because": ""}, "Enter a reason"),
            ({"until": TODAY}, "already have expired"),
            ({"until": date(9999, 12, 31)}, "must expire by"),
        ],
    )
    def test_without_reason_or_a_sensible_end_it_is_refused(self, inherited, wrong, sentence):
        with pytest.raises(RiskChangeError, match=sentence):
            inherited.accept(**wrong)

    @pytest.mark.parametrize("missing", ["accepted_by", "accepted_until", "accept_reason"])
    def test_the_database_refuses_one_that_is_incomplete(self, inherited, missing):
        inherited.accept()

        with (
            pytest.raises(IntegrityError, match="assessment_acceptance_is_complete"),
            transaction.atomic(),
        ):
            Assessment.objects.update(**{missing: "" if missing == "accept_reason" else None})

    def test_the_end_is_warned_about_beforehand_and_only_while_it_is_in_force(self, inherited):
        assessment = inherited.accept(until=TODAY + 10 * ONE_DAY)

        assert list(expiring_acceptances(on=TODAY, within=14 * ONE_DAY)) == [assessment]
        assert not expiring_acceptances(on=TODAY, within=9 * ONE_DAY)
        assert not expiring_acceptances(on=TODAY + 10 * ONE_DAY, within=14 * ONE_DAY)

    def test_it_reopens_by_itself_and_keeps_what_was_written(self, inherited):
        inherited.accept(until=TODAY + ONE_DAY)

        refresh.refresh_risks(NOW)
        assert Assessment.objects.get().state == "assessed"
        changes = refresh.refresh_risks(NOW + ONE_DAY)

        assessment = Assessment.objects.get()
        assert changes.acceptances_ended == 1
        assert (assessment.state, assessment.stale_cause) == ("stale", "acceptance_expired")
        assert assessment.stale_reason == "The acceptance by ines expired on 2026-11-25."
        assert assessment.accept_reason == "small audience"
        assert refresh.refresh_risks(NOW + 2 * ONE_DAY).acceptances_ended == 0

    def test_an_ended_one_is_renewed_or_replaced_and_not_just_assessed(self, inherited):
        inherited.accept(until=TODAY + ONE_DAY)
        refresh.refresh_risks(NOW + ONE_DAY)
        again = {
            "risk": inherited.risk,
            "dependency": inherited.dependency,
            "by": inherited.person,
            "at": NOW + ONE_DAY,
        }

        with pytest.raises(RiskChangeError, match="Renew"):
            assessments.assess_risk(**again, facts={}, expected_version=2)
        assert (
            assessments.assess_risk(
                **again, facts={"treatment": "reduce"}, expected_version=2
            ).state
            == "assessed"
        )

    def test_it_is_revocable_with_a_reason_and_the_risk_is_open_again(self, inherited):
        assessment = inherited.accept()
        with pytest.raises(RiskChangeError, match="Enter a reason"):
            assessments.revoke_acceptance(
                assessment=assessment, reason="", expected_version=1, by=inherited.person, at=NOW
            )

        revoked = assessments.revoke_acceptance(
            assessment=assessment,
            reason="audience grew",
            expected_version=1,
            by=inherited.person,
            at=NOW,
        )

        assert (revoked.state, revoked.stale_cause) == ("stale", "acceptance_revoked")
        assert not revoked.accepts_on(TODAY)
        assert revoked.accept_reason == "small audience"
        with pytest.raises(RiskChangeError, match="No valid acceptance"):
            assessments.revoke_acceptance(
                assessment=revoked, reason="again", expected_version=2, by=inherited.person, at=NOW
            )


class TestUndoing:
    def test_the_last_decision_is_taken_back_and_can_be_brought_back(self, inherited):
        inherited.assess(**LEVELS, treatment="reduce", plan="first")
        second = inherited.assess(version=1, treatment="avoid", plan="second")

        first = assessments.undo_assessment(
            assessment=second, expected_version=2, by=inherited.person
        )
        assert (first.treatment, first.plan, first.residual_likelihood, first.version) == (
            "reduce",
            "first",
            2,
            3,
        )
        again = assessments.undo_assessment(
            assessment=first, expected_version=3, by=inherited.person
        )
        assert (again.treatment, again.plan, again.version) == ("avoid", "second", 4)

    def test_the_first_decision_taken_back_leaves_it_unassessed(self, inherited):
        assessment = inherited.assess()

        assert (
            assessments.undo_assessment(
                assessment=assessment, expected_version=1, by=inherited.person
            )
            is None
        )
        assert not Assessment.objects.exists()
        assert inherited.assess().version == 1

    def test_a_revoked_acceptance_can_be_restored(self, inherited):
        assessment = inherited.accept()
        revoked = assessments.revoke_acceptance(
            assessment=assessment, reason="slip", expected_version=1, by=inherited.person, at=NOW
        )

        assert assessments.undo_assessment(
            assessment=revoked, expected_version=2, by=inherited.person
        ).accepts_on(TODAY)

    def test_what_an_event_made_stale_is_not_undone(self, inherited):
        assessment = make_assessment(
            inherited.risk,
            inherited.dependency,
            version=2,
            state="stale",
            stale_cause="event",
            stale_reason="Alias moved.",
        )

        with pytest.raises(RiskChangeError, match=r"Alias moved\. Reassess the risk"):
            assessments.undo_assessment(
                assessment=assessment, expected_version=2, by=inherited.person
            )


class TestFoundationRisks:
    def raised(self, **more):
        on = make_node(NodeKind.OFFERING, make_offering())
        template = make_template(usual_likelihood=2, usual_impact=5)
        return foundation_risks.raise_risk(
            node=on, template=template, by=make_user(role="governance"), at=NOW, **more
        )

    def test_a_template_brings_its_usual_levels(self):
        risk = self.raised()

        assert (risk.likelihood, risk.impact, risk.rule) == (2, 5, "")
        assert FoundationRisk.objects.get().inherent == 10

    def test_the_same_risk_is_on_a_node_once(self):
        risk = self.raised()

        with pytest.raises(RiskChangeError, match=f"risk {risk.pk}"):
            foundation_risks.raise_risk(
                node=risk.node, template=risk.template, by=make_user(role="governance"), at=NOW
            )
        closed = foundation_risks.close_risk(
            risk=risk, reason="gone", by=make_user(role="governance"), at=NOW
        )
        second = foundation_risks.raise_risk(
            node=risk.node, template=risk.template, by=make_user(role="governance"), at=NOW
        )
        with pytest.raises(RiskChangeError, match=f"risk {second.pk}"):
            foundation_risks.reopen_risk(risk=closed, by=make_user(role="governance"), at=NOW)

    def test_an_own_risk_needs_a_title(self):
        with pytest.raises(ValidationError, match="or enter a title"):
            foundation_risks.raise_risk(
                node=make_node(NodeKind.OFFERING, make_offering()),
                template=None,
                by=make_user(role="governance"),
                at=NOW,
                facts={"likelihood": 1, "impact": 1},
            )

    def test_other_levels_make_what_rests_on_them_stale_and_other_words_do_not(self):
        risk = self.raised()
        dependency = make_dependency(make_application(), risk.node.footings.get().offering)
        make_assessment(risk, dependency)

        foundation_risks.change_risk(
            risk=risk,
            facts={"description": "more words"},
            by=make_user(role="governance"),
            at=NOW + ONE_DAY,
        )
        assert refresh.refresh_risks(NOW + ONE_DAY).made_stale == 0
        foundation_risks.change_risk(
            risk=risk, facts={"likelihood": 5}, by=make_user(role="governance"), at=NOW + ONE_DAY
        )
        assert refresh.refresh_risks(NOW + 2 * ONE_DAY).made_stale == 1

        assessment = Assessment.objects.get()
        assert assessment.stale_cause == "facts_changed"
        assert "it is rated 5 x 5" in assessment.stale_reason

    def test_closing_needs_a_reason_and_what_a_rule_raised_is_dismissed_instead(self):
        risk = self.raised()
        with pytest.raises(RiskChangeError, match="Enter a reason for closing"):
            foundation_risks.close_risk(
                risk=risk, reason="", by=make_user(role="governance"), at=NOW
            )
        with pytest.raises(RiskChangeError, match="A user added this risk"):
            foundation_risks.dismiss_risk(
                risk=risk, reason="no", by=make_user(role="governance"), at=NOW
            )

        FoundationRisk.objects.update(rule="retirement")
        with pytest.raises(RiskChangeError, match="Dismiss it with a reason instead"):
            foundation_risks.close_risk(
                risk=risk, reason="over", by=make_user(role="governance"), at=NOW
            )
        dismissed = foundation_risks.dismiss_risk(
            risk=risk, reason="test system", by=make_user(role="governance"), at=NOW
        )
        assert dismissed.dismissed_reason == "test system"
        assert (
            foundation_risks.reinstate_risk(
                risk=dismissed, by=make_user(role="governance")
            ).dismissed_at
            is None
        )

    def test_a_node_of_something_that_is_not_on_record_is_refused(self):
        with pytest.raises(RiskChangeError, match="No version has the ID 77"):
            actions.foundation_risks.ensure_node(kind=NodeKind.VERSION, ref=77)
