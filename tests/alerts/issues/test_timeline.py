"""The timeline of an issue: which notifications were sent, are pending, failed or were not sent."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.accounts.roles import TeamRole
from apps.alerts.actions import maintain_alerts, queue_digests, raise_alerts
from apps.alerts.issues.timeline import issue_notifications
from apps.alerts.models import Delivery, Notice, SkipReason
from apps.issues.evaluation import evaluate_issues
from apps.issues.models import Issue
from tests.alerts.simulation import RIPE
from tests.builders import NOW, make_application, make_dependency, make_member, make_team, make_user
from tests.http import text_of
from tests.worlds.small import SmallWorld

pytestmark = pytest.mark.django_db


@pytest.fixture
def ilse(world: SmallWorld):
    user = make_user("ilse", first_name="Ilse", last_name="Brandt", email="ilse@example.org")
    make_member(world.team, TeamRole.OWNER, user)
    world.application.business_owner_person = user
    world.application.save()
    return user


@pytest.fixture
def issue(world: SmallWorld, ilse) -> Issue:
    """An issue of whose announcement its owner and the mailbox are notified."""
    evaluate_issues(at=NOW)
    world.event()
    raise_alerts(at=NOW)
    return Issue.objects.get(cause__kind="retirement")


def sentences(issue, user) -> list[str]:
    return [entry.sentence for entry in issue_notifications(issue.pk, user=user)]


def test_pending_notifications_name_their_recipients_and_trigger(issue, ilse):
    assert sentences(issue, ilse) == [
        "A notification to the mailbox of Claims and Ilse Brandt is pending: retirement announced."
    ]


def test_a_sent_notification_has_its_time(issue, ilse):
    queue_digests(at=NOW + RIPE)
    sent_at = NOW + timedelta(hours=1)
    Delivery.objects.filter(user=ilse).update(state="sent", sent_at=sent_at)

    entry = issue_notifications(issue.pk, user=ilse)[0]

    assert (entry.kind, entry.at) == ("notification_sent", sent_at.replace(microsecond=0))
    assert entry.sentence == "A notification was sent to Ilse Brandt: retirement announced."


def test_a_failure_has_its_reason(issue, ilse):
    queue_digests(at=NOW + RIPE)
    Delivery.objects.filter(user=ilse).update(state="failed", reason="550 no such user")

    assert (
        "A notification to Ilse Brandt failed: retirement announced. 550 no such user"
        in sentences(issue, ilse)
    )


def test_a_skipped_notification_has_its_reason(issue, ilse):
    Notice.objects.filter(user=ilse).update(skip_reason=SkipReason.RESOLVED)

    assert (
        "A notification to Ilse Brandt was not sent: retirement announced. "
        "The alert was resolved before a message was due." in sentences(issue, ilse)
    )


def test_an_escalation_is_an_entry_of_its_own(world, issue, ilse):
    make_user("maren", role="governance", first_name="Maren", last_name="Vogt")
    other = make_member(world.team, TeamRole.OWNER, make_user("jonas", first_name="Jonas"))
    queue_digests(at=NOW + RIPE)
    Delivery.objects.update(state="sent", sent_at=NOW + RIPE)

    maintain_alerts(at=NOW + timedelta(days=2))

    assert "The issue was escalated to Jonas: retirement announced." in sentences(issue, other)


def test_members_of_another_team_see_none_of_it(world, issue):
    stranger = make_member(make_team("Other"), TeamRole.OWNER)

    assert sentences(issue, stranger) == []


def test_notifications_of_another_issue_are_not_shown(world, issue, ilse):
    other = make_application(team=world.team)
    make_dependency(other, world.offering)
    evaluate_issues(at=NOW)

    assert sentences(Issue.objects.get(application=other), ilse) == []


def test_the_number_of_statements_does_not_depend_on_the_recipients(
    world, issue, django_assert_num_queries
):
    governor = make_user(role="governance")
    alert = issue.alert_links.get().alert
    for _ in range(9):
        Notice.objects.create(alert=alert, user=make_user(), why="subscription", owed_at=NOW)

    with django_assert_num_queries(1):
        (sentence,) = sentences(issue, governor)

    assert "and 5 more is pending" in sentence


def test_the_page_shows_notifications_among_the_activity(issue, ilse, client):
    client.force_login(ilse)

    page = text_of(client.get(reverse("issues:detail", args=[issue.pk])))

    assert "is pending: retirement announced." in page
    assert "The issue was opened." in page


def test_rest_lists_them_with_their_kind(issue, ilse, api):
    rows = api(ilse).get(f"/api/v1/issues/{issue.pk}/activity/").json()

    assert {row["kind"] for row in rows} >= {"opened", "notification_pending"}
    assert [row["at"] for row in rows] == sorted((row["at"] for row in rows), reverse=True)
