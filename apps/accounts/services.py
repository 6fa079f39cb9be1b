"""Service accounts: users that are programs. They have tokens, no password and no address; a team owns each, or the
organisation."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.actions import RefusedAccount, set_membership
from apps.accounts.models import Team, User, looked_after_by
from apps.accounts.queries import owns_any_team
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.common.history.context import audit_context

# what a program may hold for the whole organisation
SERVICE_OFFICES = (OrganisationRole.AUDITOR, OrganisationRole.GOVERNANCE)
SERVICE_ROLES = (TeamRole.VIEWER, TeamRole.EDITOR)
SERVICE_FACTS = ("about", "organisation_role", "is_active")


def services_seen_by(user: User) -> QuerySet[User]:
    """Every service account for the offices, else those of the teams that `user` owns."""
    services = User.objects.services().select_related("service_team").order_by("username")
    if not user.is_active:
        return services.none()
    return services if user.reads_everything else services.filter(looked_after_by(user))


def may_look_after(user: User, service: User) -> bool:
    """Gives it tokens and closes it: those who govern, and owners of its team."""
    return user.governs or (service.service_team_id is not None and user.may(TeamRole.OWNER, service.service_team_id))


def may_add_services(user: User) -> bool:
    return owns_any_team(user)


@transaction.atomic
def add_service(
    *, username: str, about: str, team: Team | None, role: TeamRole | None = None, office: str = "", by: User
) -> User:
    """A program of `team` with `role` there, or one of the organisation, which may hold an office.

    Refused where `by` neither governs nor owns the team, or gives an office without administering. Raises
    ValidationError, which names the fields.
    """
    if team is None and not by.governs:
        raise RefusedAccount("A program of the whole organisation is added by governance. Choose one of your teams.")
    if team is not None and not by.may(TeamRole.OWNER, team):
        raise RefusedAccount(f"Programs of {team} are added by its owners and by governance.")
    _refuse_office(office, team, by)
    service = User(username=username, about=about, is_service=True, service_team=team, organisation_role=office)
    service.set_unusable_password()
    service.full_clean(exclude=["password"])
    with audit_context(user=by, reason="service account added"):
        service.save()
        if team is not None and role is not None:
            set_membership(user=service, team=team, role=role, by=by)
    return service


@transaction.atomic
def change_service(*, service: User, facts: Mapping[str, Any], by: User) -> User:
    """What it does, its office, whether its tokens work (SERVICE_FACTS). Raises ValidationError and RefusedAccount."""
    if not may_look_after(by, service):
        raise RefusedAccount("A program is changed by the owners of its team and by governance.")
    row = User.objects.select_for_update(of=("self",)).get(pk=service.pk, is_service=True)
    if "organisation_role" in facts and facts["organisation_role"] != row.organisation_role:
        _refuse_office(facts["organisation_role"], row.service_team, by, taken=row.organisation_role)
    for name in SERVICE_FACTS:
        if name in facts:
            setattr(row, name, facts[name])
    row.full_clean(exclude=["password"])
    with audit_context(user=by, reason="service account changed"):
        row.save(update_fields=SERVICE_FACTS)
    return row


def _refuse_office(office: str, team: Team | None, by: User, taken: str = "") -> None:
    if (office or taken) and not by.administers:
        raise RefusedAccount("Offices are given and taken by administrators, to programs as to people.")
    if office and team is not None:
        raise RefusedAccount(
            "Who owns the team would come by the office. Only a program of the whole organisation holds one."
        )
    if office and office not in SERVICE_OFFICES:
        raise RefusedAccount("A program may be governance or auditor; it does not administer.")
