"""Sessions end when idle, at their last day, by their person, and when a credential changes."""

import time
from datetime import timedelta
from importlib import import_module

import pytest
from allauth.mfa.signals import authenticator_added
from allauth.mfa.totp.internal.auth import TOTP
from allauth.usersessions.models import UserSession
from django.conf import settings as django_settings
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.timezone import now

from apps.accounts.models import AccountEvent
from apps.accounts.sign_in import sessions
from tests.builders import make_user
from tests.http import log_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_counters")]

PAGE = "/settings/"


@pytest.fixture
def ada():
    return make_user("ada")


def sign_in(name="ada"):
    return log_in(
        name, HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"
    )


def is_open(client):
    return client.get(PAGE).status_code == 200


def store_of(client):
    return import_module(django_settings.SESSION_ENGINE).SessionStore(
        client.cookies["sessionid"].value
    )


def age(client, **moments):
    """Have happened earlier what the session remembers, by so many hours."""
    store = store_of(client)
    for name, hours in moments.items():
        store[name] -= int(hours * 3600)
    store.save()


def test_an_idle_session_ends_and_one_in_use_goes_on(ada):
    idle, used = sign_in(), sign_in()
    age(idle, seen_at=12.1)
    age(used, seen_at=11.9)

    assert not is_open(idle)
    assert is_open(used)
    assert time.time() - store_of(used)["seen_at"] < 60


def test_a_session_in_use_ends_at_its_last_day(ada):
    client = sign_in()
    assert 6.9 * 86400 < store_of(client)["ends_at"] - time.time() <= 7 * 86400
    age(client, seen_at=0.2)
    assert is_open(client)

    age(client, ends_at=7 * 24)

    assert not is_open(client)


def test_a_session_of_before_is_limited_from_its_next_use(ada):
    client = sign_in()
    store = store_of(client)
    del store["seen_at"], store["ends_at"]
    store.save()
    UserSession.objects.all().delete()

    assert is_open(client)

    assert {"seen_at", "ends_at"} <= set(store_of(client).keys())
    assert UserSession.objects.filter(user=ada).count() == 1


def test_use_is_written_down_once_in_five_minutes(ada):
    client = sign_in()
    before = store_of(client)["seen_at"]
    is_open(client)
    assert store_of(client)["seen_at"] == before

    age(client, seen_at=0.1)
    is_open(client)

    assert store_of(client)["seen_at"] >= before


def test_the_account_page_lists_ones_sessions_and_ends_them(ada):
    make_user("eve")
    here, there, foreign = sign_in(), sign_in(), sign_in("eve")
    page = here.get(reverse("account:detail")).content.decode()
    assert page.count("Firefox on Windows") >= 2
    assert "this session" in page

    other = UserSession.objects.get(session_key=there.cookies["sessionid"].value)
    assert foreign.post(reverse("account:end-session", args=[other.pk])).status_code == 404
    assert is_open(there)
    here.post(reverse("account:end-session", args=[other.pk]))
    assert not is_open(there)

    third = sign_in()
    here.post(reverse("account:end-other-sessions"))
    assert (is_open(here), is_open(third), is_open(foreign)) == (True, False, True)
    assert AccountEvent.objects.filter(user=ada, kind="sessions_ended").count() == 2


def test_a_changed_password_ends_the_other_sessions(ada):
    here, there = sign_in(), sign_in()

    here.post(
        reverse("account_change_password"),
        {
            "oldpassword": "password",
            "password1": "a long new passphrase",
            "password2": "a long new passphrase",
        },
    )

    assert (is_open(here), is_open(there)) == (True, False)
    assert UserSession.objects.filter(user=ada).count() == 1


def test_a_second_factor_ends_the_other_sessions(ada):
    here, there = sign_in(), sign_in()
    request = RequestFactory().get("/")
    request.user, request.session = ada, store_of(here)
    factor = TOTP.activate(ada, "A" * 32).instance

    authenticator_added.send(sender=type(factor), request=request, user=ada, authenticator=factor)

    assert (is_open(here), is_open(there)) == (True, False)


def test_entering_the_password_again_renews_the_key(ada):
    client = sign_in()
    copied = Client()
    copied.cookies["sessionid"] = client.cookies["sessionid"].value

    client.post(reverse("account_reauthenticate"), {"password": "password"})

    assert (is_open(client), is_open(copied)) == (True, False)
    assert UserSession.objects.get(user=ada).session_key == client.cookies["sessionid"].value


def test_administrators_end_all_sessions_of_a_person(ada):
    theirs, boss = sign_in(), Client()
    boss.force_login(make_user("boss", role="admin"))

    boss.post(reverse("users:end-sessions", args=[ada.pk]))

    assert not is_open(theirs)
    event = AccountEvent.objects.get(kind="sessions_ended")
    assert (event.user, event.actor.username) == (ada, "boss")
    theirs = sign_in()
    assert theirs.post(reverse("users:end-sessions", args=[ada.pk])).status_code == 403


def test_what_is_kept_of_ended_sessions_is_forgotten(ada):
    open_one, ended = sign_in(), sign_in()
    store_of(ended).delete()

    assert sessions.delete_ended_sessions() == 1
    assert is_open(open_one)


def test_signing_out_clears_what_the_browser_holds(ada):
    answer = sign_in().post(reverse("account_logout"))

    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert "Clear-Site-Data" not in sign_in().get(PAGE)


@pytest.mark.parametrize(
    "route", ["account:detail", "tokens:list", "settings:home", "account_change_password"]
)
def test_pages_with_personal_content_are_stored_nowhere(ada, route):
    assert "no-store" in sign_in().get(reverse(route))["Cache-Control"]


def test_a_request_without_a_session_asks_for_none(django_assert_num_queries):
    with django_assert_num_queries(0):
        Client().get("/api/v1/applications/")


def test_the_idle_time_counts_to_the_second(settings):
    settings.SESSION_IDLE_HOURS = 2
    moment = now()
    session = {
        "seen_at": int((moment - timedelta(hours=2)).timestamp()),
        "ends_at": moment.timestamp() + 60,
    }

    assert sessions.is_over(session, at=moment)
    assert not sessions.is_over({**session, "seen_at": moment.timestamp() - 7198}, at=moment)


class TestPlainHttp:
    @pytest.fixture(autouse=True)
    def redirecting(self, settings):
        settings.SECURE_SSL_REDIRECT = True

    @pytest.mark.parametrize("path", ["/api/v1/applications/", "/otlp/v1/traces", "/api/docs/"])
    def test_programs_are_refused_and_told_to_revoke(self, path):
        answer = Client().post(path, headers={"Authorization": "Bearer fr_x"})

        assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
        assert "revoke" in answer.json()["detail"]

    def test_pages_are_redirected_and_tls_passes(self):
        assert Client().get("/settings/").status_code == 301
        assert Client().get("/api/v1/applications/", secure=True).status_code == 401
