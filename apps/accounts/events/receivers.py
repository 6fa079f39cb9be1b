"""Receivers of signals of Django and allauth about sign-ins and credentials, which they record."""

from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set, user_logged_in
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
    authenticator_used,
)
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver

from apps.accounts.events.log import record_event
from apps.accounts.models import AccountEventKind, User
from apps.accounts.sign_in.limits import release_attempts
from apps.accounts.sign_in.sessions import end_sessions

_RECOVERY_CODES = Authenticator.Type.RECOVERY_CODES


@receiver(user_logged_in)
def record_sign_in(request: Any, user: User, **_kwargs: Any) -> None:
    methods = [
        record.get("method") for record in request.session.get("account_authentication_methods", [])
    ]
    detail = ("by single sign-on" if "socialaccount" in methods else "by password") + (
        " and second factor" if "mfa" in methods else ""
    )
    record_event(AccountEventKind.SIGNED_IN, request=request, user=user, detail=detail)


@receiver(user_logged_out)
def record_sign_out(request: Any, user: User | None, **_kwargs: Any) -> None:
    if user is not None and request is not None:
        record_event(AccountEventKind.SIGNED_OUT, request=request, user=user)


@receiver(password_changed)
@receiver(password_set)
def record_password_change(request: Any, user: User, **_kwargs: Any) -> None:
    # Django rejects other sessions as well, because their hash includes the password
    end_sessions(user, but_key=request.session.session_key)
    record_event(AccountEventKind.PASSWORD_CHANGED, request=request, user=user)


@receiver(password_reset)
def record_password_reset(request: Any, user: User, **_kwargs: Any) -> None:
    # the first password, set with the link of the invitation, is not reported to the user
    end_sessions(user)
    release_attempts(f"u{user.pk}")
    addresses: list[str] | None = [] if user.last_login is None else None
    record_event(AccountEventKind.PASSWORD_RESET, request=request, user=user, email_to=addresses)


@receiver(authenticator_added)
def record_second_factor(
    request: Any, user: User, authenticator: Authenticator, **_kwargs: Any
) -> None:
    # recovery codes are created with the first factor
    if authenticator.type != _RECOVERY_CODES:
        end_sessions(user, but_key=request.session.session_key)
        record_event(
            AccountEventKind.MFA_ADDED,
            request=request,
            user=user,
            detail=factor_label(authenticator),
        )


@receiver(authenticator_removed)
def record_removed_factor(
    request: Any, user: User, authenticator: Authenticator, **_kwargs: Any
) -> None:
    if authenticator.type != _RECOVERY_CODES:
        end_sessions(user, but_key=request.session.session_key)
        record_event(
            AccountEventKind.MFA_REMOVED,
            request=request,
            user=user,
            detail=factor_label(authenticator),
        )


@receiver(authenticator_reset)
def record_new_codes(request: Any, user: User, **_kwargs: Any) -> None:
    record_event(AccountEventKind.CODES_REPLACED, request=request, user=user)


@receiver(authenticator_used)
def record_used_code(
    request: Any, user: User, authenticator: Authenticator, **_kwargs: Any
) -> None:
    if authenticator.type == _RECOVERY_CODES:
        record_event(AccountEventKind.CODE_USED, request=request, user=user)


@receiver(authentication_failed)
def record_failed_factor(request: Any, user: User, **_kwargs: Any) -> None:
    record_event(AccountEventKind.MFA_FAILED, request=request, user=user)


def factor_label(authenticator: Authenticator) -> str:
    """Return the name of the factor for users."""
    labels: dict[str, str] = {
        Authenticator.Type.TOTP: "authenticator app",
        Authenticator.Type.WEBAUTHN: "security key or passkey",
        Authenticator.Type.RECOVERY_CODES: "recovery codes",
    }
    return labels.get(authenticator.type, str(authenticator.type))
