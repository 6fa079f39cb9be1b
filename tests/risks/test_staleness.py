"""What makes an assessment stale names itself, once, and only where the template's rule says so."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import NodeKind
from apps.inventory.actions.dependencies import replace_offering
from apps.inventory.models import Dependency, ExitTest
from apps.risks.actions.assessments import assess_risk
from apps.risks.models import Assessment, AssessmentEvidence, HandledEvent
from apps.risks.staleness import mark_stale_assessments
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_assessment,
    make_dependency,
    make_event,
    make_evidence,
    make_node,
    make_offering,
    make_provider,
    make_risk,
    make_template,
    make_user,
    make_version,
)

pytestmark = pytest.mark.django_db
ONE_DAY = timedelta(days=1)
LATER = NOW + timedelta(days=1)


def assessed(offering=None, *, stale_by=("alias_moved",), template=True, **fields):
    """An assessment of a risk on the offering, made NOW."""
    offering = offering or make_offering()
    dependency = make_dependency(make_application(), offering)
    risk = make_risk(
        make_node(NodeKind.OFFERING, offering),
        make_template(stale_by=list(stale_by)) if template else None,
    )
    return make_assessment(risk, dependency, **fields)


def after(assessment):
    assessment.refresh_from_db()
    return assessment


class TestEvents:
    def test_a_new_version_behind_an_alias_makes_it_stale_and_is_named(self):
        assessment = assessed(make_offering("latest", host=make_provider("here")))
        event = make_event(
            assessment.dependency.offering,
            "alias_moved",
            old="maker/a",
            new="maker/b",
            detected_at=LATER,
        )

        changes = mark_stale_assessments(at=LATER)

        row = after(assessment)
        assert (changes.marked, changes.events_handled) == (1, 1)
        assert (row.state, row.stale_cause, row.stale_event, row.version) == (
            "stale",
            "event",
            event,
            2,
        )
        assert row.stale_reason.startswith("Alias moved: latest on Here, from maker/a to maker/b")
        assert HandledEvent.objects.get().n_assessments == 1

    def test_it_is_handled_once_and_an_assessment_made_afterwards_stays(self):
        assessment = assessed()
        make_event(assessment.dependency.offering, "alias_moved", detected_at=LATER)
        mark_stale_assessments(at=LATER)
        at = datetime.now(UTC) + 2 * ONE_DAY
        assess_risk(
            risk=assessment.risk,
            dependency=assessment.dependency,
            facts={},
            expected_version=2,
            by=make_user(role="governance"),
            at=at,
        )

        changes = mark_stale_assessments(at=at)

        assert (changes.marked, changes.events_handled) == (0, 0)
        assert after(assessment).state == "assessed"

    def test_an_assessment_that_knew_the_event_is_not_touched(self):
        assessment = assessed(assessed_at=datetime.now(UTC) + 3 * ONE_DAY)
        make_event(assessment.dependency.offering, "alias_moved", detected_at=NOW)

        assert mark_stale_assessments(at=LATER).marked == 0

    def test_an_event_that_the_template_does_not_name_is_handled_and_changes_nothing(self):
        assessment = assessed(stale_by=["alias_moved"])
        make_event(assessment.dependency.offering, "repriced", detected_at=LATER)

        changes = mark_stale_assessments(at=LATER)

        assert (changes.marked, changes.events_handled) == (0, 1)

    def test_an_own_risk_goes_by_the_usual_events(self):
        assessment = assessed(template=False)
        make_event(assessment.dependency.offering, "retired", detected_at=LATER)

        assert mark_stale_assessments(at=LATER).marked == 1

    def test_an_end_reaches_other_names_of_the_release_at_the_host_and_a_moving_name_only_itself(
        self,
    ):
        version, host = make_version(), make_provider("here")
        subject = make_offering("dated", host=host, version=version)
        moving = make_offering("latest", host=host, version=version, binding="alias")
        other_name = assessed(
            make_offering("other", host=host, version=version), stale_by=["announced"]
        )
        elsewhere = assessed(make_offering("dated", version=version), stale_by=["announced"])

        make_event(moving, "announced", detected_at=LATER)
        assert mark_stale_assessments(at=LATER).marked == 0
        make_event(subject, "announced", detected_at=LATER)
        assert mark_stale_assessments(at=LATER).marked == 1

        assert after(other_name).state == "stale"
        assert after(elsewhere).state == "assessed"

    def test_not_applicable_is_asked_again_and_keeps_its_words(self):
        assessment = assessed(state="not_applicable", not_applicable_reason="text only")
        make_event(assessment.dependency.offering, "alias_moved", detected_at=LATER)

        mark_stale_assessments(at=LATER)

        assert (after(assessment).state, assessment.not_applicable_reason) == (
            "stale",
            "text only",
        )


class TestDays:
    def test_a_replaced_offering_names_its_successor(self):
        assessment = assessed()
        successor = make_offering("newer", host=make_provider("there"))
        replace_offering(
            dependency=assessment.dependency,
            successor=successor,
            on=TODAY,
            by=make_user(role="governance"),
        )

        mark_stale_assessments(at=NOW)

        assert after(assessment).stale_cause == "replaced"
        assert (
            assessment.stale_reason
            == f"The dependency ended on {TODAY} and was replaced by newer on There."
        )

    def test_a_dependency_that_just_ended_says_so(self):
        assessment = assessed()
        Dependency.objects.update(until=TODAY)

        mark_stale_assessments(at=NOW)

        assert after(assessment).stale_reason == f"The dependency ended on {TODAY}."

    @pytest.mark.parametrize(
        ("stale_by", "expires_on", "other", "stale"),
        [
            (["exit_test_expired"], TODAY + ONE_DAY, None, True),
            (["exit_test_expired"], TODAY + 2 * ONE_DAY, None, False),
            (["exit_test_expired"], TODAY + ONE_DAY, "passed", False),
            (["exit_test_expired"], TODAY + ONE_DAY, "failed", True),
            (["exit_test_expired"], TODAY, None, False),
            (["repriced"], TODAY + ONE_DAY, None, False),
        ],
    )
    def test_an_expired_exit_test(self, stale_by, expires_on, other, stale):
        assessment = assessed(stale_by=stale_by)
        facts = {
            "dependency": assessment.dependency,
            "target": make_offering("exit"),
            "tested_on": TODAY - 9 * ONE_DAY,
        }
        ExitTest.objects.create(**facts, result="passed", expires_on=expires_on)
        if other:
            ExitTest.objects.create(**facts, result=other, expires_on=TODAY + 99 * ONE_DAY)

        mark_stale_assessments(at=LATER)

        assert (after(assessment).stale_cause == "exit_test_expired") is stale
        if stale:
            assert f"to exit expired on {expires_on}" in assessment.stale_reason


class TestEvidence:
    def failing(self, assessment, **fields):
        fields.setdefault("application", assessment.dependency.application)
        fields.setdefault("recorded_at", LATER)
        return make_evidence(
            passed=False, metric="accuracy", value="0.71", threshold="0.8", **fields
        )

    def test_new_evidence_that_fails_is_named_with_its_numbers(self):
        assessment = assessed()
        self.failing(assessment)

        mark_stale_assessments(at=LATER)

        assert after(assessment).stale_cause == "evidence_failed"
        assert assessment.stale_reason == f"Evidence of {TODAY} fails: accuracy 0.71 against 0.8."

    def test_only_what_it_is_about_is_touched(self):
        assessment, other = assessed(), assessed()
        template = make_template()
        self.failing(assessment, template=template)
        self.failing(assessment, offering=other.dependency.offering)
        self.failing(assessment, application=other.dependency.application, version=make_version())
        self.failing(assessment, recorded_at=NOW - ONE_DAY)

        assert mark_stale_assessments(at=LATER).marked == 0

        self.failing(assessment, application=None, version=other.dependency.offering.version)
        assert mark_stale_assessments(at=LATER).marked == 1
        assert after(other).state == "stale"

    def test_a_failure_that_was_put_right_is_none(self):
        assessment = assessed()
        self.failing(assessment)
        make_evidence(
            application=assessment.dependency.application,
            metric="accuracy",
            value="0.9",
            passed=True,
            recorded_at=LATER,
        )

        assert mark_stale_assessments(at=LATER).marked == 0

    def test_evidence_that_an_assessment_rests_on_expires(self):
        assessment, other = assessed(), assessed()
        evidence = make_evidence(
            application=assessment.dependency.application, passed=True, expires_on=TODAY + ONE_DAY
        )
        AssessmentEvidence.objects.create(assessment=assessment, evidence=evidence)

        assert mark_stale_assessments(at=NOW).marked == 0
        assert mark_stale_assessments(at=LATER).marked == 1

        assert (
            after(assessment).stale_reason
            == f"The evidence of {TODAY} expired on {TODAY + ONE_DAY}."
        )
        assert after(other).state == "assessed"


def test_the_first_cause_stands_and_nothing_is_written_twice():
    assessment = assessed()
    Dependency.objects.update(until=TODAY)
    mark_stale_assessments(at=NOW)
    make_event(assessment.dependency.offering, "alias_moved", detected_at=LATER)

    mark_stale_assessments(at=LATER)
    mark_stale_assessments(at=LATER)

    assert (after(assessment).stale_cause, assessment.version) == ("replaced", 2)
    assert assessment.history.count() == 2


def test_the_number_of_statements_does_not_grow():
    def cost():
        with CaptureQueriesContext(connection) as statements:
            mark_stale_assessments(at=LATER)
        return len(statements)

    assessed()
    before = cost()
    for _ in range(4):
        make_event(assessed().dependency.offering, "alias_moved", detected_at=LATER)

    assert cost() == before
    assert Assessment.objects.filter(state="stale").count() == 4


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_do_the_work_of_one():
    for _ in range(3):
        make_event(assessed().dependency.offering, "alias_moved", detected_at=LATER)
    changes = []

    def work():
        changes.append(mark_stale_assessments(at=LATER))
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(each.marked for each in changes) == 3
    assert sum(each.events_handled for each in changes) == 3
    assert set(Assessment.objects.values_list("version", flat=True)) == {2}
