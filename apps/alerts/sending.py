"""Carries queued deliveries to the mail server: at least once, under one Message-ID, and twice only where the
server's answer was lost.

A delivery is claimed by a conditional update that must change exactly one row, sent outside of any transaction,
and settled by a second conditional update that only the claimant can make.
"""

import secrets
import smtplib
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.core.mail import mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.db import InterfaceError, OperationalError, connection
from django.db.models import F

from apps.alerts.mail import message_of
from apps.alerts.models import Delivery
from apps.alerts.queries import due_deliveries
from apps.alerts.wording import one_line

log = structlog.get_logger(__name__)

# longer than one attempt can take: each step of SMTP waits at most the mailer's timeout
STALE_AFTER = timedelta(minutes=10)
# a run ends by itself before beat's next ones pile up behind it
RUN_AT_MOST = timedelta(minutes=5)
AT_ONCE = 100
# 1, 2, 4, ... 32 minutes, then hourly: thirty attempts span a little more than a day
MOST_ATTEMPTS = 30
LONGEST_WAIT = timedelta(hours=1)
JITTER = 0.2
SETTLE_TRIES = 8
# the server wants a login or encryption first (RFC 4954, RFC 3207): our configuration, not this mail
_NOT_THIS_MAIL = frozenset({530, 534, 535, 538})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed; `final` where trying again is pointless, `everyone` where others would fail alike."""

    reason: str
    final: bool = False
    everyone: bool = False


def send_due(*, at: datetime) -> int:
    """Send what is due; the number of mails the server has taken.

    Ends early when the server cannot be reached, so that an outage costs one delivery an attempt a minute and
    not all of them.
    """
    n_sent = 0
    started = time.monotonic()
    mailer = mailers["default"]
    _abandon(at=at)
    while ids := list(due_deliveries(at=at, stale_after=STALE_AFTER).values_list("pk", flat=True)[:AT_ONCE]):
        for pk in ids:
            elapsed = timedelta(seconds=time.monotonic() - started)
            if elapsed > RUN_AT_MOST:
                return n_sent
            delivery = _claim(pk, at=at + elapsed)
            if delivery is None:
                continue
            failure = _attempt(delivery, mailer)
            _settle(delivery, failure, at=at + elapsed)
            if failure is None:
                n_sent += 1
            elif failure.everyone:
                return n_sent
    return n_sent


def _abandon(*, at: datetime) -> None:
    """Give up on deliveries whose every attempt ended without a word, as when they kill the worker."""
    due_deliveries(at=at, stale_after=STALE_AFTER).order_by().filter(
        state=Delivery.State.SENDING, attempts__gte=MOST_ATTEMPTS
    ).update(state=Delivery.State.FAILED, reason=f"Tried {MOST_ATTEMPTS} times; the worker ended during the last one.")


def _claim(pk: int, *, at: datetime) -> Delivery | None:
    """The delivery, now this run's alone; None where another run was first."""
    claimed = (
        due_deliveries(at=at, stale_after=STALE_AFTER)
        .order_by()
        .filter(pk=pk)
        .update(state=Delivery.State.SENDING, claimed_at=at, attempts=F("attempts") + 1)
    )
    return Delivery.objects.get(pk=pk) if claimed == 1 else None


def _attempt(delivery: Delivery, mailer: BaseEmailBackend) -> Failure | None:
    """Hand the message to the mailer; None once it is taken."""
    try:
        message = message_of(delivery)
        try:
            # opened here, so that the farewell below cannot undo what the server has already accepted
            mailer.open()
            mailer.send_messages([message])
        finally:
            with suppress(OSError):
                mailer.close()
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()), (450, b"refused"))
        return _answer(code, words)
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPConnectError, smtplib.SMTPHeloError) as error:
        return Failure(_words(error.smtp_code, error.smtp_error), everyone=True)
    except smtplib.SMTPResponseException as error:
        return _answer(error.smtp_code, error.smtp_error)
    except OSError as error:
        # disconnected, timed out, refused, no such host, TLS failed, disk full: SMTPException is an OSError too
        return Failure(one_line(f"{type(error).__name__}: {error}", most=500), everyone=True)
    except ValueError as error:
        return Failure(one_line(f"This message cannot be written: {error}", most=500), final=True)
    return None


def _answer(code: int, words: bytes | str) -> Failure:
    """What the server's refusal of this one message means."""
    if code in _NOT_THIS_MAIL:
        return Failure(_words(code, words), everyone=True)
    return Failure(_words(code, words), final=500 <= code < 600, everyone=code == 421)


def _words(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return one_line(f"{code} {text}", most=500)


def _settle(delivery: Delivery, failure: Failure | None, *, at: datetime) -> None:
    """Write down how the attempt ended, unless the claim was taken over meanwhile.

    Tries for about a minute while the database is away: a mail that was sent and not written down is sent again.
    """
    if failure is None:
        outcome = {"state": Delivery.State.SENT, "sent_at": at, "reason": ""}
    elif wait := None if failure.final else backoff(delivery.attempts):
        outcome = {"state": Delivery.State.QUEUED, "due_at": at + _jittered(wait), "reason": failure.reason}
    else:
        outcome = {"state": Delivery.State.FAILED, "reason": failure.reason}
    for left in reversed(range(SETTLE_TRIES)):
        try:
            # the number of the attempt is what the claim made its own
            Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.SENDING, attempts=delivery.attempts).update(
                **outcome
            )
        except (OperationalError, InterfaceError):
            if not left or connection.in_atomic_block:
                raise
            connection.close()
            time.sleep(min(15.0, 0.25 * 2 ** (SETTLE_TRIES - left)))
        else:
            break
    if failure is not None:
        log.warning(
            "mail not sent", delivery=delivery.pk, attempt=delivery.attempts, final=failure.final, reason=failure.reason
        )


def backoff(attempts: int) -> timedelta | None:
    """How long to wait after that many failed attempts; None: give up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return min(timedelta(minutes=2 ** (attempts - 1)), LONGEST_WAIT)


def _jittered(wait: timedelta) -> timedelta:
    """A fifth more or less, so that many deliveries do not come back in one moment."""
    return wait * (1 - JITTER + 2 * JITTER * secrets.SystemRandom().random())
