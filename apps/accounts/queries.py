"""Queries for teams and users."""

from collections.abc import Collection, Sequence

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from apps.accounts.models import Membership, PersonState, Team, User
from apps.accounts.roles import OrganisationRole, TeamRole

_GOVERNANCE = Q(organisation_role__in=[OrganisationRole.GOVERNANCE, OrganisationRole.ADMIN]) | Q(
    is_superuser=True
)


def visible_users(user: User) -> QuerySet[User]:
    """Return all users with an account for organisation roles, without service accounts. Other
    users see the users of their teams through the memberships."""
    people = User.objects.with_account()
    return people if user.can_read_all else people.none()


def owns_any_team(user: User) -> bool:
    """Return whether `user` may act as an owner of any team; governance may for all teams."""
    return user.is_governance or any(
        rank >= TeamRole.OWNER.rank for rank in user.team_roles().values()
    )


def team_and_below(*, team_ids: Sequence[int]) -> set[int]:
    """Return the IDs of these teams and of every team below them; stops at cycles."""
    rows = Team.objects.raw(
        """
SELECT DISTINCT team_id AS id FROM team_ancestor WHERE ancestor_id = ANY (%s)""",
        [list(team_ids)],
    )
    return {row.pk for row in rows}


def teams_and_above(team_ids: Collection[int]) -> RawSQL:
    """Return a subquery of the IDs of these teams and of every team above them."""
    return RawSQL(
        "SELECT ancestor_id FROM team_ancestor WHERE team_id = ANY (%s)", [sorted(team_ids)]
    )


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


def editors_of(team_ids: Collection[int]) -> QuerySet[User]:
    """Return active people who can change what one of the teams owns, by name: with the editor role
    on it or on one above it, and governance."""
    members = Membership.objects.filter(
        role__gte=TeamRole.EDITOR.rank,
        team__in=teams_and_above(team_ids),
    )
    return (
        User.objects.people()
        .filter(_GOVERNANCE | Q(pk__in=members.values("user")), is_active=True)
        .order_by("first_name", "last_name", "username")
    )


def governance_people() -> QuerySet[User]:
    """Return persons with the governance or administrator role who have an account in use, in the
    order of their IDs."""
    people = User.objects.people().filter(_GOVERNANCE, state=PersonState.ACTIVE)
    return people.order_by("pk")


def user_by_login(name: str) -> User | None:
    """Return the user with this username or email address."""
    people = User.objects.with_account()
    user = people.filter(username__iexact=name).first()
    return user or (people.filter(email__iexact=name).first() if "@" in name else None)
