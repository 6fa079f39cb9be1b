"""Sign-on by SAML, with responses that a provider signs and that attackers have changed."""

from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse
from lxml import etree

from apps.accounts.models import AccountEvent, ProvisionedUser, User
from apps.accounts.single_sign_on import identity_provider
from apps.accounts.single_sign_on.identity_provider import load_identity_provider
from apps.accounts.single_sign_on.rules import read_rules
from registry.sign_on import saml_sign_on
from tests.accounts.single_sign_on.saml_idp import (
    ISSUER,
    OTHER_KEY,
    SAML,
    SIGN_ON_URL,
    Answer,
    assertion_of,
    encoded,
    metadata,
    read_request,
    sign,
    signed,
    wrapped,
)
from tests.builders import make_team, make_user
from tests.environment import Given
from tests.http import text_of

# responses are limited by address
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_counters")]

RULES = '{"ai-governance": "governance", "pay-devs": ["payments:editor"]}'


@pytest.fixture
def configured(settings, tmp_path):
    """Switches SAML on; further settings as arguments."""
    file = tmp_path / "idp.xml"
    file.write_bytes(metadata())

    def switch(**changed):
        environment = Given(
            SAML_METADATA_FILE=str(file), SAML_NAME="House login", GROUP_ROLES=RULES
        )
        settings.SAML = saml_sign_on(
            environment, public_url=settings.PUBLIC_URL, production=False
        ) | {"rules": read_rules(RULES), **changed}

    switch()
    return switch


def begin(client, **query):
    """Leaves for the provider; the ID of the request."""
    answer = client.post(reverse("saml:login"), query_params=query)
    assert answer.status_code == 302, answer.content
    assert answer["Location"].startswith(SIGN_ON_URL)
    return read_request(answer["Location"]).get("ID")


@pytest.fixture
def answer(settings, configured):
    """answer(client, …): the response to a new request of the client."""

    def make(client, **changed):
        changed.setdefault("attributes", {"email": ["ada@example.org"], "firstName": ["Ada"]})
        facts = {
            "request_id": begin(client),
            "acs_url": settings.SAML["acs_url"],
            "audience": settings.SAML["entity_id"],
        }
        return Answer(**facts | changed)

    return make


def deliver(client, document):
    """The browser posts the response, without the cookie of its session, and comes back."""
    posted = Client()
    first = posted.post(reverse("saml:response"), {"SAMLResponse": encoded(document)})
    if first.status_code != 302:
        return first
    client.cookies.update(posted.cookies)
    return client.get(first["Location"])


def who(client):
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk) if pk else None


def is_refused(client, response, why=""):
    """A plain page, nobody signed in, and a line in the log of sign-ins that says why."""
    assert response.status_code in {200, 401, 403}, response.status_code
    assert b"Single sign-on failed." in response.content
    assert who(client) is None
    event = AccountEvent.objects.get(kind="sign_in_failed")
    assert event.detail.startswith("single sign-on: ")
    assert why in event.detail
    return True


class TestGoodSignIns:
    def test_it_makes_the_person_with_the_roles_of_the_groups(self, answer):
        make_team("Payments", slug="payments")
        client = Client()

        attributes = {"email": ["Ada@Example.org"], "groups": ["pay-devs", "others"]}
        response = deliver(client, signed(answer(client, attributes=attributes)))

        assert response.status_code == 302, response.content
        person = who(client)
        assert (person.username, person.email) == ("ada", "ada@example.org")
        assert not person.has_usable_password()
        assert list(person.memberships.values_list("team__slug", "role")) == [("payments", 2)]
        assert client.session.get_expiry_age() <= 12 * 3600
        assert SocialAccount.objects.get().provider == "saml"

    def test_the_subject_is_found_again_whatever_its_address(self, answer):
        client = Client()
        deliver(client, signed(answer(client)))
        again = Client()
        deliver(again, signed(answer(again, attributes={"email": ["new@example.org"]})))

        assert who(again) == who(client)
        assert User.objects.count() == 1

    def test_an_address_is_linked_only_where_the_operator_trusts_addresses(
        self, configured, answer
    ):
        known = make_user("hana", email="ada@example.org")
        client = Client()
        assert deliver(client, signed(answer(client))).status_code == 403
        configured(links_by_email=True, emails_are_verified=False)
        assert deliver(client, signed(answer(client))).status_code == 403
        configured(links_by_email=True, emails_are_verified=True)
        deliver(client, signed(answer(client)))

        assert who(client) == known

    def test_a_user_whom_scim_has_made_is_found_by_the_name_id(self, answer):
        known = make_user("hana", email="hana@example.org")
        ProvisionedUser.objects.create(user=known, user_name="ada", external_id="x")
        client = Client()

        deliver(client, signed(answer(client)))

        assert who(client) == known

    def test_the_metadata_name_the_address_and_ask_for_signed_assertions(self, configured):
        document = etree.fromstring(Client().get(reverse("saml:metadata")).content)

        [descriptor] = document
        assert descriptor.get("WantAssertionsSigned") == "true"
        assert descriptor[0].get("Location").endswith("/accounts/sign-on/saml/acs/")

    def test_the_sign_in_page_offers_it(self, configured):
        assert "Sign in with House login" in text_of(Client().get(reverse("account_login")))


class TestRefusedResponses:
    @pytest.mark.parametrize(
        ("changed", "why"),
        [
            ({"lasts": timedelta(minutes=-8)}, "expired"),
            ({"audience": "https://other.example.org"}, "not a valid audience"),
            ({"audience": None}, "names no audience"),
            ({"recipient": "https://other.example.org/acs/"}, "SubjectConfirmation"),
            ({"recipient": None}, "another recipient"),
            ({"destination": "https://other.example.org/acs/"}, "was received at"),
            ({"issuer": "https://other.example.org"}, "Invalid issuer"),
            ({"request_id": None}, "answers no request:"),
            ({"request_id": "_another"}, "answers no request of this browser"),
            ({"status": "Responder"}, "was not Success"),
            ({"name_id": ""}, "empty NameID"),
            (
                {"name_id_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"},
                "transient",
            ),
        ],
        ids=lambda value: str(value)[:50],
    )
    def test_a_response_for_another_time_place_or_request(self, answer, changed, why):
        client = Client()
        assert is_refused(client, deliver(client, signed(answer(client, **changed))), why)

    def test_a_response_twice(self, answer):
        client = Client()
        document = signed(answer(client))
        deliver(client, document)
        client.logout()

        assert is_refused(client, deliver(client, document), "of this browser")

    def test_a_response_for_another_browser(self, answer):
        thief = Client()
        assert is_refused(thief, deliver(thief, signed(answer(Client()))))

    def test_an_unsigned_one_and_one_of_another_key(self, answer):
        client = Client()
        assert is_refused(client, deliver(client, answer(client).document()), "not signed")
        AccountEvent.objects.all().delete()
        response = deliver(client, signed(answer(client), OTHER_KEY))
        assert is_refused(client, response, "Signature validation failed")

    def test_a_signed_response_around_an_unsigned_assertion(self, answer):
        client = Client()
        response = deliver(client, sign(answer(client).document()))
        assert is_refused(client, response, "Assertion of the Response is not signed")

    def test_a_changed_assertion(self, answer):
        client = Client()
        document = signed(answer(client))
        assertion_of(document).find(f".//{{{SAML}}}NameID").text = "root"
        assert is_refused(client, deliver(client, document), "Signature validation failed")

    @pytest.mark.parametrize("kind", range(1, 9))
    def test_wrapped_signatures(self, answer, kind):
        client = Client()
        assert is_refused(
            client, deliver(client, wrapped(answer(client), kind)), "must contain 1 assertion"
        )

    def test_a_comment_in_the_name_does_not_shorten_it(self, answer):
        client = Client()
        document = signed(answer(client, name_id="root<!-- x -->.evil.example.org"))
        response = deliver(client, document)

        # canonical XML has no comments, so the signature is valid: the whole name counts
        assert response.status_code == 302
        assert SocialAccount.objects.get().extra_data["sub"] == "root.evil.example.org"

    @pytest.mark.parametrize(
        "body",
        [
            b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/hostname">]><r>&e;</r>',
            b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><r>&b;</r>',
            b"<r>",
            b"",
            b"not xml",
            b"<samlp:Response xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol'/>",
            b"x" * 400_000,
        ],
        ids=["external", "entities", "open", "empty", "text", "bare", "large"],
    )
    def test_what_is_no_response(self, configured, body):
        client = Client()
        assert is_refused(client, deliver(client, body))

    def test_what_is_not_base64_and_nothing(self, configured):
        client = Client()
        for data in ({"SAMLResponse": "§§"}, {}):
            assert is_refused(client, client.post(reverse("saml:response"), data))

    def test_an_entity_within_a_signed_response(self, answer):
        client = Client()
        body = etree.tostring(signed(answer(client)))
        hostile = b'<!DOCTYPE r [<!ENTITY e "root">]>' + body.replace(b">ada<", b">&e;<")
        assert is_refused(client, deliver(client, hostile), "DTDForbidden")

    def test_the_end_without_a_beginning(self, configured):
        client = Client()
        assert is_refused(client, client.get(reverse("saml:finish")))


def test_without_saml_there_is_nothing(settings):
    assert settings.SAML == {}
    for name in ("login", "finish", "metadata"):
        assert Client().get(reverse(f"saml:{name}")).status_code == 404
    assert Client().post(reverse("saml:response")).status_code == 404


def test_metadata_of_another_form_are_a_failed_sign_in(settings, configured, tmp_path):
    file = tmp_path / "wrong.xml"
    file.write_text("<r/>")
    configured(metadata_file=str(file))
    client = Client()

    assert is_refused(client, client.post(reverse("saml:login")))
    assert ISSUER not in str(AccountEvent.objects.get().detail)


class _Metadata(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(metadata())

    def log_message(self, *_):
        pass


def test_metadata_of_a_url_are_read_and_last_while_it_does_not_answer(settings, configured):
    server = HTTPServer(("127.0.0.1", 0), _Metadata)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/metadata"
        configured(metadata_file="", metadata_url=url)
        assert load_identity_provider().entity_id == ISSUER
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert begin(Client())
    # hours later it is still used, days later it is not
    for age, works in ((timedelta(hours=5), True), (timedelta(days=8), False)):
        read_at, provider = identity_provider._read[url]
        identity_provider._read[url] = (read_at - age, provider)
        response = Client().post(reverse("saml:login"))
        assert (response.status_code == 302) is works


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"SAML_METADATA_URL": "http://idp.example.org/"}, "must begin with https"),
        ({"SAML_METADATA_FILE": "/none"}, "does not exist"),
        ({"SAML_METADATA_FILE": __file__}, "cannot be read"),
        ({"SAML_IDP_CERTIFICATE_FILE": __file__}, "Set SAML_IDP_ENTITY_ID"),
        (
            {"SAML_METADATA_URL": "https://idp.example.org/", "SAML_METADATA_FILE": __file__},
            "Set only one of",
        ),
        (
            {"SAML_METADATA_URL": "https://idp.example.org/", "SAML_SESSION_HOURS": "0"},
            "between 1 and 168",
        ),
        (
            {
                "SAML_METADATA_URL": "https://idp.example.org/",
                "GROUP_ROLES": '{"a": "admin"}',
                "OIDC_ROLES": "{}",
            },
            "different things",
        ),
    ],
)
def test_wrong_settings_are_said(variables, why):
    with pytest.raises(ImproperlyConfigured, match=why):
        saml_sign_on(Given(**variables), public_url="https://registry", production=True)
