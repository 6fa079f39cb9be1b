"""Emails as a receiving email server passes them on: a colleague forwards a provider's notice."""

from apps.accounts.models import User
from apps.feeds.mailbox.decisions import change_notice_mail_settings
from apps.feeds.models import NoticeMailSettings

SENDER = "ilse.brandt@calder.example"
SERVER = "mx.calder.example"
RESULTS = f"{SERVER}; dkim=pass header.d=calder.example header.s=s1; spf=pass"
MESSAGE_ID = "<CAF1@mail.calder.example>"
NOTICE = """Hi all, see below. Ilse

---------- Forwarded message ---------
From: Acme AI <notices@acme.example>
Date: Tue, Nov 24, 2026 at 9:12 AM
Subject: Upcoming retirement of acme-big-1

Dear customer,

we will shut down acme-big-1 on April 8, 2027. We recommend migrating from
acme-big-1 to acme-big-2 before that date.

Details: https://acme.example/deprecations#acme-big-1.
"""


def email(
    text: str | bytes = NOTICE,
    *,
    sender: str = f"Ilse Brandt <{SENDER}>",
    subject: str = "Fwd: Upcoming retirement of acme-big-1",
    results: str | tuple[str, ...] = RESULTS,
    message_id: str = MESSAGE_ID,
    content_type: str = "text/plain; charset=utf-8",
    headers: tuple[str, ...] = (),
) -> bytes:
    """One email; `results` are the headers Authentication-Results from top to bottom, `headers`
    further lines."""
    all_results = (results,) if isinstance(results, str) else results
    lines = [
        *(f"Authentication-Results: {value}" for value in all_results),
        f"Received: from out.calder.example by {SERVER}; Tue, 24 Nov 2026 10:00:00 +0000",
        *([f"Message-ID: {message_id}"] if message_id else []),
        f"From: {sender}",
        "To: notices@registry.calder.example",
        f"Subject: {subject}",
        "Date: Tue, 24 Nov 2026 10:00:00 +0000",
        "MIME-Version: 1.0",
        f"Content-Type: {content_type}",
        *headers,
    ]
    body = text if isinstance(text, bytes) else text.encode()
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body.replace(b"\n", b"\r\n")


def multipart(*parts: tuple[str, str | bytes], kind: str = "mixed", boundary: str = "b1") -> bytes:
    """The body of a multipart email: (headers of the part, its content) each; the email needs the
    content type `multipart/KIND; boundary=BOUNDARY`."""
    chunks = []
    for head, content in parts:
        body = content if isinstance(content, bytes) else content.encode()
        chunks.append(f"--{boundary}\n{head}\n\n".encode() + body + b"\n")
    return b"".join(chunks) + f"--{boundary}--\n".encode()


def allow_senders(*senders: str, by: User, **rules: object) -> NoticeMailSettings:
    """Accept emails of these senders with a signature that SERVER has checked."""
    values = {"requires_dkim": True, "receiving_server": SERVER, **rules}
    return change_notice_mail_settings(
        allowed_senders=list(senders),
        requires_dkim=bool(values["requires_dkim"]),
        receiving_server=str(values["receiving_server"]),
        by=by,
    )
