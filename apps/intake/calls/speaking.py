"""For whom a token speaks. Whoever is signed in may make a token, and names in traces are only claims: a token is
believed about senders that nobody has claimed, and about applications that its user may edit. That is asked when calls
are added up, so that whoever has left a team tells nothing of it any more, also by a bound token."""

from collections.abc import Collection, Mapping

from apps.accounts.models import ApiToken, User
from apps.accounts.roles import TeamRole
from apps.inventory.models import Application


class Speakers:
    """Who of these tokens may speak for which of these applications; two statements, and one a user for their roles."""

    def __init__(self, tokens: Mapping[int, ApiToken], applications: Collection[int]) -> None:
        self._users: dict[int, User] = {pk: token.user.bound_to(token.team_id) for pk, token in tokens.items()}
        self._teams = dict(Application.objects.filter(pk__in=applications).order_by().values_list("pk", "team_id"))

    def may_speak(self, token: int | None, application: int, *, is_bound: bool) -> bool:
        """`token` None: the operator's own files, which may say everything. To a program its binding to the application
        is the permission; a person's ends with the role."""
        if token is None:
            return True
        user, team = self._users.get(token), self._teams.get(application)
        if user is None or team is None:
            return False
        return (is_bound and user.is_service and user.is_active) or user.may(TeamRole.EDITOR, team)
