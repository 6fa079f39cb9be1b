"""manage.py receive_mail, as an email server starts it: one email on standard input, an exit code
and a sentence."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from apps.feeds.management.commands import receive_mail
from apps.feeds.models import ReceivedNotice
from tests.builders import make_user
from tests.feeds.mailbox.emails import SENDER, allow_senders, email
from tests.ports import free_port
from tests.processes import database_url

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture
def allowed_sender(db):
    allow_senders(SENDER, by=make_user(role="governance"))


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command with these bytes on standard input: exit code, counts, sentence."""

    def receive(raw, *arguments):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(raw)))
        code, sentence = 0, ""
        try:
            call_command("receive_mail", *arguments)
        except CommandError as error:
            code, sentence = error.returncode, str(error)
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None, sentence

    return receive


@pytest.mark.usefixtures("allowed_sender")
def test_a_notice_is_stored_and_the_same_again_is_a_duplicate(run):
    code, counts, _ = run(email())
    assert code == 0
    assert counts == {"received": 1, "drafts": 1, "rejected": [], "duplicates": 0, "ignored": 0}
    code, counts, _ = run(b"From MAILER Tue Nov 24 10:00:00 2026\n" + email())
    assert (code, counts["duplicates"]) == (0, 1)


@pytest.mark.usefixtures("allowed_sender")
def test_what_is_ignored_on_purpose_is_a_success(run):
    code, counts, sentence = run(email(headers=("Auto-Submitted: auto-replied",)))
    assert (code, counts["ignored"], sentence) == (0, 1, "")


@pytest.mark.usefixtures("allowed_sender")
@pytest.mark.parametrize(
    "raw",
    [email(sender="eve@evil.example"), email(results=()), b"", b"\x00" * 100, b"x" * 3_000_000],
    ids=["sender", "dkim", "empty", "zeros", "large"],
)
def test_what_is_rejected_fails_with_a_sentence(run, raw):
    code, counts, sentence = run(raw)
    assert code == 1
    assert counts["rejected"] == [
        {"where": counts["rejected"][0]["where"], "reason": sentence},
    ]
    assert sentence.endswith(".")


@pytest.mark.usefixtures("allowed_sender")
@pytest.mark.parametrize("error", [OperationalError("server closed"), RuntimeError("a fault")])
def test_a_failure_of_ours_makes_the_mail_server_try_again(run, monkeypatch, error):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(receive_mail, "receive_message", fail)
    code, counts, sentence = run(email())
    assert (code, counts) == (75, None)
    assert sentence.endswith(".")


def test_reading_a_mailbox_needs_its_address(run, settings):
    settings.NOTICE_MAILBOX = None
    code, _, sentence = run(b"", "--imap")
    assert code == 1
    assert "NOTICE_MAILBOX_URL" in sentence


# --- as a process ---------------------------------------------------------------------------------


def process(raw, **environment):
    return subprocess.run(
        [sys.executable, "manage.py", "receive_mail"],
        cwd=CHECKOUT,
        input=raw,
        env=os.environ | environment,
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.proof
def test_while_the_database_is_away_the_email_waits_at_the_mail_server():
    done = process(email(), DATABASE_URL=f"postgres://127.0.0.1:{free_port()}/none")
    assert done.returncode == 75
    assert b"Traceback" not in done.stderr
    assert b"database" in done.stderr


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
def test_a_mail_server_pipes_emails_into_the_command():
    allow_senders(SENDER, by=make_user(role="governance"))
    done = process(email(), DATABASE_URL=database_url())
    assert (done.returncode, json.loads(done.stdout)["drafts"]) == (0, 1)
    assert ReceivedNotice.objects.get().sender == SENDER

    done = process(email(results=()) + b"\r\nx" * 1_000_000, DATABASE_URL=database_url())
    assert done.returncode == 1
    assert b"larger than 1 MiB" in done.stderr
    assert b"Traceback" not in done.stderr
