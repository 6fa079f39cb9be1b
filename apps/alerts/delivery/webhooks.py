"""Webhook requests, signed as specified by Standard Webhooks 1.0
(https://www.standardwebhooks.com):

    webhook-id         the delivery's, the same at every attempt: a receiver ignores duplicates
    webhook-timestamp  seconds since 1970, of this attempt
    webhook-signature  `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; for a day
                       after the secret was rotated also that of the old secret, after a space

The secret, `whsec_` and base64, is derived from the webhook's nonce and the installation's key."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from apps.accounts.models import User
from apps.alerts.delivery.digest.parts import DigestContext
from apps.alerts.delivery.mail import message_id_for
from apps.alerts.delivery.webhook_payload import build_payload
from apps.alerts.models import Delivery, Webhook
from apps.alerts.preferences import PreferencePermissionError
from apps.alerts.text import one_line
from apps.common.http.calls import OutboundError, OutboundRefusedError, Request
from apps.common.http.client import fetch
from apps.common.http.installation_policy import installation_policy
from apps.common.time import day_of


@transaction.atomic
def queue_test_request(*, webhook: Webhook, by: User, at: datetime) -> Delivery:
    """Queue a test request with an empty list of alerts; signed and retried as any other."""
    if not by.is_governance:
        raise PreferencePermissionError(
            "You need the governance or administrator role to test webhooks."
        )
    body = build_payload(
        [], DigestContext(today=day_of(at), public_url=settings.PUBLIC_URL, applications={}), at=at
    )
    return Delivery.objects.create(
        webhook=webhook,
        kind=Delivery.Kind.WEBHOOK,
        address=webhook.url,
        message_id=message_id_for(address=webhook.url, keys=[f"test:{secrets.token_hex(16)}"]),
        subject=f"Test sent by {by.get_username()}",
        body_text=json.dumps(body, ensure_ascii=False),
        due_at=at,
        created_at=at,
    )


# Period after a rotation during which the old secret signs as well.
OLD_SECRET_DURATION = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WebhookFailure:
    """The reason why a webhook request failed; `final` if a retry is pointless."""

    reason: str
    final: bool = False


def webhook_secret(webhook: Webhook) -> str:
    """Return the secret with which the receiver verifies signatures."""
    return "whsec_" + base64.b64encode(_derive_key(webhook.nonce)).decode()


def _derive_key(nonce: str) -> bytes:
    return hmac.digest(settings.SECRET_KEY.encode(), f"webhook:{nonce}".encode(), hashlib.sha256)


def signatures(webhook: Webhook, message_id: str, timestamp: int, body: bytes) -> str:
    """Sign by the webhook's secret, and by the previous one while that is still valid; a receiver
    accepts any signature that it can verify."""
    nonces = [webhook.nonce]
    if (
        webhook.old_nonce
        and webhook.old_until is not None
        and timestamp < webhook.old_until.timestamp()
    ):
        nonces.append(webhook.old_nonce)
    return " ".join(signature(_derive_key(nonce), message_id, timestamp, body) for nonce in nonces)


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    digest = b".".join([message_id.encode(), str(timestamp).encode(), body])
    return "v1," + base64.b64encode(hmac.digest(key, digest, hashlib.sha256)).decode()


def post_delivery(delivery: Delivery) -> WebhookFailure | None:
    """Post a delivery once; None if the receiver responded with 2xx. Any 4xx other than 408, 425
    and 429 is final."""
    webhook = delivery.webhook
    if webhook is None:
        return WebhookFailure("The webhook was deleted. Create it again.", final=True)
    body = delivery.body_text.encode()
    message_id, timestamp = delivery.message_id.strip("<>"), int(time.time())
    request = Request(
        url=webhook.url,
        method="POST",
        headers={
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures(webhook, message_id, timestamp, body),
        },
        body=body,
    )
    policy = installation_policy(
        connect_timeout=5,
        read_timeout=10,
        deadline=15,
        max_wire_bytes=65_536,
        max_body_bytes=65_536,
        max_redirects=0,
    )
    try:
        response = fetch(request, policy=policy)
    except OutboundRefusedError as error:
        return WebhookFailure(one_line(error, max_length=500), final=True)
    except OutboundError as error:
        return WebhookFailure(one_line(error, max_length=500))
    if 200 <= response.status < 300:
        Webhook.objects.filter(pk=webhook.pk).update(last_sent_at=Now())
        return None
    is_final = 300 <= response.status < 500 and response.status not in {408, 425, 429}
    return WebhookFailure(f"The webhook responded with {response.status}.", final=is_final)
