"""A second factor can be required by role, is seen by administrators, reset by them, and set up
without obstacles."""

import time
from datetime import date, timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.usersessions.models import UserSession
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.events.emails import send_event_emails
from apps.accounts.models import AccountEvent
from apps.common.time import now
from tests.builders import make_user
from tests.http import csv_rows, log_in, signed_in_client, token_client
from tests.production import PRODUCTION_ENVIRONMENT, run_manage, setting_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_counters")]

NEEDED = "Your role requires two-factor authentication"


@pytest.fixture
def required(settings):
    settings.MFA_REQUIRED_FOR = ["governance", "admin"]


def set_up(client):
    """The way of a person: password again, then the code of the app."""
    page = client.get(reverse("mfa_activate_totp"), follow=True)
    if "password" in page.context["form"].fields:
        page = client.post(page.redirect_chain[-1][0], {"password": "password"}, follow=True)
    secret = page.context["form"].secret
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    return client.post(reverse("mfa_activate_totp"), {"code": code})


@pytest.mark.usefixtures("required")
class TestRequired:
    def test_a_role_leads_to_set_up_and_the_page_says_why(self):
        client = log_in(make_user("grace", role="governance"))

        page = client.get("/", follow=True)

        assert page.redirect_chain[-1][0] == reverse("mfa_index")
        assert NEEDED in page.content.decode()

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_nothing_else_is_open_until_then(self, method):
        client = log_in(make_user("grace", role="admin"))

        for path in (
            "/",
            "/settings/people/",
            "/account/",
            "/accounts/email/",
            "/accounts/password/change/",
            "/admin/",
        ):
            assert getattr(client, method)(path)["Location"] == reverse("mfa_index"), path
        answer = getattr(client, method)("/api/v1/applications/")
        assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
        assert NEEDED in answer.json()["detail"]

    def test_setting_one_up_opens_the_rest(self):
        client = log_in(make_user("grace", role="governance"))

        set_up(client)

        assert client.get("/settings/").status_code == 200

    def test_signing_out_stays_possible(self):
        client = log_in(make_user("grace", role="governance"))

        client.post(reverse("account_logout"))

        assert "_auth_user_id" not in client.session

    def test_other_roles_are_left_alone(self):
        assert log_in(make_user("ada")).get("/settings/").status_code == 200
        assert log_in(make_user("otto", role="auditor")).get("/settings/").status_code == 200

    def test_a_superuser_counts_as_administrator(self):
        assert log_in(make_user("root", is_superuser=True)).get("/settings/").status_code == 302

    def test_all_means_everybody(self, settings):
        settings.MFA_REQUIRED_FOR = ["all"]

        assert log_in(make_user("ada")).get("/settings/").status_code == 302

    def test_before_the_day_people_are_only_asked(self, settings):
        settings.MFA_REQUIRED_FROM = date.today() + timedelta(days=10)
        client = log_in(make_user("grace", role="governance"))

        page = client.get(reverse("account:detail"))

        assert page.status_code == 200
        assert "Your role requires two-factor authentication" in page.content.decode()

    def test_tokens_go_on_working(self):
        person = make_user("grace", role="governance")
        program = token_client(person)

        assert program.get("/api/v1/teams/").status_code == 200

    def test_a_session_by_single_sign_on_is_the_providers_to_secure(self):
        person = make_user("grace", role="governance")
        client = signed_in_client(person)
        session = client.session
        session["account_authentication_methods"] = [{"method": "socialaccount", "at": time.time()}]
        session.save()

        assert client.get("/settings/").status_code == 200

    def test_the_last_factor_stays(self):
        person = make_user("grace", role="governance")
        client = log_in(person)
        set_up(client)

        page = client.post(reverse("mfa_deactivate_totp"))

        assert "Add another method" in page.content.decode()
        assert Authenticator.objects.filter(user=person, type="totp").exists()


def test_recovery_codes_alone_are_no_factor(required):
    person = make_user("grace", role="governance")
    RecoveryCodes.activate(person)
    client = signed_in_client(person)

    assert client.get("/settings/").status_code == 302


def test_an_unconfirmed_address_does_not_stop_set_up():
    person = make_user("ada")
    EmailAddress.objects.create(user=person, email=person.email, verified=False)

    set_up(log_in(person))

    assert Authenticator.objects.filter(user=person, type="totp").exists()


def test_what_the_library_says_is_shown():
    make_user("ada")
    client = Client()
    page = client.post(
        reverse("account_login"), {"login": "ada", "password": "password"}, follow=True
    )
    assert "Successfully signed in" not in page.content.decode()

    new = {
        "oldpassword": "password",
        "password1": "a long new passphrase",
        "password2": "a long new passphrase",
    }
    page = client.post(reverse("account_change_password"), new, follow=True)

    assert "Password successfully changed" in page.content.decode()


class TestAdministrators:
    @pytest.fixture
    def boss(self):
        return signed_in_client(make_user("boss", role="admin"))

    @pytest.fixture
    def ada(self):
        person = make_user("ada")
        TOTP.activate(person, "A" * 32)
        RecoveryCodes.activate(person)
        return person

    def test_the_list_and_its_file_say_who_has_one(self, boss, ada, settings):
        settings.MFA_REQUIRED_FOR = ["governance"]
        make_user("grace", role="governance")

        page = boss.get(reverse("users:list")).content.decode()
        rows = csv_rows(boss.get(reverse("users:csv")))

        assert "no, required" in page
        required = "Two-factor authentication required"
        cells = {row["Username"]: (row["Two-factor authentication"], row[required]) for row in rows}
        assert cells["ada"] == ("yes", "no")
        assert cells["grace"] == ("no, required", "yes")
        without = boss.get(reverse("users:list"), {"factor": "no"}).content.decode()
        assert "grace" in without
        assert ">ada<" not in without

    def test_a_reset_removes_all_ends_sessions_and_is_reported(self, boss, ada):
        UserSession.objects.create(user=ada, ip="203.0.113.7", session_key="x" * 32, user_agent="x")

        boss.post(reverse("users:reset-two-factor", args=[ada.pk]))

        assert not Authenticator.objects.filter(user=ada).exists()
        assert not UserSession.objects.filter(user=ada).exists()
        event = AccountEvent.objects.get(kind="mfa_reset")
        assert (event.user, event.actor.username) == (ada, "boss")
        send_event_emails(at=now())
        assert mail.outbox[-1].to == ["ada@example.org"]
        assert "boss reset the two-factor authentication" in mail.outbox[-1].body

    def test_that_of_a_superuser_is_reset_by_superusers(self, boss):
        root = make_user("root", is_superuser=True)
        TOTP.activate(root, "A" * 32)

        boss.post(reverse("users:reset-two-factor", args=[root.pk]))

        assert Authenticator.objects.filter(user=root).exists()

    def test_governance_resets_none(self, ada):
        client = signed_in_client(make_user("grace", role="governance"))

        assert client.post(reverse("users:reset-two-factor", args=[ada.pk])).status_code == 403
        assert Authenticator.objects.filter(user=ada).exists()


@pytest.mark.proof
def test_the_requirement_is_read_from_the_environment_and_a_slip_is_refused():
    assert (
        setting_of(
            "MFA_REQUIRED_FOR", **PRODUCTION_ENVIRONMENT, MFA_REQUIRED_FOR="admin,governance"
        )
        == "['admin', 'governance']"
    )
    for variable, value in (("MFA_REQUIRED_FOR", "admins"), ("MFA_REQUIRED_FROM", "tomorrow")):
        done = run_manage("check", **PRODUCTION_ENVIRONMENT, **{variable: value})
        assert done.returncode != 0
        assert variable in done.stderr
