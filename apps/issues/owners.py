"""Owners of issues: the persons who can own an issue, and on whose word.

A user must be able to view the issue. A contact, who views nothing, can own issues of applications
that it owns; of other applications only if a user who may name their owners assigns it.
"""

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.accounts.queries import members_of
from apps.accounts.roles import TeamRole
from apps.common.errors import DomainError
from apps.inventory.models import Application
from apps.issues.models import Issue, IssueQuerySet

# field of forms and of REST by which a user confirms `contact_warning`
CONFIRMATION_FIELD = "confirm_contact"


def owns_application(person: User, issue: Issue) -> bool:
    """Return whether the person is recorded as an owner of the application of the issue; the
    application should be loaded."""
    application = issue.application
    return application is not None and person.pk in {
        application.business_owner_person_id,
        application.technical_owner_person_id,
    }


def can_own(person: User, issue: Issue) -> bool:
    """Return whether the person can own the issue on anybody's word: users who can view it once it
    is assigned, and contacts who own its application."""
    if person.is_contact:
        return owns_application(person, issue)
    if not person.is_active:
        return False
    return person.can_read_all or issue.team_id is None or issue.team_id in person.team_roles()


def can_name_owner(user: User, issue: Issue) -> bool:
    """Return whether the user may name owners of the application of the issue, and so also assign
    the issue to other contacts."""
    return issue.team_id is not None and (
        user.is_governance or user.may(TeamRole.EDITOR, issue.team_id)
    )


def contact_warning(person: User, issue: Issue) -> str:
    """Return what an assignment to this contact means, for the user to confirm before it is saved;
    empty where there is nothing to confirm."""
    if not person.is_contact or issue.application is None or owns_application(person, issue):
        return ""
    return (
        f"{person} is a contact and does not own {issue.application.name}. The contact receives "
        "email about this issue, and can see and respond to it by a link in that email."
    )


def require_owner(person: User, issue: Issue, *, by: User, is_confirmed: bool) -> None:
    """Raise DomainError unless `by` can assign the issue to the person."""
    if can_own(person, issue):
        return
    if not person.is_contact:
        raise DomainError(
            f"{person} cannot view this issue. Select a member of the team or a governance user.",
            field="owner",
        )
    if issue.application is None:
        raise DomainError(
            f"{person} is a contact and cannot own issues of the organisation. Select a governance "
            "user.",
            field="owner",
        )
    if not can_name_owner(by, issue):
        raise DomainError(
            f"{person} is a contact and does not own {issue.application.name}. You need the editor "
            f"role on {issue.team} to assign the issue to such a contact.",
            field="owner",
        )
    if not is_confirmed:
        raise DomainError(
            f"{contact_warning(person, issue)} Confirm the assignment.", field=CONFIRMATION_FIELD
        )


def possible_owners(issue: Issue) -> QuerySet[User]:
    """Return the persons who can own the issue, by name: users who can view it once they own it,
    and contacts who own its application."""
    users = User.objects.people().filter(is_active=True)
    if issue.team is not None:
        member_ids = [user.pk for user, _ in members_of(team=issue.team)]
        users = users.filter(Q(pk__in=member_ids) | Q(is_superuser=True) | ~Q(organisation_role=""))
    owners = Application.objects.filter(pk=issue.application_id).values_list(
        "business_owner_person", "technical_owner_person"
    )
    owner_ids = [pk for pks in owners for pk in pks if pk is not None]
    contacts = User.objects.contacts().filter(pk__in=owner_ids)
    people = User.objects.filter(Q(pk__in=users.values("pk")) | Q(pk__in=contacts.values("pk")))
    return people.order_by("first_name", "last_name", "username")


def person_label(person: User) -> str:
    """Return the name of a person in a list to choose from; contacts are marked."""
    return f"{person} (contact)" if person.is_contact else str(person)


def issues_concerning(person: User) -> IssueQuerySet:
    """Select the issues that the person may see: a user as everywhere; a contact those of owned
    applications and those assigned to it."""
    if not person.is_contact:
        return Issue.objects.visible_to(person)
    owned = Application.objects.filter(
        Q(business_owner_person=person) | Q(technical_owner_person=person)
    ).values("pk")
    return Issue.objects.filter(
        Q(application__in=owned) | Q(owner=person, application__isnull=False)
    )
