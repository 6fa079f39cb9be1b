"""Changes of a user's own email address, which apply once the link sent to the new address is
opened.

Until then the new address is stored in the link only, so that it does not block an invitation or
the first single sign-on of its owner. An address of another account gets the same response as a
free one; its owner is informed instead.
"""

from datetime import timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.db import IntegrityError, transaction
from django.db.models.functions import Lower
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.urls import reverse

from apps.accounts.events.log import record_event
from apps.accounts.models import AccountEventKind, User
from apps.accounts.people.queries import persons_by_address
from apps.common.errors import DomainError
from apps.common.history.context import audit_context

LINK_DURATION = timedelta(hours=24)
# the history shortens signatures in addresses at this character (registry/middleware.py)
_SEPARATOR = "."


class EmailChangeError(DomainError):
    """A rejected change; the text tells the user what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message, field="email")


def request_email_change(*, user: User, address: str, request: Any) -> None:
    """Email a link to the new address. Raises EmailChangeError; OSError if the mail server does not
    accept the email."""
    address = address.strip().lower()
    if address == user.email.lower():
        raise EmailChangeError("This is already your email address. Enter another one.")
    record_event(AccountEventKind.EMAIL_REQUESTED, request=request, user=user, detail=address)
    is_taken = bool(persons_by_address([address]))
    get_adapter().send_mail(
        "account/email/email_in_use" if is_taken else "account/email/email_change",
        address,
        {
            "person": user,
            "address": address,
            "url": link_of(user, address),
            "hours": LINK_DURATION.total_seconds() // 3600,
            "organisation": settings.ORGANISATION_NAME,
        },
    )


def link_of(user: User, address: str) -> str:
    token = _signer().sign_object(
        {"user": user.pk, "from": user.email, "to": address}, compress=True
    )
    return f"{settings.PUBLIC_URL}{reverse('account:confirm-email', args=[token])}"


def requested_address(token: str, *, user: User) -> str:
    """Return the address that the link confirms. Raises EmailChangeError if the link is no longer
    valid or belongs to another account."""
    try:
        claims: dict[str, Any] = _signer().unsign_object(token, max_age=LINK_DURATION)
    except (BadSignature, ValueError):
        raise EmailChangeError(
            "This link is incomplete or older than 24 hours. Request a new one."
        ) from None
    if claims["user"] != user.pk:
        raise EmailChangeError(
            "This link belongs to another account. Sign in to that account and open the link again."
        )
    if claims["from"] != user.email:
        raise EmailChangeError(
            "Your email address changed after this link was sent. Request a new link."
        )
    return str(claims["to"])


def confirm_email_change(token: str, *, user: User, request: Any) -> str:
    """Change the address to the one that the link was sent to, and inform the old one. Raises
    EmailChangeError."""
    try:
        with transaction.atomic():
            row = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
            address = requested_address(token, user=row)
            previous_address, row.email = row.email, address
            with audit_context(user=user, reason="own email address confirmed"):
                row.save(update_fields=["email"])
    except IntegrityError:
        raise EmailChangeError(
            "Another account now has this email address. Contact an administrator."
        ) from None
    record_email_change(user=row, previous_address=previous_address, by=user, request=request)
    return address


def record_email_change(
    *, user: User, previous_address: str, by: User | None, request: Any
) -> None:
    """Record that `by` has changed the address, and inform the old address, or the new one if there
    was none."""
    record_event(
        AccountEventKind.EMAIL_CHANGED,
        request=request,
        user=user,
        actor=by,
        detail=f"{previous_address or '–'} → {user.email or '–'}",
        email_to=[address for address in (previous_address or user.email,) if address],
    )


@receiver(post_save, sender=User)
def drop_other_addresses(
    instance: User, created: bool, update_fields: Any = None, **_kwargs: Any
) -> None:
    """Synchronise the library's own list of addresses: an address that the account no longer has
    must not reset its password. A new account has no list yet."""
    if not created and (update_fields is None or "email" in update_fields):
        rows = EmailAddress.objects.annotate(lowered=Lower("email")).filter(user=instance)
        rows.exclude(lowered=instance.email.lower()).delete()


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="accounts.email_change", sep=_SEPARATOR)
