"""Secrets of ticket connections: the token of the account, and the secret of the webhook."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.common.credentials import (
    Credentials,
    UnreadableCredentialsError,
    open_stored_credentials,
    read_former_values,
    store_credentials,
)
from apps.common.errors import DomainError, ForbiddenError
from apps.common.history.context import audit_context
from apps.issues.models import TicketConnection, TicketCredential

MAX_SECRET_LENGTH = 1_000
MIN_WEBHOOK_SECRET_LENGTH = 16
TOKEN, WEBHOOK_SECRET = "token", "webhook_secret"
_LABELS = {TOKEN: "Token", WEBHOOK_SECRET: "Webhook secret"}


def require_governance(by: User) -> None:
    if not by.is_governance:
        raise ForbiddenError("You need the governance role to change ticket connections.")


@transaction.atomic
def set_secrets(
    *, connection: TicketConnection, values: Mapping[str, str], by: User, at: datetime
) -> TicketCredential:
    """Store the given secrets; one that is left empty keeps its former value. Raises DomainError
    by field; its text contains nothing of the secret."""
    require_governance(by)
    entered: dict[str, str] = {}
    for name, label in _LABELS.items():
        text = values.get(name, "").strip()
        if not text:
            continue
        if len(text) > MAX_SECRET_LENGTH or not (text.isascii() and text.isprintable()):
            raise DomainError(
                f"{label}: the text is too long, or contains characters that no secret has. Copy "
                "it again.",
                field=name,
            )
        entered[name] = text
    if len(entered.get(WEBHOOK_SECRET, "x" * MIN_WEBHOOK_SECRET_LENGTH)) < (
        MIN_WEBHOOK_SECRET_LENGTH
    ):
        raise DomainError(
            f"Enter a webhook secret of at least {MIN_WEBHOOK_SECRET_LENGTH} characters.",
            field=WEBHOOK_SECRET,
        )
    TicketConnection.objects.select_for_update().get(pk=connection.pk)
    stored = TicketCredential.objects.filter(connection=connection).first()
    entered = read_former_values(stored, purpose=connection.purpose) | entered
    if TOKEN not in entered:
        raise DomainError("Enter the token of the account.", field=TOKEN)
    with audit_context(user=by, reason="secrets of the ticket connection entered"):
        credential = store_credentials(
            TicketCredential, entered, purpose=connection.purpose, at=at, connection=connection
        )
    # a new token is tried at once
    TicketConnection.objects.filter(pk=connection.pk).update(
        status=TicketConnection.Status.UNTESTED, problem="", wait_until=None
    )
    return credential


@transaction.atomic
def delete_secrets(*, connection: TicketConnection, by: User) -> None:
    """Delete the secrets and disable the connection. They cannot be restored."""
    require_governance(by)
    locked = TicketConnection.objects.select_for_update().get(pk=connection.pk)
    with audit_context(user=by, reason="secrets of the ticket connection deleted"):
        TicketCredential.objects.filter(connection=locked).delete()
        if locked.enabled:
            locked.enabled = False
            locked.save(update_fields=["enabled", "updated_at"])


def open_secrets(connection: TicketConnection) -> Credentials:
    """Decrypt the secrets for a call, and encrypt them again if they were encrypted with a former
    key. Raises DomainError with a sentence if there are none, or no key opens them."""
    credential = TicketCredential.objects.filter(connection=connection).first()
    if credential is None:
        raise DomainError("This connection has no token yet. Enter it on its page.")
    try:
        return open_stored_credentials(credential, purpose=connection.purpose)
    except UnreadableCredentialsError as error:
        raise DomainError(str(error)) from None
