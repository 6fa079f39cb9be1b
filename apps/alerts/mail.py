"""The messages: one function each. docs/mail.md says when they are sent."""

import hashlib
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from email.utils import format_datetime, parseaddr
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from apps.alerts.digest import Digest
from apps.alerts.models import Delivery
from apps.alerts.wording import one_line

_LINE = 72
_ADDRESS_INSIDE = re.compile(r"https?://")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as it is stored: the same words go out however often sending is tried."""

    subject: str
    text: str
    html: str


def alert_digest(digest: Digest, *, audience: str, reason: str, at: datetime, time_zone: str) -> Rendered:
    """What happened to the models that somebody's applications stand on, in that person's time zone.

    `audience` says for whom the digest is, `reason` why this address gets it; both are sentences.
    """
    moment = at.astimezone(zone(time_zone))
    context = {
        "digest": digest,
        "audience": one_line(audience),
        "reason": one_line(reason),
        "written": f"{moment:%a} {moment.day} {moment:%b %Y, %H:%M} ({one_line(moment.tzinfo)})",
        "public_url": settings.PUBLIC_URL,
    }
    return Rendered(
        subject=one_line(render_to_string("emails/alert_digest/subject.txt", context), most=300),
        text=_tidied(render_to_string("emails/alert_digest/body.txt", context)),
        html=render_to_string("emails/alert_digest/body.html", context),
    )


def message_of(delivery: Delivery) -> EmailMultiAlternatives:
    """The message of a stored delivery, with the same Message-ID and Date at every attempt."""
    message = EmailMultiAlternatives(
        subject=delivery.subject,
        body=delivery.body_text,
        to=[delivery.address],
        headers={
            "Message-ID": delivery.message_id,
            "Date": format_datetime(delivery.created_at.astimezone(UTC)),
            "Auto-Submitted": "auto-generated",
            # Exchange answers machines too, unless told not to
            "X-Auto-Response-Suppress": "All",
        },
    )
    if delivery.body_html:
        message.attach_alternative(delivery.body_html, "text/html")
    return message


def message_id_for(*, address: str, keys: Iterable[str]) -> str:
    """The Message-ID of the mail that tells `address` of the alerts with these keys: a second one of the same
    content would meet the unique constraint of the ledger."""
    digest = hashlib.sha256("\n".join([address.lower(), *sorted(keys)]).encode()).hexdigest()[:40]
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    return f"<{digest}@{sender.rpartition('@')[2] or 'localhost'}>"


def zone(name: str) -> tzinfo:
    """The zone of that name; UTC where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _tidied(text: str) -> str:
    """Lines of 72 characters at most that keep their indent, addresses whole; never two empty lines in a row
    unless the template means a new section."""
    lines: list[str] = []
    for line in text.strip("\n").splitlines():
        if len(line) <= _LINE or _ADDRESS_INSIDE.search(line) or line == "-- ":
            lines.append(line)
            continue
        indent = line[: len(line) - len(line.lstrip())]
        lines += textwrap.wrap(
            line, _LINE, initial_indent="", subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
    return "\n".join(lines) + "\n"
