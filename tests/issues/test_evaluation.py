"""Evaluation of retirements: one cause for a version, one issue for each application, and what
becomes of them when dates move, models are replaced or dates are withdrawn."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Lifecycle
from apps.inventory.models import Application, Criticality, Dependency
from apps.issues.models import Activity, Cause, Issue
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_exit_plan,
    make_exit_test,
    make_member,
    make_offering,
    make_provider,
)

ONE_DAY = timedelta(days=1)


def retirement_of(application: Application) -> Issue:
    return Issue.objects.select_related("cause").get(
        cause__kind="retirement", application=application
    )


class TestFacts:
    def test_a_retirement_is_one_cause_with_an_issue_for_each_application(self, world, evaluate):
        other = make_application("Call summariser", team=world.team)
        make_dependency(other, world.offering, "judge")

        counts = evaluate()

        cause = Cause.objects.get(kind="retirement")
        assert cause.subject == f"version:{world.offering.version_id}"
        assert {issue.application for issue in cause.issues.all()} == {world.application, other}
        assert counts.opened == 2

    def test_all_model_ids_of_a_version_at_all_hosts_are_one_cause(self, world, evaluate):
        elsewhere = make_offering(
            "gemini-2.5-pro-eu",
            host=make_provider("azure"),
            version=world.offering.version,
            retires_on=date(2027, 2, 1),
            date_kind="firm",
        )
        make_dependency(world.application, elsewhere, "fallback")

        evaluate()

        cause = Cause.objects.get(kind="retirement")
        assert set(cause.offerings.all()) == {world.offering, elsewhere}
        # the first date among the dependencies of the application
        assert retirement_of(world.application).due_on == date(2027, 1, 15)

    def test_an_application_that_is_not_in_scope_has_no_issue(self, world, evaluate):
        Application.objects.filter(pk=world.application.pk).update(status="proposed")

        assert evaluate().opened == 0

    def test_a_retirement_after_the_horizon_is_no_issue_yet(self, world, evaluate):
        world.offering.retires_on = TODAY + timedelta(days=181)
        world.offering.save()
        assert evaluate().opened == 0

        evaluate(at=NOW + ONE_DAY)

        assert retirement_of(world.application).due_on == TODAY + timedelta(days=181)

    def test_a_migration_that_takes_longer_is_an_issue_before_the_horizon(self, world, evaluate):
        world.offering.retires_on = TODAY + timedelta(days=300)
        world.offering.save()
        make_exit_plan(world.application.dependencies.get(), estimated_days=290)

        evaluate()

        assert retirement_of(world.application).act_by == TODAY + timedelta(days=10)

    def test_a_model_that_is_retired_and_still_used_is_an_issue_however_long_ago(
        self, world, evaluate
    ):
        world.offering.retires_on = date(2024, 1, 1)
        world.offering.lifecycle = Lifecycle.RETIRED
        world.offering.save()

        evaluate()

        issue = retirement_of(world.application)
        assert (issue.state, issue.act_by <= TODAY) == ("open", True)

    def test_a_retired_model_without_a_date_is_due_since_it_was_found(self, world, evaluate):
        world.offering.retires_on, world.offering.date_kind = None, ""
        world.offering.lifecycle = Lifecycle.RETIRED
        world.offering.save()

        evaluate()

        issue = retirement_of(world.application)
        assert (issue.due_on, issue.act_by) == (None, TODAY)

    def test_an_earliest_date_that_has_passed_announces_nothing(self, world, evaluate):
        world.offering.retires_on, world.offering.date_kind = TODAY - ONE_DAY, "not_before"
        world.offering.save()

        assert evaluate().opened == 0

    def test_a_model_id_without_a_date_retires_with_its_version_at_the_same_host(
        self, world, evaluate
    ):
        name = make_offering(
            "gemini-2.5-pro-eu", host=world.offering.host, version=world.offering.version
        )
        application = make_application(team=world.team)
        make_dependency(application, name)

        evaluate()

        assert retirement_of(application).due_on == date(2027, 1, 15)

    def test_a_date_at_another_host_does_not_concern_it(self, world, evaluate):
        name = make_offering(
            "gemini-2.5-pro", host=make_provider("azure"), version=world.offering.version
        )
        application = make_application(team=world.team)
        make_dependency(application, name)

        evaluate()

        assert not application.issues.filter(cause__kind="retirement").exists()


class TestDates:
    def test_finish_by_keeps_the_margin_and_start_by_the_effort(self, world, evaluate):
        make_exit_plan(world.application.dependencies.get(), estimated_days="20.5")

        evaluate()

        issue = retirement_of(world.application)
        assert issue.due_on == date(2027, 1, 15)
        assert issue.finish_by == date(2027, 1, 1)
        assert issue.start_by == date(2026, 12, 11)
        # the last day on which a migration can start, without the margin
        assert issue.act_by == date(2026, 12, 25)

    def test_the_last_test_that_did_not_fail_measures_the_effort(self, world, evaluate):
        dependency = world.application.dependencies.get()
        make_exit_plan(dependency, estimated_days=5)
        make_exit_test(dependency, make_offering(), effort_days=30)

        evaluate()

        issue = retirement_of(world.application)
        assert issue.act_by == date(2026, 12, 16)
        assert issue.details["basis"] == "test"

    def test_a_moved_date_moves_the_issue_and_opens_none(self, world, evaluate):
        evaluate()
        world.offering.retires_on = date(2027, 3, 1)
        world.offering.save()

        counts = evaluate(at=NOW + ONE_DAY)

        issue = retirement_of(world.application)
        assert (counts.opened, counts.updated, issue.due_on) == (0, 1, date(2027, 3, 1))
        moved = issue.activity.get(kind=Activity.Kind.DATES)
        assert moved.details == {"old": "2027-01-15", "new": "2027-03-01"}
        assert Cause.objects.get(kind="retirement").due_on == date(2027, 3, 1)

    def test_when_its_date_passes_the_same_issue_becomes_now(self, world, evaluate):
        evaluate()

        evaluate(at=NOW + timedelta(days=60))

        issue = retirement_of(world.application)
        assert Issue.objects.of_urgency(["now"], TODAY + timedelta(days=60)).get() == issue


class TestUnchanged:
    def test_a_second_evaluation_writes_nothing(self, world, evaluate):
        evaluate()
        history = Issue.history.rel.related_model.objects
        before = history.count()

        counts = evaluate(at=NOW + timedelta(hours=1))

        assert (counts.opened, counts.updated, counts.resolved) == (0, 0, 0)
        assert history.count() == before
        assert Activity.objects.count() == 1

    def test_the_number_of_statements_does_not_depend_on_the_number_of_applications(
        self, world, evaluate
    ):
        with CaptureQueriesContext(connection) as few:
            evaluate()
        for _ in range(20):
            make_dependency(make_application(team=world.team), world.offering)
        with CaptureQueriesContext(connection) as many:
            evaluate()

        assert len(many) == len(few)


class TestEnd:
    def test_replacing_the_model_resolves_the_issue_as_migrated(self, world, evaluate):
        evaluate()
        world.application.dependencies.update(until=TODAY)
        make_dependency(world.application, make_offering(), since=TODAY)

        counts = evaluate()

        issue = retirement_of(world.application)
        assert (issue.state, issue.resolution) == ("resolved", "migrated")
        assert issue.cause.closed_at == NOW
        assert (counts.resolved, counts.causes_closed) == (1, 1)

    def test_ending_the_use_resolves_it_as_no_longer_used(self, world, evaluate):
        evaluate()
        world.application.dependencies.update(until=TODAY)

        evaluate()

        assert retirement_of(world.application).resolution == "no_longer_used"

    def test_retiring_the_application_resolves_it_as_no_longer_used(self, world, evaluate):
        evaluate()
        Application.objects.filter(pk=world.application.pk).update(status="retired")

        evaluate()

        assert retirement_of(world.application).resolution == "no_longer_used"

    def test_withdrawing_the_date_resolves_it(self, world, evaluate):
        evaluate()
        world.offering.retires_on, world.offering.date_kind = None, ""
        world.offering.save()

        evaluate()

        assert retirement_of(world.application).resolution == "date_withdrawn"

    def test_a_date_that_moves_far_away_is_not_withdrawn(self, world, evaluate):
        evaluate()
        world.offering.retires_on = TODAY + timedelta(days=3000)
        world.offering.save()

        evaluate()

        assert retirement_of(world.application).resolution == "cause_ended"

    def test_a_date_that_returns_opens_the_same_issue_without_earlier_responses(
        self, world, evaluate, issue
    ):
        Issue.objects.filter(pk=issue.pk).update(state="acknowledged", acknowledged_at=NOW)
        world.offering.retires_on, world.offering.date_kind = None, ""
        world.offering.save()
        evaluate(at=NOW + ONE_DAY)
        world.offering.retires_on, world.offering.date_kind = date(2027, 2, 1), "firm"
        world.offering.save()

        counts = evaluate(at=NOW + 2 * ONE_DAY)

        issue.refresh_from_db()
        assert (counts.reopened, issue.state, issue.acknowledged_at) == (1, "open", None)
        assert issue.opened_at == NOW + 2 * ONE_DAY
        assert [entry.kind for entry in issue.activity.all()] == ["opened", "resolved", "reopened"]

    def test_one_of_two_applications_that_migrates_leaves_the_cause_open(self, world, evaluate):
        other = make_application(team=world.team)
        make_dependency(other, world.offering)
        evaluate()
        Dependency.objects.filter(application=other).delete()

        evaluate()

        assert retirement_of(other).state == "resolved"
        assert retirement_of(world.application).cause.is_open


class TestOwner:
    def test_the_owner_is_the_business_owner_who_can_view_the_application(self, world, evaluate):
        owner = make_member(world.team)
        Application.objects.filter(pk=world.application.pk).update(business_owner=owner.email)

        evaluate()

        assert retirement_of(world.application).owner == owner

    def test_a_name_without_access_leaves_the_issue_unassigned(self, world, evaluate):
        Application.objects.filter(pk=world.application.pk).update(business_owner="Nils")

        evaluate()

        assert retirement_of(world.application).owner is None

    def test_an_assigned_owner_stays_when_the_owner_of_the_application_changes(
        self, world, evaluate, issue
    ):
        assigned, other = make_member(world.team), make_member(world.team)
        Issue.objects.filter(pk=issue.pk).update(owner=assigned, assigned_by=other)
        Application.objects.filter(pk=world.application.pk).update(business_owner=other.email)

        evaluate()

        assert retirement_of(world.application).owner == assigned


class TestScope:
    def test_an_evaluation_of_some_applications_leaves_the_others_alone(self, world, evaluate):
        other = make_application(team=world.team, criticality=Criticality.LOW)
        make_dependency(other, world.offering)
        evaluate()
        world.offering.retires_on = date(2027, 3, 1)
        world.offering.save()

        evaluate(application_ids=[world.application.pk])

        assert retirement_of(world.application).due_on == date(2027, 3, 1)
        assert retirement_of(other).due_on == date(2027, 1, 15)

    def test_it_opens_what_a_new_dependency_makes_necessary(self, world, evaluate):
        other = make_application(team=world.team)
        make_dependency(other, world.offering)

        counts = evaluate(application_ids=[other.pk])

        assert counts.opened == 1
        assert not Issue.objects.filter(application=world.application).exists()

    def test_without_applications_nothing_is_asked_of_the_database(
        self, evaluate, django_assert_num_queries
    ):
        with django_assert_num_queries(0):
            evaluate(application_ids=[])


@pytest.mark.parametrize("state", ["open", "acknowledged"])
def test_a_snoozed_or_acknowledged_issue_follows_the_date(world, evaluate, issue, state):
    Issue.objects.filter(pk=issue.pk).update(
        state=state,
        acknowledged_at=NOW if state == "acknowledged" else None,
        snoozed_until=TODAY + timedelta(days=7),
    )
    world.offering.retires_on = date(2027, 3, 1)
    world.offering.save()

    evaluate()

    issue.refresh_from_db()
    assert (issue.state, issue.due_on) == (state, date(2027, 3, 1))
    assert issue.snoozed_until == TODAY + timedelta(days=7)
