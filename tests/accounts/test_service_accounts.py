"""Service accounts: programs with keys and without passwords, looked after by owners and
governance."""

import pytest
from django.contrib.auth import authenticate
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.actions import AccountChangeError, issue_token, set_membership
from apps.accounts.models import ApiToken, User
from apps.accounts.roles import TeamRole
from apps.accounts.service_accounts import add_service, change_service, visible_service_accounts
from apps.alerts.recipients import organisation_roles
from apps.common.time import now
from tests.builders import make_member, make_team, make_user
from tests.http import body_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return make_team("Payments")


@pytest.fixture
def owner(team):
    return make_member(team, TeamRole.OWNER)


@pytest.fixture
def service(team, owner):
    return add_service(
        username="gateway", about="reports calls", team=team, role=TeamRole.EDITOR, by=owner
    )


@pytest.fixture
def as_user(client):
    def sign_in(user):
        client.force_login(user)
        return client

    return sign_in


def test_an_owner_adds_a_program_that_edits_the_team(team, owner, service):
    found = User.objects.get(pk=service.pk)

    assert (found.is_service, found.service_team, found.has_usable_password()) == (
        True,
        team,
        False,
    )
    assert found.may(TeamRole.EDITOR, team)


@pytest.mark.parametrize("role", ["editor", "stranger", "auditor"])
def test_nobody_else_adds_one(team, role):
    by = {
        "editor": lambda: make_member(team, TeamRole.EDITOR),
        "stranger": lambda: make_member(make_team(), TeamRole.OWNER),
        "auditor": lambda: make_user(role="auditor"),
    }[role]()

    with pytest.raises(AccountChangeError, match="owner role"):
        add_service(username="x", about="", team=team, role=TeamRole.VIEWER, by=by)
    with pytest.raises(AccountChangeError, match="governance"):
        add_service(username="x", about="", team=None, by=by)


def test_offices_are_given_to_programs_by_administrators_alone(team):
    admin, governance = make_user(role="admin"), make_user(role="governance")

    with pytest.raises(AccountChangeError, match="administrator role"):
        add_service(username="x", about="", team=None, office="governance", by=governance)
    with pytest.raises(AccountChangeError, match="cannot have an organisation role"):
        add_service(username="x", about="", team=team, office="auditor", by=admin)
    with pytest.raises(AccountChangeError, match="can have the governance or auditor role only"):
        add_service(username="x", about="", team=None, office="admin", by=admin)
    made = add_service(username="x", about="", team=None, office="governance", by=admin)
    assert made.is_governance
    with pytest.raises(AccountChangeError, match="administrator role"):
        change_service(service=made, facts={"organisation_role": ""}, by=governance)


def test_a_program_that_governs_is_told_of_nothing(team):
    add_service(username="x", about="", team=None, office="governance", by=make_user(role="admin"))

    assert organisation_roles().governance == ()


def test_a_program_owns_no_team(team, owner, service):
    with pytest.raises(AccountChangeError, match="cannot own a team"):
        set_membership(user=service, team=team, role=TeamRole.OWNER, by=owner)


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "md5$x$y"},
        {"email": "a@example.org"},
        {"is_superuser": True},
        {"organisation_role": "admin"},
    ],
)
def test_the_database_keeps_programs_from_signing_in_and_from_administering(service, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=service.pk).update(**wrong)


def test_a_person_belongs_to_no_team_as_a_program_does(team):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=make_user().pk).update(service_team=team)


def test_no_password_opens_its_account(service, client):
    for password in ("", "!", service.password):
        assert authenticate(username="gateway", password=password) is None
    page = client.post(reverse("account_login"), {"login": "gateway", "password": "!"})
    assert page.status_code == 200
    assert "_auth_user_id" not in client.session


def test_the_admin_shows_a_service_account_and_sets_it_no_password(as_user, service):
    client = as_user(make_user("root", is_superuser=True))
    address = reverse("admin:accounts_user_change", args=[service.pk])

    assert client.get(address).status_code == 200
    assert client.post(address, {"username": "x"}).status_code == 403


def test_who_sees_which_programs(team, owner, service):
    other = add_service(username="of-all", about="", team=None, by=make_user(role="governance"))

    assert set(visible_service_accounts(make_user(role="auditor"))) == {service, other}
    assert set(visible_service_accounts(owner)) == {service}
    assert set(visible_service_accounts(make_member(team, TeamRole.EDITOR))) == set()


def test_the_pages_add_a_program_give_it_a_key_rotate_and_close_it(as_user, owner, team):
    client = as_user(owner)
    page = client.post(
        reverse("service-accounts:create"),
        {"username": "pipeline", "about": "CI", "team": team.pk, "role": 2},
        follow=True,
    )
    made = User.objects.get(username="pipeline")
    assert "pipeline was added." in page.content.decode()

    address = reverse("service-accounts:detail", args=[made.pk])
    page = client.post(
        f"{address}keys/new/", {"name": "main", "scopes": ["read", "gate"], "days": 90}
    )
    secret = page.context["secret"]
    assert page["Cache-Control"] == "no-store"
    assert secret in page.content.decode()
    token = ApiToken.objects.get(user=made)
    page = client.post(reverse("tokens:rotate", args=[token.pk]), {"overlap": "24"})
    assert page.context["secret"] not in {"", secret}
    assert client.get(address).status_code == 200

    client.post(address, {"about": "CI"})
    assert not User.objects.get(pk=made.pk).is_active
    assert client.get(reverse("service-accounts:list")).status_code == 200
    assert b"pipeline" in body_of(client.get(reverse("service-accounts:csv")))
    assert b"main" in body_of(client.get(reverse("tokens:csv")))


def test_programs_stand_apart_from_people_and_strangers_find_none(as_user, service, team):
    admin = make_user("ada", role="admin")
    assert "gateway" not in as_user(admin).get(reverse("users:list")).content.decode()
    assert as_user(admin).get(reverse("users:detail", args=[service.pk])).status_code == 404

    stranger = as_user(make_member(make_team(), TeamRole.OWNER))
    address = reverse("service-accounts:detail", args=[service.pk])
    assert stranger.get(address).status_code == 404
    assert stranger.post(f"{address}keys/new/", {}).status_code == 404
    auditor = as_user(make_user(role="auditor"))
    assert auditor.get(address).status_code == 200
    assert auditor.post(address, {"about": "x"}).status_code == 403
    assert auditor.post(f"{address}keys/new/", {"name": "x"}).status_code == 403


def test_the_lists_cost_the_same_however_many_programs_and_keys_there_are(as_user, team, owner):
    client = as_user(owner)

    def n_statements(address):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    def one_more(n):
        made = add_service(
            username=f"program-{n}", about="", team=team, role=TeamRole.VIEWER, by=owner
        )
        for user in (made, owner):
            issue_token(user=user, name=f"key {n}", scopes=["read"], at=now(), by=owner, team=team)
        return made

    first = one_more(0)
    addresses = [
        reverse("service-accounts:list"),
        reverse("tokens:list"),
        reverse("service-accounts:detail", args=[first.pk]),
    ]
    few = [n_statements(address) for address in addresses]
    for n in range(1, 6):
        one_more(n)
        issue_token(user=first, name=f"further {n}", scopes=["read"], at=now(), by=owner, team=team)

    assert [n_statements(address) for address in addresses] == few
