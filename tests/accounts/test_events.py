"""Sign-ins, attempts and changes of credentials are recorded, shown, and reported to the person by
email, once."""

import smtplib
from datetime import timedelta

import pytest
import structlog
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.accounts.actions import issue_token
from apps.accounts.events import emails as event_emails
from apps.accounts.events import log
from apps.accounts.events.emails import send_event_emails
from apps.accounts.models import AccountEvent, AccountEventKind, EmailState
from apps.accounts.roles import TeamRole
from apps.accounts.service_accounts import add_service
from apps.common.time import now
from tests.builders import make_member, make_team, make_user
from tests.http import bearer_client, file_text, log_in, signed_in_client

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
)


@pytest.fixture(autouse=True)
def fresh_counters():
    cache.clear()
    log._known_pairs.clear()
    yield
    cache.clear()


def sign_in(name, password="password", *, address="203.0.113.7", agent=FIREFOX):
    return log_in(name, password, REMOTE_ADDR=address, HTTP_USER_AGENT=agent)


def kinds():
    return list(AccountEvent.objects.order_by("pk").values_list("kind", flat=True))


def emails():
    send_event_emails(at=now())
    return [(message.to, message.subject) for message in mail.outbox]


def test_a_sign_in_says_who_from_where_and_with_what():
    person = make_user("ada")

    sign_in("ada")

    event = AccountEvent.objects.get()
    assert (event.kind, event.user, event.address) == (
        AccountEventKind.SIGNED_IN,
        person,
        "203.0.113.7",
    )
    assert (event.network, event.device) == ("203.0.113.0/24", "Firefox on Linux")


def test_the_first_sign_in_is_no_news_and_a_new_network_or_device_is_reported_once():
    make_user("ada")
    sign_in("ada")
    sign_in("ada", address="203.0.113.200")
    assert emails() == []

    sign_in("ada", address="198.51.100.1")
    sign_in("ada", address="198.51.100.2")
    assert emails() == [(["ada@example.org"], "New sign-in to your account · Foundation Registry")]

    sign_in("ada", agent=CHROME)
    assert len(emails()) == 2
    assert "Chrome on Windows" in mail.outbox[-1].body


def test_failed_attempts_of_an_hour_are_one_line_and_a_lock_out_is_reported():
    make_user("ada")

    for _ in range(8):
        sign_in("ada", "wrong")

    failed, locked = AccountEvent.objects.order_by("pk")
    assert (failed.kind, failed.n) == (AccountEventKind.SIGN_IN_FAILED, 5)
    assert (locked.kind, locked.n) == (AccountEventKind.LOCKED_OUT, 3)
    assert emails() == [
        (["ada@example.org"], "Failed sign-ins to your account · Foundation Registry")
    ]


def test_a_name_without_an_account_is_kept_nowhere_in_clear():
    with structlog.testing.capture_logs() as lines:
        sign_in("correct horse battery staple", "wrong")

    event = AccountEvent.objects.get()
    assert (event.user, event.detail) == (None, "")
    (line,) = [line for line in lines if line["event"] == "account_event"]
    assert line["kind"] == "sign_in_failed"
    assert len(line["unknown_name"]) == 12
    assert "horse" not in str(line)
    assert "wrong" not in str(line)


def test_the_log_has_a_line_for_every_attempt():
    make_user("ada")

    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            sign_in("ada", "wrong")
        sign_in("ada")

    seen = [
        (line["kind"], line["user"], line["address"])
        for line in lines
        if line["event"] == "account_event"
    ]
    assert seen == [("sign_in_failed", "ada", "203.0.113.7")] * 3 + [
        ("signed_in", "ada", "203.0.113.7")
    ]


def test_the_address_is_what_the_trusted_proxy_saw(settings):
    settings.TRUSTED_PROXIES = 1
    make_user("ada")

    client = Client(REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="192.0.2.99, 2001:db8:1:2::7")
    client.post(reverse("account_login"), {"login": "ada", "password": "password"})

    event = AccountEvent.objects.get()
    assert (event.address, event.network) == ("2001:db8:1:2::7", "2001:db8:1::/48")


def test_sign_out_and_a_new_password_are_recorded_and_the_password_is_reported():
    make_user("ada")
    client = sign_in("ada")

    client.post(
        reverse("account_change_password"),
        {
            "oldpassword": "password",
            "password1": "a long new passphrase",
            "password2": "a long new passphrase",
        },
    )
    client.post(reverse("account_logout"))

    assert kinds() == ["signed_in", "password_changed", "signed_out"]
    assert emails() == [(["ada@example.org"], "Password changed · Foundation Registry")]
    assert "a long new passphrase" not in str(list(AccountEvent.objects.values()))


def code_of(secret):
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def test_second_factors_are_reported_when_they_come_fail_and_go(django_capture_on_commit_callbacks):
    person = make_user("ada")
    client = sign_in("ada")
    with django_capture_on_commit_callbacks(execute=True):
        page = client.get(reverse("mfa_activate_totp"), follow=True)
        if "password" in page.context["form"].fields:
            page = client.post(page.redirect_chain[-1][0], {"password": "password"}, follow=True)
        secret = page.context["form"].secret
        client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    assert kinds()[-1] == "mfa_added"

    stranger = sign_in("ada")
    stranger.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert "mfa_failed" in kinds()

    codes = RecoveryCodes(person.authenticator_set.get(type="recovery_codes")).get_unused_codes()
    stranger.post(reverse("mfa_authenticate"), {"code": codes[0]})
    assert kinds()[-2:] == ["code_used", "signed_in"]
    assert codes[0] not in str(list(AccountEvent.objects.values()))

    subjects = [subject.partition(" ·")[0] for _to, subject in emails()]
    assert subjects == ["Two-factor method added", "Recovery code used"]


def test_recovery_codes_that_are_replaced_are_reported(django_capture_on_commit_callbacks):
    person = make_user("ada")
    TOTP.activate(person, "A" * 32)
    RecoveryCodes.activate(person)
    client = signed_in_client(person)
    with django_capture_on_commit_callbacks(execute=True):
        page = client.get(reverse("mfa_generate_recovery_codes"), follow=True)
        page = client.post(page.redirect_chain[-1][0], {"password": "password"}, follow=True)
        client.post(reverse("mfa_generate_recovery_codes"))

    assert kinds() == ["codes_replaced"]


class TestTokens:
    def program(self, **token):
        person = make_user("ada")
        _, text = issue_token(
            user=person, name="nightly", scopes=["read"], at=now(), by=None, **token
        )
        return text

    def ask(self, text, address):
        client = bearer_client(text, REMOTE_ADDR=address)
        assert client.get("/api/v1/teams/").status_code == 200

    def test_a_use_from_a_new_network_is_reported_once(self):
        text = self.program()
        self.ask(text, "203.0.113.7")
        self.ask(text, "203.0.113.8")
        assert emails() == []

        for last in (1, 2, 3):
            self.ask(text, f"198.51.100.{last}")
            log._known_pairs.clear()

        assert kinds() == ["token_network", "token_network"]
        assert emails() == [
            (["ada@example.org"], "API token used from a new network · Foundation Registry")
        ]
        assert text not in mail.outbox[0].body

    def test_many_new_networks_of_a_day_make_one_email(self):
        text = self.program()

        for part in range(6):
            self.ask(text, f"198.51.{part}.1")

        assert len(kinds()) == 6
        assert len(emails()) == 1

    def test_the_networks_of_one_token_are_bounded(self, monkeypatch):
        monkeypatch.setattr(log, "MAX_TOKEN_NETWORKS", 3)
        text = self.program()

        for part in range(6):
            self.ask(text, f"198.51.{part}.1")

        assert len(kinds()) == 3

    def test_of_a_service_account_its_owners_are_informed(self):
        team = make_team()
        owner = make_member(team, TeamRole.OWNER, make_user("otto"))
        make_member(team, TeamRole.EDITOR, make_user("edda"))
        service = add_service(
            username="gateway", about="", team=team, role=TeamRole.VIEWER, by=owner
        )
        _, text = issue_token(user=service, name="gateway", scopes=["read"], at=now(), by=None)

        self.ask(text, "203.0.113.7")
        self.ask(text, "198.51.100.7")

        assert [to for to, _subject in emails()] == [["otto@example.org"]]


class TestSending:
    def event(self):
        person = make_user("ada")
        log.record_event(AccountEventKind.PASSWORD_CHANGED, request=None, user=person)
        return AccountEvent.objects.get()

    def test_a_second_run_sends_nothing_more(self):
        self.event()

        assert send_event_emails(at=now()) == 1
        assert send_event_emails(at=now()) == 0
        assert len(mail.outbox) == 1

    def test_a_server_that_refuses_is_asked_again_later(self, monkeypatch):
        event = self.event()

        def refuse(*_args):
            raise smtplib.SMTPSenderRefused(450, b"later", "x")

        with monkeypatch.context() as patch:
            patch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
            assert send_event_emails(at=now()) == 0
        event.refresh_from_db()
        assert event.email_state == EmailState.QUEUED
        assert send_event_emails(at=now()) == 0

        assert send_event_emails(at=now() + timedelta(minutes=2)) == 1

    def test_a_connection_that_breaks_in_between_is_no_reason_to_send_twice(self, monkeypatch):
        event = self.event()

        def lose(*_args):
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")

        monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", lose)

        assert send_event_emails(at=now()) == 0
        event.refresh_from_db()
        assert event.email_state == EmailState.FAILED

    def test_what_could_not_leave_for_two_days_is_dropped(self):
        event = self.event()

        assert send_event_emails(at=event.first_at + event_emails.MAX_AGE) == 0
        event.refresh_from_db()
        assert event.email_state == EmailState.FAILED


def test_old_events_and_those_beyond_the_bound_are_forgotten(monkeypatch):
    person = make_user("ada")
    for _ in range(5):
        log.record_event(AccountEventKind.SIGNED_OUT, request=None, user=person)
    old = AccountEvent.objects.earliest("pk")
    AccountEvent.objects.filter(pk=old.pk).update(last_at=now() - timedelta(days=400))

    assert log.purge_events(before=now() - timedelta(days=365)) == 1
    monkeypatch.setattr(log, "MAX_ACCOUNT_EVENTS", 2)
    assert log.purge_events(before=now() - timedelta(days=365)) == 2
    assert AccountEvent.objects.count() == 2


def test_the_account_page_shows_ones_own_events_and_the_audit_those_of_all():
    person, other = make_user("ada"), make_user("grace", role="governance")
    sign_in("ada", address="203.0.113.7")
    sign_in("grace", address="198.51.100.7")
    client = signed_in_client(person)

    own = client.get(reverse("account:detail")).content.decode()
    assert "203.0.113.7" in own
    assert "198.51.100.7" not in own
    assert client.get(reverse("account-events:list")).status_code == 403

    client.force_login(other)
    every = client.get(reverse("account-events:list")).content.decode()
    assert "203.0.113.7" in every
    assert "198.51.100.7" in every
    assert reverse("account-events:list") in client.get(reverse("audit:list")).content.decode()
    found = client.get(reverse("account-events:list"), {"who": "ada"}).content.decode()
    assert "198.51.100.7" not in found
    lines = file_text(client.get(reverse("account-events:csv")))
    assert "Firefox on Linux" in lines
