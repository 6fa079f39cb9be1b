"""Who may own a risk."""

from collections.abc import Collection

from django.db.models import Q

from apps.accounts.models import Membership, Team, User
from apps.accounts.roles import OrganisationRole

MOST = 300


def people_of(team_ids: Collection[int], *, also: Collection[int | None] = ()) -> list[User]:
    """Active people with a role on these teams or above them, those who govern, and those named;
    two statements."""
    above = Team.objects.raw(
        """
        WITH RECURSIVE above(id) AS (
            SELECT unnest(%s::bigint[])
            UNION
            SELECT t.parent_id FROM above JOIN accounts_team t ON t.id = above.id
            WHERE t.parent_id IS NOT NULL
        )
        SELECT id FROM above
        """,
        [list(team_ids)],
    )
    members = (
        Membership.objects.filter(team__in=[team.pk for team in above]).order_by().values("user_id")
    )
    offices = Q(organisation_role__in=[OrganisationRole.GOVERNANCE, OrganisationRole.ADMIN])
    named = Q(pk__in=[pk for pk in also if pk is not None])
    people = User.objects.filter(Q(pk__in=members) | offices | named, is_active=True)
    return list(people.order_by("username")[:MOST])
