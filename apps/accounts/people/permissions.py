"""Who may change persons: governance what concerns contacts, administrators also accounts."""

from apps.accounts.models import PersonState, User
from apps.common.errors import ForbiddenError


def refuse_without_governance(by: User, purpose: str) -> None:
    if not by.is_governance:
        raise ForbiddenError(f"You need the governance role to {purpose}.")


def refuse_without_account_rights(by: User, person: User, purpose: str) -> None:
    """Raise unless `by` may do this to the person: governance for persons without rights of their
    own, administrators for others, superusers for superusers."""
    if person.is_superuser and not by.is_superuser:
        raise ForbiddenError(f"You must be a superuser to {purpose} a superuser.")
    is_bare = person.state in {PersonState.CONTACT, PersonState.INVITED}
    if is_bare and not person.organisation_role:
        refuse_without_governance(by, f"{purpose} persons")
    elif not by.is_administrator:
        raise ForbiddenError(f"You need the administrator role to {purpose} accounts.")
