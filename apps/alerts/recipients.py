"""Recipients of alerts: owners of applications, members of teams, governance, administrators.

An alert about an application is routed to its business owner, otherwise to its technical owner, if
the owner is linked to, or named like, exactly one active user who can view the application
(apps/inventory/owners.py). Otherwise it is routed to the team.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q

from apps.accounts.models import User
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.inventory.owners import notified_owners_statement


@dataclass(frozen=True, slots=True)
class ApplicationOwners:
    """The owners of one application. `team_id` is its team; alerts are routed to `first`, and
    `others` are notified as well."""

    team_id: int
    first: int | None = None
    others: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Audience:
    """The recipients of a team's notifications: its mailbox, or the owners of the nearest team that
    has any. Without both, the team cannot be notified."""

    has_mailbox: bool = False
    owner_ids: tuple[int, ...] = ()


_OWNERS = notified_owners_statement("a.id = ANY (%(ids)s)")


def application_owners(application_ids: Collection[int]) -> dict[int, ApplicationOwners]:
    """Return {application: its owners}; one statement."""
    if not application_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_OWNERS, {"ids": list(application_ids)})
        rows = cursor.fetchall()
    owners = {}
    for pk, team_id, business, technical in rows:
        owner_ids = [
            *dict.fromkeys(user_id for user_id in (business, technical) if user_id is not None)
        ]
        owners[pk] = ApplicationOwners(
            team_id, owner_ids[0] if owner_ids else None, tuple(owner_ids[1:])
        )
    return owners


# For each team the owners of the nearest team that has any: the team itself or a parent team.
_AUDIENCES = """
WITH owner AS (
    SELECT above.team_id, u.id, above.depth, min(above.depth) OVER (PARTITION BY above.team_id) AS
        nearest
    FROM team_ancestor above
    JOIN accounts_membership m ON m.team_id = above.ancestor_id AND m.role = %(owner)s
    JOIN accounts_user u ON u.id = m.user_id AND u.is_active AND u.email <> ''
    WHERE above.team_id = ANY (%(ids)s)
)
SELECT t.id, t.email <> '', coalesce(o.ids, '{}')
FROM accounts_team t LEFT JOIN (
    SELECT team_id, array_agg(DISTINCT id) AS ids FROM owner WHERE depth = nearest GROUP BY team_id
) o ON o.team_id = t.id
WHERE t.id = ANY (%(ids)s)
"""


def team_audiences(team_ids: Collection[int]) -> dict[int, Audience]:
    """Return {team: its audience}; one statement. Owners are loaded even if there is a mailbox."""
    if not team_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_AUDIENCES, {"ids": list(team_ids), "owner": TeamRole.OWNER.rank})
        return {
            pk: Audience(has_mailbox, tuple(owner_ids))
            for pk, has_mailbox, owner_ids in cursor.fetchall()
        }


_TEAMS_SEEN = """
SELECT m.user_id, array_agg(DISTINCT a.team_id) FROM accounts_membership m
JOIN accounts_user u ON u.id = m.user_id AND u.is_active
JOIN team_ancestor a ON a.ancestor_id = m.team_id
WHERE m.user_id = ANY (%s)
GROUP BY m.user_id
"""


def visible_teams(users: Iterable[User]) -> Mapping[int, frozenset[int] | None]:
    """Return {user: the teams whose records the user can view}, None if that is all. As
    `visible_to`, for many users in one statement."""
    all_users = list(users)
    visible: dict[int, frozenset[int] | None] = {
        user.pk: None if user.can_read_all else frozenset() for user in all_users
    }
    restricted_ids = [pk for pk, teams in visible.items() if teams is not None]
    if restricted_ids:
        with connection.cursor() as cursor:
            cursor.execute(_TEAMS_SEEN, [restricted_ids])
            visible.update((pk, frozenset(teams)) for pk, teams in cursor.fetchall())
    return visible


@dataclass(frozen=True, slots=True)
class OrganisationRoles:
    """Active users with an organisation role, in the order of their IDs."""

    governance: tuple[User, ...]
    admins: tuple[User, ...]

    @property
    def governance_users(self) -> list[User]:
        """Return the recipients of alerts about the organisation: governance, or without any, the
        administrators."""
        return list(self.governance or self.admins)

    @property
    def operators(self) -> list[User]:
        """Return the users who operate the feeds: administrators, or without any, governance."""
        return list(self.admins or self.governance)

    @property
    def deciders(self) -> list[User]:
        """Return the users who decide about changes on hold: governance and administrators."""
        return sorted({*self.governance, *self.admins}, key=lambda user: user.pk)


def organisation_roles() -> OrganisationRoles:
    """Load the users with an organisation role; one statement. Superusers are administrators: the
    first account of a new registry often has no other role."""
    roles = (OrganisationRole.GOVERNANCE, OrganisationRole.ADMIN)
    # Service accounts with the role receive no email.
    users = list(
        User.objects.people()
        .filter(Q(organisation_role__in=roles) | Q(is_superuser=True), is_active=True)
        .order_by("pk")
    )
    governance = [user for user in users if user.organisation_role == OrganisationRole.GOVERNANCE]
    return OrganisationRoles(
        tuple(governance), tuple(user for user in users if user not in governance)
    )


def display_name(user: User) -> str:
    """Return the name of a user in messages; without one the email address, never the username
    alone."""
    return user.get_full_name() or user.email or user.get_username()


def governance_users() -> list[User]:
    return organisation_roles().governance_users
