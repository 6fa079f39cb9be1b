"""A worker killed at every point between an event and the ledger: the next one finishes the work,
and what the server has twice is the mail that was in flight, under its one id.

The points are marked from outside: by locks on the database, and by the mail server. Who is killed
takes its tasks from a queue of its own, so that the worker that goes on waits meanwhile.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from apps.alerts.actions import queue_digests, raise_alerts
from apps.alerts.delivery.dispatch import LEASE_DURATION
from apps.alerts.models import Alert, Delivery, HandledEvent, Notice
from apps.common.time import now
from registry.celery import app
from tests.alerts.delivery.smtp import HANG, Step
from tests.alerts.faults.crowd import announce, make_crowd, time_passes
from tests.alerts.faults.drill import RAISE, SEND, Drill, make_worker
from tests.alerts.faults.sums import assert_sums, ledger
from tests.pooler import BOTH_ROUTES
from tests.processes import (
    Worker,
    blocked_sessions,
    database_url,
    end_sessions,
    forget_what_was_handed_out,
    holding,
    nothing_is_queued,
    wait_until,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]

N = 5
VICTIM = "victim"
# more than the buffers of both ends hold
LONG = "A line of a very long mail, of which there are many.\n" * 250_000


@pytest.fixture
def victim(drill: Drill, route: dict[str, str], tmp_path: Path) -> Iterator[Worker]:
    with make_worker(
        drill.broker, drill.server, tmp_path / "victim.log", queue=VICTIM, **route
    ) as running:
        yield running


def give(victim: Worker, task: str) -> None:
    app.send_task(task, queue=VICTIM)


def in_flight() -> str:
    return Delivery.objects.get(state=Delivery.State.SENDING).message_id


def test_killed_while_it_raises_it_has_raised_nothing(drill: Drill, victim: Worker) -> None:
    make_crowd(N)
    announce()

    with holding("LOCK TABLE alerts_notice IN SHARE MODE"):
        give(victim, RAISE)
        wait_until(
            lambda: bool(blocked_sessions()), "the worker writes down who is owed word", victim.log
        )
        victim.kill()

    assert not Alert.objects.exists()
    assert not HandledEvent.objects.exists()
    drill.beat(RAISE, SEND)
    assert assert_sums(drill.peer) == {"sent": N}
    assert Alert.objects.count() == Notice.objects.count() == N


def test_killed_while_it_writes_the_outbox_it_has_written_nothing(
    drill: Drill, victim: Worker
) -> None:
    make_crowd(N)
    announce()

    with holding("LOCK TABLE alerts_delivery IN SHARE MODE"):
        give(victim, SEND)
        wait_until(lambda: bool(blocked_sessions()), "the worker writes the outbox", victim.log)
        victim.kill()

    assert ledger() == {}
    assert Notice.objects.owed().count() == N
    drill.beat()
    assert assert_sums(drill.peer) == {"sent": N}


def test_killed_with_the_outbox_written_and_not_committed_it_has_written_nothing(
    drill: Drill, victim: Worker
) -> None:
    make_crowd(N)
    announce()

    with holding("LOCK TABLE alerts_preference IN SHARE MODE"):
        give(victim, SEND)
        wait_until(
            lambda: bool(blocked_sessions()),
            "the worker writes which window was served",
            victim.log,
        )
        victim.kill()

    assert ledger() == {}
    assert Notice.objects.owed().count() == N
    drill.beat()
    assert assert_sums(drill.peer) == {"sent": N}


@pytest.mark.parametrize(
    ("step", "route"),
    [
        (Step.GREETING, "direct"),
        (Step.RCPT, "direct"),
        (Step.DATA, "direct"),
        pytest.param(Step.DATA, "pooled", marks=pytest.mark.pooler),
    ],
    indirect=["route"],
)
def test_killed_between_claim_and_send_the_mail_is_sent_once_the_claim_is_stale(
    drill: Drill, victim: Worker, step: Step
) -> None:
    make_crowd(N)
    announce()
    drill.peer.script[step].append(HANG)

    give(victim, SEND)
    wait_until(lambda: drill.peer.reached[step] == 1, "the worker talks to the server", victim.log)
    victim.kill()

    # its lease still holds: nobody mails for the moment
    drill.beat()
    assert ledger() == {"sending": 1, "queued": N - 1}
    # a minute later only the claim still holds: the others are mailed, and this one waits
    time_passes(LEASE_DURATION)
    drill.beat()
    assert ledger() == {"sending": 1, "sent": N - 1}
    drill.go_on()
    assert assert_sums(drill.peer) == {"sent": N}
    assert len(drill.peer.received) == N


def test_killed_in_the_middle_of_a_mail_the_server_has_half_of_it_and_then_the_whole(
    drill: Drill, victim: Worker
) -> None:
    make_crowd(1)
    announce()
    raise_alerts(at=now())
    queue_digests(at=now(), gather=timedelta(0))
    Delivery.objects.update(body_text=LONG)
    drill.peer.script[Step.BODY].append(HANG)

    give(victim, SEND)
    wait_until(
        lambda: drill.peer.reached[Step.BODY] == 1, "the server has the first lines", victim.log
    )
    victim.kill()

    assert ledger() == {"sending": 1}
    assert drill.peer.received == []
    drill.go_on()
    assert assert_sums(drill.peer) == {"sent": 1}


def test_killed_before_the_server_answers_the_mail_may_come_twice_under_one_id(
    drill: Drill, victim: Worker
) -> None:
    make_crowd(N)
    announce()
    # the server takes the message, and by the time it answers nobody is there to hear it
    drill.peer.when[Step.END] = victim.kill
    give(victim, SEND)
    wait_until(lambda: len(drill.peer.taken) == 1, "the server has taken the first", victim.log)
    drill.peer.when.clear()
    flying = in_flight()

    drill.go_on()

    assert assert_sums(drill.peer, twice=[flying]) == {"sent": N}
    assert len(drill.peer.taken) == N + 1
    first, second = [message for message in drill.peer.taken if message["Message-ID"] == flying]
    assert first["Date"] == second["Date"]
    assert [part.get_content() for part in first.iter_parts()] == [
        part.get_content() for part in second.iter_parts()
    ]


def test_killed_before_it_writes_down_the_answer_the_mail_may_come_twice_under_one_id(
    drill: Drill, victim: Worker
) -> None:
    make_crowd(N)
    announce()
    other = psycopg.connect(database_url())
    # the server answers that it has taken it, and the row that would say so is locked
    drill.peer.when[Step.END] = lambda: other.execute(
        "SELECT FROM alerts_delivery WHERE state = 'sending' FOR UPDATE"
    )
    give(victim, SEND)
    wait_until(
        lambda: bool(drill.peer.taken and blocked_sessions()),
        "the worker writes down the answer",
        victim.log,
    )
    flying = in_flight()
    victim.kill()
    end_sessions(blocked_sessions())
    drill.peer.when.clear()
    other.rollback()
    other.close()

    assert ledger() == {"sending": 1, "queued": N - 1}
    drill.go_on()
    assert assert_sums(drill.peer, twice=[flying]) == {"sent": N}
    assert len(drill.peer.taken) == N + 1


@BOTH_ROUTES
def test_when_only_the_process_that_does_the_work_is_killed_the_worker_goes_on_by_itself(
    drill: Drill, victim: Worker
) -> None:
    make_crowd(N)
    announce()
    drill.peer.script[Step.DATA].append(HANG)
    # of victims before this one
    forget_what_was_handed_out(drill.broker)

    give(victim, SEND)
    wait_until(
        lambda: drill.peer.reached[Step.DATA] == 1, "the worker talks to the server", victim.log
    )
    victim.kill_child()

    # the broker hands the task out again, to the child that takes the other's place, which leaves
    # it to the dead one
    wait_until(
        lambda: nothing_is_queued(drill.broker, VICTIM), "the task has run again", victim.log
    )
    time_passes(LEASE_DURATION)
    give(victim, SEND)
    wait_until(
        lambda: ledger() == {"sending": 1, "sent": N - 1}, "the others are mailed", victim.log
    )
    drill.go_on()
    assert assert_sums(drill.peer) == {"sent": N}
