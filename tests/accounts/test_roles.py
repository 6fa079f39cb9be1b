"""Roles run down the team tree; offices hold everywhere."""

import pgtrigger
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.actions import end_membership, set_membership
from apps.accounts.models import ApiToken, Membership, Team, User
from apps.accounts.queries import members_of, team_and_below
from apps.accounts.roles import TeamRole
from tests.builders import make_member, make_team, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree():
    top = make_team("Top")
    middle = make_team("Middle", parent=top)
    return top, middle, make_team("Bottom", parent=middle), make_team("Beside", parent=top)


def test_a_role_holds_for_everything_below_and_nothing_above_or_beside(tree):
    top, middle, bottom, beside = tree
    editor = make_member(middle, TeamRole.EDITOR)

    assert [editor.may(TeamRole.EDITOR, team) for team in (top, middle, bottom, beside)] == [
        False,
        True,
        True,
        False,
    ]


def test_the_strongest_role_counts(tree):
    top, _, bottom, _ = tree
    person = make_member(top, TeamRole.OWNER)
    make_member(bottom, TeamRole.VIEWER, person)

    assert person.may(TeamRole.OWNER, bottom)


def test_each_role_includes_the_weaker_ones(tree):
    top = tree[0]
    for role in TeamRole:
        person = make_member(top, role)
        assert [person.may(asked, top) for asked in TeamRole] == [
            asked.rank <= role.rank for asked in TeamRole
        ]


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [("governance", 1, 1), ("admin", 1, 1), ("auditor", 1, 0), ("", 0, 0)],
)
def test_offices_read_everything_and_governance_and_administrators_write(tree, role, reads, writes):
    person = make_user(role=role)

    assert Team.objects.visible_to(person).count() == (4 if reads else 0)
    assert person.may(TeamRole.EDITOR, tree[0]) is bool(writes)


def test_a_closed_account_may_nothing(tree):
    person = make_member(tree[0], TeamRole.OWNER, make_user(role="admin", is_active=False))

    assert not person.may(TeamRole.VIEWER, tree[0])
    assert not Team.objects.visible_to(person).exists()


def test_roles_are_read_once_per_person_and_request(tree):
    person = make_member(tree[0])

    with CaptureQueriesContext(connection) as queries:
        for team in tree:
            person.may(TeamRole.VIEWER, team)

    assert len(queries) == 1


def test_a_circle_in_the_tree_ends(tree):
    top, _, bottom, _ = tree
    with pgtrigger.ignore("accounts.Team:team_no_circle"):
        Team.objects.filter(pk=top.pk).update(parent=bottom)

    assert make_member(bottom).may(TeamRole.VIEWER, top)
    assert team_and_below(team_ids=[bottom.pk]) == {team.pk for team in tree}


def test_members_are_those_of_the_team_and_from_above_with_their_strongest_role(tree):
    top, middle, bottom, beside = tree
    above = make_member(top, TeamRole.VIEWER, make_user("a"))
    make_member(bottom, TeamRole.OWNER, above)
    own = make_member(bottom, TeamRole.EDITOR, make_user("b"))
    make_member(beside, TeamRole.OWNER)
    make_member(middle, TeamRole.OWNER, make_user("closed", is_active=False))

    assert members_of(team=bottom) == [(above, 3), (own, 2)]


def test_a_role_given_again_replaces_the_one_before_and_ends_when_taken(tree):
    person, admin = make_user(), make_user(role="admin")
    set_membership(user=person, team=tree[0], role=TeamRole.OWNER, by=admin)
    membership = set_membership(user=person, team=tree[0], role=TeamRole.VIEWER, by=admin)
    assert [row.role for row in Membership.objects.all()] == [1]

    end_membership(membership=membership, by=admin)

    assert not Membership.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda team: Membership.objects.create(user=make_user(), team=team, role=7),
        lambda team: [
            Membership.objects.create(user=User.objects.first(), team=team) for _ in range(2)
        ],
        lambda team: Team.objects.filter(pk=team.pk).update(parent=team),
        lambda team: User.objects.filter(pk=make_user().pk).update(digest_hour=24),
        lambda team: [make_user("x", email="A@b.org"), make_user("y", email="a@B.org")],
        lambda team: ApiToken.objects.create(
            user=make_user(),
            name="x",
            prefix="p",
            digest="d",
            scopes=[],
            expires_at="2027-01-01T00:00Z",
        ),
    ],
)
def test_the_database_refuses_what_cannot_be(wrong):
    make_user()
    team = make_team()

    with pytest.raises(IntegrityError), transaction.atomic():
        wrong(team)
