"""Each kind of issue: what opens it, with dates, owner and state; what resolves it, and why."""

from datetime import date, timedelta

import pytest

from apps.accounts.actions import issue_token
from apps.accounts.models import ApiToken
from apps.accounts.roles import TeamRole
from apps.accounts.service_accounts import add_service
from apps.catalog.footing import refresh_footing
from apps.catalog.models import Lifecycle, NodeKind, Offering
from apps.exposure.models import CampaignTask, ExposureFlag
from apps.feeds.models import FeedRun, PollState
from apps.intake.models import Discrepancy
from apps.inventory.models import (
    Application,
    Approval,
    Contract,
    Criticality,
    DecisionProposal,
    Selection,
)
from apps.inventory.read_models import refresh_all_applications
from apps.issues.models import Issue
from apps.issues.subjects import load_subjects
from apps.risks.models import Assessment, FoundationRisk
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_approval,
    make_assessment,
    make_campaign,
    make_dependency,
    make_event,
    make_exit_test,
    make_flag,
    make_foundation,
    make_member,
    make_node,
    make_offering,
    make_policy,
    make_provider,
    make_risk,
    make_source,
    make_task,
    make_team,
    make_user,
    make_version,
)

ONE_DAY = timedelta(days=1)


def in_days(days):
    return TODAY + timedelta(days=days)


def facts(kind, subtype=""):
    """Return the issues of the kind that persist."""
    issues = Issue.objects.unresolved().filter(cause__kind=kind, cause__subtype=subtype)
    return list(issues.select_related("cause").order_by("pk"))


def resolution(kind, subtype=""):
    """Return the resolution of the only issue of the kind."""
    issue = Issue.objects.get(cause__kind=kind, cause__subtype=subtype)
    assert issue.state == Issue.State.RESOLVED
    assert not issue.cause.is_open
    return issue.resolution


@pytest.fixture
def team(db):
    return make_team("Claims")


@pytest.fixture
def application(team):
    """A standard application without a fact."""
    return make_application("Claims triage", team=team)


@pytest.fixture
def dependency(application):
    return make_dependency(application, make_offering("model-1"))


def test_an_application_in_order_has_no_issue(dependency, evaluate):
    make_approval(offering=dependency.offering)
    make_exit_test(dependency, make_offering())
    refresh_all_applications(on=TODAY)

    evaluate()

    assert not Issue.objects.filter(application=dependency.application).exists()


class TestFallbackRetires:
    @pytest.fixture
    def primary(self, application):
        offering = make_offering("primary", retires_on=in_days(100), date_kind="firm")
        return make_dependency(application, offering)

    @pytest.fixture
    def fallback(self, application, primary):
        offering = make_offering("fallback", retires_on=in_days(90), date_kind="firm")
        return make_dependency(application, offering, "fallback", fallback_order=1)

    def test_it_opens_with_the_date_of_the_fallback(self, application, fallback, evaluate):
        evaluate()

        (issue,) = facts("fallback_retires")
        assert issue.cause.subject == f"dependency:{fallback.pk}"
        assert (issue.application, issue.due_on, issue.act_by) == (
            application,
            in_days(90),
            in_days(90),
        )
        assert issue.details["primary_retires_on"] == in_days(100).isoformat()

    @pytest.mark.parametrize("days", [101, 2000])
    def test_a_fallback_that_is_served_for_longer_is_in_order(self, fallback, evaluate, days):
        Offering.objects.filter(pk=fallback.offering_id).update(retires_on=in_days(days))

        evaluate()

        assert not facts("fallback_retires")

    def test_an_earliest_date_that_has_passed_announces_nothing(self, fallback, evaluate):
        Offering.objects.filter(pk=fallback.offering_id).update(
            retires_on=in_days(-1), date_kind="not_before"
        )

        evaluate()

        assert not facts("fallback_retires")

    def test_an_earliest_date_is_said_to_be_one(self, fallback, evaluate):
        Offering.objects.filter(pk=fallback.offering_id).update(date_kind="not_before")

        evaluate()

        assert facts("fallback_retires")[0].is_earliest

    def test_another_fallback_resolves_it_as_migrated(self, application, fallback, evaluate):
        evaluate()
        type(fallback).objects.filter(pk=fallback.pk).update(until=TODAY)
        make_dependency(application, make_offering(), "fallback", fallback_order=1)

        evaluate()

        assert resolution("fallback_retires") == "migrated"

    def test_a_later_date_of_the_fallback_ends_the_cause(self, fallback, evaluate):
        evaluate()
        Offering.objects.filter(pk=fallback.offering_id).update(retires_on=in_days(400))

        evaluate()

        assert resolution("fallback_retires") == "cause_ended"


class TestPriceChange:
    def test_an_increase_is_an_issue_from_its_date(self, application, dependency, evaluate):
        event = make_event(
            dependency.offering,
            "repriced",
            old={"input": "3"},
            new={"input": "3.15"},
            effective_on=in_days(10),
        )

        evaluate()

        (issue,) = facts("price_change")
        assert issue.cause.subject == f"offering:{dependency.offering_id}"
        assert (issue.due_on, issue.act_by) == (in_days(10), in_days(10))
        assert issue.details == {"event": event.pk}

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ({"input": "3"}, {"input": "3.14"}),
            ({"input": "3"}, {"input": "1"}),
            ({"input": "3"}, {"input": None}),
        ],
    )
    def test_a_small_increase_and_a_reduction_are_none(self, dependency, evaluate, old, new):
        make_event(dependency.offering, "repriced", old=old, new=new, effective_on=TODAY)

        evaluate()

        assert not facts("price_change")

    def test_a_unit_that_begins_to_cost_is_an_increase(self, dependency, evaluate):
        make_event(
            dependency.offering, "repriced", old=None, new={"request": "0.5"}, effective_on=TODAY
        )

        evaluate()

        assert len(facts("price_change")) == 1

    def test_it_is_no_news_after_a_month(self, dependency, evaluate):
        make_event(dependency.offering, "repriced", new={"input": "9"}, effective_on=TODAY)
        evaluate()

        evaluate(at=NOW + 30 * ONE_DAY)

        assert resolution("price_change") == "cause_ended"

    def test_ending_the_use_resolves_it(self, dependency, evaluate):
        make_event(dependency.offering, "repriced", new={"input": "9"}, effective_on=TODAY)
        evaluate()
        dependency.until = TODAY
        dependency.save()

        evaluate()

        assert resolution("price_change") == "no_longer_used"


class TestExposureFlag:
    def test_a_flag_is_one_issue_of_the_organisation(self, evaluate):
        flag = make_flag(application_ids=[4, 5])

        evaluate()

        (issue,) = facts("exposure_flag")
        assert issue.cause.subject == f"flag:{flag.pk}"
        assert (issue.application, issue.team, issue.owner) == (None, None, None)
        assert issue.act_by == in_days(30)
        assert issue.details["applications"] == [4, 5]

    @pytest.mark.parametrize(
        ("state", "until", "act_by"),
        [("acknowledged", None, in_days(30)), ("accepted", in_days(60), in_days(60))],
    )
    def test_the_issue_has_the_state_of_the_flag(self, evaluate, state, until, act_by):
        accepted = {"accepted_by": make_user(), "ceiling": 1} if until else {}
        make_flag(state=state, accepted_until=until, **accepted)

        evaluate()

        (issue,) = facts("exposure_flag")
        assert (issue.state, issue.act_by) == (state, act_by)

    def test_a_flag_that_is_resolved_ends_the_cause(self, evaluate):
        make_flag()
        evaluate()
        ExposureFlag.objects.update(state="resolved", resolved_at=NOW)

        evaluate()

        assert resolution("exposure_flag") == "cause_ended"


class TestApprovalViolation:
    @pytest.mark.parametrize(
        ("criticality", "days"), [(Criticality.IMPORTANT, 0), (Criticality.STANDARD, 14)]
    )
    def test_a_block_is_one_fact_for_all_that_use_it(
        self, application, dependency, evaluate, criticality, days
    ):
        Application.objects.filter(pk=application.pk).update(criticality=criticality)
        other = make_application()
        make_dependency(other, dependency.offering)
        approval = make_approval("blocked", version=dependency.offering.version)

        evaluate()

        mine, theirs = sorted(facts("approval_violation"), key=lambda i: i.application_id)
        assert mine.cause == theirs.cause
        assert mine.cause.subject == f"approval:{approval.pk}"
        assert (mine.application, theirs.application) == (application, other)
        assert mine.act_by == in_days(days)
        assert mine.details["blocked"]
        assert mine.details["dependencies"] == [dependency.pk]
        assert list(mine.cause.offerings.all()) == [dependency.offering]

    @pytest.mark.parametrize(
        ("facts_of_application", "restriction", "n"),
        [
            ({"data_classification": "confidential"}, {"data_classes": ["public"]}, 1),
            ({"data_classification": "public"}, {"data_classes": ["public"]}, 0),
            ({"criticality": 0}, {"criticalities": [2, 3]}, 1),
            ({"criticality": 3}, {"criticalities": [2, 3]}, 0),
            ({"geography": "US, EU"}, {"regions": ["EU"]}, 1),
            ({"geography": "eu"}, {"regions": ["EU"]}, 0),
        ],
    )
    def test_a_restriction_is_violated_outside_of_it(
        self, application, dependency, evaluate, facts_of_application, restriction, n
    ):
        Application.objects.filter(pk=application.pk).update(**facts_of_application)
        make_approval("restricted", offering=dependency.offering, **restriction)

        evaluate()

        violations = facts("approval_violation")
        assert len(violations) == n
        assert all(issue.details["is_certain"] for issue in violations)
        assert not any(issue.details["blocked"] for issue in violations)

    def test_a_violation_that_only_missing_data_could_settle_can_wait(
        self, application, dependency, evaluate
    ):
        Application.objects.filter(pk=application.pk).update(criticality=0, data_classification="")
        make_approval("restricted", offering=dependency.offering, data_classes=["public"])

        evaluate()

        (issue,) = facts("approval_violation")
        assert (issue.details["is_certain"], issue.act_by) == (False, in_days(30))

    def test_an_approval_is_no_violation(self, dependency, evaluate):
        make_approval(offering=dependency.offering)

        evaluate()

        assert not facts("approval_violation")

    def test_replacing_the_model_resolves_it_as_migrated(self, application, dependency, evaluate):
        make_approval("blocked", offering=dependency.offering)
        evaluate()
        dependency.until = TODAY
        dependency.save()
        make_dependency(application, make_offering())

        evaluate()

        assert resolution("approval_violation") == "migrated"

    def test_revoking_the_block_ends_the_cause(self, dependency, evaluate):
        approval = make_approval("blocked", offering=dependency.offering)
        evaluate()
        Approval.objects.filter(pk=approval.pk).update(revoked_at=NOW)

        evaluate()

        assert resolution("approval_violation") == "cause_ended"


class TestApprovalExpiry:
    def test_it_is_the_approvers_issue_before_its_date(self, application, dependency, evaluate):
        approval = make_approval(offering=dependency.offering, expires_on=in_days(60))
        evaluate()

        (issue,) = facts("approval_expiry")
        assert (issue.application, issue.owner) == (None, approval.approver)
        assert (issue.due_on, issue.act_by) == (in_days(60), in_days(59))
        assert issue.details["applications"] == [application.pk]
        assert not facts("approval_violation")

    def test_from_its_date_on_it_is_an_issue_of_each_application_instead(
        self, application, dependency, evaluate
    ):
        other = make_application()
        make_dependency(other, dependency.offering)
        approval = make_approval(offering=dependency.offering, expires_on=in_days(10))
        evaluate()

        evaluate(at=NOW + 10 * ONE_DAY)

        assert resolution("approval_expiry") == "duplicate"
        mine, theirs = sorted(facts("approval_violation"), key=lambda i: i.application_id)
        assert (mine.application, theirs.application) == (application, other)
        assert mine.cause == theirs.cause
        assert mine.cause.subject == f"approval:{approval.pk}"
        assert mine.due_on == in_days(10)
        assert (mine.details["expired"], mine.details["is_certain"]) == (True, True)
        assert not mine.details["blocked"]

    def test_it_is_no_issue_yet_two_months_before(self, dependency, evaluate):
        make_approval(offering=dependency.offering, expires_on=in_days(61))

        evaluate()

        assert not facts("approval_expiry")

    def test_an_approval_that_nothing_needs_can_expire(self, db, evaluate):
        make_approval(offering=make_offering(), expires_on=in_days(10))
        make_approval("blocked", version=make_version(), expires_on=in_days(10))

        evaluate()

        assert not facts("approval_expiry")

    def test_a_narrower_approval_decides_instead(self, dependency, evaluate):
        make_approval(version=dependency.offering.version, expires_on=in_days(10))
        make_approval(offering=dependency.offering)

        evaluate()

        assert not facts("approval_expiry")

    def test_a_wider_approval_does_not(self, dependency, evaluate):
        make_approval(offering=dependency.offering, expires_on=in_days(10))
        make_approval(version=dependency.offering.version)

        evaluate()

        assert len(facts("approval_expiry")) == 1

    def test_an_approval_of_a_nearer_company_decides_instead(self, dependency, evaluate):
        host = dependency.offering.host
        host.parent = make_provider("its-parent")
        host.save()
        refresh_footing([dependency.offering_id])
        make_approval(provider=host.parent, expires_on=in_days(10))
        evaluate()
        assert len(facts("approval_expiry")) == 1

        make_approval(provider=host)
        evaluate()

        assert not facts("approval_expiry")

    def test_an_expired_block_is_no_violation(self, dependency, evaluate):
        make_approval("blocked", offering=dependency.offering, expires_on=TODAY)

        evaluate()

        assert not facts("approval_violation")

    def test_renewing_an_expired_approval_completes_the_issues_of_its_applications(
        self, dependency, evaluate
    ):
        make_approval(offering=dependency.offering, expires_on=TODAY)
        evaluate()
        Approval.objects.update(expires_on=in_days(400))

        evaluate()

        assert resolution("approval_violation") == "completed"

    def test_an_evaluation_of_one_application_finds_its_expired_approval(
        self, application, dependency, evaluate
    ):
        other = make_application()
        make_dependency(other, dependency.offering)
        make_approval(offering=dependency.offering, expires_on=TODAY)

        evaluate(application_ids=[application.pk])

        (issue,) = facts("approval_violation")
        assert issue.application == application

    def test_an_approval_of_the_vendor_is_needed_too(self, application, evaluate):
        vendor = make_provider("vendor", roles=("vendor",))
        make_dependency(application, make_offering(), reached="embedded", via_party=vendor)
        make_approval(provider=vendor, expires_on=in_days(10))

        evaluate()

        assert facts("approval_expiry")[0].details["applications"] == [application.pk]

    def test_renewing_it_completes_the_issue(self, dependency, evaluate):
        make_approval(offering=dependency.offering, expires_on=in_days(10))
        evaluate()
        Approval.objects.update(expires_on=in_days(400))

        evaluate()

        assert resolution("approval_expiry") == "completed"

    def test_without_a_use_it_is_no_longer_needed(self, dependency, evaluate):
        make_approval(offering=dependency.offering, expires_on=in_days(10))
        evaluate()
        dependency.until = TODAY
        dependency.save()

        evaluate()

        assert resolution("approval_expiry") == "no_longer_used"


class TestApplicationReview:
    def test_it_opens_a_month_before_and_stays_when_it_is_overdue(self, application, evaluate):
        Application.objects.filter(pk=application.pk).update(next_review_on=in_days(30))
        evaluate()
        evaluate(at=NOW + 40 * ONE_DAY)

        (issue,) = facts("deadline", "application_review")
        assert issue.cause.subject == f"application:{application.pk}/review"
        assert (issue.application, issue.due_on, issue.act_by) == (
            application,
            in_days(30),
            in_days(30),
        )

    def test_a_later_review_is_no_issue(self, application, evaluate):
        Application.objects.filter(pk=application.pk).update(next_review_on=in_days(31))

        evaluate()

        assert not facts("deadline", "application_review")

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"next_review_on": in_days(365)}, "completed"),
            ({"status": "retired"}, "no_longer_used"),
        ],
    )
    def test_its_resolution(self, application, evaluate, change, code):
        Application.objects.filter(pk=application.pk).update(next_review_on=TODAY)
        evaluate()
        Application.objects.filter(pk=application.pk).update(**change)

        evaluate()

        assert resolution("deadline", "application_review") == code


class TestSelectionReview:
    @pytest.fixture
    def selection(self, db):
        author = make_user(role="governance")
        return Selection.objects.create(
            title="Assistant",
            state="decided",
            decision="Gemini",
            reason="Cost",
            decided_by=author,
            decided_on=TODAY,
            review_on=in_days(30),
            created_by=author,
        )

    def test_it_belongs_to_the_user_who_decided(self, selection, evaluate):
        evaluate()

        (issue,) = facts("deadline", "selection_review")
        assert (issue.application, issue.owner) == (None, selection.decided_by)
        assert (issue.due_on, issue.act_by) == (in_days(30), in_days(30))

    def test_another_date_completes_it(self, selection, evaluate):
        evaluate()
        Selection.objects.update(review_on=in_days(365))

        evaluate()

        assert resolution("deadline", "selection_review") == "completed"

    def test_a_draft_needs_no_review(self, selection, evaluate):
        Selection.objects.update(state="draft")

        evaluate()

        assert not facts("deadline", "selection_review")


class TestExitTest:
    def test_a_test_that_expires_is_an_issue_and_stays_one(self, dependency, evaluate):
        make_exit_test(dependency, make_offering(), expires_on=in_days(20))
        evaluate()
        evaluate(at=NOW + 30 * ONE_DAY)

        (issue,) = facts("deadline", "exit_test")
        assert issue.cause.subject == f"dependency:{dependency.pk}/exit-test"
        assert (issue.application, issue.due_on) == (dependency.application, in_days(20))

    def test_without_a_date_it_is_valid_for_a_year(self, dependency, evaluate):
        make_exit_test(dependency, make_offering(), tested_on=in_days(-350))

        evaluate()

        assert facts("deadline", "exit_test")[0].due_on == in_days(15)

    def test_another_test_completes_it(self, dependency, evaluate):
        make_exit_test(dependency, make_offering(), expires_on=in_days(20))
        evaluate()
        make_exit_test(dependency, make_offering(), expires_on=in_days(300))

        evaluate()

        assert resolution("deadline", "exit_test") == "completed"

    def test_ending_the_dependency_resolves_it(self, dependency, evaluate):
        make_exit_test(dependency, make_offering(), expires_on=in_days(20))
        evaluate()
        dependency.until = TODAY
        dependency.save()

        evaluate()

        assert resolution("deadline", "exit_test") == "no_longer_used"


@pytest.fixture
def risk(dependency):
    return make_risk(make_node(NodeKind.OFFERING, dependency.offering), title="Prompt injection")


class TestTreatment:
    @pytest.fixture
    def assessment(self, risk, dependency):
        return make_assessment(
            risk, dependency, treatment="reduce", due_on=in_days(10), owner=make_user()
        )

    def test_it_belongs_to_the_owner_of_the_treatment(self, assessment, evaluate):
        evaluate()

        (issue,) = facts("deadline", "treatment")
        assert issue.cause.subject == f"assessment:{assessment.pk}/treatment"
        assert (issue.owner, issue.due_on) == (assessment.owner, in_days(10))
        assert issue.details["name"] == "Prompt injection"

    @pytest.mark.parametrize(
        "change",
        [
            {"due_on": in_days(31)},
            {"treatment": ""},
            {"state": "not_applicable", "not_applicable_reason": "No tools"},
        ],
    )
    def test_what_is_not_due_is_no_issue(self, assessment, evaluate, change):
        evaluate()
        Assessment.objects.update(**change)

        evaluate()

        assert resolution("deadline", "treatment") == "completed"


class TestRiskAcceptance:
    @pytest.fixture
    def assessment(self, risk, dependency):
        return make_assessment(
            risk,
            dependency,
            treatment="accept",
            accepted_by=make_user(role="governance"),
            accepted_at=NOW,
            accepted_until=in_days(20),
            accept_reason="Internal use",
        )

    def test_it_belongs_to_the_user_who_accepted(self, assessment, evaluate):
        evaluate()

        (issue,) = facts("deadline", "risk_acceptance")
        assert (issue.owner, issue.due_on) == (assessment.accepted_by, in_days(20))

    def test_once_expired_the_stale_assessment_is_the_fact(self, assessment, evaluate):
        evaluate()
        Assessment.objects.update(
            state="stale", stale_cause="acceptance_expired", stale_since=NOW + 20 * ONE_DAY
        )

        evaluate(at=NOW + 20 * ONE_DAY)

        assert resolution("deadline", "risk_acceptance") == "cause_ended"
        assert len(facts("stale_assessment")) == 1

    def test_accepting_it_for_longer_completes_the_issue(self, assessment, evaluate):
        evaluate()
        Assessment.objects.update(accepted_until=in_days(200))

        evaluate()

        assert resolution("deadline", "risk_acceptance") == "completed"


class TestContract:
    @pytest.fixture
    def contract(self, db):
        return Contract.objects.create(
            party=make_provider("host"), ref="C-1", ends_on=in_days(100), notice_days_ours=90
        )

    def test_it_is_due_at_the_start_of_its_notice_period(self, contract, evaluate):
        evaluate()

        (issue,) = facts("deadline", "contract")
        assert issue.cause.subject == f"contract:{contract.pk}"
        assert (issue.due_on, issue.act_by) == (in_days(10), in_days(10))

    @pytest.mark.parametrize(
        ("ends_on", "at", "code"),
        [(in_days(465), NOW, "completed"), (in_days(100), NOW + 101 * ONE_DAY, "cause_ended")],
    )
    def test_a_renewed_contract_is_completed_and_an_expired_one_is_not(
        self, contract, evaluate, ends_on, at, code
    ):
        evaluate()
        Contract.objects.update(ends_on=ends_on)

        evaluate(at=at)

        assert resolution("deadline", "contract") == code

    def test_an_open_ended_contract_has_no_deadline(self, contract, evaluate):
        Contract.objects.update(ends_on=None)

        evaluate()

        assert not facts("deadline", "contract")


class TestTokenExpiry:
    @pytest.fixture
    def person(self, team):
        return make_member(team)

    @pytest.fixture
    def token(self, person):
        token, _ = issue_token(user=person, name="Pipeline", scopes=["read"], at=NOW, by=None)
        ApiToken.objects.filter(pk=token.pk).update(
            created_at=NOW - 60 * ONE_DAY, expires_at=NOW + 20 * ONE_DAY
        )
        return token

    def test_it_belongs_to_the_user_of_the_token(self, token, person, evaluate):
        evaluate()

        (issue,) = facts("token_expiry")
        assert (issue.owner, issue.due_on, issue.act_by) == (person, in_days(20), in_days(20))
        assert list(Issue.objects.visible_to(person)) == [issue]

    def test_the_token_of_a_service_account_belongs_to_the_owner_of_its_team(
        self, token, team, evaluate
    ):
        owner = make_member(team, TeamRole.OWNER)
        account = add_service(
            username="gateway", about="", team=team, role=TeamRole.EDITOR, by=owner
        )
        ApiToken.objects.filter(pk=token.pk).update(user=account)

        evaluate()

        assert facts("token_expiry")[0].owner == owner

    def test_a_token_for_two_weeks_announces_nothing(self, token, evaluate):
        ApiToken.objects.filter(pk=token.pk).update(
            created_at=NOW - ONE_DAY, expires_at=NOW + 13 * ONE_DAY
        )

        evaluate()

        assert not facts("token_expiry")

    @pytest.mark.parametrize(
        ("change", "at", "code"),
        [
            ({"expires_at": NOW + 200 * ONE_DAY}, NOW, "completed"),
            ({"revoked_at": NOW}, NOW, "completed"),
            ({}, NOW + 28 * ONE_DAY, "cause_ended"),
        ],
    )
    def test_its_resolution(self, token, evaluate, change, at, code):
        evaluate()
        ApiToken.objects.filter(pk=token.pk).update(created_at=NOW - 60 * ONE_DAY, **change)

        evaluate(at=at)

        assert resolution("token_expiry") == code


class TestStaleAssessment:
    @pytest.fixture
    def assessment(self, risk, dependency):
        return make_assessment(
            risk,
            dependency,
            state="stale",
            stale_cause="event",
            stale_since=NOW,
            owner=make_user(),
        )

    def test_the_assessments_of_a_risk_are_one_issue_of_the_application(
        self, risk, dependency, assessment, evaluate
    ):
        second = make_dependency(dependency.application, dependency.offering, "judge")
        other = make_assessment(risk, second, state="stale", stale_cause="event", stale_since=NOW)

        evaluate()

        (issue,) = facts("stale_assessment")
        assert issue.cause.subject == f"risk:{risk.pk}"
        assert (issue.owner, issue.act_by) == (assessment.owner, in_days(30))
        assert issue.details["assessments"] == [assessment.pk, other.pk]

    def test_a_smaller_risk_can_wait_longer(self, assessment, evaluate):
        Assessment.objects.update(inherent_likelihood=2, inherent_impact=2)

        evaluate()

        assert facts("stale_assessment")[0].act_by == in_days(60)

    def test_reassessing_it_completes_the_issue(self, assessment, evaluate):
        evaluate()
        Assessment.objects.update(state="assessed", stale_cause="")

        evaluate()

        assert resolution("stale_assessment") == "completed"

    def test_a_closed_risk_ends_the_cause(self, assessment, evaluate):
        evaluate()
        FoundationRisk.objects.update(closed_at=NOW)

        evaluate()

        assert resolution("stale_assessment") == "cause_ended"

    def test_without_the_dependency_it_is_no_longer_used(self, dependency, assessment, evaluate):
        evaluate()
        dependency.until = TODAY
        dependency.save()

        evaluate()

        assert resolution("stale_assessment") == "no_longer_used"


class TestUsageDiscrepancy:
    @pytest.mark.parametrize(("kind", "days"), [("shadow", 14), ("drift", 30)])
    def test_it_opens_with_the_discrepancy(self, application, evaluate, kind, days):
        row = Discrepancy.objects.create(key="a", kind=kind, application=application, opened_at=NOW)

        evaluate()

        (issue,) = facts("usage_discrepancy")
        assert issue.cause.subject == f"discrepancy:{row.pk}"
        assert (issue.application, issue.act_by) == (application, in_days(days))
        assert issue.details["type"] == kind

    @pytest.mark.parametrize(
        ("closed_as", "code"),
        [("declared", "completed"), ("dismissed", "completed"), ("ended", "cause_ended")],
    )
    def test_its_resolution(self, application, evaluate, closed_as, code):
        Discrepancy.objects.create(key="a", kind="drift", application=application, opened_at=NOW)
        evaluate()
        Discrepancy.objects.update(closed_at=NOW, closed_as=closed_as)

        evaluate()

        assert resolution("usage_discrepancy") == code


class TestMigrationTask:
    @pytest.fixture
    def task(self, dependency):
        return make_task(
            make_campaign(dependency.offering),
            dependency,
            owner=make_user(),
            start_by=in_days(25),
            finish_by=in_days(40),
        )

    def test_a_task_without_a_retirement_is_a_fact_itself(self, task, evaluate):
        evaluate()

        (issue,) = facts("migration_task")
        assert issue.cause.subject == f"campaign:{task.campaign_id}"
        assert (issue.owner, issue.task, issue.state) == (task.owner, task, "planned")
        assert (issue.start_by, issue.finish_by) == (in_days(25), in_days(40))
        assert (issue.due_on, issue.act_by) == (in_days(40), in_days(25))

    @pytest.mark.parametrize("state", ["in_progress", "ready"])
    def test_work_on_it_is_in_progress(self, task, evaluate, state):
        CampaignTask.objects.update(state=state)

        evaluate()

        assert facts("migration_task")[0].state == "in_progress"

    def test_a_deferral_is_accepted_until_it_expires(self, task, evaluate):
        CampaignTask.objects.update(
            state="waived",
            waived_by=task.owner,
            waived_until=in_days(60),
            waived_reason="Contract",
        )
        evaluate()
        (issue,) = facts("migration_task")
        assert (issue.state, issue.act_by) == ("accepted", in_days(60))

        evaluate(at=NOW + 60 * ONE_DAY)

        assert facts("migration_task")[0].state == "planned"

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"state": "done", "signed_off_at": NOW}, "completed"),
            ({"state": "obsolete"}, "cause_ended"),
        ],
    )
    def test_its_resolution(self, task, evaluate, change, code):
        evaluate()
        CampaignTask.objects.update(**change, signed_off_by=task.owner)

        evaluate()

        assert resolution("migration_task") == code

    def test_a_closed_campaign_ends_the_cause(self, task, evaluate):
        evaluate()
        task.campaign.state = "closed"
        task.campaign.save()

        evaluate()

        assert resolution("migration_task") == "cause_ended"

    @pytest.mark.parametrize(
        ("fields", "state"),
        [
            ({"state": "open"}, "planned"),
            ({"state": "in_progress"}, "in_progress"),
            ({"state": "ready"}, "in_progress"),
        ],
    )
    def test_the_task_on_a_model_that_retires_is_the_plan_of_the_retirement(
        self, task, dependency, evaluate, fields, state
    ):
        CampaignTask.objects.update(**fields)
        Offering.objects.filter(pk=dependency.offering_id).update(
            retires_on=in_days(90), date_kind="firm"
        )

        evaluate()

        (issue,) = facts("retirement")
        assert (issue.task, issue.state) == (task, state)
        assert not facts("migration_task")

    def test_a_deferred_task_accepts_the_retirement(self, task, dependency, evaluate):
        CampaignTask.objects.update(
            state="waived", waived_by=task.owner, waived_until=in_days(60), waived_reason="x"
        )
        Offering.objects.filter(pk=dependency.offering_id).update(
            retires_on=in_days(90), date_kind="firm"
        )

        evaluate()

        (issue,) = facts("retirement")
        assert (issue.state, issue.act_by) == ("accepted", in_days(60))

    def test_a_retirement_that_is_announced_later_continues_the_task(
        self, task, dependency, evaluate
    ):
        evaluate()
        Offering.objects.filter(pk=dependency.offering_id).update(
            retires_on=in_days(90), date_kind="firm"
        )

        evaluate()

        assert resolution("migration_task") == "duplicate"
        assert facts("retirement")[0].task == task

    def test_an_application_with_a_dependency_without_a_plan_is_not_planned(
        self, task, dependency, evaluate
    ):
        Offering.objects.filter(pk=dependency.offering_id).update(
            retires_on=in_days(90), date_kind="firm"
        )
        make_dependency(dependency.application, dependency.offering, "judge")

        evaluate()

        assert facts("retirement")[0].state == "open"


class TestFeedReview:
    @pytest.fixture
    def state(self, db):
        source = make_source("litellm", kind="litellm", enabled=True)
        source.poll_state, _ = PollState.objects.update_or_create(
            source=source, defaults={"last_success_at": NOW, "last_change_at": NOW}
        )
        return source.poll_state

    @pytest.mark.parametrize(
        ("fields", "health", "days"),
        [
            ({"suspect": True}, "suspect", 0),
            ({"last_success_at": NOW - 30 * ONE_DAY}, "late", 7),
            ({"last_success_at": None, "failures": 3}, "failing", 7),
        ],
    )
    def test_what_needs_a_review(self, state, evaluate, fields, health, days):
        PollState.objects.update(**fields)

        evaluate()

        (issue,) = facts("feed_review")
        assert issue.cause.subject == f"source:{state.source_id}"
        assert (issue.application, issue.act_by) == (None, in_days(days))
        assert issue.details == {"health": health}

    def test_one_that_has_never_been_read_becomes_one_when_others_are_late(self, state, evaluate):
        run = FeedRun.objects.create(
            source=state.source, trigger="schedule", queued_at=NOW, status="failed"
        )
        PollState.objects.update(last_success_at=None, failures=9, error="The name is unknown.")
        evaluate(at=run.queued_at + timedelta(minutes=state.source.stale_after_minutes))
        assert not facts("feed_review")

        evaluate(at=run.queued_at + timedelta(minutes=state.source.stale_after_minutes + 1))

        (issue,) = facts("feed_review")
        assert issue.details == {"health": "failing", "error": "The name is unknown."}

    @pytest.mark.parametrize("fields", [{}, {"failures": 1}, {"last_success_at": None}])
    def test_a_feed_that_is_up_to_date_or_new_needs_none(self, state, evaluate, fields):
        PollState.objects.update(**fields)

        evaluate()

        assert not facts("feed_review")

    def test_the_next_poll_ends_the_cause(self, state, evaluate):
        PollState.objects.update(suspect=True)
        evaluate()
        PollState.objects.update(suspect=False)

        evaluate()

        assert resolution("feed_review") == "cause_ended"


class TestMissingData:
    @pytest.fixture
    def find(self, evaluate):
        """Refresh the findings, then evaluate."""

        def run(at=NOW):
            refresh_all_applications(on=at.date())
            evaluate(at=at)

        return run

    @pytest.mark.parametrize(
        ("criticality", "days"), [(Criticality.CRITICAL, 0), (Criticality.LOW, 14)]
    )
    def test_an_error_is_due_soon(self, application, dependency, find, criticality, days):
        Application.objects.filter(pk=application.pk).update(criticality=criticality)
        make_dependency(application, dependency.offering, "fallback", fallback_order=1)

        find()

        (issue,) = facts("missing_data")
        assert issue.cause.subject == f"application:{application.pk}/fallback_is_primary"
        assert (issue.application, issue.act_by) == (application, in_days(days))

    def test_a_warning_can_wait(self, application, find):
        find()

        (issue,) = facts("missing_data")
        assert (issue.details["code"], issue.act_by) == ("no_primary", in_days(60))

    def test_a_note_is_none(self, dependency, find):
        find()

        assert not facts("missing_data")

    def test_an_exit_test_that_failed_is_one_and_an_expired_one_is_a_deadline(
        self, application, dependency, find
    ):
        make_exit_test(dependency, make_offering(), result="failed")
        expired = make_dependency(make_application(), make_offering())
        make_exit_test(expired, make_offering(), tested_on=in_days(-500))

        find()

        (issue,) = facts("missing_data")
        assert (issue.application, issue.details["code"]) == (application, "test_lapsed")
        assert facts("deadline", "exit_test")[0].application == expired.application

    def test_correcting_it_completes_the_issue(self, application, find):
        find()
        make_dependency(application, make_offering())

        find()

        assert resolution("missing_data") == "completed"

    def test_retiring_the_application_resolves_it(self, application, find):
        find()
        Application.objects.filter(pk=application.pk).update(status="retired")

        find()

        assert resolution("missing_data") == "no_longer_used"

    def test_a_retired_application_that_uses_models_is_an_issue_until_these_end(
        self, application, dependency, find
    ):
        Application.objects.filter(pk=application.pk).update(status="retired")
        find()
        assert facts("missing_data")[0].details["code"] == "retired_with_live"
        dependency.until = TODAY
        dependency.save()

        find()

        assert resolution("missing_data") == "completed"


class TestAcceptance:
    """A user's acceptance outranks what the fact says of its state."""

    def test_it_outranks_a_plan_until_it_expires(self, dependency, evaluate):
        Offering.objects.filter(pk=dependency.offering_id).update(
            retires_on=in_days(90), date_kind="firm"
        )
        make_task(make_campaign(dependency.offering), dependency)
        evaluate()
        Issue.objects.filter(cause__kind="retirement").update(
            accepted_until=in_days(20), accepted_by=make_user(), accepted_reason="Budget"
        )

        evaluate()
        (issue,) = facts("retirement")
        assert (issue.state, issue.act_by) == ("accepted", in_days(20))

        evaluate(at=NOW + 20 * ONE_DAY)
        assert facts("retirement")[0].state == "planned"


@pytest.mark.parametrize("day", [date(2026, 11, 24)])
def test_a_redirected_model_retires_with_the_one_served_instead(day, application, evaluate):
    foundation = make_foundation()
    replacement = make_offering(
        version=make_version(foundation=foundation), retires_on=in_days(50), date_kind="firm"
    )
    called = make_offering(
        host=replacement.host,
        lifecycle=Lifecycle.RETIRED,
        retires_on=day - ONE_DAY,
        date_kind="firm",
        end_behaviour="redirect",
        replacement=replacement,
    )
    refresh_footing([called.pk])
    make_dependency(application, called)

    evaluate()

    (issue,) = facts("retirement")
    assert issue.cause.subject == f"version:{replacement.version_id}"
    assert issue.due_on == in_days(50)


class TestDecisions:
    @pytest.fixture
    def proposal(self, db):
        policy = make_policy("host-share", name="Critical share of one host")
        return DecisionProposal.objects.create(
            kind="tolerance",
            target=f"policy:{policy.pk}",
            target_name=policy.name,
            reason="The board accepts more.",
            proposed_by=make_user(role="governance"),
            proposed_at=NOW,
        )

    def decide(self, proposal, state):
        proposal.state, proposal.decided_at = state, NOW
        proposal.decided_by = make_user(role="governance")
        proposal.save()

    def test_an_open_proposal_is_an_issue_of_the_organisation(self, proposal, evaluate):
        evaluate()

        (issue,) = facts("tolerance_change", "tolerance")
        assert (issue.application, issue.owner, issue.act_by) == (None, None, in_days(7))
        assert (issue.cause.subject, issue.details) == (
            proposal.target,
            {"proposal": proposal.pk},
        )
        subject = load_subjects([proposal.target])[proposal.target]
        assert (subject.name, subject.canonical) == (
            "Critical share of one host",
            "policy:host-share",
        )

    @pytest.mark.parametrize(
        ("state", "code"),
        [("confirmed", "completed"), ("rejected", "cause_ended"), ("withdrawn", "cause_ended")],
    )
    def test_it_is_resolved_when_it_is_decided(self, proposal, evaluate, state, code):
        evaluate()
        self.decide(proposal, state)

        evaluate()

        assert resolution("tolerance_change", "tolerance") == code

    def test_the_next_proposal_about_the_tolerance_opens_it_again(self, proposal, evaluate):
        evaluate()
        self.decide(proposal, "rejected")
        evaluate()
        proposal.pk, proposal.state = None, "proposed"
        proposal.decided_by = proposal.decided_at = None
        proposal.save()

        evaluate()

        (issue,) = facts("tolerance_change", "tolerance")
        assert issue.details == {"proposal": proposal.pk}
        assert Issue.objects.filter(cause__kind="tolerance_change").count() == 1

    def test_the_acceptance_of_a_risk_names_its_application(self, evaluate, world):
        dependency = world.application.dependencies.get()
        DecisionProposal.objects.create(
            kind="acceptance",
            target=f"risk:7/dependency-{dependency.pk}",
            target_name="Prompt injection for Motor damage estimator",
            dependency=dependency,
            reason="Small audience.",
            proposed_by=make_user(),
            proposed_at=NOW,
        )

        evaluate()

        (issue,) = facts("tolerance_change", "acceptance")
        assert issue.application is None
        assert issue.details["application"] == "Motor damage estimator"
        assert issue.details["applications"] == [world.application.pk]
