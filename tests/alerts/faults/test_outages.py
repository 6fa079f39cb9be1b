"""The broker, the database or the mail server goes away in the middle of the work, and comes
back."""

from collections import Counter
from pathlib import Path

import pytest
from django.db import connection
from kombu.exceptions import OperationalError

from apps.alerts.models import Delivery, HandledEvent, Notice
from registry import embedded
from registry.celery import app
from tests.alerts.delivery.smtp import HANG, Step
from tests.alerts.faults.crowd import (
    addresses,
    announce,
    forget_the_windows,
    make_crowd,
    time_passes,
)
from tests.alerts.faults.drill import LONG_ENOUGH, RAISE, SEND, Drill, make_worker
from tests.alerts.faults.sums import assert_sums, ledger
from tests.processes import (
    blocked_sessions,
    end_sessions,
    forget_what_was_handed_out,
    holding,
    own_database,
    start_database,
    stop_database,
    wait_until,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]

N = 6


def test_a_broker_that_goes_away_in_the_middle_of_a_run_loses_and_doubles_nothing(
    drill: Drill, broker_folder: Path
) -> None:
    teams = make_crowd(N)
    announce()
    drill.peer.script[Step.DATA].extend(["", "", HANG])
    app.send_task(SEND)
    wait_until(
        lambda: drill.peer.reached[Step.DATA] == 3, "the third mail is on its way", drill.worker.log
    )

    embedded.stop(broker_folder)
    with pytest.raises(OperationalError):
        app.send_task(SEND)
    # whether the worker ends the task or the mail server's silence does: the third is not sent
    wait_until(
        lambda: drill.peer.n_open == 0, "the worker has let go of the mail server", drill.worker.log
    )
    later = announce()
    embedded.ensure(database=False, data=broker_folder)
    forget_what_was_handed_out(drill.broker)
    drill.beat(RAISE, SEND)
    drill.go_on()

    assert HandledEvent.objects.filter(event=later).exists()
    # what came while the broker was away waits for the next digest
    forget_the_windows()
    drill.beat()

    assert Counter(drill.peer.recipients) == dict.fromkeys(addresses(teams), 2)
    assert assert_sums(drill.peer) == {"sent": 2 * N}


def test_a_database_stopped_between_message_and_ledger_is_waited_for_and_nothing_is_doubled(
    drill: Drill, tmp_path: Path
) -> None:
    folder = tmp_path / "database"
    with own_database(folder):
        make_crowd(N)
        announce()
        # the third is taken while the database goes down: the worker has nowhere to write that
        drill.peer.when[Step.END] = lambda: (
            stop_database(folder) if drill.peer.reached[Step.END] == 3 else None
        )
        with make_worker(
            drill.broker, drill.server, tmp_path / "worker.log", queue="elsewhere"
        ) as worker:
            app.send_task(SEND, queue="elsewhere")
            wait_until(lambda: len(drill.peer.taken) == 3, "the third is taken", worker.log)
            connection.close()
            start_database(folder)

            wait_until(
                lambda: ledger() == {"sent": N}, "the worker finds its database again", worker.log
            )

        assert assert_sums(drill.peer) == {"sent": N}
        assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}


def test_a_session_that_the_database_ends_while_the_outbox_is_written_costs_a_minute(
    drill: Drill,
) -> None:
    make_crowd(N)
    announce()

    with holding("LOCK TABLE alerts_delivery IN SHARE MODE"):
        app.send_task(SEND)
        wait_until(
            lambda: bool(blocked_sessions()), "the worker writes the outbox", drill.worker.log
        )
        end_sessions(blocked_sessions())
    drill.beat()

    assert assert_sums(drill.peer) == {"sent": N}
    assert Notice.objects.count() == N


def test_a_mail_server_that_is_away_for_hours_costs_one_attempt_a_run_and_nobody_their_mail(
    drill: Drill,
) -> None:
    make_crowd(N)
    announce()
    with drill.server.away():
        for n_runs in range(1, 4):
            drill.beat()
            assert sum(Delivery.objects.values_list("attempts", flat=True)) == n_runs
            assert ledger() == {"queued": N}
        assert "refused" in Delivery.objects.order_by("-attempts")[0].reason

    time_passes(LONG_ENOUGH)
    drill.beat()

    assert assert_sums(drill.peer) == {"sent": N}
