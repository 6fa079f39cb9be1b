"""Receipt of one email with a provider's notice: the locks in front of it, then a draft for a user.

The order matters. What a program sent is ignored first, because a rejection could be answered
automatically. The body is parsed only after the sender was accepted. Nothing is ever sent, and the
catalogue stays unchanged.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from enum import StrEnum

import structlog
from django.conf import settings
from django.db import transaction

from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.feeds.mailbox.authentication import is_aligned, signing_domains
from apps.feeds.mailbox.message import MessageHead, UnreadableMessageError, read_head, read_text
from apps.feeds.mailbox.recognition import read_contents
from apps.feeds.models import NoticeMailSettings, NoticeMailStatus, ReceivedNotice

log = structlog.get_logger(__name__)

JOB = "manage.py receive_mail"
# Message-IDs of the registry's own emails (apps/alerts/delivery/mail.py): another program of the
# organisation can use the same domain
_OWN_LOCAL_PART = re.compile(r"[0-9a-f]{40}")


class Outcome(StrEnum):
    DRAFT = "draft"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    REJECTED = "rejected"


class Refusal(StrEnum):
    """A code for why an email was rejected or ignored; the receipt's `reason` is a sentence."""

    UNREADABLE = "unreadable"
    AUTOMATIC = "automatic"
    OWN = "own"
    NO_SENDER_ALLOWED = "no_sender_allowed"
    SENDER = "sender"
    NO_SERVER = "no_server"
    DKIM = "dkim"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What happened to one email. `where` names it in reports: its Message-ID, or what the caller
    knows. `code` and `reason` are empty unless it was ignored or rejected."""

    outcome: Outcome
    where: str
    sender: str = ""
    code: str = ""
    reason: str = ""
    notice: ReceivedNotice | None = None


def receive_message(raw: bytes, *, where: str, at: datetime) -> Receipt:
    """Store the email as a received notice if all locks allow it; its receipt says what happened.

    `where` names an email without Message-ID. Errors of the database are raised, so that the mail
    server tries again. A rejection is recorded for governance.
    """
    receipt = _receive(raw, where=where, at=at)
    if receipt.outcome is Outcome.REJECTED:
        _record_rejection(receipt, at=at)
    log.info(
        "notice_email",
        outcome=str(receipt.outcome),
        code=receipt.code,
        where=receipt.where,
        sender=receipt.sender,
    )
    return receipt


def _receive(raw: bytes, *, where: str, at: datetime) -> Receipt:
    try:
        head = read_head(raw)
    except UnreadableMessageError as error:
        return Receipt(Outcome.REJECTED, where, "", Refusal.UNREADABLE, str(error))
    where = head.message_id or where
    if refusal := _ignorable(head):
        code, reason = refusal
        return Receipt(Outcome.IGNORED, where, head.sender, code, reason)
    mail_settings = NoticeMailSettings.load()
    is_allowed = mail_settings.allows(head.sender)
    signed_by = _signing_domain(head, mail_settings) if is_allowed else ""
    if refusal := _rejection(head, mail_settings, signed_by):
        code, reason = refusal
        return Receipt(Outcome.REJECTED, where, head.sender, code, reason)
    message_id = head.message_id or _content_id(raw)
    if ReceivedNotice.objects.filter(message_id=message_id).exists():
        return Receipt(Outcome.DUPLICATE, where, head.sender)
    try:
        text = read_text(raw)
    except UnreadableMessageError as error:
        return Receipt(Outcome.REJECTED, where, head.sender, Refusal.UNREADABLE, str(error))
    notice, is_new = _store(head, text, message_id=message_id, signed_by=signed_by, at=at)
    outcome = Outcome.DRAFT if is_new else Outcome.DUPLICATE
    return Receipt(outcome, where, head.sender, notice=notice)


def _ignorable(head: MessageHead) -> tuple[Refusal, str] | None:
    if head.is_automatic:
        return Refusal.AUTOMATIC, (
            "An automatic sender or a mailing list sent the email. Forward the notice yourself."
        )
    own_address = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].lower()
    local_part, _, domain = head.message_id.lower().rpartition("@")
    is_own_id = domain == own_address.rpartition("@")[2] and _OWN_LOCAL_PART.fullmatch(local_part)
    if head.sender == own_address or is_own_id:
        return Refusal.OWN, "The registry sent the email itself."
    return None


def _signing_domain(head: MessageHead, mail_settings: NoticeMailSettings) -> str:
    """Return the domain whose valid signature vouches for the sender; "" if there is none."""
    if not mail_settings.receiving_server:
        return ""
    domains = signing_domains(head.authentication_results, server=mail_settings.receiving_server)
    return next((domain for domain in domains if is_aligned(domain, head.sender_domain)), "")


def _rejection(
    head: MessageHead, mail_settings: NoticeMailSettings, signed_by: str
) -> tuple[Refusal, str] | None:
    if not mail_settings.allowed_senders:
        return Refusal.NO_SENDER_ALLOWED, (
            "No sender is allowed yet. Governance enters the allowed senders under Retirements."
        )
    if not mail_settings.allows(head.sender):
        return Refusal.SENDER, (
            f"{head.sender} is not an allowed sender. Governance can add the address or its "
            "domain under Retirements."
        )
    if not mail_settings.requires_dkim:
        return None
    if not mail_settings.receiving_server:
        return Refusal.NO_SERVER, (
            "The name of the receiving email server is not set, so that signatures cannot be "
            "checked. Governance enters it under Retirements."
        )
    if not signed_by:
        return Refusal.DKIM, (
            f"The receiving email server {mail_settings.receiving_server} reports no valid DKIM "
            f"signature of {head.sender_domain}. Check the settings of the sender's email server."
        )
    return None


def _content_id(raw: bytes) -> str:
    """Return an ID for an email without Message-ID. A second delivery has other lines of transport
    above the same From line, so that the content from there on decides."""
    start = re.search(rb"(?im)^from:", raw)
    content = raw[start.start() :] if start else raw
    return f"sha256-{hashlib.sha256(content).hexdigest()}"


def _store(
    head: MessageHead, text: str, *, message_id: str, signed_by: str, at: datetime
) -> tuple[ReceivedNotice, bool]:
    """Store the notice with what is recognised in it; False: another process stored it first."""
    contents = read_contents(subject=head.subject, text=text, received_on=day_of(at))
    with audit_context(job=JOB, reason=f"Received by email from {head.sender}."):
        return ReceivedNotice.objects.get_or_create(
            message_id=message_id,
            defaults={
                "sender": head.sender,
                "sender_name": head.sender_name,
                "signed_by": signed_by,
                "subject": head.subject,
                "text": text,
                "received_at": at,
                "model_names": list(contents.model_names),
                "host_slugs": list(contents.host_slugs),
                "retires_on": contents.retires_on,
                "date_kind": contents.date_kind,
                "successor": contents.successor,
                "successor_name": contents.successor_name,
                "source_url": contents.source_url,
            },
        )


@transaction.atomic
def _record_rejection(receipt: Receipt, *, at: datetime) -> None:
    status, _ = NoticeMailStatus.objects.select_for_update().get_or_create(pk=NoticeMailStatus.ONLY)
    rejection = {
        "at": at.isoformat(),
        "where": receipt.where,
        "sender": receipt.sender,
        "code": str(receipt.code),
        "reason": receipt.reason,
    }
    status.rejections = [rejection, *status.rejections][: NoticeMailStatus.MAX_REJECTIONS]
    status.save(update_fields=["rejections"])


__all__ = ["JOB", "Outcome", "Receipt", "Refusal", "receive_message"]
