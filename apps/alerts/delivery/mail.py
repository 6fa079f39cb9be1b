"""Email messages (SMTP): one function for each kind. docs/alerts.md describes when each is sent."""

import hashlib
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.policy import EmailPolicy
from email.policy import default as default_policy
from email.utils import format_datetime, parseaddr
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.template.loader import render_to_string

from apps.alerts.delivery.digest.parts import Digest
from apps.alerts.delivery.links import (
    answer_url,
    insert_tokens,
    unsubscribe_address_of_delivery,
    unsubscribe_url,
)
from apps.alerts.delivery.schedule import time_zone_named
from apps.alerts.kinds.feeds.health import FeedHealth
from apps.alerts.models import Delivery
from apps.alerts.text import long_day, one_line

_LINE_WIDTH = 72
_ADDRESS_INSIDE = re.compile(r"https?://")


@dataclass(frozen=True, slots=True)
class RenderedEmail:
    """A message as it is stored: every attempt sends the same text."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class EmailFooter:
    """The footer of every email: feed status, and reason and schedule of email to this address.
    `can_respond`: the recipient is a person, who can respond by a link in the email; `can_sign_in`
    is false for contacts."""

    feeds: FeedHealth
    reason: str
    schedule: str
    can_respond: bool
    can_sign_in: bool = True


def render_digest(
    digest: Digest, *, audience: str, footer: EmailFooter, at: datetime, time_zone: str
) -> RenderedEmail:
    """Render the alert digest of one recipient, in the recipient's time zone.

    `audience` is the line about the recipient."""
    return _render(
        "alert_digest", {"digest": digest, "audience": one_line(audience)}, footer, at, time_zone
    )


def render_heartbeat(
    *, footer: EmailFooter, at: datetime, time_zone: str, since: datetime | None
) -> RenderedEmail:
    """Render the digest that reports no changes since the last email, for recipients who want one
    even if nothing changed."""
    local = since.astimezone(time_zone_named(time_zone)) if since else None
    context: dict[str, object] = {
        "sentence": f"No changes since {long_day(local)}" if local else "No changes",
        "feeds": footer.feeds,
    }
    return _render("heartbeat", context, footer, at, time_zone)


def _render(
    name: str, context: dict[str, object], footer: EmailFooter, at: datetime, time_zone: str
) -> RenderedEmail:
    """Render subject, text and HTML of the email templates `name`, with times in the time zone of
    the recipient."""
    moment = at.astimezone(time_zone_named(time_zone))
    context |= {
        "footer": footer,
        "written": f"{long_day(moment)}, {moment:%H:%M} ({one_line(moment.tzinfo)})",
        "feed_status": f"{footer.feeds} at {moment:%H:%M}.",
        "public_url": settings.PUBLIC_URL,
        "answer_url": answer_url() if footer.can_respond else f"{settings.PUBLIC_URL}/alerts/",
        "unsubscribe_url": unsubscribe_url(),
        "organisation": settings.ORGANISATION_NAME,
    }
    return RenderedEmail(
        subject=one_line(render_to_string(f"emails/{name}/subject.txt", context), max_length=300),
        text=_wrap_text(render_to_string(f"emails/{name}/body.txt", context)),
        html=render_to_string(f"emails/{name}/body.html", context),
    )


class _Policy(EmailPolicy):
    """An email policy that does not fold headers with IDs and URLs. Folding would encode them,
    which RFC 2369 and RFC 5322 do not allow there; a line may have 998 characters."""

    _WHOLE = frozenset({"in-reply-to", "references", "list-unsubscribe"})

    def fold(self, name: str, value: Any) -> str:
        return (
            f"{name}: {value}{self.linesep}"
            if name.lower() in self._WHOLE
            else super().fold(name, value)
        )

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower() in self._WHOLE:
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


class _Message(EmailMultiAlternatives):
    def message(self, *, policy: Any = None) -> Any:
        message = super().message(policy=policy or default_policy)
        message.policy = _Policy(linesep=message.policy.linesep, cte_type=message.policy.cte_type)
        return message


class InvalidAddressError(ValueError):
    """A stored address to which no email can be sent."""


def build_message(delivery: Delivery) -> EmailMultiAlternatives:
    """Build the message of a stored delivery, with the same Message-ID and Date at every attempt.
    Raises InvalidAddressError."""
    _check_address(delivery.address)
    headers = {
        "Message-ID": delivery.message_id,
        "Date": format_datetime(delivery.created_at.astimezone(UTC)),
        "Auto-Submitted": "auto-generated",
        # Without this header Exchange sends automatic replies to this message.
        "X-Auto-Response-Suppress": "All",
        # One-click unsubscribe (RFC 8058): email programs send a POST request, users see a page.
        "List-Unsubscribe": f"<{unsubscribe_address_of_delivery(delivery)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    if delivery.thread:
        headers |= {"In-Reply-To": delivery.thread, "References": delivery.thread}
    message = _Message(
        subject=delivery.subject,
        body=insert_tokens(delivery.body_text, delivery),
        to=[delivery.address],
        headers=headers,
    )
    if delivery.body_html:
        message.attach_alternative(insert_tokens(delivery.body_html, delivery), "text/html")
    return message


def _check_address(address: str) -> None:
    try:
        validate_email(address)
        policy.SMTP.header_factory("To", address)
    except (ValidationError, ValueError, IndexError, AttributeError):
        # The parser of the library raises the last two, for example for
        # `=?utf-8?q??=@example.org`.
        raise InvalidAddressError(f"{address!r} is not a valid email address.") from None


def message_id_for(*, address: str, keys: Iterable[str]) -> str:
    """Derive the Message-ID of the email that sends `address` the alerts with these keys: a second
    email of the same content would violate the unique constraint of the delivery log."""
    return _build_id("\n".join([address.lower(), *sorted(keys)]))


def thread_id_for(subject: str) -> str:
    """Derive the Message-ID under which every email about this subject alone is threaded; an email
    of that ID need not exist."""
    return _build_id(f"thread {subject}")


def _build_id(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()[:40]
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    return f"<{digest}@{sender.rpartition('@')[2] or 'localhost'}>"


def _wrap_text(text: str) -> str:
    """Wrap lines at 72 characters and keep their indent. Lines with a URL are not wrapped."""
    lines: list[str] = []
    for line in text.strip("\n").splitlines():
        if len(line) <= _LINE_WIDTH or _ADDRESS_INSIDE.search(line) or line == "-- ":
            lines.append(line)
            continue
        indent = line[: len(line) - len(line.lstrip("- "))].replace("-", " ")
        lines += textwrap.wrap(
            line,
            _LINE_WIDTH,
            initial_indent="",
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines) + "\n"
