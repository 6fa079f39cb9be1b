"""One fact, one response: what a user does to an alert or to an issue moves the other, too."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.accounts.roles import TeamRole
from apps.alerts.actions import (
    InvalidResponseError,
    acknowledge_alert,
    assign_alert,
    queue_digests,
    raise_alerts,
    raise_due_alerts,
    reopen_alert,
    resolve_alert,
    snooze_alert,
    undo_response,
)
from apps.alerts.delivery import links
from apps.alerts.issues.links import link_issues
from apps.alerts.lifecycle.activity import alert_activity
from apps.alerts.lifecycle.bulk_responses import respond_to_alerts
from apps.alerts.models import Alert, AlertIssue, Delivery, Notice
from apps.common.time import now
from apps.inventory.models import Application
from apps.issues import responses
from apps.issues.bulk_responses import respond_to_issues
from apps.issues.evaluation import evaluate_issues
from apps.issues.models import Activity, Issue
from apps.issues.responses import ResponseRequest
from apps.issues.undo import undo_response as undo_issue_response
from tests.alerts.simulation import RIPE
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_contact,
    make_dependency,
    make_flag,
    make_member,
    make_team,
    make_user,
)
from tests.worlds.small import SmallWorld, make_small_world

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def editor(world: SmallWorld):
    return make_member(world.team, TeamRole.OWNER, make_user("ilse", first_name="Ilse"))


@pytest.fixture
def second(world: SmallWorld) -> Application:
    """Another application of the team on the same model."""
    application = make_application("Call summariser", team=world.team)
    make_dependency(application, world.offering)
    return application


def notify(world: SmallWorld) -> Alert:
    """The alert of the announcement, with the issues of its applications."""
    evaluate_issues(at=NOW)
    world.event()
    raise_alerts(at=NOW)
    return Alert.objects.filter(kind="announced").earliest("pk")


def issue_of(application: Application) -> Issue:
    return Issue.objects.get(application=application, cause__kind="retirement")


def states() -> set[str]:
    return set(Issue.objects.filter(cause__kind="retirement").values_list("state", flat=True))


def last_entry(issue: Issue) -> Activity:
    return issue.activity.latest("pk")


class TestAlertMovesIssues:
    def test_acknowledging_the_alert_acknowledges_its_issues(self, world, second, editor):
        alert = notify(world)

        acknowledge_alert(alert=alert, by=editor, at=LATER, reason="On it")

        assert states() == {"acknowledged"}
        entry = last_entry(issue_of(second))
        assert (entry.kind, entry.user, entry.text) == ("acknowledged", editor, "On it")

    def test_snoozing_the_alert_hides_them(self, world, editor):
        alert = notify(world)
        until = TODAY + timedelta(days=7)

        snooze_alert(alert=alert, until=until, by=editor, at=LATER)

        issue = issue_of(world.application)
        assert (issue.snoozed_until, issue.snoozed_by) == (until, editor)

    def test_assigning_the_alert_assigns_them_with_one_notification(self, world, editor):
        alert = notify(world)
        owner = make_member(world.team, TeamRole.EDITOR)

        assign_alert(alert=alert, to=owner, by=editor, at=LATER)

        assert issue_of(world.application).owner == owner
        assert Notice.objects.filter(user=owner).count() == 1

    def test_unassigning_the_alert_lets_the_owner_follow_the_application(self, world, editor):
        alert = notify(world)
        assign_alert(alert=alert, to=editor, by=editor, at=LATER)

        assign_alert(alert=alert, to=None, by=editor, at=LATER)

        assert issue_of(world.application).assigned_by is None

    def test_resolving_the_alert_resolves_them_with_its_reason(self, world, second, editor):
        alert = notify(world)

        resolve_alert(alert=alert, reason="Moved to Gemini 3", by=editor, at=LATER)

        assert states() == {"resolved"}
        assert last_entry(issue_of(second)).text == "Moved to Gemini 3"

    def test_an_issue_whose_state_belongs_to_another_record_is_not_resolved(self, world):
        governor = make_user(role="governance")
        make_flag()
        evaluate_issues(at=NOW)
        raise_alerts(at=NOW)

        resolve_alert(alert=Alert.objects.get(), reason="Fine", by=governor, at=LATER)

        assert Issue.objects.get(cause__kind="exposure_flag").state == "open"

    def test_an_issue_to_which_the_user_cannot_respond_stays_as_it_is(self, world, editor):
        alert = notify(world)
        other = make_application("Of another team")
        make_dependency(other, world.offering)
        evaluate_issues(at=NOW)
        AlertIssue.objects.create(alert=alert, issue=issue_of(other))

        acknowledge_alert(alert=alert, by=editor, at=LATER)

        assert issue_of(world.application).state == "acknowledged"
        assert issue_of(other).state == "open"

    def test_undo_takes_back_what_it_did(self, world, second, editor):
        alert = notify(world)
        acknowledge_alert(alert=alert, by=editor, at=LATER)

        undo_response(alert=alert, by=editor, at=LATER)

        assert states() == {"open"}
        assert last_entry(issue_of(second)).kind == "undone"

    def test_a_second_undo_restores_it(self, world, editor):
        alert = notify(world)
        acknowledge_alert(alert=alert, by=editor, at=LATER)
        undo_response(alert=alert, by=editor, at=LATER)

        undo_response(alert=alert, by=editor, at=LATER)

        assert states() == {"acknowledged"}

    def test_reopening_takes_back_the_response_of_another_user(self, world, editor):
        alert = notify(world)
        resolve_alert(alert=alert, reason="Done", by=editor, at=LATER)

        reopen_alert(alert=alert, by=make_user(role="governance"), at=LATER)

        assert states() == {"open"}

    def test_undo_keeps_a_later_response_to_the_issue(self, world, second, editor):
        alert = notify(world)
        acknowledge_alert(alert=alert, by=editor, at=LATER)
        responses.snooze_issue(
            issue=issue_of(second),
            until=TODAY + timedelta(days=3),
            by=make_member(world.team, TeamRole.EDITOR),
            at=LATER,
        )

        undo_response(alert=alert, by=editor, at=LATER)

        assert issue_of(world.application).state == "open"
        assert issue_of(second).state == "acknowledged"

    def test_the_number_of_statements_does_not_depend_on_the_issues(
        self, world, editor, django_assert_max_num_queries
    ):
        for n in range(12):
            application = make_application(f"Application {n}", team=world.team)
            make_dependency(application, world.offering)
        alert = notify(world)
        assert alert.issue_links.count() == 13

        with django_assert_max_num_queries(32):
            acknowledge_alert(alert=alert, by=editor, at=LATER)

        assert states() == {"acknowledged"}

    def test_a_failure_leaves_alert_and_issues_as_they_were(self, world, editor, monkeypatch):
        alert = notify(world)
        monkeypatch.setattr("apps.issues.responses.call_receivers", lambda entries: 1 / len([]))

        with pytest.raises(ZeroDivisionError):
            acknowledge_alert(alert=alert, by=editor, at=LATER)

        alert.refresh_from_db()
        assert (alert.state, states()) == ("open", {"open"})


class TestOtherAlertsOfTheIssue:
    @pytest.fixture
    def two(self, world) -> list[Alert]:
        """A reminder and the announcement of one retirement."""
        evaluate_issues(at=NOW)
        raise_due_alerts(at=NOW)
        world.event()
        raise_alerts(at=NOW)
        return list(Alert.objects.order_by("pk"))

    def test_they_are_acknowledged_too_and_escalate_no_further(self, two, editor):
        first, second = two
        assert second.escalate_at is not None

        acknowledge_alert(alert=first, by=editor, at=LATER, reason="On it")

        second.refresh_from_db()
        assert (second.state, second.escalate_at) == ("acknowledged", None)

    def test_both_are_answered_and_undone_together(self, two, editor):
        ids = [alert.pk for alert in two]

        respond_to_alerts(alert_ids=ids, response="acknowledge", by=editor, at=LATER)
        outcome = respond_to_alerts(alert_ids=ids, response="undo", by=editor, at=LATER)

        assert (list(outcome.answered), list(outcome.refused)) == (ids, [])
        assert set(Alert.objects.values_list("state", flat=True)) == {"open"}
        assert states() == {"open"}

    @pytest.mark.parametrize("response", ["acknowledge", "snooze", "assign", "resolve"])
    def test_a_response_to_many_costs_the_same_for_any_number(
        self, response, world, editor, django_assert_max_num_queries
    ):
        for n in range(12):
            make_dependency(make_application(f"Desk {n}", team=make_team()), world.offering)
        governance = make_user(role="governance")
        notify(world)
        alerts = Alert.objects.filter(kind="announced")
        ids = list(alerts.values_list("pk", flat=True))
        assert len(ids) > 10

        with django_assert_max_num_queries(22):
            outcome = respond_to_alerts(
                alert_ids=ids,
                response=response,
                by=governance,
                at=LATER,
                until=TODAY + timedelta(3),
                to=governance,
                reason="Moved",
            )

        assert (sorted(outcome.answered), list(outcome.refused)) == (sorted(ids), [])

    def test_an_assignment_of_many_to_a_member_of_the_teams_costs_the_same_for_any_number(
        self, world, django_assert_max_num_queries
    ):
        member, outside = make_user(), make_team()
        for n in range(12):
            team = make_team()
            make_member(team, user=member)
            make_dependency(make_application(f"Desk {n}", team=team), world.offering)
        make_dependency(make_application("Foreign", team=outside), world.offering)
        notify(world)
        foreign = Alert.objects.get(kind="announced", team=outside)
        ids = list(Alert.objects.filter(kind="announced").values_list("pk", flat=True))

        with django_assert_max_num_queries(24):
            outcome = respond_to_alerts(
                alert_ids=ids,
                response="assign",
                by=make_user(role="governance"),
                at=LATER,
                to=member,
            )

        assert len(outcome.answered) >= 12
        sentences = {each.alert_id: each.sentence for each in outcome.refused}
        assert f"{member} cannot view this alert." in sentences[foreign.pk]

    def test_both_governance_users_have_one_alert_less(self):
        first, _ = make_user(role="governance"), make_user(role="governance")
        make_flag()
        evaluate_issues(at=NOW)
        raise_alerts(at=NOW)

        acknowledge_alert(alert=Alert.objects.get(user=first), by=first, at=LATER)

        assert [row.state for row in Alert.objects.all()] == ["acknowledged"] * 2
        assert {row.acknowledged_by for row in Alert.objects.all()} == {first}


class TestIssueMovesAlerts:
    def test_acknowledging_the_only_issue_acknowledges_the_alert(self, world, editor):
        alert = notify(world)

        responses.acknowledge_issue(
            issue=issue_of(world.application), by=editor, at=LATER, reason="On it"
        )

        alert.refresh_from_db()
        assert (alert.state, alert.acknowledged_by, alert.escalate_at) == (
            "acknowledged",
            editor,
            None,
        )
        latest = alert_activity(alert)[0]
        assert (latest.who, latest.what, latest.reason) == (
            "Ilse",
            "acknowledged the alert",
            "On it",
        )

    def test_the_alert_waits_for_all_its_issues(self, world, second, editor):
        alert = notify(world)

        responses.acknowledge_issue(issue=issue_of(second), by=editor, at=LATER)
        alert.refresh_from_db()
        assert alert.state == "open"

        responses.snooze_issue(
            issue=issue_of(world.application),
            until=TODAY + timedelta(days=3),
            by=editor,
            at=LATER,
        )
        alert.refresh_from_db()
        assert alert.state == "acknowledged"

    def test_snoozing_all_snoozes_the_alert_until_the_first_returns(self, world, second, editor):
        alert = notify(world)
        for application, days in ((second, 9), (world.application, 4)):
            responses.snooze_issue(
                issue=issue_of(application),
                until=TODAY + timedelta(days=days),
                by=editor,
                at=LATER,
            )

        alert.refresh_from_db()
        assert (alert.state, alert.snoozed_until) == ("snoozed", TODAY + timedelta(days=4))

    def test_accepting_and_resolving_all_resolves_the_alert(self, world, second, editor):
        alert = notify(world)
        responses.accept_issue(
            issue=issue_of(second),
            until=TODAY + timedelta(days=30),
            reason="Budget",
            by=editor,
            at=LATER,
        )
        responses.resolve_issue(
            issue=issue_of(world.application), reason="Not needed", by=editor, at=LATER
        )

        alert.refresh_from_db()
        assert (alert.state, alert.resolution, alert.resolved_by) == (
            "resolved",
            "issue_resolved",
            editor,
        )
        assert not Notice.objects.owed().filter(alert=alert).exists()

    def test_undo_opens_the_alert_again_with_a_new_escalation(self, world, editor):
        alert = notify(world)
        issue = issue_of(world.application)
        responses.acknowledge_issue(issue=issue, by=editor, at=LATER)

        undo_issue_response(issue=issue, by=editor, at=LATER)

        alert.refresh_from_db()
        assert alert.state == "open"
        assert alert.escalate_at is not None

    def test_reopening_a_resolved_issue_opens_the_alert_and_its_notifications(self, world, editor):
        alert = notify(world)
        owed = Notice.objects.owed().filter(alert=alert).count()
        issue = issue_of(world.application)
        responses.resolve_issue(issue=issue, reason="Done", by=editor, at=LATER)

        responses.reopen_issue(issue=issue, by=editor, at=LATER)

        alert.refresh_from_db()
        assert alert.state == "open"
        assert Notice.objects.owed().filter(alert=alert).count() == owed > 0

    def test_an_alert_that_a_user_acknowledged_stays_so(self, world, editor):
        alert = notify(world)
        acknowledge_alert(alert=alert, by=editor, at=LATER)

        responses.reopen_issue(issue=issue_of(world.application), by=editor, at=LATER)

        alert.refresh_from_db()
        assert alert.state == "acknowledged"

    def test_many_issues_together_move_the_alert_once(self, world, second, editor):
        alert = notify(world)

        outcome = respond_to_issues(
            issue_ids=[issue_of(second).pk, issue_of(world.application).pk],
            request=ResponseRequest(response="acknowledge", by=editor, at=LATER),
        )

        alert.refresh_from_db()
        assert (len(outcome.updated), alert.state) == (2, "acknowledged")
        assert [entry.what for entry in alert_activity(alert)].count("acknowledged the alert") == 1

    def test_an_alert_of_a_moment_ago_is_moved_before_the_worker_links_it(self, world, editor):
        world.event()
        raise_alerts(at=NOW)
        evaluate_issues(at=NOW)
        assert not AlertIssue.objects.exists()

        responses.acknowledge_issue(issue=issue_of(world.application), by=editor, at=LATER)

        assert Alert.objects.get().state == "acknowledged"
        assert link_issues() == 0

    def test_a_comment_moves_nothing(self, world, editor):
        alert = notify(world)

        responses.comment_on_issue(
            issue=issue_of(world.application), text="Any news?", by=editor, at=LATER
        )

        alert.refresh_from_db()
        assert alert.state == "open"


class TestContact:
    def test_the_link_in_an_email_moves_the_issue(self, client):
        make_user("maren", role="governance", email="maren@insurer.example")
        contact = make_contact("ilse@insurer.example", first_name="Ilse", last_name="Brandt")
        world = make_small_world()
        Application.objects.update(business_owner_person=contact)
        alert = notify(world)
        queue_digests(at=NOW + RIPE)
        Delivery.objects.update(created_at=now())
        token = links.answer_token(Delivery.objects.get(user=contact))

        client.post(
            reverse("alerts:respond-by-link", args=[token]),
            {"action": "acknowledge", "alert": alert.pk},
        )

        entry = last_entry(issue_of(world.application))
        assert (entry.kind, entry.user) == ("acknowledged", contact)

    def test_a_contact_cannot_move_the_issue_of_another_application(self, world, second):
        contact = make_contact("ilse@insurer.example")
        Application.objects.filter(pk=second.pk).update(business_owner_person=contact)
        evaluate_issues(at=NOW)

        assert responses.can_respond(contact, issue_of(second))
        assert not responses.can_respond(contact, issue_of(world.application))


def test_a_rejected_response_to_the_alert_moves_no_issue(world, editor):
    alert = notify(world)

    with pytest.raises(InvalidResponseError):
        snooze_alert(alert=alert, until=TODAY, by=editor, at=LATER)

    assert issue_of(world.application).snoozed_until is None
