"""Real processes: a worker that is killed, a broker that goes away, a beat that fires twice; nothing lost, nothing
doubled."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.db.models import F
from kombu.exceptions import OperationalError

from apps.alerts.models import Alert, Delivery, HandledEvent
from apps.alerts.sending import STALE_AFTER
from registry import embedded
from registry.celery import app
from registry.environment import redis_client_url
from tests.alerts.smtp import HANG, Server
from tests.alerts.world import make_world
from tests.processes import Worker, own_broker, sending_to, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

RAISE = "alerts.raise_alerts"
SEND = "alerts.send_due_digests"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    with own_broker(tmp_path / "broker") as url, sending_to(url):
        yield url


def worker(broker: str, server: Server, log: Path) -> Worker:
    return Worker(broker, log, EMAIL_URL=f"smtp://127.0.0.1:{server.port}", ALERT_GATHER_SECONDS="0")


def state_of_the_mail() -> str:
    return Delivery.objects.values_list("state", flat=True).first() or "none"


def nothing_is_queued(broker: str) -> bool:
    """Looked at twice, since a message is for a moment neither waiting nor handed out."""
    with redis.Redis.from_url(redis_client_url(broker)) as client:
        for _ in range(2):
            if client.llen("default") or client.hlen("unacked"):
                return False
            time.sleep(0.2)
    return True


def ten_minutes_pass() -> None:
    """What the clock does to a claim that nobody settled."""
    Delivery.objects.update(claimed_at=F("claimed_at") - STALE_AFTER - timedelta(seconds=1))


def test_a_worker_killed_between_claim_and_send_leaves_a_mail_that_the_next_one_sends_once(
    server: Server, broker: str, tmp_path: Path
) -> None:
    make_world().event()
    # the server takes the message in and never answers: the moment at which nobody knows
    server.peer.answers.append(HANG)
    with worker(broker, server, tmp_path / "first.log") as first:
        app.send_task(RAISE)
        app.send_task(SEND)
        wait_until(lambda: len(server.peer.received) == 1, "the mail is on its way", first.log)
        first.kill()
    assert state_of_the_mail() == "sending"

    with worker(broker, server, tmp_path / "second.log") as second:
        ten_minutes_pass()
        app.send_task(SEND)
        wait_until(lambda: state_of_the_mail() == "sent", "the second worker sends", second.log)

    delivery = Delivery.objects.get()
    assert delivery.attempts == 2
    assert {message["Message-ID"] for message in server.peer.received} == {delivery.message_id}
    assert len(server.peer.taken) == 1
    assert Alert.objects.count() == 1


def test_a_doubled_beat_sends_one_mail(server: Server, broker: str, tmp_path: Path) -> None:
    world = make_world()
    world.event()
    world.event("repriced", old={"input": "1"}, new={"input": "2"})
    for _ in range(2):
        app.send_task(RAISE)
    with worker(broker, server, tmp_path / "one.log") as one, worker(broker, server, tmp_path / "two.log") as two:
        wait_until(lambda: Alert.objects.count() == 2, "the alerts are raised", one.log)
        for _ in range(4):
            app.send_task(SEND)
        wait_until(lambda: state_of_the_mail() == "sent", "the mail is sent", two.log)
        wait_until(lambda: nothing_is_queued(broker), "every task has run", one.log)

    assert len(server.peer.received) == 1
    assert Delivery.objects.count() == 1
    assert Alert.objects.count() == 2
    assert HandledEvent.objects.count() == 2


def test_while_the_broker_is_away_alerts_stay_owed_and_are_sent_once_it_is_back(
    server: Server, broker: str, tmp_path: Path
) -> None:
    make_world().event()
    with worker(broker, server, tmp_path / "worker.log") as running:
        embedded.stop(tmp_path / "broker")
        for name in (RAISE, SEND):
            with pytest.raises(OperationalError):
                app.send_task(name)
        assert HandledEvent.objects.count() == 0
        assert server.peer.n_connections == 0

        embedded.ensure(database=False, data=tmp_path / "broker")
        app.send_task(RAISE)
        app.send_task(SEND)
        wait_until(lambda: state_of_the_mail() == "sent", "the worker is back at the broker", running.log)

    assert len(server.peer.received) == 1
