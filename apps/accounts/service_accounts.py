"""Service accounts: users without password and email address that use tokens, owned by a team or
the organisation."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.actions import AccountChangeError, set_membership
from apps.accounts.models import Team, User, manageable_by
from apps.accounts.queries import owns_any_team
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.common.history.context import audit_context

# organisation roles that a service account can have
SERVICE_ORGANISATION_ROLES = (OrganisationRole.AUDITOR, OrganisationRole.GOVERNANCE)
SERVICE_ROLES = (TeamRole.VIEWER, TeamRole.EDITOR)
SERVICE_FIELDS = ("about", "organisation_role", "is_active")


def visible_service_accounts(user: User) -> QuerySet[User]:
    """Return all service accounts for organisation roles, otherwise those of teams that `user`
    owns."""
    services = User.objects.services().select_related("service_team").order_by("username")
    if not user.is_active:
        return services.none()
    return services if user.can_read_all else services.filter(manageable_by(user))


def can_manage_service(user: User, service: User) -> bool:
    """Return whether `user` may manage the service account and its tokens: governance, and owners
    of its team."""
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
    """Add a service account to `team` with `role` there, or to the organisation, optionally with an
    organisation role.

    Rejected unless `by` has the governance role or owns the team, or if `by` assigns an
    organisation role without being an administrator. Raises ValidationError, which contains the
    fields.
    """
    if team is None and not by.is_governance:
        raise AccountChangeError(
            "You need the governance role to add service accounts without a team. Choose one "
            "of your teams."
        )
    if team is not None and not by.may(TeamRole.OWNER, team):
        raise AccountChangeError(f"You need the owner role on {team} to add its service accounts.")
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
    """Change purpose, organisation role and whether the account is active (SERVICE_FIELDS). Raises
    ValidationError and AccountChangeError."""
    if not can_manage_service(by, service):
        raise AccountChangeError(
            "You need the governance role to change this service account."
            if service.service_team is None
            else f"You need the owner role on {service.service_team} to change this service "
            "account."
        )
    row = User.objects.select_for_update(of=("self",)).get(pk=service.pk, is_service=True)
    if "organisation_role" in facts and facts["organisation_role"] != row.organisation_role:
        _check_organisation_role(
            facts["organisation_role"], row.service_team, by, previous=row.organisation_role
        )
    for name in SERVICE_FIELDS:
        if name in facts:
            setattr(row, name, facts[name])
    row.full_clean(exclude=["password"])
    with audit_context(user=by, reason="service account changed"):
        row.save(update_fields=SERVICE_FIELDS)
    return row


def _check_organisation_role(office: str, team: Team | None, by: User, previous: str = "") -> None:
    if (office or previous) and not by.is_administrator:
        raise AccountChangeError(
            "You need the administrator role to assign or remove organisation roles."
        )
    if office and team is not None:
        raise AccountChangeError(
            "A service account of a team cannot have an organisation role, because the "
            "team's owners would gain its access. Create it without a team."
        )
    if office and office not in SERVICE_ORGANISATION_ROLES:
        raise AccountChangeError(
            "A service account can have the governance or auditor role only. Choose one of these."
        )
