"""The IMAP mailbox: bounded runs over a real connection with TLS, and every fault of a server."""

import ssl
from urllib.parse import quote

import pytest

from apps.common.database.leases import hold_lease
from apps.common.http.calls import Policy
from apps.feeds.mailbox import imap, run
from apps.feeds.mailbox.address import MailboxAddress, parse_mailbox_url
from apps.feeds.mailbox.run import LEASE, poll_mailbox
from apps.feeds.models import NoticeMailStatus, ReceivedNotice
from apps.feeds.tasks import receive_mail
from tests.builders import NOW, make_user
from tests.certificates import self_signed
from tests.feeds.mailbox.emails import SENDER, allow_senders, email
from tests.feeds.mailbox.imap_server import PASSWORD, USER, ImapServer

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return self_signed("localhost", tmp_path_factory.mktemp("imap"))


@pytest.fixture
def server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    messages = [email(message_id=f"<{n}@mail.calder.example>") for n in range(3)]
    with ImapServer(context, messages) as running:
        yield running


@pytest.fixture(autouse=True)
def allowed_sender(db):
    allow_senders(SENDER, by=make_user(role="governance"))


@pytest.fixture
def poll(server, certificate):
    def run(*, password=PASSWORD, host="localhost", **limits):
        policy = Policy(ca_file=str(certificate), **{"read_timeout": 2, **limits})
        address = MailboxAddress(host, server.port, USER, password, "INBOX/Provider notices")
        return poll_mailbox(address, clock=lambda: NOW, policy=policy)

    return run


def test_unseen_emails_become_drafts_and_are_marked_as_seen(poll, server):
    assert poll().as_report() == {
        "received": 3,
        "drafts": 3,
        "rejected": [],
        "duplicates": 0,
        "ignored": 0,
    }
    assert server.seen == {1, 2, 3}
    assert server.logins == [USER]
    assert 'SELECT "INBOX/Provider notices"' in server.commands
    assert ReceivedNotice.objects.count() == 3
    status = NoticeMailStatus.objects.get()
    assert (status.last_attempt_at, status.last_success_at, status.error) == (NOW, NOW, "")

    assert poll().received == 0
    # nothing is moved or deleted
    assert not any(
        word in command
        for command in server.commands
        for word in ("COPY", "MOVE", "EXPUNGE", "Deleted")
    )


def test_a_server_without_plain_authentication_gets_a_login(poll, server):
    server.plain_login = True
    assert "user or password" in poll().error
    server.commands.clear()
    assert poll(password="plain").drafts == 3
    assert "LOGIN" in server.commands


def test_rejected_ignored_and_repeated_emails_are_marked_as_seen_too(poll, server):
    server.messages = {
        4: email(sender="eve@evil.example", message_id="<eve@x>"),
        5: email(headers=("Auto-Submitted: auto-replied",)),
        6: email(),
        7: email(),
        8: b"",
    }
    counts = poll()
    assert (counts.received, counts.drafts, counts.duplicates, counts.ignored) == (5, 1, 1, 1)
    assert [row["where"] for row in counts.rejected] == ["eve@x", "email 8 of the mailbox"]
    assert server.seen == {4, 5, 6, 7, 8}


def test_an_email_above_the_limit_is_rejected_without_being_fetched(poll, server):
    server.announced_size = 5 * 1024 * 1024
    counts = poll()
    assert len(counts.rejected) == 3
    assert "larger than 1 MiB" in counts.rejected[0]["reason"]
    assert not any("BODY" in command for command in server.commands)
    assert server.seen == {1, 2, 3}


def test_a_run_is_bounded_and_the_next_one_continues(poll, server, monkeypatch):
    monkeypatch.setattr(run, "MAX_MESSAGES", 2)
    assert poll().drafts == 2
    assert poll().drafts == 1
    server.messages = {n: email(message_id=f"<more-{n}@x>") for n in range(10, 14)}
    monkeypatch.setattr(run, "MAX_RUN_BYTES", len(server.messages[10]) + 10)
    assert poll().drafts == 1


# --- faults ---------------------------------------------------------------------------------------


def test_a_connection_that_breaks_inside_an_email_loses_and_doubles_nothing(poll, server):
    server.messages[2] = email(message_id="<long@x>", text="acme " * 5_000)
    server.drop_after = None
    original = server._answer

    def drop_at_second(sock, tag, command):
        if command.startswith("UID FETCH 2 (BODY"):
            server.drop_after = 900
            server._answer = original
        return original(sock, tag, command)

    server._answer = drop_at_second
    counts = poll()
    assert counts.drafts == 1
    assert "closed the connection" in counts.error
    assert server.seen == {1}
    assert NoticeMailStatus.objects.get().error == counts.error

    assert poll().drafts == 2
    assert ReceivedNotice.objects.count() == 3
    assert NoticeMailStatus.objects.get().error == ""


def test_an_email_that_could_not_be_marked_is_not_stored_twice(poll, server):
    server.refuses = "STORE"
    counts = poll()
    assert (counts.drafts, server.seen) == (1, set())
    assert "rejected the command STORE" in counts.error
    server.refuses = ""
    counts = poll()
    assert (counts.drafts, counts.duplicates) == (2, 1)
    assert server.seen == {1, 2, 3}


@pytest.mark.parametrize("command", ["CAPABILITY", "SELECT", "SEARCH", "BODY.PEEK"])
def test_a_server_that_stops_answering_ends_the_run(poll, server, command):
    server.hangs_at = command
    assert "did not answer in time" in poll(read_timeout=0.3).error
    assert not server.seen


def test_the_whole_run_has_a_deadline(poll, server):
    server.hangs_at = "SEARCH"
    assert poll(read_timeout=20, deadline=0.8).error


@pytest.mark.parametrize("command", ["CAPABILITY", "AUTHENTICATE", "SELECT", "SEARCH", "FETCH"])
def test_a_temporary_failure_of_the_server_ends_the_run(poll, server, command):
    server.refuses = command
    counts = poll()
    assert counts.error.endswith(".")
    assert counts.drafts == 0
    assert not server.seen


@pytest.mark.parametrize(
    "greeting",
    [b"220 smtp.example ready\r\n", b"* BYE too many\r\n", b"\x00\xff" * 50, b"\r\n" * 3],
    ids=["smtp", "bye", "bytes", "empty"],
)
def test_a_server_that_speaks_otherwise_ends_the_run(poll, server, greeting):
    server.greeting = greeting
    assert poll(read_timeout=0.5).error.endswith(".")


def test_an_announced_length_reserves_no_memory(poll, server):
    server.literal_size = 10**12
    assert "invalid answer" in poll(read_timeout=0.5).error
    assert not server.seen


def test_the_server_cannot_send_without_end(poll, server):
    server.messages = {n: email(message_id=f"<{n}@y>", text="x" * 100_000) for n in range(1, 9)}
    counts = poll(max_wire_bytes=100_000)
    assert "larger than the allowed" in counts.error
    assert 0 < counts.drafts < 8


def test_a_wrong_password_is_reported_without_it(poll, server):
    error = poll(password="other-secret").error
    assert "rejected the user or password" in error
    assert "secret" not in error


def test_the_certificate_must_be_that_of_the_host(poll):
    error = poll(host="127.0.0.1").error
    assert "certificate of 127.0.0.1 is not valid" in error


def test_an_untrusted_certificate_is_rejected(server):
    address = MailboxAddress("localhost", server.port, USER, PASSWORD, "INBOX")
    counts = poll_mailbox(address, clock=lambda: NOW, policy=Policy())
    assert "certificate of localhost is not valid" in counts.error


def test_cloud_metadata_is_refused_even_where_the_operator_names_it():
    address = MailboxAddress("169.254.169.254", 993, USER, PASSWORD, "INBOX")
    counts = poll_mailbox(address, clock=lambda: NOW, policy=Policy())
    assert "link-local or cloud metadata" in counts.error


def test_two_processes_do_not_read_the_mailbox_together(poll, server):
    with hold_lease(LEASE, duration=run._LEASE_DURATION):
        assert poll() is None
    assert server.commands == []


# --- the task and its setting ---------------------------------------------------------------------


def test_the_task_does_nothing_without_a_mailbox(settings, monkeypatch):
    settings.NOTICE_MAILBOX = None
    monkeypatch.setattr(imap, "tls_socket_to", None)
    assert receive_mail() == 0


def test_the_task_reads_the_mailbox_of_the_operator(settings, server, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    login = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}"
    settings.NOTICE_MAILBOX = parse_mailbox_url(f"imaps://{login}@localhost:{server.port}/INBOX")
    assert receive_mail() == 3


def test_the_url_names_user_password_host_and_folder():
    address = parse_mailbox_url("imaps://a%40b.example:p%40ss@Mail.example/Notices%20in")
    assert address == MailboxAddress("mail.example", 993, "a@b.example", "p@ss", "Notices in")
    assert "p@ss" not in repr(address)
    assert parse_mailbox_url("") is None
    assert parse_mailbox_url("imaps://a:b@[::1]:1993").folder == "INBOX"


@pytest.mark.parametrize(
    "url",
    [
        "imap://user:secret@mail.example/INBOX",
        "imaps://mail.example",
        "imaps://user@mail.example",
        "imaps://user:secret@/INBOX",
        "imaps://user:secret@mail.example:port",
        "imaps://user:sec%0d%0aret@mail.example",
        "imaps://user:secret@mail.example/%C3%A4",
        "secret",
    ],
)
def test_a_wrong_url_is_refused_without_repeating_it(url):
    with pytest.raises(ValueError, match="NOTICE_MAILBOX_URL") as refusal:
        parse_mailbox_url(url)
    assert "secret" not in str(refusal.value)
