"""Locks on the rows of applications for a change, and the check of the user's role on the locked
row.

Between the check of a view and the change, an application might move to another team: the change
waits for the transaction that moves it. So the role is checked again here, on the locked row, which
can no longer move. Every action on an application, or on any record below it, locks through this
module.
"""

from collections.abc import Iterable

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError
from apps.inventory.models import Application, Dependency


class ForbiddenChangeError(Exception):
    """A change of a locked application that the acting user has no right to make; the text gives
    the reason."""


class HiddenApplicationError(ForbiddenChangeError, Http404):
    """An application that the acting user cannot view, or that no longer exists; pages and REST
    respond with 404."""

    def __init__(self) -> None:
        super().__init__("Application not found. It does not exist or you do not have access.")


class MissingRoleError(ForbiddenChangeError, PermissionDenied):
    """An application on whose team the acting user lacks the role; pages and REST respond with
    403."""


def locked_application(
    application: Application,
    *,
    by: User | None,
    role: TeamRole = TeamRole.EDITOR,
    no_key: bool = False,
) -> Application:
    """Lock the application for `by` and return its current row, with its team.

    The row is locked first and read afterwards: a join made while waiting for the lock would return
    the team from before. `by`, `role`, `no_key` and the errors are those of `lock_applications`.
    """
    lock_applications([application.pk], by=by, role=role, no_key=no_key)
    return Application.objects.select_related("team").get(pk=application.pk)


def locked_dependency(
    dependency: Dependency, *, by: User | None, role: TeamRole = TeamRole.EDITOR
) -> Dependency:
    """Lock the dependency for `by`, after its application, and return the current row.

    Raises ConflictError if it moved to another application, HiddenApplicationError if it no
    longer exists.
    """
    lock_applications([dependency.application_id], by=by, role=role)
    locked = Dependency.objects.select_for_update(of=("self",)).select_related("offering__host")
    row = locked.filter(pk=dependency.pk).first()
    if row is None:
        raise HiddenApplicationError
    if row.application_id != dependency.application_id:
        raise ConflictError(
            "The record now belongs to another application, because the two were merged. Reload it."
        )
    return row


def lock_applications(
    ids: Iterable[int], *, by: User | None, role: TeamRole = TeamRole.EDITOR, no_key: bool = False
) -> dict[int, int]:
    """Lock the applications until the transaction ends and return {application: its current team}.

    Refuses all of them if `by` has less than `role` on the team of one: HiddenApplicationError if
    the user cannot view the application or it no longer exists, otherwise MissingRoleError. `by`
    None: a job acts, which needs no role. `no_key`: rows that only refer to the applications can be
    added during that time. One statement.
    """
    wanted_ids = set(ids)
    teams = lock_teams_of(wanted_ids, no_key=no_key)
    if wanted_ids - teams.keys():
        raise HiddenApplicationError
    if by is not None:
        for team in set(teams.values()):
            refuse_without_role(by, role, team)
    return teams


def lock_teams_of(ids: Iterable[int], *, no_key: bool = False) -> dict[int, int]:
    """Lock the applications and return {application: its team}, for callers that reject row by row.

    Always in the order of IDs, so that two callers do not deadlock; missing applications are left
    out. With `no_key`, other transactions can still insert rows that refer to the applications. One
    statement.
    """
    strength = "NO KEY UPDATE" if no_key else "UPDATE"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, team_id FROM inventory_application WHERE id = ANY (%s) ORDER BY id FOR "
            f"{strength}",
            [sorted(set(ids))],
        )
        return dict(cursor.fetchall())


def refuse_without_role(by: User, role: TeamRole, team: Team | int) -> None:
    """Raise unless `by` has `role` on the team; if the user cannot view the team, as if the
    application did not exist."""
    if by.may(role, team):
        return
    team_id = team if isinstance(team, int) else team.pk
    if not by.can_read_all and team_id not in by.team_roles():
        raise HiddenApplicationError
    name = Team.objects.get(pk=team).name if isinstance(team, int) else team.name
    raise MissingRoleError(f"You need the {role.word} role on {name} to make this change.")
