"""Queries for teams and users."""

from collections.abc import Sequence

from django.db.models import QuerySet

from apps.accounts.models import Membership, Team, User
from apps.accounts.roles import TeamRole


def visible_users(user: User) -> QuerySet[User]:
    """Return all users with an account for organisation roles, without service accounts. Other
    users see the users of their teams through the memberships."""
    people = User.objects.with_account()
    return people if user.can_read_all else people.none()


def owns_any_team(user: User) -> bool:
    """Return whether there is a team that `user` may act for as an owner; governance may for
    all."""
    return user.is_governance or any(
        rank >= TeamRole.OWNER.rank for rank in user.team_roles().values()
    )


def team_and_below(*, team_ids: Sequence[int]) -> set[int]:
    """The ids of these teams and of every team under them; circles are cut."""
    rows = Team.objects.raw(
        """
SELECT DISTINCT team_id AS id FROM team_ancestor WHERE ancestor_id = ANY (%s)""",
        [list(team_ids)],
    )
    return {row.pk for row in rows}


def members_of(*, team: Team) -> list[tuple[User, int]]:
    """Return active users with a role on the team or on one above it, with the strongest rank each,
    by name."""
    rows = Membership.objects.raw(
        """
        SELECT min(m.id) AS id, m.user_id, max(m.role) AS role
        FROM accounts_membership m JOIN team_ancestor a ON a.ancestor_id = m.team_id
        WHERE a.team_id = %s GROUP BY m.user_id
        """,
        [team.pk],
    )
    rank_of = {row.user_id: row.role for row in rows}
    people = User.objects.filter(pk__in=rank_of, is_active=True).order_by("username")
    return [(person, rank_of[person.pk]) for person in people]


def user_by_login(name: str) -> User | None:
    """The person who signs in by this name or email address."""
    people = User.objects.with_account()
    user = people.filter(username__iexact=name).first()
    return user or (people.filter(email__iexact=name).first() if "@" in name else None)
