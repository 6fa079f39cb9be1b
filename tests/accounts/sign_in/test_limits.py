"""Who guesses a password waits longer and longer; the person whose account it is gets in."""

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.accounts.events.emails import send_event_emails
from apps.accounts.sign_in import limits
from apps.accounts.sign_in.limits import (
    FIRST_DELAY_SECONDS,
    FREE_FAILURES,
    MAX_DELAY_SECONDS,
    release_attempts,
    reserve_attempt,
)
from apps.common.time import now
from tests.builders import make_user
from tests.http import log_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_counters")]

HOME = "203.0.113.7"


def sign_in(name, password="password", address=HOME):
    client = log_in(name, password, REMOTE_ADDR=address)
    return "_auth_user_id" in client.session


def elsewhere(n):
    """Addresses in networks of their own."""
    return [f"198.51.{i}.1" for i in range(n)]


@pytest.mark.proof
def test_strangers_lock_no_one_out():
    make_user("ada")
    for _ in range(8):
        sign_in("ada", "wrong", "198.51.100.1")

    assert not sign_in("ada", address="198.51.100.1")
    assert sign_in("ada", address=HOME)


def test_name_and_address_of_one_account_count_together():
    make_user("ada")
    for n in range(6):
        sign_in("ada" if n % 2 else "ada@example.org", "wrong")

    assert not sign_in("ada")


@pytest.mark.proof
def test_a_guess_from_everywhere_is_bounded_and_the_person_gets_in_where_known(monkeypatch):
    made = []
    monkeypatch.setattr(
        "django.contrib.auth.hashers.MD5PasswordHasher.verify",
        lambda self, password, encoded: made.append(password) or password == "password",
    )
    make_user("ada")
    assert sign_in("ada")
    made.clear()

    for address in elsewhere(60):
        sign_in("ada", "wrong", address)

    # one more is let through, and begins the pause
    assert made.count("wrong") == FREE_FAILURES + 1
    assert not sign_in("ada", address="192.0.2.1")
    assert sign_in("ada", address="203.0.113.99")


def test_pauses_grow_to_a_quarter_of_an_hour(monkeypatch):
    user, pauses = make_user("ada"), []
    add = cache.add

    def note(key, value, timeout=None, **kwargs):
        if ":pause:" in key:
            pauses.append(timeout)
            return True
        return add(key, value, timeout=timeout, **kwargs)

    monkeypatch.setattr(limits.cache, "add", note)
    for n in range(FREE_FAILURES + 8):
        reserve_attempt("u1", user=user, network=f"198.51.{n}.0/24")

    assert pauses == [FIRST_DELAY_SECONDS * 2**n for n in range(5)] + [MAX_DELAY_SECONDS] * 3


@pytest.mark.proof
def test_a_day_of_guessing_is_about_120_attempts(monkeypatch):
    clock, pause_until, user = [0.0], [0.0], make_user("ada")
    add = cache.add

    def paused(key, value, timeout=None, **kwargs):
        if ":pause:" not in key:
            return add(key, value, timeout=timeout, **kwargs)
        if clock[0] < pause_until[0]:
            return False
        pause_until[0] = clock[0] + timeout
        return True

    monkeypatch.setattr(limits.cache, "add", paused)
    n_made = 0
    while clock[0] < 24 * 3600:
        n_made += reserve_attempt("u1", user=user, network="198.51.100.0/24")
        clock[0] += 10

    assert 100 < n_made < 125


@pytest.mark.proof
def test_a_name_without_an_account_is_counted_alike():
    for address in elsewhere(FREE_FAILURES + 1):
        sign_in("eve", "wrong", address)

    client = Client(REMOTE_ADDR="192.0.2.1")
    page = client.post(reverse("account_login"), {"login": "eve", "password": "wrong"})
    assert "Too many failed sign-ins" in page.content.decode()


def test_signing_in_and_a_new_password_begin_the_count_again():
    user = make_user("ada")
    for n in range(FREE_FAILURES + 1):
        reserve_attempt("u1", user=user, network=f"198.51.{n}.0/24")
    assert not reserve_attempt("u1", user=user, network="192.0.2.0/24")

    release_attempts("u1")

    assert reserve_attempt("u1", user=user, network="192.0.2.0/24")


@pytest.mark.proof
def test_a_lock_out_is_reported_once_a_day():
    make_user("ada")
    for address in elsewhere(FREE_FAILURES + 5):
        sign_in("ada", "wrong", address)

    send_event_emails(at=now())

    assert [message.subject.partition(" ·")[0] for message in mail.outbox] == [
        "Failed sign-ins to your account"
    ]
