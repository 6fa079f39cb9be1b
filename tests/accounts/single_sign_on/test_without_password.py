"""What people of single sign-on read: nothing of a password that they do not have."""

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.events.emails import message_of
from apps.accounts.events.log import record_event
from apps.accounts.models import AccountEventKind, ProvisionedUser
from apps.accounts.sign_in.invitations import invitation_message
from apps.accounts.single_sign_on.configuration import signs_in_elsewhere
from tests.builders import make_user
from tests.http import signed_in_client, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def configured(settings):
    settings.SAML = {"name": "House login", "entity_id": "sp"}


@pytest.fixture
def person():
    user = make_user("ada")
    user.set_unusable_password()
    user.save()
    SocialAccount.objects.create(user=user, provider="saml", uid="1")
    return user


def test_who_signs_in_elsewhere(person):
    provisioned = make_user("hana")
    assert signs_in_elsewhere(person)
    assert not signs_in_elsewhere(provisioned)
    provisioned.set_unusable_password()
    provisioned.save()
    # invited, and about to set a password
    assert not signs_in_elsewhere(provisioned)
    ProvisionedUser.objects.create(user=provisioned, user_name="hana")
    assert signs_in_elsewhere(provisioned)


def test_the_account_page_speaks_of_the_sign_on(person):
    page = text_of(signed_in_client(person).get(reverse("account:detail")))

    assert "password" not in page
    assert "You sign in with House login" in page


def test_a_user_with_a_password_reads_of_it_as_before():
    page = text_of(signed_in_client(make_user()).get(reverse("account:detail")))

    assert "Change password" in page
    assert "You sign in with a password only." in page


def test_the_sign_in_page_offers_the_sign_on_first_and_passwords_beside_it(settings):
    page = text_of(Client().get(reverse("account_login")))
    assert page.index("Sign in with House login") < page.index("Only for accounts with a password")

    settings.SAML = {}
    assert "Only for accounts" not in text_of(Client().get(reverse("account_login")))


def test_a_reset_leads_to_the_sign_on(person):
    Client().post(reverse("account_reset_password"), {"email": person.email})

    [sent] = mail.outbox
    assert "you sign in with House login" in sent.body
    assert "/accounts/password/" not in sent.body


@pytest.mark.parametrize(
    "kind",
    [AccountEventKind.SIGNED_IN, AccountEventKind.LOCKED_OUT, AccountEventKind.MFA_ADDED],
)
def test_mail_about_the_account_asks_for_no_new_password(person, kind):
    body = message_of(record_event(kind, request=None, user=person)).body

    assert "your password" not in body.replace("Your password is kept by House login", "")
    assert "House login" in body


def test_an_invitation_leads_to_the_sign_on(person):
    body = invitation_message(person=person, by=None).body

    assert "Sign in with House login:" in body
    assert "password" not in body


def test_the_page_of_the_person_says_where_names_are_changed(person):
    ProvisionedUser.objects.create(user=person, user_name="ada@house")
    page = text_of(
        signed_in_client(make_user(role="admin")).get(reverse("users:detail", args=[person.pk]))
    )

    assert "Provisioned by SCIM as ada@house." in page
    assert "Send password link" not in page
    assert "Signs in with House login, without a password here." in page
