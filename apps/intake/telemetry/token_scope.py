"""Authorisation of telemetry: the services and applications that a token may send data for.

Any user may create a token, and names in traces are only claims: a token is accepted for services
that are not linked, and for applications that its user may edit. The endpoint checks, so that the
sender gets a response; aggregation checks again, because the user may have left the team in
between."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from apps.accounts.models import ApiToken, User
from apps.accounts.roles import TeamRole
from apps.intake.documents.records import clean
from apps.intake.models import Service
from apps.intake.telemetry.records import CallNames
from apps.inventory.models import Application

# services that one error message names
_MAX_LISTED_SENDERS = 3


class TokenPermissions:
    """Permissions of tokens to report on applications. Two statements, and one per user for the
    roles."""

    def __init__(self, tokens: Mapping[int, ApiToken], applications: Collection[int]) -> None:
        self._users: dict[int, User] = {
            pk: token.user.bound_to(token.team_id) for pk, token in tokens.items()
        }
        self._teams = dict(
            Application.objects.filter(pk__in=applications).order_by().values_list("pk", "team_id")
        )

    def may_report(self, token: int | None, application: int, *, is_bound: bool) -> bool:
        """Return whether the token, which `is_bound` to the application or not, may report on it.

        `token` is None for the operator's own files, which may report everything. The permission of
        a service account is its binding to the application; that of a user ends with the role."""
        if token is None:
            return True
        user, team = self._users.get(token), self._teams.get(application)
        if user is None or team is None:
            return False
        return may_write(user, team, is_bound=is_bound)


def may_write(user: User, team: int, *, is_bound: bool) -> bool:
    """Return whether `user`, limited to the team of its token, may report on an application of
    `team`; `is_bound` states whether the token is bound to the application."""
    return (is_bound and user.is_service and user.is_active) or user.may(TeamRole.EDITOR, team)


@dataclass(frozen=True, slots=True)
class RefusedServices:
    """Services of a request that its token may not report on.

    `services` are ids of linked services by (scope, name). `is_bound`: the token is bound to the
    application, and the whole request is rejected."""

    services: Mapping[tuple[str, str], int] = field(default_factory=dict)
    is_bound: bool = False

    def __bool__(self) -> bool:
        return self.is_bound or bool(self.services)

    def service_of(self, names: CallNames) -> int | None:
        return self.services.get((names.scope, clean(names.service)))

    def covers(self, names: CallNames) -> bool:
        return self.is_bound or self.service_of(names) is not None

    @property
    def reason(self) -> str:
        """Return the reason and the fix, as the end of a sentence. The application is not named,
        because the sender may not be allowed to view it."""
        if self.is_bound:
            return (
                "the user of this API token no longer has the editor role on the team of its "
                "application; send with a token of an editor of that team, or assign the role to "
                "the user"
            )
        names = sorted({name for _, name in self.services})
        name_list = ", ".join(f"'{name[:80]}'" for name in names[:_MAX_LISTED_SENDERS])
        remainder_text = (
            f" and {len(names) - _MAX_LISTED_SENDERS} more"
            if len(names) > _MAX_LISTED_SENDERS
            else ""
        )
        return (
            f"{name_list}{remainder_text} is linked to an application that the user of this API "
            "token cannot edit; send with a token of an editor of the owning team, or assign the "
            "editor role to the user"
        )


def find_refused_services(
    call_names: Iterable[CallNames], *, token: ApiToken, bound_team: int | None
) -> RefusedServices:
    """Find the services that the token may not report on; `bound_team` owns the application that
    the token is bound to.

    One statement, and one for the user's roles if a service is linked; none for a service account's
    bound token."""
    user = token.user.bound_to(token.team_id)
    if bound_team is not None:
        return RefusedServices(is_bound=not may_write(user, bound_team, is_bound=True))
    service_keys = {(names.scope, clean(names.service)) for names in call_names}
    linked_services = Service.objects.filter(
        scope__in={scope for scope, _ in service_keys},
        name__in={name for _, name in service_keys},
        application__isnull=False,
    ).values_list("scope", "name", "pk", "application__team")
    return RefusedServices(
        {
            (scope, name): pk
            for scope, name, pk, team in linked_services
            if (scope, name) in service_keys and not may_write(user, team, is_bound=False)
        }
    )
