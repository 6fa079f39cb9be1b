"""Address of the IMAP mailbox with received notices, from the environment; plain Python, no
Django."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

IMAPS_PORT = 993
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_EXPECTED_FORM = (
    "NOTICE_MAILBOX_URL must be imaps://user:password@host/folder. Encode characters such as @ in "
    "user and password as %40."
)


@dataclass(frozen=True, slots=True)
class MailboxAddress:
    """One folder of an IMAP server, reached over TLS. No repr shows the password."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str


def parse_mailbox_url(url: str) -> MailboxAddress | None:
    """Parse `imaps://user:password@host[:port][/folder]`; None for an empty text. The folder is
    INBOX by default.

    Raises ValueError with a sentence that repeats no part of the URL, which contains a password.
    """
    if not url.strip():
        return None
    try:
        url_parts = urlsplit(url.strip())
        port = url_parts.port or IMAPS_PORT
    except ValueError:
        raise ValueError(_EXPECTED_FORM) from None
    user, password = unquote(url_parts.username or ""), unquote(url_parts.password or "")
    if (
        url_parts.scheme != "imaps"
        or not url_parts.hostname
        or not user
        or not password
        or url_parts.query
        or url_parts.fragment
        # a line end would be a further command to the server
        or any(not character.isprintable() for character in user + password)
    ):
        raise ValueError(_EXPECTED_FORM)
    folder = unquote(url_parts.path.strip("/")) or "INBOX"
    if not _PRINTABLE.fullmatch(folder):
        raise ValueError(
            "The folder of NOTICE_MAILBOX_URL must have a name of ASCII characters. Use another "
            "folder."
        )
    return MailboxAddress(url_parts.hostname, port, user, password, folder)
