"""Client of the IMAP mailbox with received notices: reads unseen emails and marks them as seen.

Nothing is moved or deleted. The connection follows the rules of outbound calls: TLS with a verified
certificate, limits on time and bytes. The library's client is used on a socket of the project.
"""

import imaplib
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from apps.common.http.calls import Deadline, OutboundError, Policy
from apps.common.http.connections import BoundedTLSSocket, tls_socket_to
from apps.feeds.mailbox.address import MailboxAddress
from apps.feeds.mailbox.message import MAX_MESSAGE_BYTES

_SIZE = re.compile(rb"RFC822\.SIZE (\d{1,15})")
# a server announces how much follows, and the library reserves memory for it
_MAX_LITERAL_BYTES = MAX_MESSAGE_BYTES + 64 * 1024


class MailboxError(Exception):
    """The mailbox cannot be read now; `str()` is a sentence for operators without credentials."""


class _Client(imaplib.IMAP4):
    """The library's client on a connected socket, with a limit on announced lengths."""

    def __init__(self, connected_socket: BoundedTLSSocket) -> None:
        self._connected_socket = connected_socket
        super().__init__()

    def _create_socket(self, timeout: float | None) -> BoundedTLSSocket:
        return self._connected_socket

    def read(self, size: int) -> bytes:
        if size > _MAX_LITERAL_BYTES:
            raise self.abort("announced length too large")
        return super().read(size)


class Mailbox:
    """An open folder. Every method raises MailboxError if the server fails."""

    def __init__(self, client: imaplib.IMAP4) -> None:
        self._client = client

    def unseen(self) -> list[int]:
        """Return the UIDs of the unseen emails, oldest first."""
        lines = self._command("SEARCH", "UNSEEN")
        words = b" ".join(line for line in lines if isinstance(line, bytes)).split()
        return sorted(int(word) for word in words if word.isdigit() and len(word) <= 10)

    def size(self, uid: int) -> int | None:
        """Return the bytes of the email; None if it has been deleted meanwhile."""
        for line in self._command("FETCH", str(uid), "(RFC822.SIZE)"):
            if isinstance(line, bytes) and (match := _SIZE.search(line)):
                return int(match[1])
        return None

    def fetch(self, uid: int) -> bytes | None:
        """Return the email and leave it unseen; None if it has been deleted meanwhile."""
        for line in self._command("FETCH", str(uid), "(BODY.PEEK[])"):
            if isinstance(line, tuple):
                return bytes(line[1])
        return None

    def mark_seen(self, uid: int) -> None:
        self._command("STORE", str(uid), "+FLAGS.SILENT", r"(\Seen)")

    def _command(self, name: str, *arguments: str) -> list[Any]:
        with _explained_errors():
            status, lines = self._client.uid(name, *arguments)
            if status != "OK":
                raise MailboxError(
                    f"The IMAP server rejected the command {name}. The next run tries again."
                )
            return lines


@contextmanager
def open_mailbox(address: MailboxAddress, policy: Policy) -> Iterator[Mailbox]:
    """Connect, sign in and select the folder. Raises MailboxError."""
    with _explained_errors():
        # the operator configured the host, which can be in a private network
        connected_socket = tls_socket_to(
            address.host, address.port, policy, Deadline(policy.deadline), trusted=True
        )
        client = _greet(connected_socket)
    try:
        with _explained_errors():
            _sign_in(client, address)
            _select(client, address.folder)
        yield Mailbox(client)
    finally:
        with suppress(Exception):
            client.logout()
        # its file keeps the socket open, and logging out fails with the connection
        with suppress(OSError):
            client.shutdown()


def _greet(connected_socket: BoundedTLSSocket) -> _Client:
    try:
        return _Client(connected_socket)
    except BaseException:
        connected_socket.close()
        raise


def _sign_in(client: imaplib.IMAP4, address: MailboxAddress) -> None:
    try:
        if "AUTH=PLAIN" in client.capabilities:
            login = f"\0{address.user}\0{address.password}".encode()
            client.authenticate("PLAIN", lambda _challenge: login)
        else:
            client.login(address.user, address.password)
    except client.abort:
        raise
    except (imaplib.IMAP4.error, UnicodeError):
        # the server's text could repeat what it was sent
        raise MailboxError(
            "The IMAP server rejected the user or password in NOTICE_MAILBOX_URL. Correct them."
        ) from None


def _select(client: imaplib.IMAP4, folder: str) -> None:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    status, _ = client.select(f'"{escaped}"')
    if status != "OK":
        raise MailboxError(
            f"The IMAP server cannot open the folder '{folder}'. Check the folder in "
            "NOTICE_MAILBOX_URL."
        )


@contextmanager
def _explained_errors() -> Iterator[None]:
    """Turn every failure of the server and the network into MailboxError. The library raises errors
    of many kinds for an answer that is no IMAP."""
    try:
        yield
    except (MailboxError, MemoryError):
        raise
    except OutboundError as error:
        raise MailboxError(str(error)) from None
    except TimeoutError:
        raise MailboxError(
            "The IMAP server did not answer in time. The next run tries again."
        ) from None
    except imaplib.IMAP4.readonly:
        raise MailboxError(
            "The folder is read-only, so that emails cannot be marked as seen. Allow the user to "
            "change flags."
        ) from None
    except (imaplib.IMAP4.error, OSError, EOFError):
        raise MailboxError(
            "The IMAP server closed the connection or sent an invalid answer. The next run tries "
            "again."
        ) from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise MailboxError(
            "The IMAP server sent an invalid answer. Check host and port in NOTICE_MAILBOX_URL."
        ) from None
