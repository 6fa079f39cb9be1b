"""Second factors: which users must have one, which have one, and resetting them."""

from datetime import date
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from apps.accounts.actions import AccountChangeError
from apps.accounts.events.log import record_event
from apps.accounts.models import AccountEventKind, User
from apps.accounts.roles import OrganisationRole
from apps.accounts.sign_in.sessions import end_sessions
from apps.common.history.context import audit_context
from apps.common.time import day_of, now

# value of MFA_REQUIRED_FOR
ALL = "all"
# without recovery codes, which only replace a factor
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def is_required_of(user: User) -> bool:
    """Return whether the user's role requires two-factor authentication (MFA_REQUIRED_FOR), now or
    from MFA_REQUIRED_FROM.

    False for users without a password: their single sign-on provider requires it.
    """
    required = settings.MFA_REQUIRED_FOR
    if user.is_service or not required or not user.has_usable_password():
        return False
    role = OrganisationRole.ADMIN if user.is_superuser else user.organisation_role
    return ALL in required or role in required


def is_enforced_on(day: date) -> bool:
    """Return whether users without a required factor must set one up on this day, rather than being
    only reminded."""
    return settings.MFA_REQUIRED_FROM is None or day >= settings.MFA_REQUIRED_FROM


def has_second_factor(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


def with_second_factor(people: QuerySet[User]) -> QuerySet[User]:
    """Annotate users with `has_factor`."""
    return people.annotate(has_factor=second_factor_of_row())


def by_second_factor(people: QuerySet[User], *, has_factor: bool) -> QuerySet[User]:
    """Return the users that have a second factor, or those without one if `has_factor` is false."""
    return people.filter(second_factor_of_row() if has_factor else ~second_factor_of_row())


def second_factor_of_row() -> Exists:
    """Return the SQL condition that a user has an authenticator app or a security key. Recovery
    codes alone are no factor."""
    return Exists(Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS))


@transaction.atomic
def reset_second_factors(*, person: User, by: User, request: Any) -> None:
    """Remove all factors and recovery codes of the user, end their sessions, and inform them.
    Raises AccountChangeError if there are none, or if `by` may not change the user."""
    if not by.is_administrator or (person.is_superuser and not by.is_superuser):
        raise AccountChangeError(
            "You need the administrator role to reset two-factor authentication. Only a "
            "superuser can reset it for a superuser."
        )
    locked = User.objects.select_for_update(of=("self",)).get(pk=person.pk)
    if not Authenticator.objects.filter(user=locked).delete()[0]:
        raise AccountChangeError(
            f"{person} has not set up two-factor authentication, so there is nothing to reset."
        )
    with audit_context(user=by, reason=f"two-factor authentication of {person.username} reset"):
        end_sessions(locked)
    record_event(AccountEventKind.MFA_RESET, request=request, user=locked, actor=by)


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Prevents the removal of the last factor of a user who must have one."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "cannot_delete_authenticator": (
            "Your role requires two-factor authentication. Add another "
            "method before you remove this one."
        ),
    }

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        other_factors = Authenticator.objects.filter(
            user=authenticator.user, type__in=FACTORS
        ).exclude(pk=authenticator.pk)
        required = is_required_of(authenticator.user) and is_enforced_on(day_of(now()))
        return not required or other_factors.exists()
