"""Alerts about issues: what is retired, not approved or late is never silent."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from apps.alerts import actions
from apps.alerts.kinds import issue_alerts
from apps.alerts.kinds.issue_alerts import REMINDER_DAYS, raise_issue_alerts
from apps.alerts.kinds.issue_text import issue_predicate
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
    make_campaign,
    make_dependency,
    make_exit_plan,
    make_offering,
    make_task,
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

    def test_many_are_raised_some_at_a_time(self, retired, monkeypatch):
        monkeypatch.setattr(issue_alerts, "ALERT_BATCH_SIZE", 2)
        for _ in range(4):
            make_dependency(make_application(team=retired.team), retired.offering)

        assert raise_alerts() == 5

        raised = Alert.objects.values_list("application_ids", flat=True)
        assert len({tuple(ids) for ids in raised}) == 5
        assert raise_alerts(at=NOW + timedelta(days=REMINDER_DAYS)) == 5
        assert Alert.objects.filter(state="open").count() == 5

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


class TestExpiredApproval:
    def test_each_application_that_needs_it_is_notified(self, world):
        Approval.objects.create(
            offering=world.offering,
            decision="approved",
            reason="Tested",
            approver=make_user(role="governance"),
            decided_on=TODAY - 300 * ONE_DAY,
            expires_on=TODAY,
        )

        assert raise_alerts() == 1

        alert = Alert.objects.get()
        assert (alert.kind, alert.due_on) == (IssueAlertKind.APPROVAL_VIOLATED, TODAY)
        assert alert.details["grounds"] == ["expired"]
        assert "is used although its approval expired on 24 November 2026" in issue_predicate(alert)

    def test_a_block_that_returns_on_the_same_day_is_told_again(self, world):
        approval = Approval.objects.create(
            offering=world.offering,
            decision="blocked",
            reason="Terms",
            approver=make_user(role="governance"),
            decided_on=TODAY,
        )
        raise_alerts()
        Approval.objects.update(revoked_at=NOW)
        raise_alerts(at=NOW + timedelta(minutes=5))
        approval.pk = None
        approval.save()

        assert raise_alerts(at=NOW + timedelta(minutes=10)) == 1


class TestLateMigration:
    """The world's model retires on 15 January 2027: a migration of 30 days starts by 2 December, 8
    days from now."""

    @pytest.fixture
    def late(self, world: SmallWorld) -> SmallWorld:
        dependency = world.application.dependencies.get()
        make_exit_plan(dependency, estimated_days=Decimal(30))
        return world

    def test_it_is_told_on_the_day_after_the_start_date(self, late):
        assert raise_alerts(at=NOW + 8 * ONE_DAY) == 0

        assert raise_alerts(at=NOW + 9 * ONE_DAY) == 1

        alert = Alert.objects.get()
        assert (alert.kind, alert.due_on) == (IssueAlertKind.MIGRATION_LATE, date(2027, 1, 15))
        assert (alert.severity, alert.urgent) == (5, True)
        assert issue_predicate(alert) == (
            "retires on 15 January 2027, and its migration should have started"
        )

    @pytest.mark.parametrize("role", ["fallback", "judge", "embedding"])
    def test_it_is_told_for_other_roles_too(self, late, role):
        late.application.dependencies.update(
            role=role, fallback_order=1 if role == "fallback" else 0
        )

        raise_alerts(at=NOW + 9 * ONE_DAY)

        assert Alert.objects.filter(kind=IssueAlertKind.MIGRATION_LATE).exists()

    def test_without_an_effort_the_start_date_is_two_weeks_before(self, world):
        assert raise_alerts(at=NOW + 38 * ONE_DAY) == 0

        assert raise_alerts(at=NOW + 39 * ONE_DAY) == 1

    def test_an_earliest_retirement_is_less_severe(self, late):
        late.offering.date_kind = "not_before"
        late.offering.save()

        raise_alerts(at=NOW + 9 * ONE_DAY)

        alert = Alert.objects.get()
        assert (alert.severity, alert.urgent) == (4, False)
        assert issue_predicate(alert).startswith("retires no earlier than 15 January 2027")

    def test_a_reminder_after_the_start_date_tells_of_it(self, late):
        self.tell("milestone", late, at=NOW + 9 * ONE_DAY)

        assert raise_alerts(at=NOW + 10 * ONE_DAY) == 0

    def test_a_reminder_before_the_start_date_does_not(self, late):
        self.tell("milestone", late, at=NOW + 6 * ONE_DAY)

        assert raise_alerts(at=NOW + 9 * ONE_DAY) == 1

    def tell(self, kind: str, world: SmallWorld, at) -> None:
        Alert.objects.create(
            key=kind,
            kind=kind,
            severity=4,
            subject_kind="offering",
            subject_id=world.offering.pk,
            offering=world.offering,
            team=world.team,
            application_ids=[world.application.pk],
            raised_at=at,
        )

    def test_the_minutely_job_leaves_it_to_the_reminders_that_are_due(self, late):
        at = NOW + 23 * ONE_DAY
        evaluate_issues(at=at)

        actions.raise_alerts(at=at)

        # the reminder of the retirement and the negative runway tell of it
        assert {alert.kind for alert in Alert.objects.live()} == {"milestone", "runway_negative"}

    def test_a_negative_runway_continues_it_without_another_message(self, late):
        raise_alerts(at=NOW + 9 * ONE_DAY)
        self.tell("runway_negative", late, at=NOW + 23 * ONE_DAY)

        raise_alerts(at=NOW + 23 * ONE_DAY)

        alert = Alert.objects.get(kind=IssueAlertKind.MIGRATION_LATE)
        assert (alert.state, alert.resolution) == ("resolved", "next_milestone")

    def test_a_migration_that_is_planned_is_on_time(self, late):
        raise_alerts(at=NOW + 9 * ONE_DAY)
        campaign = make_campaign(late.offering)
        make_task(campaign, late.application.dependencies.get())

        raise_alerts(at=NOW + 10 * ONE_DAY)

        alert = Alert.objects.get()
        assert (alert.state, alert.resolution) == ("resolved", "migration_on_time")

    def test_the_retirement_itself_is_told_in_its_place(self, late):
        raise_alerts(at=NOW + 40 * ONE_DAY)

        # due, and not confirmed by a source: said three days later
        assert raise_alerts(at=NOW + 52 * ONE_DAY) == 0
        raise_alerts(at=NOW + 55 * ONE_DAY)

        first, second = Alert.objects.order_by("pk")
        assert (first.kind, first.state) == (IssueAlertKind.MIGRATION_LATE, "resolved")
        assert (second.kind, second.state) == (IssueAlertKind.RETIRED_MODEL_IN_USE, "open")
