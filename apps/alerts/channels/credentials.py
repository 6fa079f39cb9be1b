"""Credentials of channels: entered, opened for a call, and encrypted again with a new key."""

from collections.abc import Mapping
from datetime import datetime

from apps.alerts.channels.services import SERVICES
from apps.alerts.models import ChannelCredential, Webhook
from apps.common.credentials import (
    Credentials,
    UnreadableCredentialsError,
    decrypt_credentials,
    encrypt_credentials,
    is_sealed_by_former_key,
    reencrypt_credentials,
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
    former: dict[str, str] = {}
    if credential is not None:
        try:
            opened = decrypt_credentials(credential.sealed, purpose=channel.purpose)
            former = {name: opened[name] for name in opened.names}
        except UnreadableCredentialsError:
            # unreadable ones are replaced by what is entered now
            former = {}
    values = former | dict(secrets)
    ChannelCredential.objects.update_or_create(
        channel=channel,
        defaults={
            "sealed": encrypt_credentials(values, purpose=channel.purpose),
            "names": sorted(values),
            "set_at": at,
        },
    )


def open_secrets(channel: Webhook) -> Credentials:
    """Decrypt the secrets of a channel for a call. Raises DomainError with the sentence why they
    cannot be used."""
    credential = ChannelCredential.objects.filter(channel=channel).first()
    expected = {secret.name for secret in SERVICES[channel.service].secrets}
    if credential is None or not expected <= set(credential.names):
        raise DomainError("Credentials are missing. Enter them on the page of the channel.")
    try:
        credentials = decrypt_credentials(credential.sealed, purpose=channel.purpose)
    except UnreadableCredentialsError as error:
        raise DomainError(str(error)) from None
    if is_sealed_by_former_key(credential.sealed):
        _reencrypt(credential)
    return credentials


def _reencrypt(credential: ChannelCredential) -> int:
    """Write the text encrypted with the first key, unless other secrets were entered meanwhile.
    The history compares no column that this changes."""
    return ChannelCredential.objects.filter(pk=credential.pk, sealed=credential.sealed).update(
        sealed=reencrypt_credentials(credential.sealed)
    )
