"""From an accepted event to a mail, by the tasks that beat calls."""

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.core.management import call_command

from apps.alerts.models import Alert, Delivery
from apps.alerts.tasks import raise_alerts, send_due_digests
from tests.builders import (
    NOW,
    make_application,
    make_dependency,
    make_event,
    make_offering,
    make_team,
)
from tests.worlds.small import make_small_world


@pytest.mark.django_db
def test_the_two_tasks_take_an_event_to_a_mail_once(settings: Any) -> None:
    settings.ALERT_GATHER_SECONDS = 0
    make_small_world().event()

    assert (raise_alerts(), raise_alerts()) == (1, 0)
    assert (send_due_digests(), send_due_digests()) == (1, 0)

    [message] = mail.outbox
    assert message.to == ["claims@example.org"]
    assert Delivery.objects.get().state == "sent"


@pytest.mark.django_db
def test_what_the_tasks_write_is_in_the_history_under_their_names() -> None:
    make_small_world().event()

    raise_alerts()

    written = apps.get_model("alerts", "AlertHistory").objects.select_related("pgh_context").get()
    assert written.pgh_context.metadata["job"] == "alerts.raise_alerts"


@pytest.mark.django_db
def test_a_digest_that_cannot_be_written_does_not_keep_the_others_in_the_queue(
    settings: Any,
) -> None:
    settings.ALERT_GATHER_SECONDS = 0
    make_small_world().event()
    offering = make_offering()
    make_dependency(make_application(team=make_team("Broken")), offering)
    make_event(offering)
    raise_alerts()
    Alert.objects.filter(team__name="Broken").update(application_ids={"not": ["a", "list"]})

    with pytest.raises(ExceptionGroup):
        send_due_digests()

    assert [message.to for message in mail.outbox] == [["claims@example.org"]]


@pytest.mark.django_db
def test_a_sweep_sends_what_its_moment_owes_without_waiting(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_small_world().event()

    call_command("sweep", at=(NOW + timedelta(seconds=5)).isoformat())

    assert '"alerts_raised": 1, "digests_queued": 1, "mails_sent": 1' in capsys.readouterr().out
    assert len(mail.outbox) == 1
