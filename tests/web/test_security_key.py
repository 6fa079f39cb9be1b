"""A security key is added and signs in, in a real browser with a key of its own, under the strict
policy of pages."""

from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator

from apps.accounts.models import AccountEvent
from tests.builders import make_user

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fresh_counters"),
]


def plug_in(page):
    """A key of the browser's own, which answers by itself."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    key = {
        "protocol": "ctap2",
        "transport": "usb",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": key})


def sign_in(page):
    page.goto("/accounts/login/")
    page.get_by_label("Login").fill("ada")
    page.get_by_label("Password", exact=True).fill("password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    # the next step would otherwise end this request before it is answered
    page.wait_for_url(lambda address: urlsplit(address).path != "/accounts/login/")


def add_key(page):
    page.goto("/accounts/2fa/webauthn/add/")
    if page.get_by_label("Password", exact=True).count():
        page.get_by_label("Password", exact=True).fill("password")
        page.get_by_role("button", name="Confirm").click()
        page.wait_for_url(lambda address: urlsplit(address).path == "/accounts/2fa/webauthn/add/")
    page.get_by_role("button", name="Add key", exact=True).click()


@pytest.mark.proof
def test_a_key_is_added_and_signs_in(browse):
    person = make_user("ada")
    page = browse()
    plug_in(page)
    sign_in(page)

    add_key(page)
    page.wait_for_url("**/2fa/recovery-codes/**")
    assert Authenticator.objects.filter(user=person, type="webauthn").exists()

    page.goto("/account/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/accounts/login/**")
    sign_in(page)
    page.get_by_role("button", name="Use a security key").click()
    page.wait_for_url(lambda address: not address.partition("/accounts/")[1])

    event = AccountEvent.objects.filter(kind="signed_in").latest("pk")
    assert event.detail == "by password and second factor"


@pytest.mark.proof
def test_a_key_that_is_refused_is_shown_on_the_page(browse):
    make_user("ada")
    page = browse()
    plug_in(page)
    sign_in(page)
    add_key(page)
    page.wait_for_url("**/2fa/recovery-codes/**")

    # the same key a second time
    add_key(page)

    page.get_by_text("The security key was not read").wait_for()
