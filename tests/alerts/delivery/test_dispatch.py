"""Every way a mail server can refuse, and what becomes of the mail: nothing lost, nothing
doubled."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from apps.alerts.actions import queue_digests, raise_alerts, requeue_delivery, send_due_deliveries
from apps.alerts.delivery.dispatch import MAX_ATTEMPTS, STALE_AFTER, backoff
from apps.alerts.models import Delivery
from registry.environment import mailer
from tests.alerts.delivery.smtp import DROP, HANG, Peer
from tests.builders import NOW, make_team, make_user
from tests.processes import database_url
from tests.threads import run_in_threads
from tests.worlds.small import make_small_world

HOUR = timedelta(hours=1)


def make_delivery(address: str = "claims@example.org", **fields: Any) -> Delivery:
    fields.setdefault("message_id", f"<{address.split('@')[0]}@registry.invalid>")
    fields.setdefault("subject", "Motor damage estimator loses a model")
    fields.setdefault("body_text", "Text.\n")
    fields.setdefault("due_at", NOW)
    return Delivery.objects.create(team=make_team(), address=address, **fields)


def queued_digest() -> Delivery:
    world = make_small_world()
    world.event()
    raise_alerts(at=NOW)
    queue_digests(at=NOW, gather=timedelta(0))
    return Delivery.objects.get()


@pytest.mark.django_db
def test_a_queued_digest_reaches_its_one_recipient_and_is_marked_sent(smtp: Peer) -> None:
    delivery = queued_digest()

    assert send_due_deliveries(at=NOW) == 1

    delivery.refresh_from_db()
    assert delivery.state == "sent"
    assert delivery.sent_at is not None
    assert smtp.recipients == ["claims@example.org"]
    [message] = smtp.taken
    assert message["Message-ID"] == delivery.message_id
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["To"] == "claims@example.org"
    assert message["Cc"] is None
    assert message["Bcc"] is None
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.django_db
def test_what_is_sent_is_not_sent_again(smtp: Peer) -> None:
    make_delivery()
    send_due_deliveries(at=NOW)

    assert send_due_deliveries(at=NOW + timedelta(days=30)) == 0

    assert len(smtp.received) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["failed", "skipped", "sent"])
def test_a_settled_delivery_is_left_alone(smtp: Peer, state: str) -> None:
    make_delivery(state=state)

    assert send_due_deliveries(at=NOW) == 0

    assert smtp.n_connections == 0


@pytest.mark.django_db
def test_a_delivery_waits_for_its_time(smtp: Peer) -> None:
    make_delivery(due_at=NOW + HOUR)

    assert send_due_deliveries(at=NOW) == 0
    assert send_due_deliveries(at=NOW + HOUR) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "answer", ["451 4.7.1 Greylisted, come back", "452 4.2.2 Mailbox full", "421 4.3.2 Closing"]
)
def test_a_temporary_refusal_is_tried_again_later_under_the_same_message_id(
    smtp: Peer, answer: str
) -> None:
    delivery = make_delivery()
    smtp.answers.append(answer)

    assert send_due_deliveries(at=NOW) == 0

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.reason) == ("queued", 1, answer)
    assert timedelta(seconds=45) < delivery.due_at - NOW < timedelta(seconds=80)
    assert send_due_deliveries(at=NOW + timedelta(seconds=30)) == 0
    assert send_due_deliveries(at=NOW + timedelta(minutes=2)) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.reason) == ("sent", 2, "")
    assert [message["Message-ID"] for message in smtp.received] == [delivery.message_id] * 2
    assert len(smtp.taken) == 1


@pytest.mark.django_db
def test_a_recipient_refused_for_now_is_tried_again(smtp: Peer) -> None:
    delivery = make_delivery()
    smtp.rcpt_answers.append("450 4.2.1 Try later")

    send_due_deliveries(at=NOW)
    send_due_deliveries(at=NOW + timedelta(minutes=2))

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("sent", 2)


@pytest.mark.django_db
def test_one_refused_mail_does_not_hold_up_the_others(smtp: Peer) -> None:
    make_delivery("first@example.org")
    make_delivery("second@example.org")
    smtp.answers.append("451 Later")

    assert send_due_deliveries(at=NOW) == 1

    assert smtp.recipients == ["second@example.org"]


@pytest.mark.django_db
def test_a_refusal_for_good_fails_with_the_servers_words(smtp: Peer) -> None:
    by_content = make_delivery("content@example.org")
    by_address = make_delivery("address@example.org")
    smtp.rcpt_answers.extend(["250 OK", "550 5.1.1 No such mailbox"])
    smtp.answers.append("554 5.6.0 Not this")

    assert send_due_deliveries(at=NOW) == 0

    by_content.refresh_from_db()
    by_address.refresh_from_db()
    assert (by_content.state, by_content.reason) == ("failed", "554 5.6.0 Not this")
    assert (by_address.state, by_address.reason) == ("failed", "550 5.1.1 No such mailbox")
    assert send_due_deliveries(at=NOW + timedelta(days=2)) == 0


@pytest.mark.django_db
def test_a_server_that_asks_for_a_login_is_our_fault_and_fails_no_mail(smtp: Peer) -> None:
    make_delivery("first@example.org")
    make_delivery("second@example.org")
    smtp.rcpt_answers.append("530 5.7.0 Authentication required")

    send_due_deliveries(at=NOW)

    assert set(Delivery.objects.values_list("state", flat=True)) == {"queued"}
    assert sorted(Delivery.objects.values_list("attempts", flat=True)) == [0, 1]


@pytest.mark.proof
@pytest.mark.django_db
def test_silence_after_the_message_is_a_timeout_and_tried_again_under_the_same_message_id(
    smtp: Peer,
) -> None:
    delivery = make_delivery()
    smtp.answers.append(HANG)

    assert send_due_deliveries(at=NOW) == 0

    delivery.refresh_from_db()
    assert delivery.state == "queued"
    assert "timed out" in delivery.reason
    assert send_due_deliveries(at=NOW + HOUR) == 1
    assert {message["Message-ID"] for message in smtp.received} == {delivery.message_id}
    assert len(smtp.taken) == 1


@pytest.mark.django_db
def test_a_connection_lost_after_the_message_is_tried_again_under_the_same_message_id(
    smtp: Peer,
) -> None:
    delivery = make_delivery()
    smtp.answers.append(DROP)

    assert send_due_deliveries(at=NOW) == 0
    assert send_due_deliveries(at=NOW + HOUR) == 1

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("sent", 2)
    assert [message["Message-ID"] for message in smtp.received] == [delivery.message_id] * 2


@pytest.mark.django_db
def test_a_retry_carries_the_same_words_and_date(smtp: Peer) -> None:
    queued_digest()
    smtp.answers.append(DROP)

    send_due_deliveries(at=NOW)
    send_due_deliveries(at=NOW + HOUR)

    first, second = smtp.received
    assert first["Date"] == second["Date"]
    assert [part.get_content() for part in first.iter_parts()] == [
        part.get_content() for part in second.iter_parts()
    ]


@pytest.mark.proof
@pytest.mark.django_db
def test_a_server_that_never_says_goodbye_has_still_taken_the_mail(smtp: Peer) -> None:
    make_delivery()
    smtp.hangs_on_quit = True

    assert send_due_deliveries(at=NOW) == 1
    assert send_due_deliveries(at=NOW + HOUR) == 0

    assert len(smtp.received) == 1


@pytest.mark.django_db
def test_a_server_that_is_away_costs_one_delivery_one_attempt_and_the_rest_nothing(
    settings: Any, smtp: Peer
) -> None:
    for n in range(3):
        make_delivery(f"reader{n}@example.org")
    there = settings.MAILERS
    settings.MAILERS = {"default": mailer("smtp://127.0.0.1:1", timeout_seconds=1)}

    assert send_due_deliveries(at=NOW) == 0

    assert sorted(Delivery.objects.values_list("attempts", flat=True)) == [0, 0, 1]
    settings.MAILERS = there
    assert send_due_deliveries(at=NOW + HOUR) == 3
    assert sorted(smtp.recipients) == [
        "reader0@example.org",
        "reader1@example.org",
        "reader2@example.org",
    ]


@pytest.mark.django_db
def test_tries_span_more_than_a_day_and_then_the_delivery_fails_with_the_last_reason(
    smtp: Peer,
) -> None:
    delivery = make_delivery()
    smtp.answers.extend(["451 Not now"] * (MAX_ATTEMPTS + 5))

    moment = NOW
    for _ in range(MAX_ATTEMPTS + 5):
        send_due_deliveries(at=moment)
        moment += 2 * HOUR

    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason) == ("failed", "451 Not now")
    assert len(smtp.received) == MAX_ATTEMPTS
    waits = [wait for n in range(1, MAX_ATTEMPTS) if (wait := backoff(n))]
    assert sum(waits, timedelta()) > timedelta(hours=23)
    assert waits == sorted(waits)


@pytest.mark.django_db
def test_a_claim_that_nobody_settled_is_taken_over_after_ten_minutes(smtp: Peer) -> None:
    delivery = make_delivery(state="sending", claimed_at=NOW, attempts=1)

    assert send_due_deliveries(at=NOW + STALE_AFTER - timedelta(seconds=1)) == 0
    assert send_due_deliveries(at=NOW + STALE_AFTER) == 1

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("sent", 2)


@pytest.mark.django_db(transaction=True)
def test_a_sender_whose_claim_was_taken_over_records_no_outcome(smtp: Peer) -> None:
    delivery = make_delivery()

    def another_sender_claims_it() -> None:
        with psycopg.connect(database_url()) as other:
            other.execute(
                "UPDATE alerts_delivery SET attempts = attempts + 1 WHERE id = %s", [delivery.pk]
            )

    smtp.meanwhile = another_sender_claims_it
    smtp.answers.append("554 5.6.0 Not this")

    send_due_deliveries(at=NOW)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.reason) == ("sending", 2, "")


@pytest.mark.django_db
def test_a_delivery_that_ends_every_worker_is_given_up(smtp: Peer) -> None:
    delivery = make_delivery(state="sending", claimed_at=NOW, attempts=MAX_ATTEMPTS)

    assert send_due_deliveries(at=NOW + HOUR) == 0

    delivery.refresh_from_db()
    assert delivery.state == "failed"
    assert smtp.n_connections == 0


@pytest.mark.django_db
def test_a_message_that_cannot_be_written_fails_and_the_next_one_goes_out(smtp: Peer) -> None:
    broken = make_delivery("first@example.org", subject="One line\nBcc: everyone@example.org")
    make_delivery("second@example.org")

    assert send_due_deliveries(at=NOW) == 1

    broken.refresh_from_db()
    assert broken.state == "failed"
    assert smtp.recipients == ["second@example.org"]


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_each_mail_once(smtp: Peer) -> None:
    for n in range(12):
        make_delivery(f"reader{n}@example.org")

    run_in_threads(3, lambda: send_due_deliveries(at=NOW))

    assert len(smtp.received) == 12
    assert len({message["Message-ID"] for message in smtp.received}) == 12
    assert set(Delivery.objects.values_list("state", "attempts")) == {("sent", 1)}


@pytest.mark.django_db(transaction=True)
def test_a_database_that_restarts_while_a_mail_is_on_its_way_does_not_double_it(smtp: Peer) -> None:
    delivery = make_delivery()
    connection.ensure_connection()
    ours = connection.connection.info.backend_pid

    def end_our_connection() -> None:
        with psycopg.connect(database_url()) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [ours])

    smtp.meanwhile = end_our_connection

    assert send_due_deliveries(at=NOW) == 1
    assert send_due_deliveries(at=NOW + HOUR) == 0

    delivery.refresh_from_db()
    assert delivery.state == "sent"
    assert len(smtp.received) == 1


def fill(hog: Path) -> None:
    """Write until the disk is full."""
    with hog.open("wb", buffering=0) as out, suppress(OSError):
        while True:
            out.write(b"x" * 4096)


@pytest.mark.django_db
def test_a_full_disk_under_the_mail_folder_keeps_the_mail_until_there_is_room(
    settings: Any, small_disk: Path
) -> None:
    spool = small_disk / "mail"
    spool.mkdir()
    settings.MAILERS = {"default": mailer(f"filemail://{spool}")}
    hog = small_disk / "hog"
    fill(hog)
    delivery = make_delivery()

    assert send_due_deliveries(at=NOW) == 0

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("queued", 1)
    assert "No space left on device" in delivery.reason
    assert list(spool.iterdir()) == []
    hog.unlink()
    assert send_due_deliveries(at=NOW + HOUR) == 1
    [file] = spool.iterdir()
    assert file.suffix == ".eml"
    assert delivery.message_id in file.read_text()


@pytest.mark.django_db
def test_a_failed_delivery_can_be_sent_again_by_governance_under_its_old_message_id(
    smtp: Peer,
) -> None:
    delivery = make_delivery(state="failed", reason="550 No such mailbox", attempts=1)

    assert requeue_delivery(delivery=delivery, at=NOW, by=make_user(role="governance")) is True

    assert send_due_deliveries(at=NOW) == 1
    assert smtp.taken[0]["Message-ID"] == delivery.message_id


@pytest.mark.django_db
def test_only_a_failed_delivery_is_sent_again(smtp: Peer) -> None:
    delivery = make_delivery(state="sent")

    assert requeue_delivery(delivery=delivery, at=NOW, by=make_user(role="admin")) is False

    assert send_due_deliveries(at=NOW) == 0
