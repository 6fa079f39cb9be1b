"""Evidence: recorded once, told apart by state and day, shown wherever it matters and to whom it
may be."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from apps.accounts.roles import TeamRole
from apps.catalog.models import NodeKind
from apps.risks.actions import evidence as actions_evidence
from apps.risks.errors import RiskChangeError
from apps.risks.models import AssessmentEvidence, RiskEvidence
from apps.risks.queries.evidence import (
    evidence_for_application,
    evidence_for_dependency,
    evidence_for_risk,
)
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_assessment,
    make_dependency,
    make_evidence,
    make_member,
    make_node,
    make_offering,
    make_risk,
    make_team,
    make_user,
    make_version,
)
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db
ONE_DAY = timedelta(days=1)


@pytest.fixture
def auditor():
    return make_user(role="auditor")


@pytest.fixture
@kept_world
def dependency():
    return make_dependency(make_application(), make_offering())


def states(found):
    return [(row.pk, row.state_on) for row in found]


class TestState:
    @pytest.mark.parametrize(
        ("passed", "expires", "state"),
        [
            (True, None, "passed"),
            (True, 1, "passed"),
            (True, 0, "expired"),
            (False, None, "failing"),
            (False, 0, "failing"),
            (None, None, "on_file"),
            (None, 0, "expired"),
        ],
    )
    def test_the_row_and_the_query_agree(self, auditor, dependency, passed, expires, state):
        evidence = make_evidence(
            application=dependency.application,
            passed=passed,
            run_on=TODAY - ONE_DAY,
            expires_on=None if expires is None else TODAY + expires * ONE_DAY,
        )

        found = evidence_for_dependency(dependency=dependency, user=auditor, on=TODAY)

        assert states(found) == [(evidence.pk, state)]
        assert evidence.state(TODAY) == state

    def test_the_newest_result_of_a_kind_of_test_is_marked(self, auditor, dependency):
        old = make_evidence(
            application=dependency.application,
            metric="accuracy",
            passed=False,
            run_on=TODAY - ONE_DAY,
        )
        new = make_evidence(application=dependency.application, metric="accuracy", passed=True)
        other = make_evidence(application=dependency.application, metric="toxicity", passed=True)

        found = evidence_for_dependency(dependency=dependency, user=auditor, on=TODAY)

        assert {row.pk: row.latest for row in found} == {old.pk: 2, new.pk: 1, other.pk: 1}


class TestWhereItMatters:
    def test_a_dependency_has_that_of_its_application_its_offering_and_its_version(
        self, auditor, dependency
    ):
        offering = dependency.offering
        application = dependency.application
        mine = [
            make_evidence(application=application),
            make_evidence(application=application, offering=offering),
            make_evidence(application=application, version=offering.version),
            make_evidence(offering=offering),
            make_evidence(version=offering.version),
        ]
        make_evidence(application=application, offering=make_offering())
        make_evidence(application=application, version=make_version())
        make_evidence(application=make_application(), offering=offering)
        make_evidence(version=make_version())

        found = evidence_for_dependency(dependency=dependency, user=auditor, on=TODAY)

        assert {row.pk for row in found} == {row.pk for row in mine}

    def test_an_application_has_its_own_and_that_of_what_it_calls_today(self, auditor, dependency):
        ended = make_dependency(
            dependency.application, make_offering(), role="fallback", until=TODAY
        )
        mine = [
            make_evidence(application=dependency.application),
            make_evidence(version=dependency.offering.version),
        ]
        make_evidence(offering=ended.offering)

        found = evidence_for_application(application=dependency.application, user=auditor, on=TODAY)

        assert {row.pk for row in found} == {row.pk for row in mine}

    def test_a_risk_has_what_is_attached_to_it_or_to_an_assessment_or_about_its_node(
        self, auditor, dependency
    ):
        risk = make_risk(make_node(NodeKind.VERSION, dependency.offering.version))
        attached, backing, about = (
            make_evidence(version=make_version()),
            make_evidence(application=dependency.application),
            make_evidence(version=dependency.offering.version),
        )
        RiskEvidence.objects.create(risk=risk, evidence=attached)
        AssessmentEvidence.objects.create(
            assessment=make_assessment(risk, dependency), evidence=backing
        )
        make_evidence(application=make_application(), version=dependency.offering.version)

        found = evidence_for_risk(risk=risk, user=auditor, on=TODAY)

        assert {row.pk for row in found} == {attached.pk, backing.pk, about.pk}

    def test_nobody_sees_that_of_others_applications(self, dependency):
        make_evidence(application=dependency.application)
        open_to_all = make_evidence(version=dependency.offering.version)
        member = make_member(make_team(), TeamRole.OWNER)

        for found in (
            evidence_for_dependency(dependency=dependency, user=member, on=TODAY),
            evidence_for_application(application=dependency.application, user=member, on=TODAY),
        ):
            assert [row.pk for row in found] == [open_to_all.pk]


class TestRecording:
    def record(self, **facts):
        return actions_evidence.record_evidence(
            kind="own_evaluation",
            run_on=TODAY,
            facts=facts,
            by=make_user(role="governance"),
            at=NOW,
        )

    @pytest.mark.parametrize(
        ("value", "higher", "passed"),
        [("0.8", True, True), ("0.79", True, False), ("0.8", False, True), ("1", False, False)],
    )
    def test_whether_it_passed_follows_from_value_and_threshold(
        self, dependency, value, higher, passed
    ):
        evidence = self.record(
            application=dependency.application,
            value=Decimal(value),
            threshold=Decimal("0.8"),
            higher_is_better=higher,
        )

        assert evidence.passed is passed

    def test_it_says_what_was_tested(self):
        with pytest.raises(ValidationError, match="an application, a version or an offering"):
            self.record(metric="accuracy")

    def test_a_job_may_record_it_and_is_named_in_the_history(self, dependency):
        evidence = actions_evidence.record_evidence(
            kind="own_evaluation",
            run_on=TODAY,
            facts={"application": dependency.application},
            by=None,
            at=NOW,
        )

        assert evidence.history.get().pgh_context.metadata["actor"] == "risks.record_evidence"

    def test_it_is_attached_once_and_never_to_somebody_elses(self, dependency):
        risk = make_risk(make_node(NodeKind.OFFERING, dependency.offering))
        assessment = make_assessment(risk, dependency)
        evidence = self.record(application=dependency.application)

        for _ in range(2):
            actions_evidence.attach_evidence(
                evidence=evidence, assessment=assessment, by=make_user(role="governance")
            )
        assert assessment.evidence.get() == evidence
        other = self.record(application=make_application())
        with pytest.raises(RiskChangeError, match="about another application"):
            actions_evidence.attach_evidence(
                evidence=other, assessment=assessment, by=make_user(role="governance")
            )
        with pytest.raises(RiskChangeError, match="risk of a foundation concerns all applications"):
            actions_evidence.attach_evidence(
                evidence=evidence, risk=risk, by=make_user(role="governance")
            )
