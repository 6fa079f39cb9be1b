"""manage.py membership [USERNAME TEAM viewer|editor|owner|none]"""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from apps.accounts.actions import end_membership, set_membership
from apps.accounts.management.rows import NONE, RowCommand, refusals, team_of
from apps.accounts.models import Membership, User
from apps.accounts.roles import TeamRole
from apps.common.history.context import audit_context

JOB = "manage.py membership"


class Command(RowCommand):
    help = (
        "Assign a user a role on a team, or remove it, and print it as JSON. Without "
        "arguments, list all roles, one JSON object per line. Repeating the command changes "
        "nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "username", metavar="USERNAME", nargs="?", help="username of a user or service account"
        )
        parser.add_argument("team", metavar="TEAM", nargs="?", help="slug of the team")
        parser.add_argument(
            "role", metavar="ROLE", nargs="?", help="viewer, editor or owner; none removes the role"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        username, slug, role_name = options["username"], options["team"], options["role"]
        if username is None:
            for membership in Membership.objects.select_related("user", "team").order_by(
                "team__slug", "user__username"
            ):
                self.write_row(row_of(membership))
            return
        role_names = [*(role.word for role in TeamRole), NONE]
        if slug is None or role_name not in role_names:
            raise CommandError(
                "A user, a team and a role are required: manage.py membership USERNAME TEAM "
                f"{'|'.join(role_names)}.",
                returncode=2,
            )
        user, team = User.objects.filter(username=username).first(), team_of(slug)
        if user is None:
            raise CommandError(
                f"User '{username}' was not found. 'manage.py user' lists all users.", returncode=2
            )
        with refusals(), audit_context(job=JOB), transaction.atomic():
            current_membership = (
                Membership.objects.select_for_update(of=("self",))
                .filter(user=user, team=team)
                .first()
            )
            if role_name != NONE:
                new_membership = set_membership(
                    user=user, team=team, role=TeamRole[role_name.upper()], by=None
                )
                change = (
                    "added"
                    if current_membership is None
                    else "changed"
                    if _roles(new_membership) != _roles(current_membership)
                    else "unchanged"
                )
                self.write_row({**row_of(new_membership), "change": change})
                return
            if current_membership is not None:
                end_membership(membership=current_membership, by=None)
            remaining = Membership.objects.filter(user=user, team=team).first()
            row = (
                row_of(remaining)
                if remaining
                else {"user": user.username, "team": team.slug, "role": None}
            )
            self.write_row(
                {**row, "change": "unchanged" if current_membership is None else "removed"}
            )


def _roles(membership: Membership) -> tuple[int | None, ...]:
    return membership.role, membership.manual_role


def row_of(membership: Membership) -> dict[str, Any]:
    by_sign_on = membership.sso_role
    return {
        "user": membership.user.username,
        "team": membership.team.slug,
        "role": TeamRole(membership.role).word,
        "role_by_sign_on": None if by_sign_on is None else TeamRole(by_sign_on).word,
    }
