"""Persons are notified of what others give them: issues, and comments that mention them. Deputies
are notified in addition to absent users."""

from datetime import date, timedelta

import pytest

from apps.accounts.models import Delegation
from apps.accounts.roles import TeamRole
from apps.alerts.actions import assign_alert, maintain_alerts, queue_digests, raise_alerts
from apps.alerts.lifecycle.bulk_responses import respond_to_alerts
from apps.alerts.models import Alert, Delivery, Notice
from apps.catalog.models import Lifecycle
from apps.issues import responses
from apps.issues.bulk_responses import respond_to_issues
from apps.issues.evaluation import evaluate_issues
from apps.issues.models import Issue
from apps.issues.responses import ResponseRequest
from apps.issues.undo import undo_response
from tests.alerts.simulation import RIPE, flat
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_member,
    make_team,
    make_user,
)
from tests.worlds.small import SmallWorld

pytestmark = pytest.mark.django_db


@pytest.fixture
def maren(world: SmallWorld):
    return make_user("maren", role="governance", first_name="Maren", last_name="Vogt")


@pytest.fixture
def ilse(world: SmallWorld):
    user = make_user("ilse", first_name="Ilse", last_name="Brandt", email="ilse@example.org")
    return make_member(world.team, TeamRole.EDITOR, user)


@pytest.fixture
def issue(world: SmallWorld, ilse, maren) -> Issue:
    evaluate_issues(at=NOW)
    return Issue.objects.select_related("cause", "team").get(cause__kind="retirement")


def notified(user) -> list[Notice]:
    return list(Notice.objects.filter(user=user).select_related("alert").order_by("pk"))


def mail_to(user) -> str:
    queue_digests(at=NOW + RIPE)
    delivery = Delivery.objects.get(user=user, state="queued")
    return flat(delivery.body_text)


def assign(issue, to, by):
    return responses.assign_issue(issue=issue, to=to, by=by, at=NOW)


def be_absent(person, deputy, *, since=TODAY, until=TODAY + timedelta(days=7)):
    Delegation.objects.create(person=person, deputy=deputy, since=since, until=until)


class TestAssignment:
    def test_the_owner_of_an_assigned_issue_is_notified(self, issue, ilse, maren):
        assign(issue, ilse, maren)

        (notice,) = notified(ilse)
        assert (notice.alert.kind, notice.why, notice.alert.state) == (
            "issue_assigned",
            "assigned",
            "open",
        )
        assert notice.alert.issue_links.get().issue == issue

    def test_the_email_names_who_assigned_it_and_the_fact(self, issue, ilse, maren):
        assign(issue, ilse, maren)

        text = mail_to(ilse)

        assert "Maren Vogt assigned the issue to you." in text
        assert "google/gemini-2.5-pro-001 retires on 15 January 2027" in text or (
            "retires on 15 January 2027" in text
        )
        assert f"/issues/{issue.pk}/" in text
        assert "because alerts are assigned to you" in text

    def test_who_takes_an_issue_needs_no_notification(self, issue, ilse):
        assign(issue, ilse, ilse)

        assert notified(ilse) == []

    def test_the_mailbox_and_other_members_are_not_notified(self, world, issue, ilse, maren):
        assign(issue, ilse, maren)

        assert Notice.objects.count() == 1

    def test_an_assignment_by_alert_is_one_notification(self, world, issue, ilse, maren):
        world.event()
        raise_alerts(at=NOW)
        alert = Alert.objects.get(kind="announced")

        assign_alert(alert=alert, to=ilse, by=maren, at=NOW)

        assert [notice.alert for notice in notified(ilse)] == [alert]

    def test_an_assignment_that_is_undone_is_not_sent(self, issue, ilse, maren):
        assign(issue, ilse, maren)

        undo_response(issue=issue, by=maren, at=NOW)

        (notice,) = notified(ilse)
        assert (notice.skip_reason, notice.alert.state) == ("unassigned", "resolved")

    def test_another_assignment_replaces_it(self, world, issue, ilse, maren):
        other = make_member(world.team, TeamRole.EDITOR)
        assign(issue, ilse, maren)

        assign(issue, other, maren)

        assert notified(ilse)[0].skip_reason == "unassigned"
        assert [notice.skip_reason for notice in notified(other)] == [""]

    def test_each_assignment_is_a_trigger_of_its_own(self, world, issue, ilse, maren):
        assign(issue, ilse, maren)
        assign(issue, None, maren)

        assign(issue, ilse, maren)

        assert [notice.skip_reason for notice in notified(ilse)] == ["unassigned", ""]

    def test_it_ends_with_the_issue_without_another_message(self, world, issue, ilse, maren):
        assign(issue, ilse, maren)
        queue_digests(at=NOW + RIPE)
        world.application.dependencies.update(until=TODAY)
        evaluate_issues(at=NOW)

        raise_alerts(at=NOW)

        (notice,) = notified(ilse)
        assert notice.alert.state == "resolved"

    def test_acknowledging_the_issue_acknowledges_it(self, issue, ilse, maren):
        assign(issue, ilse, maren)

        responses.acknowledge_issue(issue=issue, by=ilse, at=NOW)

        assert notified(ilse)[0].alert.state == "acknowledged"

    def test_acknowledging_it_acknowledges_the_issue(self, issue, ilse, maren):
        assign(issue, ilse, maren)

        respond_to_alerts(
            alert_ids=[notified(ilse)[0].alert_id], response="acknowledge", by=ilse, at=NOW
        )

        issue.refresh_from_db()
        assert (issue.state, issue.acknowledged_by) == ("acknowledged", ilse)

    def test_it_does_not_escalate(self, issue, ilse, maren):
        assign(issue, ilse, maren)
        queue_digests(at=NOW + RIPE)

        assert maintain_alerts(at=NOW + timedelta(days=30))["escalated"] == 0

    def test_an_issue_that_is_urgent_today_is_sent_immediately(self, world, issue, ilse, maren):
        Issue.objects.filter(pk=issue.pk).update(act_by=TODAY)

        assign(issue, ilse, maren)

        assert notified(ilse)[0].urgent

    def test_many_issues_are_one_email(self, world, ilse, maren):
        for n in range(3):
            application = make_application(f"Application {n}", team=world.team)
            make_dependency(application, world.offering)
        evaluate_issues(at=NOW)
        ids = list(Issue.objects.values_list("pk", flat=True))

        respond_to_issues(
            issue_ids=ids, request=ResponseRequest(response="assign", by=maren, at=NOW, to=ilse)
        )

        assert len(notified(ilse)) == 4
        assert mail_to(ilse).count("Maren Vogt assigned the issue to you.") == 4

    def test_who_lost_access_to_the_team_gets_nothing_and_nobody_else_does(
        self, world, issue, ilse, maren
    ):
        assign(issue, ilse, maren)
        ilse.memberships.all().delete()

        queue_digests(at=NOW + RIPE)

        delivery = Delivery.objects.get()
        assert (delivery.user, delivery.state, delivery.skip_reason) == (
            ilse,
            "skipped",
            "not_concerned",
        )
        assert Notice.objects.count() == 1

    def test_an_owner_reads_the_fact_once(self, world, issue, ilse, maren):
        world.application.business_owner_person = ilse
        world.application.save()
        world.event()
        raise_alerts(at=NOW)

        assign(issue, ilse, maren)

        text = mail_to(ilse)
        assert text.count("/issues/") == 0
        assert "Maren Vogt assigned the issue to you." in text
        assert "ASSIGNED ISSUES" not in text

    def test_the_reminder_of_the_issue_is_still_due(self, world, ilse, maren):
        world.offering.retires_on, world.offering.lifecycle = (
            date(2026, 10, 20),
            Lifecycle.RETIRED,
        )
        world.offering.save()
        evaluate_issues(at=NOW)
        assign(Issue.objects.get(), ilse, maren)

        raise_alerts(at=NOW)

        assert Alert.objects.filter(kind="retired_model_in_use", state="open").exists()

    def test_an_organisation_issue_is_assigned_to_governance(self, issue, maren):
        other = make_user(role="governance", email="jonas@example.org")
        organisation = Issue.objects.create(
            cause=issue.cause, act_by=TODAY, opened_at=NOW, application=None
        )

        assign(organisation, other, maren)

        assert "Maren Vogt assigned the issue to you." in mail_to(other)


class TestMention:
    def comment(self, issue, by, *mentions):
        return responses.comment_on_issue(
            issue=issue, text="Can you check the exit plan?", by=by, at=NOW, mentions=mentions
        )

    def test_a_mentioned_person_is_notified_with_the_comment(self, issue, ilse, maren):
        self.comment(issue, maren, ilse)

        (notice,) = notified(ilse)
        assert (notice.alert.kind, notice.why) == ("issue_mentioned", "mentioned")
        text = mail_to(ilse)
        assert 'Maren Vogt mentioned you in a comment: "Can you check the exit plan?"' in text
        assert "because you were mentioned in a comment" in text

    def test_it_needs_no_response(self, issue, ilse, maren):
        self.comment(issue, maren, ilse)

        assert not Alert.objects.live().exists()

    def test_the_author_is_not_notified(self, issue, ilse):
        self.comment(issue, ilse, ilse)

        assert not Notice.objects.exists()

    def test_a_comment_without_mentions_notifies_nobody(self, issue, ilse):
        self.comment(issue, ilse)

        assert not Notice.objects.exists()

    def test_two_comments_are_two_notifications(self, issue, ilse, maren):
        self.comment(issue, maren, ilse)
        self.comment(issue, maren, ilse)

        assert len(notified(ilse)) == 2
        assert mail_to(ilse).count("mentioned you") == 2


class TestDeputy:
    @pytest.fixture
    def jonas(self, world):
        user = make_user("jonas", first_name="Jonas", last_name="Weber", email="jonas@example.org")
        return make_member(world.team, TeamRole.EDITOR, user)

    def test_both_are_notified_and_the_deputy_reads_why(self, issue, ilse, jonas, maren):
        be_absent(ilse, jonas)

        assign(issue, ilse, maren)

        assert [notice.why for notice in notified(ilse)] == ["assigned"]
        assert [notice.why for notice in notified(jonas)] == ["deputy"]
        text = mail_to(jonas)
        assert "Maren Vogt assigned the issue to Ilse Brandt." in text
        assert "because you are the deputy of Ilse Brandt" in text
        assert "For Jonas Weber: as deputy of Ilse Brandt" in text

    def test_an_owner_who_is_absent_has_a_deputy_for_alerts(self, world, ilse, jonas):
        world.application.business_owner_person = ilse
        world.application.save()
        be_absent(ilse, jonas)
        world.event()

        raise_alerts(at=NOW)

        assert [notice.why for notice in notified(ilse)] == ["owner"]
        (notice,) = notified(jonas)
        assert (notice.why, notice.application_ids) == ("deputy", None)

    def test_the_day_of_the_return_has_no_deputy(self, issue, ilse, jonas, maren):
        be_absent(ilse, jonas, since=TODAY - timedelta(days=7), until=TODAY)

        assign(issue, ilse, maren)

        assert notified(jonas) == []

    def test_a_deputy_without_access_to_the_team_is_not_notified(self, issue, ilse, maren):
        stranger = make_member(make_team("Other"), TeamRole.OWNER)
        be_absent(ilse, stranger)

        assign(issue, ilse, maren)

        assert notified(stranger) == []

    def test_a_deputy_who_is_notified_anyway_is_notified_once(self, world, ilse, jonas):
        world.application.business_owner_person = ilse
        world.application.technical_owner_person = jonas
        world.application.save()
        be_absent(ilse, jonas)
        world.event()

        raise_alerts(at=NOW)

        assert [notice.why for notice in notified(jonas)] == ["owner"]

    def test_an_escalation_reaches_the_deputy_of_an_absent_team_owner(self, world, jonas):
        owner = make_member(world.team, TeamRole.OWNER)
        be_absent(owner, jonas, until=TODAY + timedelta(days=60))
        world.event()
        raise_alerts(at=NOW)
        queue_digests(at=NOW + RIPE)
        Delivery.objects.update(state="sent", sent_at=NOW + RIPE)

        maintain_alerts(at=NOW + timedelta(days=2))

        assert {notice.why for notice in notified(owner)} == {"escalation"}
        assert {notice.why for notice in notified(jonas)} == {"deputy"}
