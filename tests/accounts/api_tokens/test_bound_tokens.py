"""A token bound to a team sees and changes that team's part of the register, whatever its user
may."""

import pytest

from apps.accounts.actions import AccountChangeError
from apps.accounts.models import Membership, Team, own
from apps.accounts.roles import TeamRole
from apps.inventory.models import Application
from tests.builders import make_application, make_member, make_team, make_user
from tests.http import token_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree():
    top = make_team("Top")
    middle = make_team("Middle", parent=top)
    return top, middle, make_team("Bottom", parent=middle), make_team("Beside", parent=top)


def bound_client(user, team, *scopes):
    return token_client(user, *(scopes or ["read", "write"]), team=team)


@pytest.mark.parametrize(
    ("role", "rank"),
    [("admin", TeamRole.OWNER), ("governance", TeamRole.OWNER), ("auditor", TeamRole.VIEWER)],
)
def test_of_an_office_only_what_it_may_within_the_team_is_left(tree, role, rank):
    _, middle, bottom, _ = tree

    bound = make_user(role=role).bound_to(middle)

    assert [bound.can_read_all, bound.is_governance, bound.is_administrator] == [False] * 3
    assert bound.team_roles() == {middle.pk: rank.rank, bottom.pk: rank.rank}
    assert [bound.may(TeamRole.VIEWER, team) for team in tree] == [False, True, True, False]
    assert set(Team.objects.visible_to(bound)) == {middle, bottom}


def test_of_a_member_only_the_roles_within_the_team_are_left(tree):
    top, middle, bottom, beside = tree
    person = make_member(top, TeamRole.VIEWER)
    make_member(bottom, TeamRole.EDITOR, person)

    assert person.bound_to(middle).team_roles() == {middle.pk: 1, bottom.pk: 2}
    assert make_member(bottom, TeamRole.EDITOR).bound_to(top).team_roles() == {bottom.pk: 2}
    assert make_member(beside, TeamRole.OWNER).bound_to(middle).team_roles() == {}


def test_a_second_bond_opens_nothing_that_the_first_one_closed(tree):
    top, middle, bottom, beside = tree
    bound = make_user(role="admin").bound_to(middle)

    assert bound.bound_to(top).team_roles() == bound.team_roles()
    assert set(bound.bound_to(bottom).team_roles()) == {bottom.pk}
    assert bound.bound_to(beside).team_roles() == {}
    assert bound.bound_to(None) is bound


def test_the_user_itself_stays_as_it_was(tree):
    person = make_user(role="governance")

    person.bound_to(tree[1]).team_roles()

    assert person.is_governance
    assert person.team_roles() == {}


def test_own_rows_are_the_persons_and_not_the_teams(tree):
    person = make_member(tree[1])
    assert Membership.objects.filter(own(person)).exists()
    assert not Membership.objects.filter(own(person.bound_to(tree[1]))).exists()


def test_an_administrators_token_bound_to_a_team_reads_and_changes_that_team_alone(tree):
    _, middle, bottom, beside = tree
    inside, outside = (
        make_application("Inside", team=bottom),
        make_application("Outside", team=beside),
    )
    client = bound_client(make_user(role="admin"), middle)

    listed = client.get("/api/v1/applications/").json()["results"]

    assert [row["slug"] for row in listed] == [inside.slug]
    assert client.get(f"/api/v1/applications/{outside.slug}/").status_code == 404
    assert (
        client.patch(
            f"/api/v1/applications/{inside.slug}/", {"purpose": "x"}, format="json"
        ).status_code
        == 200
    )
    assert (
        client.patch(
            f"/api/v1/applications/{outside.slug}/", {"purpose": "x"}, format="json"
        ).status_code
        == 404
    )
    # neither out of the team nor anything of the organisation's
    moved = client.patch(
        f"/api/v1/applications/{inside.slug}/", {"team": beside.slug}, format="json"
    )
    assert moved.status_code in {400, 403}
    assert (
        client.post(
            "/api/v1/webhooks/", {"name": "n", "url": "https://x.example"}, format="json"
        ).status_code
        == 403
    )
    assert Application.objects.get(pk=inside.pk).team_id == bottom.pk


def test_what_is_about_the_person_is_closed_to_it(tree):
    client = bound_client(make_user(role="admin"), tree[1])

    for address in (
        "tokens/",
        "subscriptions/",
        "calendar-feeds/",
        "notification-preferences/me/",
        "scenarios/",
    ):
        answer = client.get(f"/api/v1/{address}")
        assert answer.status_code == 403, address
        assert "bound to a team" in answer.json()["detail"]
    assert client.post("/api/v1/calendar-feeds/", {}).status_code == 403
    assert (
        client.post("/api/v1/tokens/", {"name": "x", "scopes": ["read"]}, format="json").status_code
        == 403
    )


def test_a_bond_to_a_team_the_user_sees_nothing_of_is_refused(tree):
    with pytest.raises(AccountChangeError, match="would have no access"):
        bound_client(make_member(tree[3]), tree[1])


def test_a_token_goes_with_its_team(tree):
    user = make_user(role="admin")
    client = bound_client(user, tree[3])

    tree[3].delete()

    assert client.get("/api/v1/applications/").status_code == 401
