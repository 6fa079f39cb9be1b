"""An email address changes with the password and once the new one is confirmed; no one learns who
has an account."""

import re
import smtplib
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core import mail, signing
from django.test import Client
from django.urls import reverse

from apps.accounts.actions import add_user
from apps.accounts.events.emails import send_event_emails
from apps.accounts.models import AccountEvent, AccountEventKind
from apps.accounts.sign_in import email_change
from apps.common.time import now
from tests.builders import make_user
from tests.http import signed_in_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_counters")]

ANYBODY = "new@example.org"


@pytest.fixture
def ada():
    return make_user("ada")


@pytest.fixture
def client(ada):
    """Signed in an hour ago."""
    return signed_in_client(ada)


def enter_password(client):
    return client.post(
        reverse("account_reauthenticate"),
        {"password": "password", "next": reverse("account_email")},
    )


def ask(client, address):
    enter_password(client)
    return client.post(reverse("account_email"), {"email": address})


def link_in(message):
    return re.search(r"/account/email/\S+", message.body)[0]


def test_a_session_without_the_password_changes_nothing(client, ada):
    page = client.post(reverse("account_email"), {"email": "attacker@evil.example"})

    assert page.status_code == 302
    assert page["Location"].startswith(reverse("account_reauthenticate"))
    assert mail.outbox == []
    # what the library's own page took
    for action in ("action_add", "action_primary"):
        client.post(reverse("account_email"), {action: "", "email": "attacker@evil.example"})
    ada.refresh_from_db()
    assert ada.email == "ada@example.org"
    assert not EmailAddress.objects.filter(email="attacker@evil.example").exists()


def test_what_was_entered_goes_on_once_the_password_is_right(client):
    asked = client.post(reverse("account_email"), {"email": ANYBODY})
    assert mail.outbox == []

    client.post(asked["Location"], {"password": "wrong"})
    assert mail.outbox == []
    page = client.post(asked["Location"], {"password": "password"}, follow=True)

    assert [message.to for message in mail.outbox] == [[ANYBODY]]
    assert f"A link was sent to {ANYBODY}" in page.content.decode()


def test_the_new_address_counts_once_confirmed_and_the_old_one_is_informed(client, ada):
    ask(client, ANYBODY)
    ada.refresh_from_db()
    assert ada.email == "ada@example.org"
    (message,) = mail.outbox
    assert message.to == [ANYBODY]

    link = link_in(message)
    shown = client.get(link)
    ada.refresh_from_db()
    # mail programs open links
    assert (shown.status_code, ada.email) == (200, "ada@example.org")
    client.post(link)

    ada.refresh_from_db()
    assert ada.email == ANYBODY
    send_event_emails(at=now())
    assert mail.outbox[-1].to == ["ada@example.org"]
    assert "ada@example.org → new@example.org" in mail.outbox[-1].body
    assert (
        ada.history.latest("pgh_id").pgh_context.metadata["reason"] == "own email address confirmed"
    )


def test_a_link_works_once_for_one_account_and_a_day(client, ada, monkeypatch):
    ask(client, ANYBODY)
    link = link_in(mail.outbox[0])

    other = Client()
    assert other.get(link).status_code == 302
    other.force_login(make_user("eve"))
    assert other.post(link).status_code == 404

    with monkeypatch.context() as patch:
        patch.setattr(email_change, "LINK_DURATION", timedelta(seconds=-1))
        assert client.post(link).status_code == 404
    assert client.post(link).status_code == 302
    assert client.post(link).status_code == 404
    assert client.post(link[:-5] + "xxxx/").status_code == 404


def test_a_taken_address_is_answered_like_a_free_one_and_its_owner_is_informed(client):
    make_user("grace")

    answers = []
    for address in ("grace@example.org", "free@example.org"):
        answer = ask(client, address)
        shown = client.get(answer["Location"]).content.decode().replace(address, "…")
        said = re.search(r'<div id="said".*?</div>', shown, re.DOTALL)[0]
        assert "A link was sent to …" in said
        answers.append((answer.status_code, answer["Location"], said))

    assert answers[0] == answers[1]
    assert [message.to for message in mail.outbox] == [["grace@example.org"], ["free@example.org"]]
    assert "belongs to your account already" in mail.outbox[0].body
    assert "/account/email/" not in mail.outbox[0].body


def test_an_address_taken_in_between_is_refused_with_a_sentence(client):
    ask(client, ANYBODY)
    make_user("late", email=ANYBODY.upper())

    answer = client.post(link_in(mail.outbox[0]))

    assert answer.status_code == 404
    assert "Another account now has this email address" in answer.content.decode()


def test_a_pending_address_is_in_no_ones_way(client):
    ask(client, ANYBODY)

    invited = add_user(
        facts={"username": "neu", "email": ANYBODY}, by=make_user("boss", role="admin")
    )

    assert invited.email == ANYBODY
    assert not EmailAddress.objects.filter(email=ANYBODY).exists()


def test_an_address_without_an_account_gets_an_email_that_offers_no_way_in(db):
    Client().post(reverse("account_reset_password"), {"email": "stranger@example.org"})

    [message] = mail.outbox
    assert message.subject.strip().endswith("No account with this email address")
    assert "ask an administrator" in message.body
    assert "http" not in message.body


def test_an_address_that_an_account_no_longer_has_resets_no_password(ada):
    EmailAddress.objects.create(user=ada, email="ada@example.org", verified=True, primary=True)

    ada.email = ANYBODY
    ada.save()

    Client().post(reverse("account_reset_password"), {"email": "ada@example.org"})
    assert not any("/password/reset/key/" in message.body for message in mail.outbox)
    Client().post(reverse("account_reset_password"), {"email": ANYBODY})
    assert "/password/reset/key/" in mail.outbox[-1].body


def test_an_administrator_changes_an_address_and_the_old_one_is_informed(ada):
    boss = make_user("boss", role="admin")
    client = signed_in_client(boss)
    address = reverse("users:detail", args=[ada.pk])
    seen = client.get(address).context["form"]["seen"].value()

    client.post(
        address, {"email": ANYBODY, "organisation_role": "", "is_active": "on", "seen": seen}
    )

    event = AccountEvent.objects.get(kind=AccountEventKind.EMAIL_CHANGED)
    assert (event.user, event.actor, event.email_to) == (ada, boss, ["ada@example.org"])


def test_a_mail_server_that_is_away_is_reported_in_words(client, monkeypatch):
    def lose(*_args):
        raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", lose)

    answer = ask(client, ANYBODY)

    assert answer.status_code == 422
    assert "rejected the email" in answer.content.decode()


def test_links_are_bounded_an_hour(client):
    enter_password(client)
    for n in range(7):
        answer = client.post(reverse("account_email"), {"email": f"{n}@example.org"})

    assert "Wait an hour" in answer.content.decode()
    assert len(mail.outbox) == 5


class TestSingleSignOn:
    @pytest.fixture
    def client(self, ada, settings):
        settings.OIDC = {
            "name": "Calder ID",
            "issuer": "https://id.example.org",
            "client_id": "x",
            "client_secret": "",
        }
        ada.set_unusable_password()
        ada.save()
        SocialAccount.objects.create(user=ada, provider="oidc", uid="1")
        return signed_in_client(ada)

    def test_the_account_page_offers_no_password_and_says_who_keeps_it(self, client):
        page = client.get(reverse("account:detail")).content.decode()

        assert reverse("account_change_password") not in page
        assert "You sign in with a password only" not in page
        assert "You sign in with Calder ID" in " ".join(page.split())

    def test_the_address_is_changed_by_an_administrator(self, client):
        page = client.get(reverse("account_email"))

        assert page.status_code == 200
        assert "An administrator can change it here" in page.content.decode()
        client.post(reverse("account_email"), {"email": ANYBODY})
        assert mail.outbox == []

    @pytest.mark.parametrize("route", ["account_set_password", "account_change_password"])
    def test_a_session_gives_itself_no_password(self, client, ada, route):
        client.post(
            reverse(route),
            {"password1": "a long new passphrase", "password2": "a long new passphrase"},
        )

        assert client.get(reverse(route), follow=True).request["PATH_INFO"] == reverse(
            "account:detail"
        )
        ada.refresh_from_db()
        assert not ada.has_usable_password()

    def test_nor_does_the_link_for_a_forgotten_one(self, client):
        Client().post(reverse("account_reset_password"), {"email": "ada@example.org"})

        assert "Calder ID" in mail.outbox[0].body
        assert "/password/reset/key/" not in mail.outbox[0].body


def test_the_link_holds_no_secret_of_the_account(ada):
    token = email_change.link_of(ada, ANYBODY).rstrip("/").rpartition("/")[2]

    claims = signing.TimestampSigner(salt="accounts.email_change", sep=".").unsign_object(token)
    assert claims == {"user": ada.pk, "from": "ada@example.org", "to": ANYBODY}
