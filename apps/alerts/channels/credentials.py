"""Credentials of channels: entered, opened for a call, and encrypted again with a new key."""

from collections.abc import Mapping
from datetime import datetime

from apps.alerts.channels.services import SERVICES
from apps.alerts.models import ChannelCredential, Webhook
from apps.common.credentials import (
    Credentials,
    UnreadableCredentialsError,
    open_stored_credentials,
    read_former_values,
    store_credentials,
)
from apps.common.errors import DomainError
from apps.common.http.addresses import check_address
from apps.common.http.calls import OutboundRefusedError


def clean_secrets(service: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the entered secrets of a service. Raises DomainError by field for a wrong one; its
    text contains nothing of the secret."""
    cleaned: dict[str, str] = {}
    known = {secret.name: secret for secret in SERVICES[service].secrets}
    for name in values:
        if name not in known:
            raise DomainError(
                f"Unknown secret. Use: {', '.join(known)}.",
                field="secrets",
            )
    for secret in known.values():
        text = str(values.get(secret.name) or "").strip()
        if not text:
            continue
        if not secret.pattern.fullmatch(text):
            raise DomainError(secret.correction, field=secret.name)
        if secret.is_url:
            try:
                check_address(text)
            except OutboundRefusedError:
                raise DomainError(secret.correction, field=secret.name) from None
        cleaned[secret.name] = text
    return cleaned


def store_secrets(channel: Webhook, secrets: Mapping[str, str], *, at: datetime) -> None:
    """Store secrets of a channel, encrypted; those that are not named stay. The caller has the
    permission, and an audit context."""
    credential = ChannelCredential.objects.select_for_update().filter(channel=channel).first()
    former = read_former_values(credential, purpose=channel.purpose)
    store_credentials(
        ChannelCredential,
        former | dict(secrets),
        purpose=channel.purpose,
        at=at,
        channel=channel,
    )


def open_secrets(channel: Webhook) -> Credentials:
    """Decrypt the secrets of a channel for a call. Raises DomainError with the sentence why they
    cannot be used."""
    credential = ChannelCredential.objects.filter(channel=channel).first()
    expected = {secret.name for secret in SERVICES[channel.service].secrets}
    if credential is None or not expected <= set(credential.names):
        raise DomainError("Credentials are missing. Enter them on the page of the channel.")
    try:
        return open_stored_credentials(credential, purpose=channel.purpose)
    except UnreadableCredentialsError as error:
        raise DomainError(str(error)) from None
