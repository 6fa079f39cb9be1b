"""Roles on teams by REST: shown to whoever sees the team, given and taken by its owners and
governance."""

import pytest

from apps.accounts.models import Membership, User
from apps.accounts.roles import TeamRole
from apps.accounts.service_accounts import add_service
from tests.builders import make_member, make_team, make_user

pytestmark = pytest.mark.django_db

MEMBERSHIPS = "/api/v1/memberships/"


@pytest.fixture
def team():
    return make_team("Claims", slug="claims")


@pytest.fixture
def owner(api, team):
    return api(make_member(team, TeamRole.OWNER, make_user("olga")), "read", "write")


def given(client, user, role, team="claims"):
    return client.post(MEMBERSHIPS, {"user": user, "team": team, "role": role}, format="json")


def test_an_owner_gives_a_role_and_another_one_and_the_same_again_changes_nothing(owner, team):
    nele = make_user("nele")

    first, second, again = (
        given(owner, "nele", "viewer"),
        given(owner, "nele", "editor"),
        given(owner, "nele", "editor"),
    )

    assert (first.status_code, second.status_code, again.status_code) == (201, 200, 200)
    assert first.json()["role"] == "viewer"
    assert again.json() == second.json()
    assert second.json() == {
        **second.json(),
        "user": "nele",
        "team": "claims",
        "role": "editor",
        "role_by_sign_on": None,
        "is_service": False,
    }
    assert User.objects.get(pk=nele.pk).may(TeamRole.EDITOR, team)
    assert Membership.objects.get(user=nele).history.count() == 2


def test_a_role_is_taken_and_what_sign_on_gives_stays(owner, team):
    by_hand = Membership.objects.get(user=make_member(team, TeamRole.EDITOR))
    groups = {"role": 2, "sso_role": 2}
    by_sign_on = Membership.objects.create(user=make_user(), team=team, **groups)
    by_both = Membership.objects.create(
        user=make_user(), team=team, role=3, sso_role=2, manual_role=3
    )

    answers = [owner.delete(f"{MEMBERSHIPS}{row.pk}/") for row in (by_hand, by_sign_on, by_both)]

    assert [answer.status_code for answer in answers] == [204, 409, 200]
    assert "comes from a group of the identity provider" in answers[1].json()["detail"]
    assert answers[2].json()["role"] == "editor"
    assert set(Membership.objects.filter(**groups, manual_role=None)) == {by_sign_on, by_both}
    assert not Membership.objects.filter(pk=by_hand.pk).exists()


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"user": "unknown"}, "user"),
        ({"user": "closed"}, "user"),
        ({"team": "unknown"}, "team"),
        ({"team": "foreign"}, "team"),
        ({"role": "boss"}, "role"),
        ({"role": 3}, "role"),
    ],
)
def test_what_is_wrong_is_named_and_no_role_is_given(owner, sent, field):
    make_user("nele")
    make_user("closed", is_active=False)
    make_team(slug="foreign")

    answer = owner.post(
        MEMBERSHIPS, {"user": "nele", "team": "claims", "role": "viewer", **sent}, format="json"
    )

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert Membership.objects.count() == 1


def test_a_service_account_is_made_an_editor_and_not_an_owner(owner, team):
    add_service(username="gateway", about="", team=team, by=User.objects.get(username="olga"))

    editor, refused = given(owner, "gateway", "editor"), given(owner, "gateway", "owner")

    assert (editor.status_code, editor.json()["is_service"], refused.status_code) == (
        201,
        True,
        409,
    )
    assert "cannot own a team" in refused.json()["detail"]
    assert Membership.objects.get(user__username="gateway").role == TeamRole.EDITOR.rank


class TestWho:
    @pytest.fixture
    def people(self, team):
        above = make_team("Division", slug="division")
        team.parent = above
        team.save()
        make_member(above, TeamRole.OWNER, make_user("director"))
        for role in TeamRole:
            make_member(team, role, make_user(role.word))
        make_member(make_team("Elsewhere", slug="elsewhere"), TeamRole.OWNER, make_user("foreign"))
        make_user("stranger")
        for role in ("governance", "admin", "auditor"):
            make_user(role, role=role)

    ALL = {"director", "viewer", "editor", "owner", "foreign"}
    CLAIMS = {"viewer", "editor", "owner"}
    # {who: (whose memberships are seen, giving a role on Claims, taking the viewer's)}
    ANSWERS = {
        "stranger": (set(), 403, 404),
        "foreign": ({"foreign"}, 400, 404),
        "viewer": (CLAIMS, 403, 403),
        "editor": (CLAIMS, 403, 403),
        "owner": (CLAIMS, 201, 204),
        "director": (CLAIMS | {"director"}, 201, 204),
        "governance": (ALL, 201, 204),
        "admin": (ALL, 201, 204),
        "auditor": (ALL, 403, 403),
    }

    @pytest.mark.usefixtures("people")
    @pytest.mark.parametrize("who", ANSWERS)
    def test_sees_gives_and_takes_what_the_page_of_the_team_lets(self, api, who):
        client = api(User.objects.get(username=who), "read", "write")
        make_user("nele")
        of_viewer = Membership.objects.get(user__username="viewer")
        seen, gives, takes = self.ANSWERS[who]

        rows = client.get(MEMBERSHIPS).json()["results"]

        assert {row["user"] for row in rows} == seen
        assert client.get(f"{MEMBERSHIPS}{of_viewer.pk}/").status_code == (
            200 if "viewer" in seen else 404
        )
        assert given(client, "nele", "viewer").status_code == gives
        assert client.delete(f"{MEMBERSHIPS}{of_viewer.pk}/").status_code == takes
        assert Membership.objects.filter(user__username="nele").exists() is (gives == 201)
        assert Membership.objects.filter(user__username="viewer").exists() is (takes != 204)

    @pytest.mark.usefixtures("people")
    @pytest.mark.parametrize("who", ["owner", "admin"])
    def test_not_with_a_token_bound_to_the_team(self, api, team, who):
        client = api(User.objects.get(username=who), "read", "write", team=team)

        assert client.get(MEMBERSHIPS).status_code == 403
        assert given(client, "stranger", "owner").status_code == 403
        assert not Membership.objects.filter(user__username="stranger").exists()

    @pytest.mark.usefixtures("people")
    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ("team=claims", CLAIMS),
            ("user=foreign", {"foreign"}),
            ("role=owner", {"owner", "director", "foreign"}),
            ("team=claims&role=editor", {"editor"}),
        ],
    )
    def test_narrows_the_list(self, api, asked, expected):
        client = api(User.objects.get(username="auditor"))

        rows = client.get(f"{MEMBERSHIPS}?{asked}").json()["results"]

        assert {row["user"] for row in rows} == expected

    def test_names_the_roles_where_another_one_is_asked_for(self, api):
        answer = api(make_user(role="auditor")).get(f"{MEMBERSHIPS}?role=boss")

        assert answer.status_code == 400
        assert (
            "'boss' is not a valid choice. Use one of editor, owner, viewer."
            in answer.json()["detail"]
        )
