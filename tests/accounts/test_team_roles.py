"""Roles down the tree of teams, which the process remembers."""

from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Membership, Team, User
from apps.accounts.models.team_roles import bound_roles, held_roles
from apps.accounts.roles import TeamRole

pytestmark = pytest.mark.django_db

# the definition: a role goes down to every team below, the strongest counts
BY_RECURSION = """
WITH RECURSIVE held(team_id, rank) AS (
    SELECT m.team_id, m.role FROM accounts_membership m WHERE m.user_id = %s
    UNION
    SELECT t.id, held.rank FROM held JOIN accounts_team t ON t.parent_id = held.team_id
)
SELECT team_id, max(rank) FROM held GROUP BY team_id
"""
BELOW = """
WITH RECURSIVE below(id) AS (
    SELECT %s::bigint UNION SELECT t.id FROM below JOIN accounts_team t ON t.parent_id = below.id
)
SELECT id FROM below
"""


def by_recursion(user: User) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(BY_RECURSION, [user.pk])
        return dict(cursor.fetchall())


def within(user: User, team: Team, office_rank: int) -> dict[int, int]:
    held = by_recursion(user)
    with connection.cursor() as cursor:
        cursor.execute(BELOW, [team.pk])
        ranks = {pk: max(office_rank, held.get(pk, 0)) for (pk,) in cursor.fetchall()}
    return {pk: rank for pk, rank in ranks.items() if rank}


@pytest.fixture
def person() -> User:
    return User.objects.create(username="person")


def test_any_tree_gives_what_recursion_in_the_database_gives(person):
    random = Random(7)
    ranks = [role.rank for role in TeamRole]
    teams = [Team.objects.create(name=f"Team {n}", slug=f"team-{n}") for n in range(14)]
    for _ in range(40):
        team, above = random.sample(teams, 2)
        # circles are no rare guests: forms refuse them, imports may have brought one
        Team.objects.filter(pk=team.pk).update(parent=random.choice([above, None]))
        joined = random.choice(teams)
        Membership.objects.filter(user=person, team=joined).delete()
        if random.random() < 0.6:
            Membership.objects.create(user=person, team=joined, role=random.choice(ranks))

        assert held_roles(person.pk) == by_recursion(person)
        office = random.choice([0, *ranks])
        assert bound_roles(person.pk, team.pk, office) == within(person, team, office)


def test_whatever_changes_in_the_tree_holds_from_the_next_question_on(person):
    top, other = (Team.objects.create(name=name, slug=name) for name in ("top", "other"))
    below = Team.objects.create(name="below", slug="below", parent=top)
    Membership.objects.create(user=person, team=top, role=TeamRole.EDITOR.rank)
    rank = TeamRole.EDITOR.rank
    assert held_roles(person.pk) == {top.pk: rank, below.pk: rank}

    Team.objects.filter(pk=below.pk).update(parent=other)
    assert held_roles(person.pk) == {top.pk: rank}

    new = Team.objects.create(name="new", slug="new", parent=top)
    assert held_roles(person.pk) == {top.pk: rank, new.pk: rank}

    new.delete()
    assert held_roles(person.pk) == {top.pk: rank}

    Membership.objects.all().delete()
    assert held_roles(person.pk) == {}


def test_it_is_one_statement_and_brings_the_tree_only_where_that_is_another(person):
    team = Team.objects.create(name="team", slug="team")
    Membership.objects.create(user=person, team=team)
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            held_roles(person.pk)
        assert len(queries) == 1


def test_what_is_answered_is_the_asker_s_own(person):
    team = Team.objects.create(name="team", slug="team")
    Membership.objects.create(user=person, team=team)

    held_roles(person.pk).clear()

    assert held_roles(person.pk) == {team.pk: TeamRole.VIEWER.rank}
