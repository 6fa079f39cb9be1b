"""Which run may send: a lease that is renewed at each message, not a lock that stays with a
connection."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F

from apps.alerts.actions import send_due_deliveries
from apps.alerts.delivery import dispatch
from apps.alerts.delivery.dispatch import (
    LEASE_DURATION,
    MAIL_LEASE,
    WEBHOOK_LEASE,
    send_mails,
    send_webhooks,
)
from apps.alerts.models import Delivery
from apps.common.database.leases import HeldLease, acquire_lease
from apps.common.models import Lease
from tests.alerts.delivery.smtp import Peer
from tests.builders import NOW, make_team
from tests.pooler import Pooler, advisory_locks


def make_deliveries(n: int) -> None:
    team = make_team()
    for number in range(n):
        Delivery.objects.create(
            team=team,
            address=f"reader{number}@example.org",
            message_id=f"<{number}@registry.invalid>",
            subject="Motor damage estimator loses a model",
            body_text="Text.\n",
            due_at=NOW,
        )


def lease_of_another_worker(name: str) -> HeldLease:
    lease = acquire_lease(name, duration=LEASE_DURATION)
    assert lease is not None
    return lease


def a_minute_passes() -> None:
    Lease.objects.update(expires_at=F("expires_at") - LEASE_DURATION)


@pytest.mark.django_db
def test_while_another_worker_sends_a_run_leaves_everything_to_it(smtp: Peer) -> None:
    make_deliveries(2)
    lease_of_another_worker(MAIL_LEASE)
    lease_of_another_worker(WEBHOOK_LEASE)

    assert send_mails(at=NOW) == 0
    assert send_webhooks(at=NOW) == 0

    assert set(Delivery.objects.values_list("state", "attempts")) == {("queued", 0)}


@pytest.mark.django_db
def test_a_worker_that_was_killed_holds_up_the_mail_for_a_minute(smtp: Peer) -> None:
    make_deliveries(2)
    lease_of_another_worker(MAIL_LEASE)
    assert timedelta(seconds=30) <= LEASE_DURATION <= timedelta(minutes=2)

    a_minute_passes()

    assert send_mails(at=NOW) == 2
    assert not Lease.objects.exists()


@pytest.mark.django_db
def test_a_long_run_keeps_its_lease_by_renewing_it_at_each_mail(smtp: Peer) -> None:
    make_deliveries(4)
    rivals: list[HeldLease | None] = []

    def half_a_minute_passes() -> None:
        Lease.objects.update(expires_at=F("expires_at") - LEASE_DURATION / 2)
        rivals.append(acquire_lease(MAIL_LEASE, duration=LEASE_DURATION))

    assert send_mails_with(half_a_minute_passes) == 4
    assert rivals == [None] * 4


def send_mails_with(meanwhile: Any) -> int:
    """Send, with `meanwhile` run in this process after each mail is taken."""
    settle = dispatch._record_outcome

    def settle_and(*arguments: Any, **options: Any) -> None:
        settle(*arguments, **options)
        meanwhile()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dispatch, "_record_outcome", settle_and)
        return send_mails(at=NOW)


@pytest.mark.django_db
def test_a_run_whose_lease_was_taken_over_stops_before_the_next_mail_and_leaves_the_other_its_lease(
    smtp: Peer,
) -> None:
    make_deliveries(3)
    others: list[HeldLease] = []

    def another_worker_takes_over() -> None:
        a_minute_passes()
        others.append(lease_of_another_worker(MAIL_LEASE))

    assert send_mails_with(another_worker_takes_over) == 1

    assert len(smtp.received) == 1
    assert sorted(Delivery.objects.values_list("state", "attempts")) == [
        ("queued", 0),
        ("queued", 0),
        ("sent", 1),
    ]
    assert [lease.holder for lease in Lease.objects.all()] == [others[0].holder]


@pytest.mark.django_db
def test_at_one_mail_in_two_minutes_the_lease_lasts_from_one_to_the_next(
    smtp: Peer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAIL_PER_SECOND = 1 / 120
    monkeypatch.setattr(dispatch, "MAX_SLEEP_SECONDS", 0.01)
    clock = [0.0]
    rivals: list[HeldLease | None] = []

    def sleep(_: float) -> None:
        clock[0] += 20
        Lease.objects.update(expires_at=F("expires_at") - timedelta(seconds=20))
        rivals.append(acquire_lease(MAIL_LEASE, duration=LEASE_DURATION))

    monkeypatch.setattr(dispatch.time, "sleep", sleep)
    monkeypatch.setattr(dispatch.time, "monotonic", lambda: clock[0])
    make_deliveries(2)

    assert send_mails(at=NOW) == 2
    assert len(rivals) >= 10
    assert set(rivals) == {None}


@pytest.mark.proof
@pytest.mark.pooler
@pytest.mark.django_db(transaction=True)
def test_behind_a_pooler_every_run_that_should_send_does_and_no_lock_stays(
    pooler: Pooler, smtp: Peer
) -> None:
    """A lock of the session stayed on a server connection, with nobody who could release it: then
    nothing was sent."""
    n_runs = 30
    stop = threading.Event()

    def other_client() -> None:
        while not stop.is_set():
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.005)")
        connection.close()

    with pooler.serving_tests():
        clients = [threading.Thread(target=other_client) for _ in range(3)]
        for client in clients:
            client.start()
        try:
            sent = []
            for _ in range(n_runs):
                Delivery.objects.all().delete()
                make_deliveries(1)
                sent.append(send_due_deliveries(at=NOW))
        finally:
            stop.set()
            for client in clients:
                client.join()
        assert not Lease.objects.exists()

    assert sent == [1] * n_runs
    assert advisory_locks() == []
