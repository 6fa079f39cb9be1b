"""Service accounts: users that are programs. They have tokens, no password and no address; a team
owns each, or the organisation."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.actions import AccountChangeError, set_membership
from apps.accounts.models import Team, User, manageable_by
from apps.accounts.queries import owns_any_team
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.common.history.context import audit_context

# what a program may hold for the whole organisation
SERVICE_ORGANISATION_ROLES = (OrganisationRole.AUDITOR, OrganisationRole.GOVERNANCE)
SERVICE_ROLES = (TeamRole.VIEWER, TeamRole.EDITOR)
SERVICE_FIELDS = ("about", "organisation_role", "is_active")


def visible_service_accounts(user: User) -> QuerySet[User]:
    """Every service account for the offices, else those of the teams that `user` owns."""
    services = User.objects.services().select_related("service_team").order_by("username")
    if not user.is_active:
        return services.none()
    return services if user.can_read_all else services.filter(manageable_by(user))


def can_manage_service(user: User, service: User) -> bool:
    """Gives it tokens and closes it: those who govern, and owners of its team."""
    return user.is_governance or (
        service.service_team_id is not None and user.may(TeamRole.OWNER, service.service_team_id)
    )


def can_add_services(user: User) -> bool:
    return owns_any_team(user)


@transaction.atomic
def add_service(
    *,
    username: str,
    about: str,
    team: Team | None,
    role: TeamRole | None = None,
    office: str = "",
    by: User,
) -> User:
    """A program of `team` with `role` there, or one of the organisation, which may hold an office.

    Refused where `by` neither governs nor owns the team, or gives an office without administering.
    Raises ValidationError, which names the fields.
    """
    if team is None and not by.is_governance:
        raise AccountChangeError(
            "A program of the whole organisation is added by governance. Choose one of your teams."
        )
    if team is not None and not by.may(TeamRole.OWNER, team):
        raise AccountChangeError(f"Programs of {team} are added by its owners and by governance.")
    _check_organisation_role(office, team, by)
    service = User(
        username=username, about=about, is_service=True, service_team=team, organisation_role=office
    )
    service.set_unusable_password()
    service.full_clean(exclude=["password"])
    with audit_context(user=by, reason="service account added"):
        service.save()
        if team is not None and role is not None:
            set_membership(user=service, team=team, role=role, by=by)
    return service


@transaction.atomic
def change_service(*, service: User, facts: Mapping[str, Any], by: User) -> User:
    """What it does, its office, whether its tokens work (SERVICE_FIELDS). Raises ValidationError
    and AccountChangeError."""
    if not can_manage_service(by, service):
        raise AccountChangeError(
            "A program is changed by the owners of its team and by governance."
        )
    row = User.objects.select_for_update(of=("self",)).get(pk=service.pk, is_service=True)
    if "organisation_role" in facts and facts["organisation_role"] != row.organisation_role:
        _check_organisation_role(
            facts["organisation_role"], row.service_team, by, taken=row.organisation_role
        )
    for name in SERVICE_FIELDS:
        if name in facts:
            setattr(row, name, facts[name])
    row.full_clean(exclude=["password"])
    with audit_context(user=by, reason="service account changed"):
        row.save(update_fields=SERVICE_FIELDS)
    return row


def _check_organisation_role(office: str, team: Team | None, by: User, taken: str = "") -> None:
    if (office or taken) and not by.is_administrator:
        raise AccountChangeError(
            "Offices are given and taken by administrators, to programs as to people."
        )
    if office and team is not None:
        raise AccountChangeError(
            "Who owns the team would come by the office. Only a program of the whole organisation "
            "holds one."
        )
    if office and office not in SERVICE_ORGANISATION_ROLES:
        raise AccountChangeError("A program may be governance or auditor; it does not administer.")
