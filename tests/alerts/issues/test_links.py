"""Which issues an alert notifies of: incrementally, once, and with nothing lost when a run dies."""

from datetime import date, timedelta

import pytest
from django.db import transaction

from apps.accounts.roles import TeamRole
from apps.alerts.actions import (
    acknowledge_alert,
    assign_alert,
    raise_alerts,
    raise_due_alerts,
    snooze_alert,
)
from apps.alerts.issues.links import link_issues
from apps.alerts.models import Alert, AlertIssue, PendingLink
from apps.catalog.models import Lifecycle, NodeKind
from apps.issues.evaluation import evaluate_issues
from apps.issues.models import Issue
from tests.alerts.kinds.feed_states import backfill
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_assessment,
    make_dependency,
    make_member,
    make_node,
    make_offering,
    make_provider,
    make_risk,
    make_user,
)
from tests.threads import run_in_threads
from tests.worlds.small import SmallWorld, make_small_world

pytestmark = pytest.mark.django_db


def linked(kind: str) -> set[str]:
    """The kinds of the alerts that notify of the issues of a kind."""
    links = AlertIssue.objects.filter(issue__cause__kind=kind)
    return set(links.values_list("alert__kind", flat=True))


@transaction.atomic
def run_and_die(job, **options):
    job(**options)
    raise RuntimeError("killed")


class TestMatch:
    def test_an_announcement_notifies_of_the_retirement_of_its_model(self, world: SmallWorld):
        evaluate_issues(at=NOW)
        world.event()

        raise_alerts(at=NOW)

        assert linked("retirement") == {"announced"}

    def test_an_issue_that_opens_after_the_alert_is_linked_too(self, world: SmallWorld):
        world.event()
        raise_alerts(at=NOW)
        assert not AlertIssue.objects.exists()

        evaluate_issues(at=NOW)
        link_issues()

        assert linked("retirement") == {"announced"}

    def test_an_issue_of_another_application_is_not_linked(self, world: SmallWorld):
        world.event()
        raise_alerts(at=NOW)
        other = make_application(team=world.team)
        make_dependency(other, world.offering)
        evaluate_issues(at=NOW)

        link_issues()

        assert AlertIssue.objects.get().issue.application == world.application

    def test_an_alert_about_the_issue_is_linked_with_it(self, world: SmallWorld):
        world.offering.retires_on, world.offering.lifecycle = (
            date(2026, 10, 20),
            Lifecycle.RETIRED,
        )
        world.offering.save()
        evaluate_issues(at=NOW)

        raise_alerts(at=NOW)

        assert linked("retirement") == {"retired_model_in_use"}

    def test_a_price_change_is_no_notification_of_a_retirement(self, world: SmallWorld):
        evaluate_issues(at=NOW)
        world.event("repriced", old={"input": "1"}, new={"input": "2"})

        raise_alerts(at=NOW)

        assert not linked("retirement")

    def test_a_treatment_is_notified_by_its_reminder(self, world: SmallWorld):
        dependency = world.application.dependencies.get()
        make_assessment(
            make_risk(make_node(NodeKind.VERSION, world.offering.version)),
            dependency,
            treatment="reduce",
            due_on=TODAY + timedelta(days=7),
            owner=make_user("ilse", role="governance"),
        )
        evaluate_issues(at=NOW)

        raise_due_alerts(at=NOW)

        issue = Issue.objects.get(cause__subtype="treatment")
        assert {link.alert.kind for link in issue.alert_links.all()} == {"treatment_due"}

    def test_past_dates_of_a_feed_notify_of_their_model_alone(self, world: SmallWorld):
        ended = make_offering("gpt-4-0314", host=make_provider("openai", name="OpenAI"))
        make_dependency(world.application, ended)
        backfill(ended)
        ended.refresh_from_db()
        ended.lifecycle = Lifecycle.RETIRED
        ended.save()
        evaluate_issues(at=NOW)

        raise_alerts(at=NOW)

        (link,) = AlertIssue.objects.filter(alert__kind="backfilled")
        assert link.issue.cause.subject == f"version:{ended.version_id}"

    def test_another_model_id_of_the_cause_brings_the_alerts_about_it(self, world: SmallWorld):
        second = make_offering(
            "gemini-2.5-pro-eu",
            host=world.offering.host,
            version=world.offering.version,
            retires_on=world.offering.retires_on,
            date_kind="firm",
        )
        evaluate_issues(at=NOW)
        link_issues()
        make_dependency(world.application, second)
        alert = Alert.objects.create(
            key="milestone",
            kind="milestone",
            severity=3,
            subject_kind="offering",
            subject_id=second.pk,
            offering=second,
            team=world.team,
            application_ids=[world.application.pk],
            raised_at=NOW,
        )
        link_issues()
        assert not alert.issue_links.exists()

        evaluate_issues(at=NOW)
        link_issues()

        assert alert.issue_links.get().issue.cause.kind == "retirement"


class TestRuns:
    def test_a_second_run_links_nothing(self, world: SmallWorld):
        evaluate_issues(at=NOW)
        world.event()
        raise_alerts(at=NOW)

        assert link_issues() == 0
        assert not PendingLink.objects.exists()

    def test_the_queue_can_be_filled_again(self, world: SmallWorld):
        evaluate_issues(at=NOW)
        world.event()
        raise_alerts(at=NOW)
        PendingLink.objects.bulk_create(
            PendingLink(alert_id=pk) for pk in Alert.objects.values_list("pk", flat=True)
        )

        assert link_issues() == 0
        assert AlertIssue.objects.count() == 1

    def test_what_a_killed_run_has_not_committed_is_linked_by_the_next(self, world: SmallWorld):
        world.event()
        raise_alerts(at=NOW)
        evaluate_issues(at=NOW)
        with pytest.raises(RuntimeError):
            run_and_die(link_issues)
        assert not AlertIssue.objects.exists()

        assert link_issues() == 1

    def test_an_alert_of_a_transaction_that_fails_leaves_nothing(self, world: SmallWorld):
        world.event()
        with pytest.raises(RuntimeError):
            run_and_die(raise_alerts, at=NOW)

        assert not PendingLink.objects.filter(alert_id__isnull=False).exists()

    def test_an_idle_run_costs_one_statement(self, world: SmallWorld, django_assert_num_queries):
        link_issues()

        with django_assert_num_queries(1):
            link_issues()


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_the_same_time_link_once():
    world = make_small_world()
    evaluate_issues(at=NOW)
    world.event()
    raise_alerts(at=NOW)
    AlertIssue.objects.all().delete()
    PendingLink.objects.bulk_create(
        [
            *(PendingLink(alert_id=pk) for pk in Alert.objects.values_list("pk", flat=True)),
            *(PendingLink(issue_id=pk) for pk in Issue.objects.values_list("pk", flat=True)),
        ]
    )

    links = run_in_threads(2, link_issues)

    assert sum(links) == 1
    assert AlertIssue.objects.count() == 1


class TestEarlierResponses:
    """An issue that opens after its fact was responded to, as after an upgrade."""

    def test_an_acknowledgement_and_an_assignment_are_taken_over(self, world: SmallWorld):
        owner = make_member(world.team, TeamRole.OWNER)
        world.event()
        raise_alerts(at=NOW)
        alert = Alert.objects.get()
        acknowledge_alert(alert=alert, by=owner, at=NOW)
        assign_alert(alert=alert, to=owner, by=owner, at=NOW)

        evaluate_issues(at=NOW + timedelta(hours=1))
        link_issues()

        issue = Issue.objects.get(cause__kind="retirement")
        assert (issue.state, issue.acknowledged_by, issue.acknowledged_at) == (
            Issue.State.ACKNOWLEDGED,
            owner,
            NOW,
        )
        assert issue.owner == owner
        assert list(issue.activity.values_list("kind", "user")) == [
            ("opened", None),
            ("acknowledged", owner.pk),
            ("owner", None),
        ]

    def test_a_snooze_is_taken_over(self, world: SmallWorld):
        owner = make_member(world.team, TeamRole.OWNER)
        world.event()
        raise_alerts(at=NOW)
        until = TODAY + timedelta(days=9)
        snooze_alert(alert=Alert.objects.get(), until=until, by=owner, at=NOW)

        evaluate_issues(at=NOW + timedelta(hours=1))
        link_issues()

        issue = Issue.objects.get(cause__kind="retirement")
        assert (issue.state, issue.snoozed_until, issue.snoozed_by) == ("open", until, owner)

    def test_an_alert_without_a_response_leaves_its_issue_open(self, world: SmallWorld):
        owner = make_member(world.team, TeamRole.OWNER)
        world.event()
        raise_alerts(at=NOW)
        acknowledge_alert(alert=Alert.objects.get(), by=owner, at=NOW)
        world.event(kind="moved_earlier")
        raise_alerts(at=NOW)

        evaluate_issues(at=NOW + timedelta(hours=1))
        link_issues()

        issue = Issue.objects.get(cause__kind="retirement")
        assert (issue.state, issue.acknowledged_by) == ("open", None)
