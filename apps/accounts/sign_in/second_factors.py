"""Second factors: who must have one, who has one, and how an administrator resets them."""

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

# of MFA_REQUIRED_FOR
ALL = "all"
# recovery codes stand in for a factor and are none
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def is_required_of(user: User) -> bool:
    """Return whether the user's role requires two-factor authentication (MFA_REQUIRED_FOR), now or
    from MFA_REQUIRED_FROM.

    Not for users without a password: their single sign-on provider requires it.
    """
    required = settings.MFA_REQUIRED_FOR
    if user.is_service or not required or not user.has_usable_password():
        return False
    role = OrganisationRole.ADMIN if user.is_superuser else user.organisation_role
    return ALL in required or role in required


def is_enforced_on(day: date) -> bool:
    """Return whether users without a required factor must set one up, rather than only being asked
    to."""
    return settings.MFA_REQUIRED_FROM is None or day >= settings.MFA_REQUIRED_FROM


def has_second_factor(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


def with_second_factor(people: QuerySet[User]) -> QuerySet[User]:
    """Annotate `has_factor`."""
    return people.annotate(has_factor=second_factor_of_row())


def by_second_factor(people: QuerySet[User], *, has_factor: bool) -> QuerySet[User]:
    return people.filter(second_factor_of_row() if has_factor else ~second_factor_of_row())


def second_factor_of_row() -> Exists:
    """Return whether the row, a user, has an authenticator app or a security key. Recovery codes
    alone are no factor."""
    return Exists(Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS))


@transaction.atomic
def reset_second_factors(*, person: User, by: User, request: Any) -> None:
    """Remove all factors and recovery codes of the person, end their sessions, and tell them.
    AccountChangeError where there are none, or `by` may not change the person."""
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
    """How the library meets the requirement."""

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
