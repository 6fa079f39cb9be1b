"""Users by REST: shown to the organisation roles, added, changed, closed and invited by
administrators."""

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client

from apps.accounts.models import Membership, User
from apps.accounts.roles import TeamRole
from apps.accounts.service_accounts import add_service
from apps.accounts.sign_in import invitations
from tests.builders import make_member, make_team, make_user

pytestmark = pytest.mark.django_db

USERS = "/api/v1/users/"


@pytest.fixture
def admin(api):
    return api(make_user("ada", role="admin"), "read", "write")


@pytest.fixture
def no_mail(monkeypatch):
    def refuse(**_facts):
        raise ConnectionRefusedError("111, connection refused")

    monkeypatch.setattr("apps.api.accounts.users.send_invitation", refuse)


def sets_a_password(link):
    """What the person does with it."""
    client = Client()
    path = link.split("//", 1)[1].partition("/")[2]
    form = client.get(f"/{path}", follow=True)
    if not form.redirect_chain:
        return False
    client.post(
        form.redirect_chain[-1][0], {"password1": "long-enough-77", "password2": "long-enough-77"}
    )
    return True


def test_an_administrator_adds_a_person_with_a_first_role_and_the_invitation_leaves(admin):
    team = make_team("Claims")
    sent = {
        "username": "nele",
        "email": "nele@example.org",
        "first_name": "Nele",
        "last_name": "Berg",
        "organisation_role": "auditor",
        "team": team.slug,
        "role": "editor",
    }

    answer = admin.post(USERS, sent, format="json")

    assert answer.status_code == 201, answer.json()
    body, person = answer.json(), User.objects.get(username="nele")
    assert body["invitation"] == {
        "sent": True,
        "detail": "An invitation was sent to nele@example.org.",
        "link": None,
    }
    assert body["memberships"] == [{"team": team.slug, "role": "editor"}]
    assert (body["organisation_role"], body["is_active"], body["last_login"]) == (
        "auditor",
        True,
        None,
    )
    assert person.may(TeamRole.EDITOR, team)
    [letter] = mail.outbox
    link = next(word for word in letter.body.split() if "/accounts/password/reset/key/" in word)
    assert sets_a_password(link)
    assert Client().login(username="nele", password="long-enough-77")


@pytest.mark.usefixtures("no_mail")
def test_where_the_mail_does_not_leave_the_link_is_in_the_answer_once_and_is_stored_nowhere(admin):
    sent = {"username": "nele", "email": "nele@example.org"}
    once = {"format": "json", "headers": {"Idempotency-Key": "one"}}

    answer, repeated = admin.post(USERS, sent, **once), admin.post(USERS, sent, **once)

    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    invitation = answer.json()["invitation"]
    assert invitation["sent"] is False
    assert "was not sent (111, connection refused)" in invitation["detail"]
    assert repeated.status_code == 409
    assert "password/reset/key" not in repeated.content.decode()
    assert "link" not in admin.get(f"{USERS}{answer.json()['id']}/").content.decode()
    assert sets_a_password(invitation["link"])
    assert not sets_a_password(invitation["link"])


def test_without_an_invitation_no_mail_leaves_until_it_is_asked_for(admin):
    added = admin.post(
        USERS, {"username": "nele", "email": "nele@example.org", "invite": False}, format="json"
    )
    n_before = len(mail.outbox)
    invited = admin.post(f"{USERS}{added.json()['id']}/invite/")

    assert (added.json()["invitation"], n_before) == (None, 0)
    assert (invited.status_code, invited.json()["sent"], len(mail.outbox)) == (200, True, 1)


@pytest.mark.parametrize(
    ("facts", "why"), [({"is_active": False}, "closed"), ({"email": ""}, "no email address")]
)
def test_a_closed_account_and_one_without_an_address_are_not_invited(admin, facts, why):
    person = make_user("nele", **{"email": "nele@example.org", **facts})

    answer = admin.post(f"{USERS}{person.pk}/invite/")

    assert answer.status_code == 409
    assert why in answer.json()["detail"]
    assert not mail.outbox


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"username": "taken"}, "username"),
        ({"username": "a b"}, "username"),
        ({"email": "TAKEN@example.org"}, ""),
        ({"email": ""}, "email"),
        ({"organisation_role": "king"}, "organisation_role"),
        ({"role": "viewer"}, "role"),
        ({"team": "nowhere"}, "team"),
        ({"is_superuser": True}, "is_superuser"),
        ({"password": "secret"}, "password"),
    ],
)
def test_what_is_wrong_is_named_and_nobody_is_added_or_invited(admin, sent, field):
    make_user("taken", email="taken@example.org")

    answer = admin.post(
        USERS, {"username": "nele", "email": "nele@example.org", **sent}, format="json"
    )

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert User.objects.count() == 2
    assert not mail.outbox


def test_facts_are_changed_and_the_account_is_closed_and_opened(admin, api):
    person = make_user("nele", email="nele@example.org")
    person_client, address = api(person), f"{USERS}{person.pk}/"
    read = admin.get(address).json()

    changed = admin.patch(
        address, {**read, "first_name": "Nele", "organisation_role": "governance"}, format="json"
    )
    closed = admin.patch(address, {"is_active": False}, format="json")
    refused = person_client.get("/api/v1/teams/").status_code
    opened = admin.patch(address, {"is_active": True}, format="json")

    assert [answer.status_code for answer in (changed, closed, opened)] == [200, 200, 200], (
        changed.json()
    )
    assert (changed.json()["first_name"], changed.json()["email"]) == ("Nele", "nele@example.org")
    assert (closed.json()["is_active"], refused) == (False, 401)
    assert person_client.get("/api/v1/teams/").status_code == 200
    assert admin.delete(address).status_code == 405


def test_the_username_stays(admin):
    person = make_user("nele")

    answer = admin.patch(f"{USERS}{person.pk}/", {"username": "other"}, format="json")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "username")
    assert User.objects.filter(username="nele").exists()


@pytest.mark.parametrize(
    "facts", [{"is_active": False}, {"organisation_role": ""}, {"organisation_role": "auditor"}]
)
def test_the_last_administrator_is_neither_closed_nor_given_another_role(admin, facts):
    last = User.objects.get(username="ada")

    answer = admin.patch(f"{USERS}{last.pk}/", facts, format="json")

    assert answer.status_code == 409
    assert "At least one administrator is required" in answer.json()["detail"]
    last.refresh_from_db()
    assert last.is_administrator
    make_user(role="admin")
    assert admin.patch(f"{USERS}{last.pk}/", facts, format="json").status_code == 200


def test_a_superuser_is_changed_and_invited_by_a_superuser_alone(admin, api):
    root = make_user("root", is_superuser=True, email="root@example.org")
    address = f"{USERS}{root.pk}/"

    refused = (
        admin.patch(address, {"is_active": False}, format="json").status_code,
        admin.post(f"{address}invite/").status_code,
    )
    own = api(root, "write").patch(address, {"last_name": "Berg"}, format="json")

    assert (refused, own.status_code) == ((403, 403), 200)
    assert not mail.outbox


def test_a_role_that_sign_on_gives_is_told_apart_from_the_one_given_here(admin):
    person = make_user("nele", role="governance", sso_organisation_role="governance")

    answer = admin.patch(f"{USERS}{person.pk}/", {"organisation_role": "auditor"}, format="json")

    assert (answer.json()["organisation_role"], answer.json()["organisation_role_by_sign_on"]) == (
        "governance",
        "governance",
    )
    person.refresh_from_db()
    assert person.manual_organisation_role == "auditor"


class TestWho:
    @pytest.mark.parametrize("role", ["admin", "governance", "auditor"])
    def test_organisation_roles_read_everybody_and_administrators_alone_write(self, api, role):
        person = make_member(
            make_team(), TeamRole.OWNER, make_user("nele", email="nele@example.org")
        )
        client, address = api(make_user("who", role=role), "read", "write"), f"{USERS}{person.pk}/"

        assert {row["username"] for row in client.get(USERS).json()["results"]} == {"who", "nele"}
        assert client.get(address).status_code == 200
        codes = [
            client.post(
                USERS, {"username": "new", "email": "new@example.org"}, format="json"
            ).status_code,
            client.patch(address, {"first_name": "Nele"}, format="json").status_code,
            client.post(f"{address}invite/").status_code,
        ]
        assert codes == ([201, 200, 200] if role == "admin" else [403] * 3)
        assert len(mail.outbox) == (2 if role == "admin" else 0)

    @pytest.mark.parametrize(
        "role", [None, *TeamRole], ids=lambda role: role.word if role else "stranger"
    )
    def test_others_find_no_user_not_even_of_their_team(self, api, role):
        team = make_team()
        person, member = make_member(team), make_user("who")
        if role is not None:
            make_member(team, role, member)
        client, address = api(member, "read", "write"), f"{USERS}{person.pk}/"

        assert client.get(USERS).json()["results"] == []
        assert client.get(address).status_code == 404
        assert client.patch(address, {"is_active": False}, format="json").status_code == 404
        assert client.post(f"{address}invite/").status_code == 404
        assert (
            client.post(
                USERS, {"username": "new", "email": "new@example.org"}, format="json"
            ).status_code
            == 403
        )

    def test_a_token_bound_to_a_team_reaches_none_of_it(self, api):
        team = make_team()
        admin = make_member(team, TeamRole.OWNER, make_user(role="admin", email="a@example.org"))
        client, address = api(admin, "read", "write", team=team), f"{USERS}{admin.pk}/"

        codes = {
            client.get(USERS).status_code,
            client.get(address).status_code,
            client.post(
                USERS, {"username": "new", "email": "new@example.org"}, format="json"
            ).status_code,
            client.patch(address, {"first_name": "A"}, format="json").status_code,
            client.post(f"{address}invite/").status_code,
        }

        assert codes == {403}


class TestList:
    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ("q=berg", {"nele"}),
            ("q=OLAF@example", {"olaf"}),
            ("organisation_role=governance", {"olaf"}),
            ("is_active=false", {"olaf"}),
            ("is_active=true", {"ada", "nele"}),
        ],
    )
    def test_is_narrowed_and_has_no_programs(self, admin, asked, expected):
        make_user("nele", last_name="Berg", email="nele@example.org")
        make_user("olaf", role="governance", email="olaf@example.org", is_active=False)
        add_service(
            username="berg-gateway", about="", team=None, by=User.objects.get(username="ada")
        )

        rows = admin.get(f"{USERS}?{asked}").json()["results"]

        assert {row["username"] for row in rows} == expected

    def test_says_who_has_a_second_factor(self, admin):
        with_codes, with_factor = make_user("codes"), make_user("factor")
        Authenticator.objects.create(
            user=with_codes, type=Authenticator.Type.RECOVERY_CODES, data={}
        )
        Authenticator.objects.create(user=with_factor, type=Authenticator.Type.TOTP, data={})

        rows = admin.get(USERS).json()["results"]

        found = {row["username"]: row["has_second_factor"] for row in rows}
        assert found == {"ada": False, "codes": False, "factor": True}

    def test_costs_the_same_statements_whatever_the_number_of_roles(
        self, admin, django_assert_num_queries
    ):
        for _ in range(3):
            person = make_user()
            for _ in range(3):
                Membership.objects.create(user=person, team=make_team(), role=2)
        admin.get(USERS)

        # the token with its user, the list
        with django_assert_num_queries(2):
            rows = admin.get(USERS).json()["results"]

        assert sorted(len(row["memberships"]) for row in rows) == [0, 3, 3, 3]


def test_an_invitation_without_a_sender_names_none():
    person = make_user("nele", email="nele@example.org")

    invitations.send_invitation(person=person, by=None)

    assert mail.outbox[0].body.startswith("You have been given access to the Foundation Registry")
