"""Emails about account events, sent by a worker and never twice.

A row is claimed before its email is sent. It returns to the queue only if the server certainly
accepted nothing: no connection, or a rejection. If the connection broke in between, the email
counts as not sent.
"""

import smtplib
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, mailers
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse

from apps.accounts.models import AccountEvent, AccountEventKind, EmailState
from apps.accounts.sign_in.invitations import invitation_message
from apps.accounts.single_sign_on.configuration import sign_on_name, signs_in_elsewhere

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 12
MAX_EMAILS_A_RUN = 200
MAX_WAIT = timedelta(hours=1)
# after this time the email is no longer useful, because the user knows of the event
MAX_AGE = timedelta(days=2)


def send_event_emails(*, at: datetime) -> int:
    """Send the emails that are due; return the number that the server accepted. Ends early if the
    server is unavailable."""
    AccountEvent.objects.filter(email_state=EmailState.QUEUED, first_at__lte=at - MAX_AGE).update(
        email_state=EmailState.FAILED
    )
    n_sent = 0
    ids = list(AccountEvent.objects.unsent(at=at).values_list("pk", flat=True)[:MAX_EMAILS_A_RUN])
    if not ids:
        return 0
    mailer = mailers["default"]
    try:
        for pk in ids:
            event = _claim(pk)
            if event is None:
                continue
            try:
                mailer.open()
            except OSError as error:
                _retry(event, at=at, reason=error)
                return n_sent
            n_sent += _send(event, mailer, at=at)
    finally:
        try:
            mailer.close()
        except OSError as error:
            log.info("mail connection not closed", error=str(error))
    return n_sent


def message_of(event: AccountEvent) -> EmailMessage:
    """Return the email about the event, with a stable message ID."""
    if event.kind == AccountEventKind.INVITED and event.user is not None:
        # the link is made here, so that it is stored nowhere
        invitation: EmailMessage = invitation_message(person=event.user, by=event.actor)
        return invitation
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">") or "localhost"
    context = {
        "sentence": sentence_of(event),
        "advice": _advice(event),
        "when": _format_local_time(event),
        "address": event.address or "an unknown address",
        "device": event.device,
        "account": event.user,
        "url": f"{settings.PUBLIC_URL}{reverse('account:detail')}",
        "organisation": settings.ORGANISATION_NAME,
    }
    return EmailMessage(
        subject=_subject(event),
        body=render_to_string("account/email/event_message.txt", context).strip() + "\n",
        to=event.email_to,
        headers={
            "Message-ID": f"<account-event-{event.pk}@{domain}>",
            "Auto-Submitted": "auto-generated",
        },
    )


def sentence_of(event: AccountEvent) -> str:
    """Return a sentence that describes the event to the user whose account it is."""
    texts: dict[str, str] = {
        AccountEventKind.SIGNED_IN: "A new network or device was used to sign in to your account.",
        AccountEventKind.LOCKED_OUT: (
            "Wrong passwords were entered for your account several times. Further attempts "
            "from that address are rejected temporarily."
        ),
        AccountEventKind.PASSWORD_CHANGED: "The password of your account was changed.",
        AccountEventKind.PASSWORD_RESET: (
            "The password of your account was reset with a link sent by email."
        ),
        AccountEventKind.MFA_ADDED: "A two-factor method was added to your account: {detail}.",
        AccountEventKind.MFA_REMOVED: (
            "A two-factor method was removed from your account: {detail}."
        ),
        AccountEventKind.MFA_RESET: (
            "{actor} reset the two-factor authentication of your account. Set it up again at "
            "your next sign-in."
        ),
        AccountEventKind.CODES_REPLACED: "The recovery codes of your account were replaced.",
        AccountEventKind.CODE_USED: "A recovery code was used to sign in to your account.",
        AccountEventKind.EMAIL_CHANGED: "The email address of your account was changed: {detail}.",
        AccountEventKind.TOKEN_NETWORK: "The API token “{detail}” was used from a new network.",
    }
    text = texts.get(event.kind, event.get_kind_display())
    return text.format(detail=event.detail, actor=event.actor or "An administrator")


def _subject(event: AccountEvent) -> str:
    subjects: dict[str, str] = {
        AccountEventKind.SIGNED_IN: "New sign-in to your account",
        AccountEventKind.LOCKED_OUT: "Failed sign-ins to your account",
        AccountEventKind.TOKEN_NETWORK: "API token used from a new network",
    }
    return f"{subjects.get(event.kind) or event.get_kind_display()} · Foundation Registry"


def _advice(event: AccountEvent) -> str:
    match event.kind:
        case AccountEventKind.TOKEN_NETWORK:
            return (
                "If you do not recognise this use, revoke the token immediately under "
                "Account → API tokens."
            )
        case AccountEventKind.LOCKED_OUT:
            if event.user is not None and signs_in_elsewhere(event.user):
                return (
                    "Your account has no password here, so none can be guessed. Sign in with "
                    f"{sign_on_name() or 'the single sign-on of your organisation'}."
                )
            return (
                "If it was you, wait or reset your password. If it was not you, no action is "
                "needed: the password was not guessed."
            )
        case AccountEventKind.EMAIL_CHANGED | AccountEventKind.MFA_RESET:
            return "If you did not expect this, contact an administrator immediately."
    if event.user is not None and signs_in_elsewhere(event.user):
        return (
            "If this was not you, end all other sessions and contact an administrator. Your "
            f"password is kept by {sign_on_name() or 'the single sign-on of your organisation'}."
        )
    return (
        "If this was not you, change your password, end all other sessions and contact an "
        "administrator."
    )


def _format_local_time(event: AccountEvent) -> str:
    zone = UTC if event.user is None else ZoneInfo(event.user.time_zone)
    moment = event.first_at.astimezone(zone)
    return f"{moment.day} {moment:%B %Y, %H:%M} ({moment:%Z})"


def _claim(pk: int) -> AccountEvent | None:
    """Claim the event for this run and return it; None if another run has claimed it."""
    n_claimed = AccountEvent.objects.filter(pk=pk, email_state=EmailState.QUEUED).update(
        email_state=EmailState.SENDING, email_attempts=F("email_attempts") + 1
    )
    return AccountEvent.objects.select_related("user", "actor").get(pk=pk) if n_claimed else None


def _send(event: AccountEvent, mailer: Any, *, at: datetime) -> bool:
    try:
        mailer.send_messages([message_of(event)])
    except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
        # the server responded with a rejection
        _retry(event, at=at, reason=error)
        return False
    except (OSError, ValueError) as error:
        _finish(event, EmailState.FAILED)
        log.warning(
            "account email not sent",
            event_id=event.pk,
            error=f"{type(error).__name__}: {error}"[:300],
        )
        return False
    _finish(event, EmailState.SENT)
    return True


def _retry(event: AccountEvent, *, at: datetime, reason: Exception) -> None:
    log.warning(
        "account email delayed", event_id=event.pk, error=f"{type(reason).__name__}: {reason}"[:300]
    )
    if event.email_attempts >= MAX_ATTEMPTS:
        return _finish(event, EmailState.FAILED)
    wait = min(timedelta(minutes=2 ** (event.email_attempts - 1)), MAX_WAIT)
    AccountEvent.objects.filter(pk=event.pk, email_state=EmailState.SENDING).update(
        email_state=EmailState.QUEUED, email_due_at=at + wait
    )
    return None


def _finish(event: AccountEvent, state: EmailState) -> None:
    AccountEvent.objects.filter(pk=event.pk, email_state=EmailState.SENDING).update(
        email_state=state
    )
