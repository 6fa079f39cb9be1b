"""Owners of issues: the persons who can own an issue, and on whose word.

A user must be able to view the issue. A contact, who views nothing, can own issues of applications
that it owns; of other applications only if a user who may name their owners assigns it.
"""

from collections.abc import Collection

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from apps.accounts.models import Membership, PersonState, User
from apps.accounts.people.addresses import read_address
from apps.accounts.people.contacts import find_or_create_contact
from apps.accounts.people.mail_rules import may_receive_mail
from apps.accounts.people.queries import person_by_address
from apps.accounts.roles import TeamRole
from apps.common.errors import DomainError
from apps.inventory.models import Application
from apps.issues.models import Issue, IssueQuerySet

_CONTACT_ACCESS = (
    "The contact receives email about this issue, and can see and respond to it by a link in that "
    "email."
)
_CONTACT_WITHOUT_MAIL = (
    "The domain of the address is not allowed, so that email is sent only after governance has "
    "confirmed the address."
)
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
    warning = f"{person} is a contact and does not own {issue.application.name}. {_CONTACT_ACCESS}"
    return warning if may_receive_mail(person) else f"{warning} {_CONTACT_WITHOUT_MAIL}"


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


def possible_owners(*issues: Issue) -> QuerySet[User]:
    """Return the persons who can own at least one of the issues, by name: users who can view it
    once they own it, and contacts who own its application. The applications should be loaded."""
    has_organisation_issue = any(issue.team_id is None for issue in issues)
    members = Membership.objects.filter(
        team__in=RawSQL(
            "SELECT ancestor_id FROM team_ancestor WHERE team_id = ANY (%s)",
            [sorted({issue.team_id for issue in issues if issue.team_id is not None})],
        )
    )
    can_view = Q(is_superuser=True) | ~Q(organisation_role="") | Q(pk__in=members.values("user"))
    users = Q(is_active=True) if has_organisation_issue else can_view & Q(is_active=True)
    owner_ids = {
        pk
        for issue in issues
        if (application := issue.application) is not None
        for pk in (application.business_owner_person_id, application.technical_owner_person_id)
        if pk is not None
    }
    contacts = Q(state=PersonState.CONTACT, pk__in=owner_ids)
    people = User.objects.people().filter(users | contacts)
    return people.order_by("first_name", "last_name", "username")


def find_owner(text: str, issues: Collection[Issue], *, by: User, is_confirmed: bool) -> User:
    """Return the person with this username or email address, to be assigned to the issues.

    An unknown address becomes a contact if `by` may name owners and has confirmed it. Raises
    DomainError.
    """
    text = text.strip()
    address = read_address(text)
    person = (
        User.objects.filter(Q(is_active=True) | Q(state=PersonState.CONTACT), username=text).first()
        if address is None
        else person_by_address(address.address)
    )
    if person is not None:
        return person
    if address is None:
        raise DomainError(
            f"No user '{text[:100]}' found. Enter a username or an email address.", field="owner"
        )
    if not any(can_name_owner(by, issue) for issue in issues):
        raise DomainError(
            f"No person with the address {address.address} found. You need the editor role on the "
            "team to name a new contact.",
            field="owner",
        )
    if not is_confirmed:
        raise DomainError(
            f"{address.address} is not known yet and becomes a contact. {_CONTACT_ACCESS} Confirm "
            "the assignment.",
            field=CONFIRMATION_FIELD,
        )
    return find_or_create_contact(email=text, by=by)


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
