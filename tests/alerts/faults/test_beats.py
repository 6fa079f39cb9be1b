"""Two beats, and two workers that do the same at once: one message per recipient and window all the
same."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction

from apps.alerts.actions import queue_digests, raise_alerts
from apps.alerts.models import Alert, Delivery, HandledEvent, Notice, Webhook
from apps.common.time import now
from registry.celery import app
from tests.alerts.faults.crowd import addresses, announce, make_crowd
from tests.alerts.faults.drill import RAISE, SEND, Drill, make_worker
from tests.alerts.faults.sums import assert_ledger, assert_sums
from tests.builders import make_user
from tests.feeds import loopback
from tests.pooler import BOTH_ROUTES
from tests.processes import blocked_sessions, holding, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]

N = 40
DUE = "alerts.raise_due_alerts"
KEEP = "alerts.keep_alerts"
POST = "alerts.send_webhooks"


@BOTH_ROUTES
def test_two_workers_and_every_task_three_times_make_one_mail_per_recipient(
    drill: Drill, route: dict[str, str], tmp_path: Path
) -> None:
    teams = make_crowd(N)
    news = [announce(), announce()]
    with make_worker(drill.broker, drill.server, tmp_path / "second.log", **route):
        # both are in the middle of raising before either may go on
        with holding("LOCK TABLE alerts_notice IN SHARE MODE"):
            for name in (RAISE, RAISE):
                app.send_task(name)
            wait_until(lambda: len(blocked_sessions()) == 2, "both workers raise", drill.worker.log)
        for name in (SEND, SEND, RAISE, DUE, KEEP, SEND, SEND, DUE, KEEP, RAISE):
            app.send_task(name)
        drill.beat(SEND, SEND)

    assert assert_sums(drill.peer) == {"sent": N}
    assert sorted(drill.peer.recipients) == addresses(teams)
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}
    assert Alert.objects.filter(event__in=news).count() == Alert.objects.count() == 2 * N
    assert Notice.objects.count() == 2 * N
    assert HandledEvent.objects.count() == 2


@pytest.mark.parametrize(("table", "n_written"), [("accounts_team", 3), ("alerts_webhook", 1)])
def test_a_worker_that_looked_before_another_one_wrote_writes_nothing_more(
    drill: Drill, table: str, n_written: int
) -> None:
    make_crowd(2)
    with loopback.Loopback() as receiver:
        receiver.route("/hook", loopback.plain(b"", status=204))
        Webhook.objects.create(
            name="Tickets", url=f"{receiver.url}/hook", created_by=make_user(role="governance")
        )
        announce()
        raise_alerts(at=now())

        # the worker has seen that something is due, and waits for the rows of the recipients, which
        # this one writes to
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
            app.send_task(SEND)
            wait_until(lambda: bool(blocked_sessions()), "the worker has looked", drill.worker.log)
            assert queue_digests(at=now(), gather=timedelta(0)) == n_written
        drill.beat(SEND, POST)
        drill.beat(SEND, POST)

    assert_ledger()
    assert len(receiver.requests) == 1
    assert sorted(Delivery.objects.values_list("address", "state", "attempts")) == [
        (f"{receiver.url}/hook", "sent", 1),
        ("team-0@example.org", "sent", 1),
        ("team-1@example.org", "sent", 1),
    ]
    assert sorted(drill.peer.recipients) == ["team-0@example.org", "team-1@example.org"]
