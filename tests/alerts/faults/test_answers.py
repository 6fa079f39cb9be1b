"""Whatever the mail server answers, at whatever step: what can be sent is sent once, what cannot is
said why."""

import pytest
from django.db.models import Q

from apps.alerts.models import Delivery
from tests.alerts.delivery.smtp import DROP, HANG, Step
from tests.alerts.faults.crowd import addresses, announce, make_crowd
from tests.alerts.faults.drill import Drill
from tests.alerts.faults.sums import assert_sums, ledger

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]

N = 5
# at the third of five recipients
THIRD = ["", ""]


def refused() -> list[tuple[str, str, int]]:
    return list(
        Delivery.objects.filter(~Q(state="sent")).values_list("state", "reason", "attempts")
    )


def test_a_crowd_is_mailed_over_one_connection(drill: Drill) -> None:
    teams = make_crowd(N)
    announce()

    drill.beat()

    assert assert_sums(drill.peer) == {"sent": N}
    assert sorted(drill.peer.recipients) == addresses(teams)
    assert drill.peer.n_connections == 1


@pytest.mark.parametrize(
    ("step", "answer", "said"),
    [
        (Step.RCPT, "450 4.2.1 Mailbox busy", "450 4.2.1 Mailbox busy"),
        (Step.END, "450 4.7.1 Greylisted", "450 4.7.1 Greylisted"),
    ],
)
def test_one_refused_for_now_waits_and_is_sent_later_while_the_others_are_mailed(
    drill: Drill, step: Step, answer: str, said: str
) -> None:
    make_crowd(N)
    announce()
    # and once more when it is tried again
    drill.peer.script[step].extend([*THIRD, answer, *THIRD, answer])

    drill.beat()

    assert refused() == [("queued", said, 1)]
    assert ledger() == {"sent": N - 1, "queued": 1}
    assert drill.peer.n_connections < N
    # too early: it is left alone
    drill.beat()
    assert refused() == [("queued", said, 1)]
    drill.go_on()
    assert assert_sums(drill.peer) == {"sent": N}
    assert sorted(Delivery.objects.values_list("attempts", flat=True)) == [1, 1, 1, 1, 3]


@pytest.mark.parametrize(
    ("step", "answer"),
    [(Step.RCPT, "550 5.1.1 No such mailbox"), (Step.END, "550 5.7.1 Not this content")],
)
def test_one_refused_for_good_fails_with_the_servers_words_while_the_others_are_mailed(
    drill: Drill, step: Step, answer: str
) -> None:
    make_crowd(N)
    announce()
    drill.peer.script[step].extend([*THIRD, answer])

    drill.beat()
    drill.go_on()
    drill.beat()

    assert refused() == [("failed", answer, 1)]
    assert assert_sums(drill.peer) == {"sent": N - 1, "failed": 1}
    assert drill.peer.n_connections < N


@pytest.mark.parametrize(
    ("step", "answer", "said"),
    [
        (Step.GREETING, "421 4.3.2 Too many connections", "421 4.3.2 Too many connections"),
        (Step.GREETING, "554 5.3.2 No mail here", "554 5.3.2 No mail here"),
        (Step.EHLO, "421 4.3.2 Shutting down", ""),
        (Step.MAIL, "421 4.3.2 Shutting down", "421 4.3.2 Shutting down"),
        (Step.RCPT, "421 4.3.2 Shutting down", "421 4.3.2 Shutting down"),
        (Step.END, "421 4.3.2 Shutting down", "421 4.3.2 Shutting down"),
        (Step.GREETING, DROP, "Connection unexpectedly closed"),
        (Step.MAIL, DROP, "Connection unexpectedly closed"),
        (Step.BODY, DROP, ""),
        (Step.END, DROP, "Connection unexpectedly closed"),
        (Step.GREETING, HANG, "timed out"),
        (Step.DATA, HANG, "timed out"),
        (Step.END, HANG, "timed out"),
    ],
)
def test_a_server_in_trouble_costs_one_delivery_one_attempt_and_everybody_is_mailed_later(
    drill: Drill, step: Step, answer: str, said: str
) -> None:
    teams = make_crowd(N)
    announce()
    drill.peer.script[step].append(answer)

    drill.beat()

    [(state, reason, attempts)] = Delivery.objects.filter(attempts__gt=0).values_list(
        "state", "reason", "attempts"
    )
    assert (state, attempts) == ("queued", 1)
    assert said in reason
    assert reason
    assert ledger() == {"queued": N}
    assert drill.peer.taken == []
    drill.go_on()
    assert assert_sums(drill.peer) == {"sent": N}
    assert sorted(drill.peer.recipients) == addresses(teams)


@pytest.mark.parametrize("step", [Step.RCPT, Step.BODY, Step.END])
def test_trouble_in_the_middle_of_a_run_leaves_what_was_sent_sent(drill: Drill, step: Step) -> None:
    make_crowd(N)
    announce()
    drill.peer.script[step].extend([*THIRD, DROP])

    drill.beat()

    assert ledger() == {"sent": 2, "queued": 3}
    drill.go_on()
    assert assert_sums(drill.peer) == {"sent": N}
    assert sum(Delivery.objects.values_list("attempts", flat=True)) == N + 1


def test_a_connection_that_dies_between_two_messages_costs_no_attempt(drill: Drill) -> None:
    make_crowd(N)
    announce()
    drill.peer.script[Step.FAREWELL].extend([*THIRD, DROP])

    drill.beat()

    assert assert_sums(drill.peer) == {"sent": N}
    assert drill.peer.n_connections == 2
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}


def test_a_server_that_takes_so_many_messages_over_one_connection_is_given_the_others_over_the_next(
    drill: Drill,
) -> None:
    make_crowd(N)
    announce()
    drill.peer.script[Step.MAIL].extend(
        [*THIRD, "421 4.7.0 Too many messages", *THIRD, "421 4.7.0 Too many messages"]
    )

    drill.beat()

    assert assert_sums(drill.peer) == {"sent": N}
    assert drill.peer.n_connections == 3
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}


def test_a_server_that_refuses_the_sender_is_our_fault_and_fails_no_mail(drill: Drill) -> None:
    make_crowd(N)
    announce()
    drill.peer.script[Step.MAIL].append("550 5.7.1 Sender not allowed")

    drill.beat()

    assert ledger() == {"queued": N}
    assert Delivery.objects.get(attempts=1).reason == "550 5.7.1 Sender not allowed"
    drill.go_on()
    assert assert_sums(drill.peer) == {"sent": N}
