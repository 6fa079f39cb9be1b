"""Credentials of cloud accounts: entered, opened for a call, and encrypted again with a new key."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.common.credentials import (
    Credentials,
    UnreadableCredentialsError,
    decrypt_credentials,
    open_stored_credentials,
    store_credentials,
)
from apps.common.errors import DomainError, ForbiddenError
from apps.common.history.context import audit_context
from apps.intake.accounts.clients.registry import CLOUD_KINDS
from apps.intake.accounts.clients.signatures import UnusableKeyError, load_private_key
from apps.intake.accounts.clients.vertex import service_account_key
from apps.intake.models import CloudAccount, CloudCredential

MAX_SECRET_LENGTH = 10_000


class MissingCredentialsError(DomainError):
    """The account has no credentials."""

    def __init__(self) -> None:
        super().__init__("This account has no credentials yet. Enter them on its page.")


@transaction.atomic
def set_credentials(
    *, account: CloudAccount, values: Mapping[str, str], by: User, at: datetime
) -> CloudCredential:
    """Store the secrets of an account in place of all former ones. Raises DomainError by field for
    a missing or unusable one; its text contains nothing of the secret."""
    _require_governance(by)
    kind = CLOUD_KINDS[account.kind]
    cleaned: dict[str, str] = {}
    for secret in kind.secrets:
        text = values.get(secret.name, "").strip()
        if len(text) > MAX_SECRET_LENGTH:
            raise DomainError(f"{secret.label}: the text is too long.", field=secret.name)
        if not text and secret.is_required:
            raise DomainError(f"Enter the {secret.label.lower()}.", field=secret.name)
        if text and not secret.is_long and not (text.isascii() and text.isprintable()):
            raise DomainError(
                f"{secret.label}: the text contains line breaks or other characters that no "
                "secret has. Copy it again.",
                field=secret.name,
            )
        if text:
            cleaned[secret.name] = text
    if kind.needs_one_of and not cleaned.keys() & set(kind.needs_one_of):
        raise DomainError("Enter at least one of the keys.", field=kind.needs_one_of[0])
    if "service_account" in cleaned:
        try:
            load_private_key(service_account_key(cleaned["service_account"])["private_key"])
        except UnusableKeyError as error:
            raise DomainError(str(error), field="service_account") from None
    CloudAccount.objects.select_for_update().get(pk=account.pk)
    with audit_context(user=by, reason="credentials of the cloud account entered"):
        return store_credentials(
            CloudCredential, cleaned, purpose=account.purpose, at=at, account=account
        )


@transaction.atomic
def delete_credentials(*, account: CloudAccount, by: User) -> None:
    """Delete the secrets of an account, and disable it. They cannot be restored."""
    _require_governance(by)
    locked = CloudAccount.objects.select_for_update().get(pk=account.pk)
    with audit_context(user=by, reason="credentials of the cloud account deleted"):
        CloudCredential.objects.filter(account=locked).delete()
        if locked.enabled:
            locked.enabled = False
            locked.save(update_fields=["enabled", "updated_at"])


def open_credentials(account: CloudAccount) -> Credentials:
    """Decrypt the secrets of an account for a call, and encrypt them again if they were encrypted
    with a former key. Raises MissingCredentialsError or UnreadableCredentialsError."""
    credential = CloudCredential.objects.filter(account=account).first()
    if credential is None:
        raise MissingCredentialsError
    return open_stored_credentials(credential, purpose=account.purpose)


def credentials_problem(account: CloudAccount) -> str:
    """Return the sentence why the stored secrets cannot be used; empty if they can, or if there are
    none."""
    credential = CloudCredential.objects.filter(account=account).first()
    if credential is None:
        return ""
    try:
        decrypt_credentials(credential.sealed, purpose=account.purpose)
    except UnreadableCredentialsError as error:
        return str(error)
    return ""


def _require_governance(by: User) -> None:
    if not by.is_governance:
        raise ForbiddenError("You need the governance role to change cloud accounts.")
