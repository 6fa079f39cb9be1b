"""manage.py receive_mail [--imap]"""

import json
import os
import sys
from typing import Any, BinaryIO

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from apps.common.postgresql.errors import unavailability
from apps.common.time import now
from apps.feeds.mailbox.message import MAX_MESSAGE_BYTES
from apps.feeds.mailbox.receipt import receive_message
from apps.feeds.mailbox.run import MailCounts, poll_mailbox

log = structlog.get_logger(__name__)

_CHUNK_BYTES = 64 * 1024
# the email server keeps the email and tries again (sysexits.h)
RETRY_LATER = os.EX_TEMPFAIL


class Command(BaseCommand):
    help = (
        "Store a provider's notice that was forwarded by email as a draft; reads one email from "
        "standard input, or the configured mailbox. Prints counts as JSON. Exit code 0: stored or "
        "ignored; 1: rejected; 75: try again later."
    )
    # a email server starts the command for every email
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--imap",
            action="store_true",
            help="Read the unseen emails of NOTICE_MAILBOX_URL instead of standard input.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = self._read_mailbox() if options["imap"] else self._read_standard_input()
        except (DatabaseError, InterfaceError) as error:
            reason = unavailability(error)
            sentence = (
                reason.sentence
                if reason
                else "The email could not be stored. The server log has the error."
            )
            raise CommandError(sentence, returncode=RETRY_LATER) from error
        except CommandError:
            raise
        # the email server would return the email to its sender, with the traceback
        except Exception as error:
            log.exception("notice_email_failed")
            raise CommandError(
                "The email could not be read because of an error of the registry. The server log "
                "has the error.",
                returncode=RETRY_LATER,
            ) from error
        self.stdout.write(json.dumps(counts.as_report()))
        if counts.error:
            raise CommandError(counts.error, returncode=1)
        if counts.rejected and not options["imap"]:
            raise CommandError(counts.rejected[0]["reason"], returncode=1)

    def _read_standard_input(self) -> MailCounts:
        counts = MailCounts()
        raw = _read_bounded(sys.stdin.buffer)
        counts.add(receive_message(raw, where="standard input", at=now()))
        return counts

    def _read_mailbox(self) -> MailCounts:
        if settings.NOTICE_MAILBOX is None:
            raise CommandError(
                "No mailbox is configured. Set NOTICE_MAILBOX_URL to "
                "imaps://user:password@host/folder.",
                returncode=1,
            )
        counts = poll_mailbox(settings.NOTICE_MAILBOX, clock=now)
        if counts is None:
            raise CommandError(
                "Another process is reading the mailbox. Try again in a few minutes.",
                returncode=RETRY_LATER,
            )
        return counts


def _read_bounded(stream: BinaryIO) -> bytes:
    """Return the first bytes of the stream, one more than an email may have. The rest is read and
    dropped, because the email server would take a closed pipe for a failure."""
    raw = stream.read(MAX_MESSAGE_BYTES + 1)
    while stream.read(_CHUNK_BYTES):
        pass
    return raw
