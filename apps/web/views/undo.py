"""Undo of an inventory change, from any page that offered it."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from apps.accounts.roles import TeamRole
from apps.common.text import pluralize
from apps.inventory.actions import undo as actions_undo
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.form_fields import signed_in_user


def return_path(request: HttpRequest, otherwise: str = "/") -> str:
    """Return the path of the page that sent the form if it is a page of this site, else
    `otherwise`."""
    back = request.POST.get("back", "")
    # it must be a path, because `redirect` takes a single word for the name of a route
    is_ours = (
        back.startswith("/")
        and "\\" not in back
        and url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    )
    return back if is_ours else otherwise


@require_POST
def undo_change(request: HttpRequest, change: UUID) -> HttpResponse:
    """Undo a change, or state the conflict if another user has changed the same rows since."""
    user = signed_in_user(request)
    teams = actions_undo.teams_of_change(change=change)
    visible_teams = teams if user.can_read_all else teams & set(user.team_roles())
    if not visible_teams:
        raise Http404
    if not all(user.may(TeamRole.EDITOR, team) for team in teams):
        raise PermissionDenied("You need the editor role on all affected teams to undo this.")
    return action_view(
        request,
        action=lambda _form: actions_undo.undo_change(change=change, by=user),
        done=lambda result: Confirmation(
            pluralize(
                result.n_rows,
                f"Undone: {result.n_rows} row was restored.",
                f"Undone: {result.n_rows} rows were restored.",
            ),
            result.change,
        ),
        back=return_path(request),
    )
