"""When each issue was notified last, whatever alert told of it."""

from datetime import timedelta

import pytest

from apps.alerts.actions import queue_digests, raise_alerts, raise_due_alerts
from apps.alerts.models import Delivery
from apps.alerts.queries import last_notifications
from apps.exposure.models import FlagEvent
from apps.issues.evaluation import evaluate_issues
from apps.issues.models import Issue
from tests.alerts.simulation import RIPE
from tests.builders import NOW, TODAY, make_flag, make_user
from tests.worlds.small import SmallWorld

pytestmark = pytest.mark.django_db


def notified(kind: str):
    issue = Issue.objects.get(cause__kind=kind)
    return last_notifications([issue.pk]).get(issue.pk)


def test_without_a_notification_there_is_no_time(world: SmallWorld):
    evaluate_issues(at=NOW)

    assert notified("retirement") is None


def test_a_retirement_is_notified_by_its_event(world: SmallWorld):
    world.event()
    evaluate_issues(at=NOW)

    raise_alerts(at=NOW)

    assert notified("retirement") == NOW


@pytest.mark.parametrize("state", ["failed", "skipped"])
def test_a_message_that_is_not_sent_is_no_notification(world: SmallWorld, state):
    world.event()
    evaluate_issues(at=NOW)
    raise_alerts(at=NOW)
    queue_digests(at=NOW + RIPE)
    assert notified("retirement") is not None

    Delivery.objects.update(state=state, reason="550")

    assert notified("retirement") is None


def test_the_time_of_sending_counts(world: SmallWorld):
    world.event()
    evaluate_issues(at=NOW)
    raise_alerts(at=NOW)
    queue_digests(at=NOW + RIPE)
    sent_at = NOW + timedelta(hours=2)

    Delivery.objects.update(state="sent", sent_at=sent_at)

    assert notified("retirement") == sent_at


def test_and_later_by_a_reminder(world: SmallWorld):
    evaluate_issues(at=NOW)

    raise_due_alerts(at=NOW)

    assert notified("retirement") == NOW


def test_a_flag_is_notified_by_its_event(world: SmallWorld):
    make_user(role="governance")
    make_flag()
    evaluate_issues(at=NOW)

    raise_alerts(at=NOW)

    assert FlagEvent.objects.exists()
    assert notified("exposure_flag") == NOW


def test_a_review_is_notified_by_its_reminder(world: SmallWorld):
    world.application.next_review_on = TODAY + timedelta(days=7)
    world.application.save()
    evaluate_issues(at=NOW)

    raise_due_alerts(at=NOW)

    assert notified("deadline") == NOW
