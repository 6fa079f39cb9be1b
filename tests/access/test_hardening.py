"""What production runs with: cookies, headers, password hashing, throttled sign-in; nobody learns
who is here."""

import json
import subprocess
import sys

import environ
import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from registry.embedded import CHECKOUT
from registry.sign_on import sign_on
from tests.builders import make_user
from tests.http import signed_in_client
from tests.production import PRODUCTION_ENVIRONMENT

NAMES = [
    "SESSION_COOKIE_SECURE",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_SAMESITE",
    "SESSION_COOKIE_AGE",
    "SESSION_COOKIE_NAME",
    "CSRF_COOKIE_NAME",
    "SESSION_IDLE_HOURS",
    "CSRF_COOKIE_SECURE",
    "CSRF_COOKIE_HTTPONLY",
    "SECURE_SSL_REDIRECT",
    "SECURE_HSTS_SECONDS",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS",
    "SECURE_HSTS_PRELOAD",
    "SECURE_CONTENT_TYPE_NOSNIFF",
    "X_FRAME_OPTIONS",
    "PASSWORD_HASHERS",
    "DEBUG",
    "OIDC",
    "HISTORY_DAYS",
    "DATA_UPLOAD_MAX_MEMORY_SIZE",
]


@pytest.fixture(scope="module")
def production():
    program = (
        "import json; from registry import settings as s; "
        f"print(json.dumps({{n: getattr(s, n) for n in {NAMES}}}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=CHECKOUT,
        env={"PATH": "/usr/bin:/bin", **PRODUCTION_ENVIRONMENT},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return json.loads(done.stdout)


@pytest.mark.proof
def test_cookies_and_transport_are_closed_in_production(production):
    for name in (
        "SESSION_COOKIE_SECURE",
        "SESSION_COOKIE_HTTPONLY",
        "CSRF_COOKIE_SECURE",
        "CSRF_COOKIE_HTTPONLY",
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_INCLUDE_SUBDOMAINS",
        "SECURE_HSTS_PRELOAD",
        "SECURE_CONTENT_TYPE_NOSNIFF",
    ):
        assert production[name] is True, name
    assert production["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert production["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert production["SESSION_COOKIE_AGE"] <= 7 * 24 * 3600
    assert production["SESSION_IDLE_HOURS"] <= 12
    assert (production["SESSION_COOKIE_NAME"], production["CSRF_COOKIE_NAME"]) == (
        "__Host-sessionid",
        "__Host-csrftoken",
    )
    assert production["X_FRAME_OPTIONS"] == "DENY"
    assert (production["DEBUG"], production["OIDC"], production["HISTORY_DAYS"]) == (
        False,
        {},
        2557,
    )
    assert production["DATA_UPLOAD_MAX_MEMORY_SIZE"] <= 32 * 1024 * 1024


def test_passwords_are_kept_by_argon2id_with_much_memory(production):
    assert production["PASSWORD_HASHERS"][0].endswith("Argon2PasswordHasher")
    kept = Argon2PasswordHasher().encode("a long passphrase", "0123456789abcdef")

    _algorithm, variety, _version, parameters, *_ = kept.split("$")
    said = dict(part.split("=") for part in parameters.split(","))
    # OWASP's password storage cheat sheet asks for 19 MiB with two passes at least
    assert (variety, int(said["m"]) >= 64 * 1024, int(said["t"]) >= 2) == ("argon2id", True, True)


def test_with_sign_on_forms_may_lead_to_the_provider_and_nowhere_else():
    class Given(environ.Env):
        ENVIRON = {"OIDC_ISSUER": "https://login.example.org/realm", "OIDC_CLIENT_ID": "x"}

    assert sign_on(Given(), production=True)["form_origins"] == ["https://login.example.org"]


@pytest.mark.django_db
class TestSigningIn:
    @pytest.fixture(autouse=True)
    def fresh_counters(self):
        cache.clear()
        yield
        cache.clear()

    def sign_in(self, name, password, client=None):
        return (client or Client()).post(
            reverse("account_login"), {"login": name, "password": password}
        )

    @pytest.mark.proof
    def test_it_is_throttled_also_for_who_knows_the_password_at_last(self):
        make_user("ada")
        for n in range(8):
            self.sign_in("ada", f"guess {n}")
        client = Client()

        answer = self.sign_in("ada", "password", client)

        assert "_auth_user_id" not in client.session
        assert answer.status_code in {200, 429}

    def test_one_who_does_not_mistype_gets_in(self):
        make_user("ada")
        client = Client()

        self.sign_in("ada", "password", client)

        assert "_auth_user_id" in client.session

    def test_a_wrong_name_and_a_wrong_password_are_answered_alike(self):
        make_user("ada")

        def page(name):
            text = self.sign_in(name, "wrong").content.decode()
            return [line for line in text.splitlines() if "csrf" not in line and name not in line]

        assert page("ada") == page("eve")

    def test_a_reset_says_the_same_for_an_address_that_nobody_has(self):
        make_user("ada", email="ada@example.org")

        answers = [
            Client().post(reverse("account_reset_password"), {"email": address})
            for address in ("ada@example.org", "eve@example.org")
        ]

        assert len({(answer.status_code, answer["Location"]) for answer in answers}) == 1

    def test_a_new_password_ends_every_session(self):
        person, client = make_user("ada"), Client()
        client.force_login(person)
        assert client.get(reverse("settings:home")).status_code == 200

        person.set_password("another long passphrase")
        person.save()

        assert client.get(reverse("settings:home")).status_code == 302

    def test_a_page_is_not_left_in_caches(self):
        client = signed_in_client(make_user())

        assert "private" in client.get(reverse("settings:home"))["Cache-Control"]
        # as the secret of a second factor, and recovery codes
        assert "no-store" in client.get(reverse("mfa_index"))["Cache-Control"]
