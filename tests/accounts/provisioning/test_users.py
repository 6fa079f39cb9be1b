"""Users over SCIM, as Okta and Microsoft Entra ID send them."""

import pytest
from django.urls import reverse

from apps.accounts.models import ApiToken, ProvisionedUser, User
from apps.accounts.roles import TeamRole
from apps.accounts.service_accounts import add_service
from apps.accounts.single_sign_on.rules import read_rules
from apps.common.history.context import audit_context
from tests.accounts.provisioning.scim import create_group, create_user, patch, provider
from tests.builders import make_contact, make_team, make_user
from tests.http import log_in, signed_in_client, token_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return make_user("root", role="admin")


@pytest.fixture
def scim(admin):
    return provider(admin)


def error_of(response, status, scim_type=""):
    body = response.json()
    assert response.status_code == status, body
    assert response["Content-Type"] == "application/scim+json"
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert (body["status"], body.get("scimType", "")) == (str(status), scim_type)
    return body["detail"]


class TestCreation:
    def test_a_user_is_created_without_roles_and_without_a_password(self, scim):
        response = scim.post(
            "/scim/v2/Users",
            {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": "Ada@Example.org",
                "externalId": "00u1",
                "name": {"givenName": "Ada", "familyName": "Lovelace", "middleName": "K"},
                "emails": [{"primary": True, "value": "ada@example.org", "type": "work"}],
                "displayName": "Ada Lovelace",
                "locale": "en-US",
                "password": "unwanted",
                "active": True,
            },
        )

        body = response.json()
        assert response.status_code == 201, body
        assert response["Location"].endswith(f"/scim/v2/Users/{body['id']}")
        assert response["ETag"] == body["meta"]["version"]
        person = User.objects.get(pk=int(body["id"]))
        assert (person.username, person.email, str(person)) == (
            "Ada",
            "ada@example.org",
            "Ada Lovelace",
        )
        assert (person.state, person.organisation_role) == ("invited", "")
        assert not person.has_usable_password()
        assert not person.is_superuser
        made = person.history.order_by("pgh_id").first().pgh_context.metadata
        assert (made["actor"], made["token"]) == ("root", ApiToken.objects.get().prefix)

    def test_a_name_without_parts_is_read_from_the_display_name(self, scim):
        user = create_user(scim, "guest_x.org#EXT#@y.onmicrosoft.com", displayName="Gus Guest")

        person = User.objects.get(pk=int(user["id"]))
        assert (person.first_name, person.last_name) == ("Gus", "Guest")
        assert person.username == "guest_x.orgEXT"

    @pytest.mark.parametrize("again", ["ada@example.org", "ADA@example.org"])
    def test_a_name_and_an_address_are_unique(self, scim, again):
        create_user(scim, "ada@example.org")

        assert "taken" in error_of(
            scim.post("/scim/v2/Users", {"userName": again}), 409, "uniqueness"
        )
        other = {"userName": "other", "emails": [{"value": again}]}
        assert "email address" in error_of(scim.post("/scim/v2/Users", other), 409, "uniqueness")
        assert ProvisionedUser.objects.count() == 1

    def test_a_contact_becomes_the_user(self, scim):
        contact = make_contact("ada@example.org")

        user = create_user(scim, "ada@example.org")

        assert user["id"] == str(contact.pk)
        contact.refresh_from_db()
        assert contact.is_active

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"userName": ""},
            {"userName": 5},
            {"userName": "x", "active": "perhaps"},
            {"userName": "x", "emails": [{"value": "no address"}]},
            {"userName": "x" * 300},
            {"userName": "x", "emails": [5]},
        ],
    )
    def test_what_is_wrong_is_said(self, scim, body):
        error_of(scim.post("/scim/v2/Users", body), 400, "invalidValue")
        assert User.objects.count() == 1

    def test_a_body_that_is_no_object_or_too_large(self, scim):
        for body in (b"{", b"[]", b'"x"'):
            response = scim.generic("POST", "/scim/v2/Users", body, "application/scim+json")
            error_of(response, 400, "invalidSyntax")
        large = b'{"userName": "' + b"x" * 1024 * 1024 + b'"}'
        error_of(scim.generic("POST", "/scim/v2/Users", large, "application/json"), 413, "tooMany")
        error_of(scim.generic("POST", "/scim/v2/Users", b"{}", "text/plain"), 415)


class TestReading:
    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ('userName eq "ADA@example.org"', ["ada"]),
            ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ada@example.org"', ["ada"]),
            ('userName Eq "hana@example.org"', ["hana"]),
            ('externalId eq "e-ada"', ["ada"]),
            ('externalId eq "E-ADA"', []),
            ('emails eq "ada@example.org"', ["ada"]),
            ('emails[type eq "work" and value eq "ada@example.org"]', ["ada"]),
            ('emails.value co "example.org" and active eq false', ["bob"]),
            ('displayName eq "Bob"', ["bob"]),
            ('(userName sw "ada" or userName sw "bob") and not (active eq false)', ["ada"]),
            ('id eq "0"', []),
            ('userName ne "ada@example.org" and userName ew "bob@example.org"', ["bob"]),
            ("externalId pr", ["ada", "bob"]),
            ("active eq True and externalId pr", ["ada"]),
        ],
    )
    def test_filters(self, scim, text, names):
        make_user("hana", email="hana@example.org")
        for name, active in (("ada", True), ("bob", False)):
            create_user(
                scim,
                f"{name}@example.org",
                externalId=f"e-{name}",
                displayName=name.capitalize(),
                active=active,
            )

        body = scim.get("/scim/v2/Users", {"filter": text}).json()

        found = [each["userName"].partition("@")[0] for each in body["Resources"]]
        assert sorted(found) == names
        assert body["totalResults"] == len(names)

    @pytest.mark.parametrize(
        "text",
        [
            "userName",
            "userName eq",
            'userName like "x"',
            'userName eq "x',
            '(userName eq "x"',
            'userName eq "x")',
            'nonsense eq "x"',
            "userName eq 5",
            "active eq 5",
            'active gt "true"',
            'id gt "1"',
            'emails[value eq "x"',
            "(" * 30 + 'userName eq "x"' + ")" * 30,
            'userName eq "' + "x" * 2000 + '"',
            "userName eq x",
        ],
    )
    def test_a_wrong_filter(self, scim, text):
        error_of(scim.get("/scim/v2/Users", {"filter": text}), 400, "invalidFilter")

    def test_pages(self, scim):
        for n in range(3):
            create_user(scim, f"u{n}@example.org")

        body = scim.get("/scim/v2/Users", {"startIndex": 2, "count": 2}).json()
        assert (body["totalResults"], body["startIndex"], body["itemsPerPage"]) == (4, 2, 2)
        assert [each["userName"] for each in body["Resources"]] == [
            "u0@example.org",
            "u1@example.org",
        ]
        assert scim.get("/scim/v2/Users", {"count": 0}).json()["Resources"] == []
        assert scim.get("/scim/v2/Users", {"startIndex": -5}).json()["startIndex"] == 1
        error_of(scim.get("/scim/v2/Users", {"count": "x"}), 400, "invalidValue")

    def test_attributes_and_versions(self, scim):
        user = create_user(scim, "ada@example.org")
        address = f"/scim/v2/Users/{user['id']}"

        only = scim.get(address, {"attributes": "userName"}).json()
        without = scim.get(address, {"excludedAttributes": "emails"}).json()
        assert set(only) == {"schemas", "id", "meta", "userName"}
        assert "emails" not in without
        version = user["meta"]["version"]
        assert scim.get(address, headers={"If-None-Match": version}).status_code == 304
        stale = scim.patch(
            address, patch(("replace", "active", False)), headers={"If-Match": '"x"'}
        )
        error_of(stale, 412)
        fresh = scim.patch(
            address, patch(("replace", "active", False)), headers={"If-Match": version}
        )
        assert fresh.status_code == 200
        assert fresh["ETag"] != version

    def test_service_accounts_contacts_and_unknown_keys_are_not_there(self, scim, admin):
        service = add_service(username="robot", about="", team=None, by=admin)
        for key in (service.pk, make_contact().pk, 0, "x", "9" * 30):
            error_of(scim.get(f"/scim/v2/Users/{key}"), 404)
        error_of(scim.get("/scim/v2/Nothing"), 404)
        error_of(scim.get("/scim/v2/Me"), 501)
        error_of(scim.delete("/scim/v2/Schemas"), 405)


class TestChanges:
    @pytest.mark.parametrize(
        "body",
        [
            # Entra ID without and with its option, Okta, and by a key of the value
            patch(("Replace", "active", "False")),
            patch(("replace", "active", False)),
            patch(("replace", None, {"active": False})),
            patch(("Add", None, {"urn:ietf:params:scim:schemas:core:2.0:User:active": "false"})),
        ],
    )
    def test_deactivation_ends_sessions_and_tokens_and_hands_nothing_over(self, scim, body):
        user = create_user(scim, "ada@example.org")
        person = User.objects.get(pk=int(user["id"]))
        person.set_password("password")
        person.save()
        session = log_in(person)
        assert session.get(reverse("account:detail")).status_code == 200
        token = token_client(person)

        changed = scim.patch(f"/scim/v2/Users/{user['id']}", body)

        assert changed.json()["active"] is False
        assert session.get(reverse("account:detail")).status_code == 302
        assert token.get("/api/v1/teams/").status_code == 401
        person.refresh_from_db()
        assert (person.state, person.is_active) == ("closed", False)
        # coming back gives neither of them back
        again = scim.patch(f"/scim/v2/Users/{user['id']}", patch(("Replace", "active", "True")))
        assert again.json()["active"] is True
        assert session.get(reverse("account:detail")).status_code == 302
        assert token.get("/api/v1/teams/").status_code == 401

    def test_what_entra_id_changes(self, scim):
        user = create_user(scim, "ada@example.org")
        body = patch(
            ("Replace", 'emails[type eq "work"].value', "ada@new.example.org"),
            ("Add", "name.givenName", "Ada"),
            ("Replace", "name.familyName", "L"),
            (
                "Add",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                "R&D",
            ),
            ("Add", 'phoneNumbers[type eq "work"].value', "1"),
            ("Add", "title", "Dr"),
            ("Replace", "displayName", "Ada L"),
        )

        changed = scim.patch(f"/scim/v2/Users/{user['id']}", body).json()

        assert changed["emails"] == [{"value": "ada@new.example.org", "type": "work"}]
        assert changed["name"] == {"givenName": "Ada", "familyName": "L"}
        person = User.objects.get(pk=int(user["id"]))
        assert person.email == "ada@new.example.org"

    def test_what_okta_puts(self, scim):
        user = create_user(scim, "ada@example.org", externalId="00u1")
        body = {
            **user,
            "name": {"givenName": "Ada", "familyName": "Byron"},
            "active": False,
            "groups": [],
        }

        changed = scim.put(f"/scim/v2/Users/{user['id']}", body).json()

        assert (changed["name"]["familyName"], changed["active"]) == ("Byron", False)
        assert changed["externalId"] == "00u1"

    @pytest.mark.parametrize(
        ("body", "scim_type"),
        [
            (patch(("move", "active", False)), "invalidSyntax"),
            ({"Operations": []}, "invalidSyntax"),
            ({"Operations": ["x"]}, "invalidSyntax"),
            (patch(("remove", None, None)), "noTarget"),
            (patch(("replace", "nonsense", 1)), "invalidPath"),
            (patch(("replace", "emails[type eq", 1)), "invalidPath"),
            (patch(("replace", 'name[x eq "y"]', 1)), "invalidPath"),
            (patch(("replace", "name.nonsense", "x")), "invalidPath"),
            (patch(("replace", "userName", "")), "invalidValue"),
            (patch(("replace", None, "x")), "invalidValue"),
            (patch(*[("replace", "active", True)] * 1001), "tooMany"),
        ],
    )
    def test_a_wrong_patch_changes_nothing(self, scim, body, scim_type):
        user = create_user(scim, "ada@example.org")
        if scim_type != "tooMany" and body["Operations"]:
            body = {
                **body,
                "Operations": [
                    *patch(("replace", "displayName", "X"))["Operations"],
                    *body["Operations"],
                ],
            }

        error_of(scim.patch(f"/scim/v2/Users/{user['id']}", body), 400, scim_type)
        assert scim.get(f"/scim/v2/Users/{user['id']}").json() == user

    def test_an_address_of_another_user_is_refused(self, scim):
        make_user("hana", email="hana@example.org")
        user = create_user(scim, "ada@example.org")
        body = patch(("replace", "emails", [{"value": "Hana@example.org"}]))

        error_of(scim.patch(f"/scim/v2/Users/{user['id']}", body), 409, "uniqueness")

    def test_a_deleted_user_is_gone_for_the_provider_and_stays_as_a_closed_account(self, scim):
        user = create_user(scim, "ada@example.org")
        address = f"/scim/v2/Users/{user['id']}"

        assert scim.delete(address).status_code == 204

        error_of(scim.get(address), 404)
        error_of(scim.delete(address), 404)
        assert User.objects.get(pk=int(user["id"])).state == "closed"
        again = create_user(scim, "ada@example.org", displayName="Ada")
        assert again["id"] == user["id"]
        assert again["active"] is True


class TestAccountsThatExisted:
    def test_the_provider_finds_an_account_and_takes_it_over_by_its_first_change(self, scim):
        known = make_user("hana", email="hana@example.org")
        team = make_team("Payments")
        known.memberships.create(team=team, role=TeamRole.EDITOR.rank)

        [found] = scim.get("/scim/v2/Users", {"filter": 'userName eq "hana@example.org"'}).json()[
            "Resources"
        ]
        scim.patch(f"/scim/v2/Users/{found['id']}", patch(("replace", "externalId", "00u9")))

        known.refresh_from_db()
        assert (found["id"], known.username) == (str(known.pk), "hana")
        assert known.provisioning.external_id == "00u9"
        assert known.memberships.count() == 1

    @pytest.mark.parametrize("rights", [{"is_superuser": True}, {"is_staff": True}])
    def test_accounts_with_technical_rights_are_not_changed(self, scim, rights):
        technician = make_user("tech", **rights)
        for response in (
            scim.patch(f"/scim/v2/Users/{technician.pk}", patch(("replace", "active", False))),
            scim.delete(f"/scim/v2/Users/{technician.pk}"),
        ):
            assert "technical rights" in error_of(response, 403)
        technician.refresh_from_db()
        assert technician.is_active

    def test_nor_one_whose_owner_has_entered_the_address(self, scim):
        thief = make_user("thief", email="own@example.org")
        thief.email = "ada@example.org"
        with audit_context(user=thief, reason="own email address confirmed"):
            thief.save()

        error_of(scim.delete(f"/scim/v2/Users/{thief.pk}"), 409)

    def test_the_last_administrator_stays(self, scim, admin):
        for response in (
            scim.patch(f"/scim/v2/Users/{admin.pk}", patch(("replace", "active", False))),
            scim.delete(f"/scim/v2/Users/{admin.pk}"),
        ):
            assert "At least one administrator is required." in error_of(response, 409)
        admin.refresh_from_db()
        assert admin.is_active


class TestGroups:
    @pytest.fixture(autouse=True)
    def rules(self, settings):
        settings.GROUP_RULES = read_rules(
            '{"Payments": "payments:editor", "oid-9": "governance", "Admins": "admin"}'
        )
        return make_team("Payments", slug="payments")

    def test_members_get_the_roles_of_the_rules_and_lose_them(self, scim, rules):
        ada, bob = (create_user(scim, f"{name}@example.org") for name in ("ada", "bob"))
        group = create_group(scim, "Payments", ada["id"])
        address = f"/scim/v2/Groups/{group['id']}"
        person = User.objects.get(pk=int(ada["id"]))
        assert person.may(TeamRole.EDITOR, rules)

        # Entra ID adds and removes one by one
        scim.patch(address, patch(("Add", "members", [{"value": bob["id"]}])))
        assert User.objects.get(pk=int(bob["id"])).may(TeamRole.EDITOR, rules)
        removed = scim.patch(address, patch(("Remove", f'members[value eq "{ada["id"]}"]', None)))
        assert removed.status_code == 204
        scim.patch(address, patch(("Remove", "members", [{"value": bob["id"]}])))
        for user in (ada, bob):
            assert not User.objects.get(pk=int(user["id"])).memberships.exists()
        assert "members" not in scim.get(address).json()
        member_of = scim.get(f"/scim/v2/Users/{ada['id']}").json().get("groups", [])
        assert member_of == []

    def test_a_rule_may_name_the_external_id_and_a_renamed_group_changes_roles(self, scim):
        ada = create_user(scim, "ada@example.org")
        group = create_group(scim, "Governance team", ada["id"], externalId="oid-9")
        address = f"/scim/v2/Groups/{group['id']}"
        assert User.objects.get(pk=int(ada["id"])).organisation_role == "governance"

        scim.patch(address, patch(("Replace", "displayName", "Payments")))
        assert User.objects.get(pk=int(ada["id"])).memberships.count() == 1
        scim.patch(address, patch(("replace", None, {"externalId": "", "displayName": "X"})))
        person = User.objects.get(pk=int(ada["id"]))
        assert (person.organisation_role, person.memberships.count()) == ("", 0)

    def test_groups_are_found_replaced_and_deleted(self, scim):
        ada = create_user(scim, "ada@example.org")
        group = create_group(scim, "Payments", ada["id"])
        query = {"filter": 'displayName eq "payments"', "excludedAttributes": "members"}
        [found] = scim.get("/scim/v2/Groups", query).json()["Resources"]
        assert (found["id"], "members" in found) == (group["id"], False)
        by_member = {"filter": f'id eq "{group["id"]}" and members eq "{ada["id"]}"'}
        assert scim.get("/scim/v2/Groups", by_member).json()["totalResults"] == 1
        error_of(scim.post("/scim/v2/Groups", {"displayName": "PAYMENTS"}), 409, "uniqueness")

        body = {"displayName": "Payments", "members": []}
        assert "members" not in scim.put(f"/scim/v2/Groups/{group['id']}", body).json()
        scim.patch(
            f"/scim/v2/Groups/{group['id']}",
            patch(("replace", "members", [{"value": ada["id"]}])),
        )
        assert scim.delete(f"/scim/v2/Groups/{group['id']}").status_code == 204
        error_of(scim.get(f"/scim/v2/Groups/{group['id']}"), 404)
        assert not User.objects.get(pk=int(ada["id"])).memberships.exists()

    @pytest.mark.parametrize("member", ["0", "x", None, "99999"])
    def test_an_unknown_member_changes_nothing(self, scim, member):
        body = {"displayName": "Payments", "members": [{"value": member}]}
        error_of(scim.post("/scim/v2/Groups", body), 400, "invalidValue")
        assert scim.get("/scim/v2/Groups").json()["totalResults"] == 0

    def test_the_last_administrator_stays_in_the_group_that_makes_one(self, scim, admin):
        ada = create_user(scim, "ada@example.org")
        robot = add_service(username="robot", about="", team=None, by=admin)
        other = provider(robot)
        group = create_group(other, "Admins", ada["id"])
        person = User.objects.get(pk=int(ada["id"]))
        assert (person.organisation_role, person.is_superuser) == ("admin", False)
        User.objects.filter(pk=admin.pk).update(is_active=False, state="closed")

        response = other.delete(f"/scim/v2/Groups/{group['id']}")

        assert "At least one administrator" in error_of(response, 409)
        assert User.objects.get(pk=person.pk).organisation_role == "admin"
        assert other.delete(f"/scim/v2/Users/{ada['id']}").status_code == 409

    def test_a_deleted_user_loses_the_roles_of_its_groups(self, scim):
        ada = create_user(scim, "ada@example.org")
        create_group(scim, "Payments", ada["id"])

        scim.delete(f"/scim/v2/Users/{ada['id']}")

        assert not User.objects.get(pk=int(ada["id"])).memberships.exists()


class TestAccess:
    def test_only_a_token_of_that_scope(self, scim, admin):
        assert signed_in_client(admin).get("/scim/v2/Users").status_code == 401
        for scope in ("read", "write", "intake", "gate"):
            client = token_client(admin, scope)
            assert "scope" in error_of(client.get("/scim/v2/Users"), 403)
        assert scim.get("/api/v1/users/").status_code == 403
        assert token_client().get("/scim/v2/Users").status_code == 401

    def test_the_token_ends_with_the_role_of_its_user(self, scim, admin):
        User.objects.filter(pk=admin.pk).update(organisation_role="governance")

        assert "no administrator" in error_of(scim.get("/scim/v2/Users"), 403)

    def test_requests_and_refusals_are_shown_to_administrators(self, scim, admin):
        scim.get("/scim/v2/Users")
        scim.post("/scim/v2/Users", {})

        page = signed_in_client(admin).get(reverse("settings:provisioning")).content.decode()

        assert "POST /Users" in page
        assert "A user needs a userName." in page
