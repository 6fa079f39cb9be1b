"""Dispatch of queued deliveries with retry and backoff. At-least-once delivery: every attempt has
the same Message-ID, and a duplicate is possible only if the receiver's response was lost.

A delivery is claimed by a conditional update that must change exactly one row, sent outside of any
transaction, and completed by a second conditional update that only the claimant can make. One run
at a time sends email, so that the rate limit holds for the whole installation; a second run returns
immediately. A lease, which the run renews before each message, decides which run that is. A run
that lost its lease stops, and the deliveries it had claimed remain claimed by it."""

import secrets
import smtplib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.conf import settings
from django.core.mail import mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from apps.accounts.people.mail_rules import may_receive_mail
from apps.alerts.channels.delivery import post_to_channel
from apps.alerts.channels.services import SERVICES
from apps.alerts.delivery.mail import build_message
from apps.alerts.delivery.webhooks import post_delivery
from apps.alerts.lifecycle.reassignment import reassign_lost_notices
from apps.alerts.models import (
    ChannelService,
    Delivery,
    DeliveryQuerySet,
    SkipReason,
    Webhook,
)
from apps.alerts.queries import due_deliveries
from apps.alerts.text import one_line
from apps.common.database.leases import HeldLease, LeaseLostError, hold_lease

log = structlog.get_logger(__name__)

# longer than one attempt can take: each step of SMTP waits at most the mailer's timeout
STALE_AFTER = timedelta(minutes=10)
# A run stops by itself, so that later runs do not accumulate.
MAX_RUN_TIME = timedelta(minutes=5)
SEND_BATCH_SIZE = 100
# 1, 2, 4, ... 32 minutes, then hourly: thirty attempts span a little more than a day
MAX_ATTEMPTS = 30
MAX_BACKOFF = timedelta(hours=1)
JITTER = 0.2
MAX_RECORD_ATTEMPTS = 8
# The server requires a login or encryption first (RFC 4954, RFC 3207): a matter of our
# configuration, not of this message.
_CONFIGURATION_CODES = frozenset({530, 534, 535, 538})
_TOO_LARGE_CODE = 552
_CLOSING_CODE = 421
MAIL_LEASE, WEBHOOK_LEASE = "send mails", "send webhooks"
# After a worker is killed, the next run waits this long. If one message takes longer, another run
# can start.
LEASE_DURATION = timedelta(seconds=60)
MAX_SLEEP_SECONDS = 20.0
MAX_MESSAGES_OF_CHANNEL = 40


@dataclass(frozen=True, slots=True)
class SendFailure:
    """The failure of an attempt. `final`: a retry is pointless. `everyone`: attempts for other
    recipients would fail as well. `skip_reason` is set if no attempt was made. `wait_seconds`: the
    receiver asks to wait that long."""

    reason: str
    final: bool = False
    everyone: bool = False
    skip_reason: SkipReason | None = None
    wait_seconds: int | None = None


def send_due_deliveries(*, at: datetime) -> int:
    """Send due emails and webhook requests, and return how many were accepted."""
    return send_mails(at=at) + send_webhooks(at=at)


def send_mails(*, at: datetime) -> int:
    """Send the due emails, and return the number that the SMTP server accepted.

    Stops early if the server cannot be reached: during an outage one delivery, not all of them,
    uses up an attempt each minute."""
    with hold_lease(MAIL_LEASE, duration=LEASE_DURATION) as lease:
        if lease is None:
            return 0
        mails = due_deliveries(at=at, stale_after=STALE_AFTER).filter(webhook__isnull=True)
        with _MailConnection(mailers["default"]) as mail_connection:
            return _send_until_done(
                mails, mail_connection.send, lease=lease, at=at, per_second=settings.MAIL_PER_SECOND
            )


def send_webhooks(*, at: datetime) -> int:
    """Post the due webhook requests and messages of other channels, and return the number accepted.
    A failing channel is skipped for the rest of the run."""
    n_sent = 0
    with hold_lease(WEBHOOK_LEASE, duration=LEASE_DURATION) as lease:
        if lease is None:
            return 0
        for pk, enabled, service in Webhook.objects.values_list("pk", "enabled", "service"):
            deliveries = due_deliveries(at=at, stale_after=STALE_AFTER).filter(webhook=pk)
            is_signed = service == ChannelService.WEBHOOK
            if enabled:
                n_sent += _send_until_done(
                    deliveries,
                    _post_webhook if is_signed else partial(_post_to_channel, at=at),
                    lease=lease,
                    at=at,
                    per_second=0 if is_signed else SERVICES[service].per_second,
                    # the service limits the rate: other channels do not wait for a long queue
                    most=None if is_signed else MAX_MESSAGES_OF_CHANNEL,
                )
            else:
                deliveries.order_by().update(
                    state=Delivery.State.SKIPPED,
                    skip_reason=SkipReason.WEBHOOK_DISABLED
                    if is_signed
                    else SkipReason.CHANNEL_DISABLED,
                    reason="",
                )
    return n_sent


def _send_until_done(
    deliveries: DeliveryQuerySet,
    attempt: Callable[[Delivery], SendFailure | None],
    *,
    lease: HeldLease,
    at: datetime,
    per_second: float,
    most: int | None = None,
) -> int:
    """Send due deliveries until none is left, the time limit is reached, or the lease is lost, and
    return how many were accepted. `most`: the number of attempts after which the next recipient's
    turn comes."""
    n_sent = n_attempts = 0
    started_at = time.monotonic()
    _fail_abandoned(deliveries)
    while ids := list(deliveries.values_list("pk", flat=True)[:SEND_BATCH_SIZE]):
        for pk in ids:
            elapsed = timedelta(seconds=time.monotonic() - started_at)
            if elapsed > MAX_RUN_TIME:
                return n_sent
            if not _renew_lease(lease):
                return n_sent
            if n_attempts == most:
                return n_sent
            delivery = _claim_delivery(deliveries, pk, at=at + elapsed)
            if delivery is None:
                continue
            n_attempts += 1
            failure = _check_recipient(delivery) or attempt(delivery)
            _record_outcome(delivery, failure, at=at + elapsed)
            if failure is None:
                n_sent += 1
                _throttle(per_second, n_sent, started_at, lease)
            elif failure.everyone:
                return n_sent
    return n_sent


def _renew_lease(lease: HeldLease) -> bool:
    """Renew the lease; False if this run has lost it."""
    try:
        lease.renew()
    except LeaseLostError as error:
        log.warning("sending stops", reason=str(error))
        return False
    return True


def _throttle(per_second: float, n_sent: int, started_at: float, lease: HeldLease) -> None:
    """Sleep if sending is ahead of its rate limit; 0 is unlimited."""
    while (
        per_second > 0
        and (seconds_ahead := n_sent / per_second - (time.monotonic() - started_at)) > 0
    ):
        time.sleep(min(seconds_ahead, MAX_SLEEP_SECONDS))
        # With a limit of a few messages per minute the lease would expire during the pause.
        if seconds_ahead > MAX_SLEEP_SECONDS and not _renew_lease(lease):
            return


def _fail_abandoned(deliveries: DeliveryQuerySet) -> None:
    """Mark deliveries as failed whose attempts all ended without a recorded outcome, for example
    because each attempt killed the worker."""
    deliveries.order_by().filter(state=Delivery.State.SENDING, attempts__gte=MAX_ATTEMPTS).update(
        state=Delivery.State.FAILED,
        reason=f"Not sent after {MAX_ATTEMPTS} attempts. The worker stopped during the last "
        "attempt.",
    )


def _claim_delivery(deliveries: DeliveryQuerySet, pk: int, *, at: datetime) -> Delivery | None:
    """Claim the delivery for this run; None if another run was first."""
    n_claimed = (
        deliveries.order_by()
        .filter(pk=pk)
        .update(state=Delivery.State.SENDING, claimed_at=at, attempts=F("attempts") + 1)
    )
    return Delivery.objects.select_related("webhook", "user").get(pk=pk) if n_claimed == 1 else None


def _check_recipient(delivery: Delivery) -> SendFailure | None:
    """Return a failure if the recipient may no longer receive email: an email may be queued for a
    day, and users deactivated or domains forbidden meanwhile do not receive it."""
    if delivery.user is not None and not may_receive_mail(delivery.user):
        skip_reason = (
            SkipReason.CONTACT_NOT_ALLOWED if delivery.user.is_contact else SkipReason.INACTIVE_USER
        )
        return SendFailure("", final=True, skip_reason=skip_reason)
    return None


# --- mail -----------------------------------------------------------------------------------------


class _MailConnection:
    """An SMTP connection over which many messages are sent; one that was closed in between is
    reopened."""

    def __init__(self, mailer: BaseEmailBackend) -> None:
        self.mailer = mailer
        # Number of messages sent over the current connection.
        self.n_on_connection = 0

    def __enter__(self) -> "_MailConnection":
        return self

    def __exit__(self, *_: object) -> None:
        # An error while closing is harmless: the outcomes are recorded already.
        with suppress(OSError):
            self.mailer.close()

    def send(self, delivery: Delivery) -> SendFailure | None:
        """Hand the message to the mailer; None once it is accepted."""
        failure = self._try_send(delivery)
        if failure is not None:
            with suppress(OSError):
                self.mailer.close()
        return failure

    def _try_send(self, delivery: Delivery) -> SendFailure | None:
        """Send the message and return None, or the failure: `final` ones are not repeated,
        `everyone` ones affect all messages.

        A connection that the server has closed after some messages is opened again.
        """
        try:
            message = build_message(delivery)
            self._ensure_open()
            self.mailer.send_messages([message])
        except smtplib.SMTPRecipientsRefused as error:
            code, reply = next(iter(error.recipients.values()), (450, b"refused"))
            return _build_failure(code, reply)
        except (
            smtplib.SMTPAuthenticationError,
            smtplib.SMTPConnectError,
            smtplib.SMTPHeloError,
        ) as error:
            return SendFailure(_format_reply(error.smtp_code, error.smtp_error), everyone=True)
        except smtplib.SMTPSenderRefused as error:
            if error.smtp_code == _CLOSING_CODE and self.n_on_connection:
                # Some servers limit the messages per connection. This was no attempt to send the
                # message.
                with suppress(OSError):
                    self.mailer.close()
                return self._try_send(delivery)
            # Our sender address was rejected, which all messages have. The code for a message that
            # is too large (RFC 1870) arrives here too and concerns this message only.
            failure = _build_failure(error.smtp_code, error.smtp_error)
            return (
                failure
                if error.smtp_code == _TOO_LARGE_CODE
                else SendFailure(failure.reason, everyone=True)
            )
        except smtplib.SMTPResponseException as error:
            return _build_failure(error.smtp_code, error.smtp_error)
        except OSError as error:
            # Disconnected, timed out, refused, unknown host, TLS failed, disk full. SMTPException
            # is an OSError too.
            return SendFailure(
                one_line(f"{type(error).__name__}: {error}", max_length=500), everyone=True
            )
        except ValueError as error:
            return SendFailure(
                one_line(f"The message cannot be created: {error}", max_length=500), final=True
            )
        self.n_on_connection += 1
        return None

    def _ensure_open(self) -> None:
        """Check the connection before each further message: a message that meets a closed
        connection would count as a failed attempt."""
        smtp: smtplib.SMTP | None = getattr(self.mailer, "connection", None)
        if smtp is not None:
            try:
                is_alive = smtp.noop()[0] == 250
            except OSError:
                is_alive = False
            if not is_alive:
                with suppress(OSError):
                    self.mailer.close()
        if self.mailer.open():
            self.n_on_connection = 0


def _build_failure(code: int, reply: bytes | str) -> SendFailure:
    """Build the failure from the server's rejection of this one message."""
    if code in _CONFIGURATION_CODES:
        return SendFailure(_format_reply(code, reply), everyone=True)
    return SendFailure(
        _format_reply(code, reply), final=500 <= code < 600, everyone=code == _CLOSING_CODE
    )


def _format_reply(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return one_line(f"{code} {text}", max_length=500)


def _post_webhook(delivery: Delivery) -> SendFailure | None:
    failure = post_delivery(delivery)
    return (
        None if failure is None else SendFailure(failure.reason, final=failure.final, everyone=True)
    )


def _post_to_channel(delivery: Delivery, *, at: datetime) -> SendFailure | None:
    failure = post_to_channel(delivery, at=at)
    if failure is None:
        return None
    return SendFailure(
        failure.reason,
        final=failure.final,
        # a message that the service refuses says nothing about the next one
        everyone=failure.refuses_channel or not failure.final,
        wait_seconds=failure.wait_seconds,
    )


# --- outcome --------------------------------------------------------------------------------------


def _record_outcome(delivery: Delivery, failure: SendFailure | None, *, at: datetime) -> None:
    """Record the outcome of the attempt, unless another run took the claim over meanwhile.

    Retries for about a minute while the database is unavailable: an email that was sent and not
    recorded is sent again. The notifications of an email that finally failed go to other
    recipients, in one transaction with the outcome."""
    if failure is None:
        outcome = {"state": Delivery.State.SENT, "sent_at": at, "reason": ""}
    elif wait := None if failure.final else backoff(delivery.attempts):
        outcome = {
            "state": Delivery.State.QUEUED,
            "due_at": at + max(_add_jitter(wait), timedelta(seconds=failure.wait_seconds or 0)),
            "reason": failure.reason,
        }
    else:
        state = Delivery.State.SKIPPED if failure.skip_reason else Delivery.State.FAILED
        outcome = {
            "state": state,
            "skip_reason": failure.skip_reason or "",
            "reason": failure.reason,
        }
    is_lost = outcome["state"] in {Delivery.State.SKIPPED, Delivery.State.FAILED}
    for n_left in reversed(range(MAX_RECORD_ATTEMPTS)):
        try:
            with transaction.atomic():
                # The number of attempts identifies the claim.
                n_claimed = Delivery.objects.filter(
                    pk=delivery.pk, state=Delivery.State.SENDING, attempts=delivery.attempts
                ).update(**outcome)
                if n_claimed and is_lost:
                    reassign_lost_notices(list(delivery.notices.all()), at=at)
        except (OperationalError, InterfaceError):
            if not n_left or connection.in_atomic_block:
                raise
            connection.close()
            time.sleep(min(15.0, 0.25 * 2 ** (MAX_RECORD_ATTEMPTS - n_left)))
        else:
            break
    if failure is not None:
        log.warning(
            "message not sent",
            delivery=delivery.pk,
            attempt=delivery.attempts,
            final=failure.final,
            reason=failure.skip_reason or failure.reason,
        )


def backoff(attempts: int) -> timedelta | None:
    """Return the delay after that many failed attempts; None if there is no further attempt."""
    if attempts >= MAX_ATTEMPTS:
        return None
    return min(timedelta(minutes=2 ** (attempts - 1)), MAX_BACKOFF)


def _add_jitter(wait: timedelta) -> timedelta:
    """Add jitter of up to 20% in both directions, so that many deliveries are not retried at the
    same moment."""
    return wait * (1 - JITTER + 2 * JITTER * secrets.SystemRandom().random())
