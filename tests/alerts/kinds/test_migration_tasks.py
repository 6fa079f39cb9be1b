"""Alerts about migration tasks: their owner is notified when one is assigned, before its dates, and
while it is late; the owners of the team when it is ready to sign off."""

import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.alerts.actions import queue_digests
from apps.alerts.kinds.migration_tasks import REMINDER_DAYS, raise_task_alerts
from apps.alerts.models import Alert, Delivery, Notice, TaskKind
from apps.catalog.models import Offering
from apps.exposure.campaigns.bulk_assignment import assign_tasks
from apps.exposure.models import Campaign, CampaignTask
from apps.inventory.models import Application
from apps.issues.evaluation import evaluate_issues
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_campaign,
    make_dependency,
    make_member,
    make_task,
    make_team,
    make_user,
)
from tests.worlds.small import SmallWorld

ONE_DAY = timedelta(days=1)


def in_days(n: int) -> date:
    return TODAY + timedelta(days=n)


def raise_on(n: int) -> int:
    return raise_task_alerts(at=NOW + n * ONE_DAY)


def alerted(kind: str = "") -> list[tuple[str, int]]:
    """Return (kind, day on which it was raised) of the alerts, in their order."""
    alerts = Alert.objects.order_by("pk")
    if kind:
        alerts = alerts.filter(kind=kind)
    return [(alert.kind, (alert.raised_at - NOW).days) for alert in alerts]


@pytest.fixture
def owner(world: SmallWorld) -> User:
    """An editor of the team, to whom the task is assigned."""
    return make_member(world.team, user=make_user("ilse", first_name="Ilse", last_name="Brandt"))


@pytest.fixture
def campaign(world: SmallWorld) -> Campaign:
    return make_campaign(world.offering, title="Off Gemini 2.5")


@pytest.fixture
def task(world: SmallWorld, campaign: Campaign, owner: User) -> CampaignTask:
    """A task that starts in 30 days and is finished in 45."""
    return make_task(
        campaign,
        world.application.dependencies.get(),
        owner=owner,
        start_by=in_days(30),
        finish_by=in_days(45),
        scheduled_on=TODAY,
    )


class TestAssignment:
    def test_the_owner_is_notified_and_the_mailbox_of_the_team_is_not(self, task, owner):
        assert raise_on(0) == 1

        alert = Alert.objects.get()
        assert (alert.kind, alert.subject_kind) == (TaskKind.ASSIGNED, "campaign")
        assert alert.subject_id == task.campaign_id
        notice = Notice.objects.owed().get()
        assert (notice.user, notice.why) == (owner, Notice.Why.ASSIGNED)

    def test_a_second_run_raises_nothing(self, task):
        raise_on(0)

        assert (raise_on(0), raise_on(1)) == (0, 0)

    def test_tasks_assigned_together_are_one_alert(self, world, campaign, owner):
        for n in range(5):
            dependency = make_dependency(
                make_application(f"Application {n}", team=world.team), world.offering
            )
            make_task(campaign, dependency)
        raise_on(0)
        assign_tasks(owner=owner, by=make_user(role="governance"), campaign=campaign)

        assert raise_task_alerts(at=NOW + timedelta(minutes=1)) == 1

        alert = Alert.objects.get(user=owner)
        assert (len(alert.application_ids), len(alert.details["tasks"])) == (5, 5)

    def test_another_owner_is_notified_and_the_alert_of_the_first_ends(self, task, world):
        raise_on(0)
        other = make_member(world.team)
        CampaignTask.objects.update(owner=other)

        raise_on(1)

        first, second = Alert.objects.order_by("pk")
        assert (first.state, first.resolution) == ("resolved", "task_changed")
        assert (second.user, second.state) == (other, "open")
        assert not Notice.objects.filter(occasion="resolved").exists()

    def test_an_owner_to_whom_it_returns_is_notified_again(self, task, owner, world):
        raise_on(0)
        CampaignTask.objects.update(owner=make_member(world.team))
        raise_on(1)
        CampaignTask.objects.update(owner=owner)

        assert raise_on(2) == 1
        assert Alert.objects.latest("pk").user == owner

    def test_without_an_owner_it_goes_to_the_owner_of_the_application(self, task, owner, world):
        CampaignTask.objects.update(owner=None)
        Application.objects.update(business_owner_person=owner, business_owner="ilse")

        raise_on(0)

        notice = Notice.objects.owed().get()
        assert (notice.user, notice.why) == (owner, Notice.Why.OWNER)

    def test_without_any_owner_it_goes_to_the_team(self, task, world):
        CampaignTask.objects.update(owner=None)

        raise_on(0)

        assert Notice.objects.owed().get().team == world.team

    def test_an_owner_who_has_left_is_none(self, task, owner, world):
        User.objects.filter(pk=owner.pk).update(is_active=False, state="closed")

        raise_on(0)

        assert Notice.objects.owed().get().team == world.team

    @pytest.mark.parametrize("state", ["done", "waived", "obsolete"])
    def test_a_task_without_work_left_raises_none(self, task, owner, state):
        CampaignTask.objects.update(
            state=state,
            signed_off_by=owner,
            signed_off_at=NOW,
            waived_by=owner,
            waived_until=in_days(100),
            waived_reason="Later",
        )

        assert raise_on(0) == 0

    def test_a_closed_campaign_raises_none_and_its_alerts_end(self, task, campaign):
        raise_on(0)
        Campaign.objects.update(state="closed")

        assert raise_on(40) == 0
        assert not Alert.objects.live().exists()


class TestReminders:
    def test_it_is_reminded_of_14_7_and_1_days_before_start_and_finish(self, task):
        for n in range(46):
            if n == 31:
                CampaignTask.objects.update(state="in_progress")
            raise_on(n)

        assert alerted("task_start_due") == [
            ("task_start_due", 16),
            ("task_start_due", 23),
            ("task_start_due", 29),
        ]
        assert alerted("task_finish_due") == [
            ("task_finish_due", 31),
            ("task_finish_due", 38),
            ("task_finish_due", 44),
        ]

    def test_a_later_reminder_replaces_the_earlier_one(self, task):
        raise_on(16)
        raise_on(23)

        first, second = Alert.objects.filter(kind="task_start_due").order_by("pk")
        assert (first.state, first.resolution) == ("resolved", "next_milestone")
        assert (second.state, second.milestone, second.due_on) == ("open", 7, in_days(30))

    def test_after_an_outage_only_the_last_of_several_is_raised(self, task):
        raise_on(0)
        raise_on(29)

        assert alerted("task_start_due") == [("task_start_due", 29)]

    def test_a_started_task_is_not_reminded_of_its_start(self, task):
        CampaignTask.objects.update(state="in_progress")

        raise_on(20)

        assert not alerted("task_start_due")

    def test_starting_it_ends_the_reminder(self, task):
        raise_on(16)
        CampaignTask.objects.update(state="in_progress")

        raise_on(17)

        assert Alert.objects.get(kind="task_start_due").resolution == "task_changed"

    def test_another_date_is_reminded_of_anew(self, task):
        raise_on(16)
        CampaignTask.objects.update(start_by=in_days(32), scheduled_on=in_days(16))

        raise_on(18)

        old, new = Alert.objects.filter(kind="task_start_due").order_by("pk")
        assert (old.state, new.due_on, new.milestone) == ("resolved", in_days(32), 14)

    def test_who_has_just_set_a_date_is_reminded_only_the_day_before(self, task):
        CampaignTask.objects.update(start_by=in_days(5), scheduled_on=TODAY)

        for n in range(5):
            raise_on(n)

        assert alerted("task_start_due") == [("task_start_due", 4)]

    def test_tasks_of_one_date_are_one_alert(self, task, world, campaign, owner):
        dependency = make_dependency(make_application(team=world.team), world.offering)
        make_task(campaign, dependency, owner=owner, start_by=in_days(30), finish_by=in_days(45))
        raise_on(0)

        assert raise_on(16) == 1

    def test_a_clock_that_was_ahead_does_not_use_up_a_reminder(self, task):
        raise_on(23)

        raise_on(16)

        assert alerted("task_start_due") == [("task_start_due", 23), ("task_start_due", 16)]


class TestLate:
    def late_alerts(self) -> list[tuple[int, date | None, bool]]:
        """Return (day of raising, date, whether it is overdue)."""
        return [
            (
                (alert.raised_at - NOW).days,
                alert.due_on,
                alert.details["tasks"][0]["is_overdue"],
            )
            for alert in Alert.objects.filter(kind="task_late").order_by("pk")
        ]

    def test_it_is_too_late_after_its_start_and_overdue_after_its_finish(self, task):
        for n in range(50):
            raise_on(n)

        assert self.late_alerts() == [
            (31, in_days(30), False),
            (46, in_days(45), True),
        ]

    def test_it_is_repeated_every_30_days_until_it_is_done(self, task, owner):
        for n in range(46, 120):
            raise_on(n)
        assert [n for n, _, _ in self.late_alerts()] == [46, 46 + REMINDER_DAYS, 106]
        assert Alert.objects.live().filter(kind="task_late").count() == 1

        CampaignTask.objects.update(state="done", signed_off_by=owner, signed_off_at=NOW)
        raise_on(150)

        assert not Alert.objects.live().exists()

    def test_a_task_in_progress_is_late_after_its_finish(self, task):
        CampaignTask.objects.update(state="in_progress")
        raise_on(31)
        assert not self.late_alerts()

        raise_on(46)

        assert self.late_alerts() == [(46, in_days(45), True)]

    def test_a_task_is_never_overdue_when_it_is_made(self, task):
        CampaignTask.objects.update(
            start_by=in_days(-40), finish_by=in_days(-2), scheduled_on=TODAY
        )

        raise_on(0)
        raise_on(5)

        assert self.late_alerts() == [(0, in_days(-40), False)]

    @pytest.mark.parametrize("scheduled", [None, -20, 0])
    @pytest.mark.parametrize("state", ["open", "in_progress", "ready"])
    @pytest.mark.parametrize(("start", "finish"), [(-10, -3), (-10, 0), (-10, 5), (0, 5), (3, 5)])
    def test_it_is_late_by_the_rule_of_the_pages(self, task, scheduled, state, start, finish):
        CampaignTask.objects.update(
            state=state,
            start_by=in_days(start),
            finish_by=in_days(finish),
            scheduled_on=None if scheduled is None else in_days(scheduled),
        )
        task.refresh_from_db()

        raise_on(0)

        timing = task.timing(TODAY)
        alert = Alert.objects.filter(kind="task_late").first()
        assert (timing.kind == "on_time") == (alert is None)
        if alert is not None:
            assert (TODAY - alert.due_on).days == timing.days
            assert alert.details["tasks"][0]["is_overdue"] == (timing.kind == "overdue")

    def test_it_is_urgent_and_escalated_for_a_critical_application(self, task):
        raise_on(31)

        alert = Alert.objects.get(kind="task_late")
        assert (alert.severity, alert.urgent) == (5, True)
        assert alert.escalate_at is not None

    def test_a_deferral_ends_it(self, task, owner):
        raise_on(31)
        CampaignTask.objects.update(
            state="waived", waived_by=owner, waived_until=in_days(90), waived_reason="Later"
        )

        raise_on(32)

        assert not Alert.objects.live().exists()


class TestReady:
    def test_the_owners_of_the_team_are_notified(self, task, world):
        signer = make_member(world.team, TeamRole.OWNER)
        CampaignTask.objects.update(state="ready")

        raise_on(0)

        alert = Alert.objects.get(kind="task_ready")
        (notice,) = alert.notices.all()
        assert (notice.user, notice.why) == (signer, Notice.Why.TEAM_OWNER)

    def test_without_an_owner_of_the_team_governance_is(self, task, world):
        governance = make_user(role="governance")
        CampaignTask.objects.update(state="ready")

        raise_on(0)

        alert = Alert.objects.get(kind="task_ready")
        assert alert.notices.filter(user=governance, why=Notice.Why.GOVERNANCE).exists()

    def test_it_is_repeated_after_30_days_and_ends_with_the_signature(self, task, owner):
        CampaignTask.objects.update(state="ready")
        for n in range(35):
            raise_on(n)
        assert alerted("task_ready") == [("task_ready", 0), ("task_ready", 30)]

        CampaignTask.objects.update(state="done", signed_off_by=owner, signed_off_at=NOW)
        raise_on(36)

        assert not Alert.objects.live().exists()

    def test_a_task_that_is_ready_again_is_told_again(self, task):
        CampaignTask.objects.update(state="ready")
        raise_on(0)
        CampaignTask.objects.update(state="in_progress")
        raise_on(1)
        CampaignTask.objects.update(state="ready")

        raise_on(2)

        assert alerted("task_ready") == [("task_ready", 0), ("task_ready", 2)]


class TestIssues:
    def notified(self, capsys: Any) -> list[Any]:
        call_command("issues")
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return [(row["kind"], row["notified"] is not None) for row in rows]

    def test_the_alert_tells_of_the_retirement_whose_plan_the_task_is(self, task, capsys):
        evaluate_issues(at=NOW)
        raise_on(0)

        assert self.notified(capsys) == [("retirement", True)]

    def test_the_alert_tells_of_the_issue_about_the_task(self, task, world, capsys):
        Offering.objects.update(retires_on=None, date_kind="")
        evaluate_issues(at=NOW)
        raise_on(0)

        assert self.notified(capsys) == [("migration_task", True)]


def texts(at: datetime, address: str) -> str:
    queue_digests(at=at, gather=timedelta(0))
    bodies = Delivery.objects.filter(address=address).order_by("pk")
    return " ".join(" ".join(body.body_text.split()) for body in bodies)


class TestDigest:
    @pytest.fixture(autouse=True)
    def later(self, world):
        """The model retires so late that nothing else is told."""
        Offering.objects.update(retires_on=None, date_kind="")

    def test_one_campaign_is_one_entry(self, task, world, campaign, owner):
        for n in range(3):
            application = make_application(f"Application {n}", team=world.team)
            make_task(
                campaign,
                make_dependency(application, world.offering),
                owner=owner,
                start_by=in_days(-5),
                finish_by=in_days(20),
            )
        raise_on(0)

        text = texts(NOW + ONE_DAY, "ilse@example.org")

        assert text.count("Off Gemini 2.5:") == 1
        assert "3 migration tasks are too late by 6 days." in text
        assert "4 migration tasks are assigned to Ilse Brandt." in text
        assert "because alerts are assigned to you" in text

    def test_a_reminder_says_the_date_and_the_days_left(self, task):
        raise_on(23)

        text = texts(NOW + 23 * ONE_DAY + ONE_DAY, "ilse@example.org")

        assert "1 migration task must be started by 24 December 2026, in 6 days." in text

    def test_the_subject_names_the_campaign(self, task):
        raise_on(0)
        texts(NOW + ONE_DAY, "ilse@example.org")

        assert Delivery.objects.get().subject == (
            "Off Gemini 2.5: 1 migration task is assigned to Ilse Brandt"
        )

    def test_an_application_of_another_team_is_not_named(self, task, world):
        raise_on(0)
        other = make_team("Elsewhere")
        Application.objects.update(team=other)

        assert "Motor damage" not in texts(NOW + ONE_DAY, "ilse@example.org")
