"""Sign-on by OpenID Connect, against a real provider on loopback."""

import http.client
import time
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse

from apps.accounts.actions import end_membership, set_membership
from apps.accounts.models import EmailAlias, Membership, User
from apps.accounts.roles import TeamRole
from apps.accounts.service_accounts import add_service
from apps.accounts.single_sign_on.rules import (
    InvalidRulesError,
    groups_in,
    read_rules,
    roles_of_groups,
)
from apps.common.history.context import audit_context
from registry.sign_on import sign_on
from tests.accounts.single_sign_on.oidc import (
    CLIENT_ID,
    CLIENT_SECRET,
    KEY,
    OTHER_KEY,
    Provider,
    serve,
)
from tests.builders import make_contact, make_team, make_user
from tests.http import signed_in_client, text_of

pytestmark = pytest.mark.django_db

RULES = (
    '{"ai-governance": "governance", "pay-devs": ["payments:editor", "nowhere:owner"], '
    '"pay-leads": "payments:owner"}'
)


@pytest.fixture
def provider():
    made = Provider(
        claims={
            "sub": "u-1",
            "email": "ada@example.org",
            "email_verified": True,
            "preferred_username": "ada",
            "given_name": "Ada",
            "family_name": "L",
        }
    )
    server = serve(made)
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def configured(settings, provider):
    """Switches sign-on on; further settings as arguments."""

    def switch(**changed):
        settings.OIDC = {
            "issuer": provider.issuer,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "name": "House login",
            "scopes": ["openid", "profile", "email"],
            "groups_claim": "groups",
            "rules": read_rules(RULES),
            "links_by_email": False,
            "creates_people": True,
            "session_hours": 12,
            "ca_file": "",
            "form_origins": [],
            **changed,
        }

    switch()
    return switch


@pytest.fixture
def payments():
    team = make_team("Payments")
    team.slug = "payments"
    team.save()
    return team


def begin(client, **query):
    """Leaves for the provider; the address the browser is sent to."""
    answer = client.post(reverse("sso:login"), query_params=query)
    assert answer.status_code == 302, answer.content
    return answer["Location"]


def at_provider(address):
    """The provider sends the browser back; the path and query it comes back with."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
    connection.request("GET", f"{parts.path}?{parts.query}")
    location = connection.getresponse().headers["Location"]
    connection.close()
    back = urlsplit(location)
    return f"{back.path}?{back.query}"


def sign_in(client=None, **query):
    client = client or Client()
    return client, client.get(at_provider(begin(client, **query)))


def who(client):
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk) if pk else None


class TestFirstSignIn:
    def test_it_makes_the_person_with_the_roles_of_the_groups(self, configured, provider, payments):
        provider.claims["groups"] = ["pay-devs", "others"]

        client, answer = sign_in(next="/account/")

        assert (answer.status_code, answer["Location"]) == (302, "/account/")
        person = who(client)
        assert (person.username, person.email, str(person)) == ("ada", "ada@example.org", "Ada L")
        assert (person.organisation_role, person.has_usable_password()) == ("", False)
        assert list(person.memberships.values_list("team__slug", "role", "sso_role")) == [
            ("payments", 2, 2)
        ]
        assert client.session.get_expiry_age() <= 12 * 3600
        made = person.history.order_by("pgh_id").first()
        assert made.pgh_context.metadata["job"] == "sign-on"

    def test_what_is_asked_of_the_provider_is_a_code_with_pkce_state_and_nonce(self, configured):
        client = Client()
        asked = parse_qs(
            urlsplit(begin(client, scope="admin", auth_params="prompt=none&nonce=x")).query
        )

        assert asked["response_type"] == ["code"]
        assert asked["code_challenge_method"] == ["S256"]
        assert set(asked["scope"][0].split()) == {"openid", "profile", "email"}
        assert "prompt" not in asked
        assert min(len(asked[name][0]) for name in ("state", "nonce", "code_challenge")) >= 16
        assert asked["nonce"] != ["x"]

    def test_it_is_refused_where_nobody_is_made(self, configured):
        configured(creates_people=False)
        client, answer = sign_in()

        assert answer.status_code == 403
        assert b"Ask an administrator to invite you." in answer.content
        assert (who(client), User.objects.count()) == (None, 0)

    def test_a_name_that_is_taken_gets_a_number(self, configured):
        make_user("ada", email="other@example.org")

        assert who(sign_in()[0]).username == "ada-2"

    def test_groups_and_address_may_come_from_userinfo_of_the_same_subject(
        self, configured, provider, payments
    ):
        provider.claims = {"sub": "u-1"}
        provider.userinfo = {
            "sub": "u-1",
            "email": "ada@example.org",
            "groups": "pay-leads",
            "iss": "https://lie",
        }

        person = who(sign_in()[0])

        assert person.email == "ada@example.org"
        assert person.may(TeamRole.OWNER, payments)

    def test_userinfo_of_somebody_else_is_refused(self, configured, provider):
        provider.userinfo = {"sub": "u-2", "groups": ["ai-governance"]}

        assert who(sign_in()[0]) is None


class TestLinking:
    def test_an_address_that_is_known_is_not_linked_unless_configured(self, configured):
        known = make_user("hana", email="ada@example.org")
        client, answer = sign_in()

        assert answer.status_code == 403
        assert b"not linked to single sign-on" in answer.content
        assert (who(client), User.objects.get()) == (None, known)

    def test_a_verified_address_is_linked_when_configured_and_the_password_stays(
        self, configured, provider
    ):
        configured(links_by_email=True)
        known = make_user("hana", email="Ada@Example.org")
        password = known.password

        client, _ = sign_in()

        assert who(client) == known
        assert User.objects.get().password == password
        # from then on by subject, whatever the address
        provider.claims["email"] = "new@example.org"
        assert who(sign_in()[0]) == known

    @pytest.mark.parametrize("verified", [False, "false", None])
    def test_an_unverified_address_is_not_linked(self, configured, provider, verified):
        configured(links_by_email=True)
        make_user("hana", email="ada@example.org")
        provider.claims["email_verified"] = verified

        assert sign_in()[1].status_code == 403

    @pytest.mark.parametrize(
        "wrong", [{"is_superuser": True}, {"is_staff": True}, {"is_active": False}]
    )
    def test_nor_to_technicians_and_closed_accounts(self, configured, wrong):
        configured(links_by_email=True)
        make_user("root", email="ada@example.org", **wrong)

        assert sign_in()[1].status_code == 403

    def test_nor_to_an_account_whose_owner_typed_the_address_there(self, configured):
        configured(links_by_email=True)
        thief = make_user("thief", email="own@example.org")
        thief.email = "ada@example.org"
        with audit_context(user=thief, reason="own profile changed"):
            thief.save()

        assert sign_in()[1].status_code == 403

    def test_a_contact_with_the_verified_address_becomes_the_user(self, configured, provider):
        contact = make_contact("ada@example.org")

        client, _ = sign_in()

        contact.refresh_from_db()
        assert who(client) == contact
        assert contact.state == "active"

    def test_a_contact_with_an_unverified_address_does_not(self, configured, provider):
        make_contact("ada@example.org")
        provider.claims["email_verified"] = False

        assert sign_in()[1].status_code == 403

    def test_nor_where_sign_on_adds_nobody(self, configured):
        configured(creates_people=False, links_by_email=True)
        contact = make_contact("ada@example.org")

        assert sign_in()[1].status_code == 403
        contact.refresh_from_db()
        assert contact.is_contact

    def test_an_alias_leads_to_no_account(self, configured):
        configured(links_by_email=True)
        EmailAlias.objects.create(user=make_user(role="admin"), email="ada@example.org")

        assert sign_in()[1].status_code == 403
        assert User.objects.count() == 1

    def test_somebody_signed_in_links_the_own_account(self, configured, payments, provider):
        known = make_user("hana", email="hana@example.org")
        client = signed_in_client(known)

        # a borrowed session links nothing
        client.get(at_provider(begin(client, process="connect")))
        assert not SocialAccount.objects.exists()
        client.post(reverse("account_reauthenticate"), {"password": "password"})
        client.get(at_provider(begin(client, process="connect")))

        assert SocialAccount.objects.get().user == known
        provider.claims["groups"] = ["pay-devs"]
        assert who(sign_in()[0]).may(TeamRole.EDITOR, payments)


class TestLaterSignIns:
    def test_roles_follow_the_groups_and_what_was_given_by_hand_stays(
        self, configured, provider, payments
    ):
        admin, other = make_user("root", role="admin"), make_team("Other")
        provider.claims["groups"] = ["pay-devs", "ai-governance"]
        person = who(sign_in()[0])
        assert person.is_governance
        set_membership(user=person, team=other, role=TeamRole.OWNER, by=admin)
        set_membership(user=person, team=payments, role=TeamRole.VIEWER, by=admin)
        assert person.memberships.get(team=payments).role == 2

        provider.claims["groups"] = []
        person = who(sign_in()[0])

        assert person.organisation_role == ""
        assert dict(person.memberships.values_list("team__slug", "role")) == {
            other.slug: 3,
            "payments": 1,
        }
        assert not person.memberships.exclude(sso_role=None).exists()

    def test_a_role_that_only_the_group_gave_goes_with_it_and_only_with_it(
        self, configured, provider, payments
    ):
        provider.claims["groups"] = ["pay-leads"]
        membership = who(sign_in()[0]).memberships.get()
        with pytest.raises(Exception, match="comes from a group"):
            end_membership(membership=membership, by=make_user(role="admin"))

        provider.claims["groups"] = ["pay-devs"]
        sign_in()
        assert Membership.objects.get().role == 2
        del provider.claims["groups"]
        sign_in()
        assert not Membership.objects.exists()

    def test_an_office_given_by_hand_comes_back_when_the_group_is_gone(self, configured, provider):
        person = who(sign_in()[0])
        User.objects.filter(pk=person.pk).update(organisation_role="auditor")

        provider.claims["groups"] = ["ai-governance"]
        assert who(sign_in()[0]).organisation_role == "governance"
        provider.claims["groups"] = []
        assert who(sign_in()[0]).organisation_role == "auditor"

    def test_nothing_is_written_where_nothing_changed(self, configured, provider, payments):
        provider.claims["groups"] = ["pay-devs", "ai-governance"]
        person = who(sign_in()[0])
        before = [person.history.count(), Membership.history.rel.related_model.objects.count()]

        sign_in()

        assert [
            person.history.count(),
            Membership.history.rel.related_model.objects.count(),
        ] == before

    def test_a_closed_account_stays_closed(self, configured):
        person = who(sign_in()[0])
        User.objects.filter(pk=person.pk).update(is_active=False, state="closed")

        client, answer = sign_in()

        assert (answer.status_code, who(client)) == (403, None)

    def test_the_same_subject_of_another_issuer_is_somebody_else(self, configured, provider):
        first = who(sign_in()[0])
        twin = Provider(claims={"sub": "u-1", "preferred_username": "ada"})
        server = serve(twin)
        configured(issuer=twin.issuer)

        second = who(sign_in()[0])
        server.shutdown()
        server.server_close()

        assert first != second


def sign_with(key, algorithm="RS256", kid="one"):
    return lambda claims: jwt.encode(claims, key, algorithm, headers={"kid": kid})


def without(name):
    return lambda claims: {key: value for key, value in claims.items() if key != name}


FORGERIES = {
    "an issuer other than OIDC_ISSUER": {
        "bend": lambda claims: {**claims, "iss": "https://login.example.org"}
    },
    "another audience": {"bend": lambda claims: {**claims, "aud": "another-client"}},
    "several audiences, for another": {
        "bend": lambda claims: {**claims, "aud": [CLIENT_ID, "b"], "azp": "b"}
    },
    "several audiences, for nobody": {"bend": lambda claims: {**claims, "aud": [CLIENT_ID, "b"]}},
    "another nonce": {"bend": lambda claims: {**claims, "nonce": "of-another-sign-on"}},
    "no nonce": {"bend": without("nonce")},
    "expired": {
        "bend": lambda claims: {**claims, "iat": time.time() - 900, "exp": time.time() - 600}
    },
    "no end": {"bend": without("exp")},
    "no subject": {"bend": without("sub")},
    "of the future": {
        "bend": lambda claims: {**claims, "iat": time.time() + 900, "exp": time.time() + 1800}
    },
    "another key": {"sign": sign_with(OTHER_KEY)},
    "an unknown key": {"sign": sign_with(KEY, kid="two")},
    "unsigned": {"sign": lambda claims: jwt.encode(claims, None, "none", headers={"kid": "one"})},
    "signed with the client's secret": {"sign": sign_with(CLIENT_SECRET * 2, "HS256")},
    "no token at all": {"sign": lambda _claims: "x"},
    "a discovery document of another": {"discovery": {"issuer": "https://login.example.org"}},
    "keys inside the house": {"discovery": {"jwks_uri": "http://127.0.0.1:9/keys"}},
    "keys of a file": {"discovery": {"jwks_uri": "file:///etc/passwd"}},
    "keys at the metadata address": {"discovery": {"jwks_uri": "http://169.254.169.254/keys"}},
}


class TestForgeries:
    @pytest.mark.parametrize("forgery", FORGERIES)
    def test_it_is_refused_and_nobody_is_signed_in(self, configured, provider, forgery):
        client = Client()
        address = begin(client)
        for name, value in FORGERIES[forgery].items():
            setattr(provider, name, value)

        answer = client.get(at_provider(address))

        assert answer.status_code == 401
        assert b"Single sign-on failed." in answer.content
        assert (who(client), User.objects.count()) == (None, 0)

    def test_a_callback_without_the_state_of_this_browser_is_refused(self, configured):
        victim, address = Client(), at_provider(begin(Client()))

        assert victim.get(address).status_code == 401
        assert who(victim) is None

    def test_a_callback_works_once(self, configured):
        client = Client()
        address = at_provider(begin(client))
        client.get(address)
        client.logout()

        assert client.get(address).status_code == 401
        assert who(client) is None

    def test_a_code_stolen_into_another_browser_fails_by_pkce(self, configured, provider):
        stolen = parse_qs(urlsplit(at_provider(begin(Client()))).query)["code"][0]
        thief = Client()
        state = parse_qs(urlsplit(begin(thief)).query)["state"][0]

        assert (
            thief.get(reverse("sso:callback"), {"code": stolen, "state": state}).status_code == 401
        )
        assert provider.refused == ["pkce"]

    def test_no_page_elsewhere_can_begin_it(self, configured, provider):
        assert Client().get(reverse("sso:login")).status_code == 200
        assert provider.asked == []
        assert Client(enforce_csrf_checks=True).post(reverse("sso:login")).status_code == 403

    def test_a_stop_at_the_provider_is_no_error(self, configured):
        client = Client()
        state = parse_qs(urlsplit(begin(client)).query)["state"][0]

        answer = client.get(
            reverse("sso:callback"), {"error": "access_denied", "state": state}, follow=True
        )

        assert b"You cancelled the sign-in." in answer.content

    def test_a_provider_that_is_away_is_a_page_and_no_error(self, configured, settings):
        configured(issuer="http://127.0.0.1:9/realm")
        assert Client().post(reverse("sso:login")).status_code == 401


class TestConfiguration:
    def test_it_is_off_by_default(self, client):
        assert client.get(reverse("sso:login")).status_code == 404
        assert client.get(reverse("sso:callback")).status_code == 404
        assert "sign-on" not in client.get(reverse("account_login")).content.decode()

    def test_the_login_page_offers_it(self, configured, client):
        page = client.get(f"{reverse('account_login')}?next=/account/").content.decode()

        assert "Sign in with House login" in page
        assert "next=%2Faccount%2F" in page

    def test_the_settings_page_says_what_is_in_force(self, configured, client, payments):
        client.force_login(make_user(role="admin"))
        page = text_of(client.get(reverse("settings:single-sign-on")))

        for words in (
            "House login",
            "ai-governance",
            "no team with the slug nowhere",
            "/accounts/sign-on/callback/",
        ):
            assert words in page
        assert CLIENT_SECRET not in page
        client.force_login(make_user())
        assert client.get(reverse("settings:single-sign-on")).status_code == 403

    def test_a_program_does_not_come_by_sign_on(self, configured):
        configured(links_by_email=True)
        add_service(username="ada", about="", team=None, by=make_user(role="governance"))

        assert who(sign_in()[0]).username == "ada-2"

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"OIDC_ISSUER": "http://login.example.org", "OIDC_CLIENT_ID": "x"}, "https"),
            (
                {"OIDC_ISSUER": "login.example.org", "OIDC_CLIENT_ID": "x"},
                "URL of the identity provider",
            ),
            ({"OIDC_ISSUER": "https://login.example.org"}, "OIDC_CLIENT_ID"),
            (
                {"OIDC_ISSUER": "https://l.example", "OIDC_CLIENT_ID": "x", "OIDC_ROLES": "{"},
                "not valid JSON",
            ),
            (
                {
                    "OIDC_ISSUER": "https://l.example",
                    "OIDC_CLIENT_ID": "x",
                    "OIDC_ROLES": '{"a": "king"}',
                },
                "king",
            ),
            (
                {
                    "OIDC_ISSUER": "https://l.example",
                    "OIDC_CLIENT_ID": "x",
                    "OIDC_SESSION_HOURS": "0",
                },
                "between 1",
            ),
        ],
    )
    def test_a_half_configuration_is_refused_with_a_sentence(self, given, said):
        import environ

        class Given(environ.Env):
            ENVIRON = given

        with pytest.raises(ImproperlyConfigured, match=said):
            sign_on(Given(), production=True)


class TestRules:
    def test_the_strongest_of_several_groups_counts(self):
        rules = read_rules(
            '{"a": ["auditor", "t:viewer"], "b": ["admin", "t:owner"], "c": "t:editor"}'
        )

        assert roles_of_groups(rules, ["a", "b", "c"]).organisation_role == "admin"
        assert roles_of_groups(rules, ["a", "c"]).roles == {"t": TeamRole.EDITOR}
        assert roles_of_groups(rules, ["x"]) == roles_of_groups((), ["a"])

    @pytest.mark.parametrize("text", ["[]", '{"a": 1}', '{"a": "t:king"}', '{"a": ":owner"}'])
    def test_what_cannot_be_meant_is_refused(self, text):
        with pytest.raises(InvalidRulesError, match="OIDC_ROLES"):
            read_rules(text)

    def test_groups_are_found_where_providers_put_them(self):
        assert groups_in({"groups": ["a", 1, "b"]}, "groups") == ("a", "b")
        assert groups_in({"realm_access": {"roles": ["a"]}}, "realm_access.roles") == ("a",)
        assert groups_in({"https://x.org/groups": ["a"]}, "https://x.org/groups") == ("a",)
        assert groups_in({"groups": {"a": 1}}, "groups.x") == ()
        assert groups_in({}, "groups") == ()
