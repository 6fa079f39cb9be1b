"""One bounded run over the IMAP mailbox: unseen emails become received notices.

An email is marked as seen after it was handled. If the process ends in between, the next run finds
it again and stores nothing twice, by its Message-ID.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.common.database.leases import hold_lease
from apps.common.http.calls import MEBIBYTE, Policy
from apps.common.http.installation_policy import installation_policy
from apps.feeds.mailbox.address import MailboxAddress
from apps.feeds.mailbox.imap import Mailbox, MailboxError, open_mailbox
from apps.feeds.mailbox.message import MAX_MESSAGE_BYTES
from apps.feeds.mailbox.receipt import Outcome, Receipt, receive_message
from apps.feeds.models import NoticeMailStatus

LEASE = "feeds.notice_mailbox"
MAX_MESSAGES = 50
MAX_RUN_BYTES = 20 * MEBIBYTE
# also an email that is fetched last fits into the run
_DEADLINE_SECONDS = 180.0
_LEASE_DURATION = timedelta(minutes=10)


@dataclass(slots=True)
class MailCounts:
    """What one run did. `received` counts all emails; those that are neither drafts nor duplicates
    nor rejected were ignored. `error` is empty unless the mailbox failed on the way."""

    received: int = 0
    drafts: int = 0
    duplicates: int = 0
    ignored: int = 0
    rejected: list[dict[str, str]] = field(default_factory=list)
    error: str = ""

    def add(self, receipt: Receipt) -> None:
        self.received += 1
        match receipt.outcome:
            case Outcome.DRAFT:
                self.drafts += 1
            case Outcome.DUPLICATE:
                self.duplicates += 1
            case Outcome.IGNORED:
                self.ignored += 1
            case Outcome.REJECTED:
                self.rejected.append({"where": receipt.where, "reason": receipt.reason})

    def as_report(self) -> dict[str, Any]:
        """Return the counts as JSON-compatible data."""
        return {
            "received": self.received,
            "drafts": self.drafts,
            "rejected": self.rejected,
            "duplicates": self.duplicates,
            "ignored": self.ignored,
        }


def mailbox_policy() -> Policy:
    """Return the limits of one run, with the operator's networks and proxy."""
    return installation_policy(
        deadline=_DEADLINE_SECONDS, max_wire_bytes=MAX_RUN_BYTES + MAX_MESSAGE_BYTES
    )


def poll_mailbox(
    address: MailboxAddress, *, clock: Callable[[], datetime], policy: Policy | None = None
) -> MailCounts | None:
    """Handle the unseen emails of the mailbox, at most MAX_MESSAGES; None if another process is
    reading it.

    A failure of the mailbox ends the run: `error` of the counts says why, and what was handled
    before stays. Errors of the database are raised, and the email stays unseen.
    """
    with hold_lease(LEASE, duration=_LEASE_DURATION) as lease:
        if lease is None:
            return None
        counts = MailCounts()
        try:
            with open_mailbox(address, policy or mailbox_policy()) as mailbox:
                _read_unseen(mailbox, counts, clock)
        except MailboxError as error:
            counts.error = str(error)
        _record_run(counts, at=clock())
        return counts


def _read_unseen(mailbox: Mailbox, counts: MailCounts, clock: Callable[[], datetime]) -> None:
    n_bytes = 0
    for uid in mailbox.unseen()[:MAX_MESSAGES]:
        size = mailbox.size(uid)
        if size is None:
            continue
        # an email above the limit is not fetched; one byte more than allowed is rejected like it
        is_too_large = size > MAX_MESSAGE_BYTES
        n_bytes += 0 if is_too_large else size
        if n_bytes > MAX_RUN_BYTES:
            break
        raw = b"\0" * (MAX_MESSAGE_BYTES + 1) if is_too_large else mailbox.fetch(uid)
        if raw is None:
            continue
        counts.add(receive_message(raw, where=f"email {uid} of the mailbox", at=clock()))
        mailbox.mark_seen(uid)


def _record_run(counts: MailCounts, *, at: datetime) -> None:
    values: dict[str, Any] = {"last_attempt_at": at, "error": counts.error[:500]}
    if not counts.error:
        values["last_success_at"] = at
    NoticeMailStatus.objects.update_or_create(pk=NoticeMailStatus.ONLY, defaults=values)
