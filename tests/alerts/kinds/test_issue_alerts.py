"""Alerts about issues: what is retired, not approved or late is never silent."""

from datetime import date, timedelta

import pytest

from apps.alerts.kinds.issue_alerts import REMINDER_DAYS, raise_issue_alerts
from apps.alerts.models import Alert, IssueAlertKind, Notice
from apps.catalog.models import Lifecycle
from apps.inventory.models import Approval
from apps.issues.evaluation import evaluate_issues
from apps.issues.models import Issue
from apps.issues.responses import accept_issue, resolve_issue
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_offering,
    make_user,
)
from tests.worlds.small import SmallWorld

ONE_DAY = timedelta(days=1)


@pytest.fixture
def retired(world: SmallWorld) -> SmallWorld:
    """The world's model retired on 20 October 2026, before the application was registered."""
    world.offering.retires_on, world.offering.lifecycle = date(2026, 10, 20), Lifecycle.RETIRED
    world.offering.save()
    return world


def raise_alerts(at=NOW) -> int:
    evaluate_issues(at=at)
    return raise_issue_alerts(at=at)


class TestRetiredModel:
    def test_a_retired_model_in_use_raises_an_alert_for_the_team(self, retired):
        assert raise_alerts() == 1

        alert = Alert.objects.get()
        assert (alert.kind, alert.team, alert.due_on) == (
            IssueAlertKind.RETIRED_MODEL_IN_USE,
            retired.team,
            date(2026, 10, 20),
        )
        assert alert.application_ids == [retired.application.pk]
        assert Notice.objects.owed().get().team == retired.team

    def test_it_is_urgent_for_a_critical_application(self, retired):
        raise_alerts()

        alert = Alert.objects.get()
        assert (alert.severity, alert.urgent) == (5, True)

    def test_a_second_run_raises_nothing(self, retired):
        raise_alerts()

        assert raise_alerts(at=NOW + ONE_DAY) == 0

    def test_it_is_raised_again_after_thirty_days_in_place_of_the_earlier_one(self, retired):
        raise_alerts()

        assert raise_alerts(at=NOW + timedelta(days=REMINDER_DAYS)) == 1

        first, second = Alert.objects.order_by("pk")
        assert (first.state, first.resolution) == ("resolved", "next_milestone")
        assert second.state == "open"

    def test_a_model_that_retires_later_raises_none(self, world):
        assert raise_alerts() == 0

    def test_an_alert_about_the_event_is_enough(self, retired):
        event = retired.event("retired", effective_on=date(2026, 10, 20))
        Alert.objects.create(
            key="event",
            kind="retired",
            severity=4,
            event=event,
            offering=retired.offering,
            team=retired.team,
            application_ids=[retired.application.pk],
            raised_at=NOW - ONE_DAY,
        )

        assert raise_alerts() == 0

    def test_an_alert_about_the_event_for_another_application_is_not(self, retired):
        other = make_application(team=retired.team)
        make_dependency(other, retired.offering)
        event = retired.event("retired", effective_on=date(2026, 10, 20))
        Alert.objects.create(
            key="event",
            kind="retired",
            severity=4,
            event=event,
            offering=retired.offering,
            team=retired.team,
            application_ids=[retired.application.pk],
            raised_at=NOW - ONE_DAY,
        )

        assert raise_alerts() == 1
        assert Alert.objects.get(subject_kind="issue").application_ids == [other.pk]


class TestEnd:
    def test_replacing_the_model_resolves_the_alert(self, retired):
        raise_alerts()
        retired.application.dependencies.update(until=TODAY)
        make_dependency(retired.application, make_offering(), since=TODAY)

        raise_alerts(at=NOW + ONE_DAY)

        alert = Alert.objects.get()
        assert (alert.state, alert.resolution) == ("resolved", "issue_resolved")

    def test_accepting_the_gap_resolves_it_until_the_acceptance_expires(self, retired):
        raise_alerts()
        accept_issue(
            issue=Issue.objects.get(),
            until=TODAY + timedelta(days=40),
            reason="Budget in January",
            by=make_user(role="governance"),
            at=NOW,
        )

        assert raise_alerts(at=NOW + ONE_DAY) == 0
        assert Alert.objects.get().state == "resolved"

        assert raise_alerts(at=NOW + timedelta(days=40)) == 1

    def test_a_user_who_resolves_the_issue_hears_of_it_no_more(self, retired):
        raise_alerts()
        resolve_issue(
            issue=Issue.objects.get(),
            by=make_user(role="governance"),
            at=NOW,
            reason="A test system",
        )

        assert raise_alerts(at=NOW + timedelta(days=31)) == 0


class TestApproval:
    def test_blocking_a_model_notifies_each_application_that_uses_it(self, world):
        other = make_application("Call summariser", team=world.team)
        make_dependency(other, world.offering)
        Approval.objects.create(
            offering=world.offering,
            decision="blocked",
            reason="Terms",
            approver=make_user(role="governance"),
            decided_on=TODAY,
        )

        assert raise_alerts() == 2

        alert = Alert.objects.get(application_ids=[world.application.pk])
        assert alert.kind == IssueAlertKind.APPROVAL_VIOLATED
        assert alert.details["grounds"] == ["blocked"]

    def test_a_violation_that_only_missing_data_could_settle_raises_none(self, world):
        Approval.objects.create(
            offering=world.offering,
            decision="restricted",
            data_classes=["public"],
            reason="Terms",
            approver=make_user(role="governance"),
            decided_on=TODAY,
            expires_on=TODAY + timedelta(days=300),
        )

        assert raise_alerts() == 0


def test_a_fallback_that_retires_first_raises_an_alert(world):
    fallback = make_offering("gemini-2.5-flash", retires_on=date(2027, 1, 10), date_kind="firm")
    make_dependency(world.application, fallback, "fallback", fallback_order=1)

    raise_alerts()

    alert = Alert.objects.get()
    assert (alert.kind, alert.due_on) == (IssueAlertKind.FALLBACK_RETIRES, date(2027, 1, 10))
