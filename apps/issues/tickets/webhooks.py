"""Calls of Jira's webhook: a signed note that a ticket changed.

Only the ID of the ticket is taken from the call; its state is read by the API. A forged or repeated
call can therefore change nothing, and the order of calls does not matter.

Jira signs the body with HMAC-SHA-256 under the secret of the webhook, and sends `sha256=<hex>` in
X-Hub-Signature. It repeats calls that are answered with 408, 409, 425, 429 or 5xx. Sources, seen on
30 November 2026:
https://hookdeck.com/webhooks/platforms/how-to-secure-and-verify-jira-webhooks-with-hookdeck
https://community.developer.atlassian.com/t/new-jira-cloud-webhook-retry-policy/30554
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from apps.common.errors import DomainError
from apps.intake.documents.records import UnreadableError
from apps.intake.readers.json_text import load_json
from apps.issues.models import Ticket, TicketConnection
from apps.issues.tickets.credentials import WEBHOOK_SECRET, open_secrets

MAX_BODY_BYTES = 2 * 1024 * 1024
_SCHEME = "sha256="


class InvalidCallError(Exception):
    """The connection does not exist, is disabled or has no webhook secret, or the signature does
    not fit. Callers say the same of all of them."""


class UnreadableCallError(Exception):
    """The body names no ticket."""


def receive_call(*, webhook_id: UUID, body: bytes, signature: str, at: datetime) -> int:
    """Note that the ticket of the call changed; return the number of tickets, 0 for one that the
    registry did not create. Raises InvalidCallError or UnreadableCallError."""
    connection = TicketConnection.objects.filter(webhook_id=webhook_id, enabled=True).first()
    if connection is None:
        raise InvalidCallError
    try:
        secret = open_secrets(connection)[WEBHOOK_SECRET]
    except DomainError:
        raise InvalidCallError from None
    if not secret or not is_signed(body, signature, secret):
        raise InvalidCallError
    jira_id = _ticket_id(body)
    TicketConnection.objects.filter(pk=connection.pk).update(notified_at=at)
    return Ticket.objects.filter(
        connection=connection,
        jira_id=jira_id,
        state__in=(Ticket.State.LINKED, Ticket.State.MISSING),
    ).update(changed_at=at, due_at=at)


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Return whether the signature is that of the body under the secret."""
    expected = _SCHEME + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.strip().lower().encode())


def _ticket_id(body: bytes) -> str:
    try:
        content = load_json(body)
    except UnreadableError:
        raise UnreadableCallError from None
    issue = content.get("issue") if isinstance(content, Mapping) else None
    jira_id = issue.get("id") if isinstance(issue, Mapping) else None
    text = str(jira_id) if isinstance(jira_id, str | int) else ""
    if not text.isdecimal() or len(text) > 40:
        raise UnreadableCallError
    return text
