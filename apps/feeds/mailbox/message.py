"""Reader of one email (RFC 5322): from bytes to immutable dataclasses, within limits.

The head is read first and alone, so that the body of an email is parsed only after its sender was
accepted. Attachments and attached emails are never read, HTML becomes plain text.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32
from email.utils import getaddresses
from typing import Any

from apps.common.invisible_characters import remove_control_characters, remove_invisible_characters
from apps.common.processes.child_process import child_function
from apps.feeds.models.received_notices import MAX_NOTICE_TEXT_LENGTH, is_address_or_domain
from apps.feeds.parsers.notices import html_to_text

MIB = 1024 * 1024
MAX_MESSAGE_BYTES = MIB
MAX_HEAD_BYTES = 64 * 1024
MAX_PARTS = 50
MAX_DEPTH = 10
_MAX_MESSAGE_ID_LENGTH = 300
# the library reads such headers in quadratic time
_MAX_PART_HEADER_BYTES = 4_000
_PART_HEADER = re.compile(rb"(?im)^content-[a-z-]+:[^\n]*(?:\n[ \t][^\n]*)*")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_ENVELOPE_LINE = re.compile(rb"\AFrom [^\n]*\n")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")
# names of encodings that are no character sets, or whose decoder is slow
_UNSAFE_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})
_AUTOMATIC_PRECEDENCE = frozenset({"bulk", "junk", "list", "auto_reply"})


class UnreadableMessageError(Exception):
    """The email is not readable within the limits; `str()` is a sentence for users."""


@dataclass(frozen=True, slots=True)
class MessageHead:
    """The header of an email. `message_id` is without angle brackets and empty without one;
    `sender` is in lower case. `is_automatic`: a program sent it, such as an automatic reply or a
    mailing list."""

    message_id: str
    sender: str
    sender_name: str
    subject: str
    is_automatic: bool
    authentication_results: tuple[str, ...]

    @property
    def sender_domain(self) -> str:
        return self.sender.rpartition("@")[2]


@child_function(
    classes=(MessageHead,), errors=(UnreadableMessageError,), refusal=UnreadableMessageError
)
def read_head(raw: bytes) -> MessageHead:
    """Read the header of an email. Raises UnreadableMessageError."""
    if len(raw) > MAX_MESSAGE_BYTES:
        raise UnreadableMessageError(
            f"The email is larger than {MAX_MESSAGE_BYTES // MIB} MiB. Forward it without its "
            "attachments."
        )
    raw = _ENVELOPE_LINE.sub(b"", raw.lstrip(b"\r\n"))
    end = _END_OF_HEAD.search(raw)
    head = raw[: end.start()] if end else raw
    if len(head) > MAX_HEAD_BYTES:
        raise UnreadableMessageError(
            f"The header of the email is larger than {MAX_HEAD_BYTES // 1024} KiB. Forward the "
            "notice in a new email."
        )
    try:
        return _read_head(BytesHeaderParser(policy=compat32).parsebytes(head + b"\n\n"))
    except UnreadableMessageError:
        raise
    # the library raises errors of many kinds for a malformed email
    except Exception:  # noqa: BLE001
        raise _malformed() from None


@child_function(errors=(UnreadableMessageError,), refusal=UnreadableMessageError)
def read_text(raw: bytes) -> str:
    """Read the text of an email that `read_head` accepted: its plain text, or its HTML as plain
    text.

    At most MAX_NOTICE_TEXT_LENGTH characters. Raises UnreadableMessageError, also for an email
    without text.
    """
    raw = _ENVELOPE_LINE.sub(b"", raw.lstrip(b"\r\n"))
    if any(len(header) > _MAX_PART_HEADER_BYTES for header in _PART_HEADER.findall(raw)):
        raise _malformed()
    try:
        text = _text_of(BytesParser(policy=compat32).parsebytes(raw))
    except UnreadableMessageError:
        raise
    except RecursionError:
        raise _nested_too_deeply() from None
    # as in `read_head`
    except Exception:  # noqa: BLE001
        raise _malformed() from None
    if not text:
        raise UnreadableMessageError(
            "The email contains no text. Attachments are not read. Forward the notice in the "
            "text of the email."
        )
    return text


def _malformed() -> UnreadableMessageError:
    return UnreadableMessageError(
        "The email is malformed. Forward the notice again, as plain text if possible."
    )


def _nested_too_deeply() -> UnreadableMessageError:
    return UnreadableMessageError(
        f"The parts of the email are nested more than {MAX_DEPTH} levels deep. Forward the notice "
        "in a new email."
    )


# --- header ---------------------------------------------------------------------------------------


def _read_head(message: Message) -> MessageHead:
    headers: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        headers.setdefault(name.lower(), []).append(_unfold(value))
    sender_name, sender = _read_sender(headers.get("from", []))
    message_ids = headers.get("message-id", [""])
    return MessageHead(
        message_id=remove_invisible_characters(message_ids[0]).strip(" <>\t")[
            :_MAX_MESSAGE_ID_LENGTH
        ],
        sender=sender,
        sender_name=_decode(sender_name)[:200],
        subject=_decode(headers.get("subject", [""])[0])[:300],
        is_automatic=_is_automatic(headers),
        authentication_results=tuple(headers.get("authentication-results", ())),
    )


def _unfold(value: object) -> str:
    """Return a raw header value as one line of text; bytes that are not ASCII are read as UTF-8."""
    text = re.sub(r"[\r\n]+", "", str(value))
    decoded = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return _LONE_SURROGATE.sub("�", decoded)


def _read_sender(values: list[str]) -> tuple[str, str]:
    """Return name and address of the only sender. Two senders could be shown differently than they
    were checked, so they are rejected."""
    addresses = getaddresses(values, strict=True) if len(values) == 1 else []
    name, address = addresses[0] if len(addresses) == 1 else ("", "")
    address = address.strip().lower()
    if "@" not in address or not is_address_or_domain(address):
        raise UnreadableMessageError(
            "The email does not have exactly one valid sender address. Send it from a usual "
            "email client."
        )
    return name, address


def _is_automatic(headers: dict[str, list[str]]) -> bool:
    """Return whether a program sent the email: RFC 3834, mailing lists, bounces and loops."""
    automatic = [value.partition(";")[0].strip() for value in headers.get("auto-submitted", [])]
    precedences = {value.strip().lower() for value in headers.get("precedence", [])}
    content_type = headers.get("content-type", [""])[0].lower().lstrip()
    return (
        any(value.lower() != "no" for value in automatic)
        or not _AUTOMATIC_PRECEDENCE.isdisjoint(precedences)
        or any(name in headers for name in ("list-id", "x-loop", "x-autoreply"))
        or any(value.strip() == "<>" for value in headers.get("return-path", []))
        or content_type.startswith("multipart/report")
    )


def _decode(value: str) -> str:
    """Return a header value with its encoded words decoded, as one line without invisible
    characters."""
    try:
        parts = decode_header(value)
    except (HeaderParseError, ValueError):
        parts = [(value, None)]
    text = "".join(
        part if isinstance(part, str) else _decode_bytes(part, charset) for part, charset in parts
    )
    return " ".join(remove_invisible_characters(re.sub(r"\s", " ", text)).split())


def _decode_bytes(content: bytes, charset: str | None) -> str:
    """Decode bytes by their declared character set; by UTF-8 if it is unknown. What cannot be
    decoded becomes a replacement character."""
    try:
        encoding = codecs.lookup(charset or "utf-8").name
        if encoding in _UNSAFE_CHARSETS:
            encoding = "utf-8"
        text = content.decode(encoding, "replace")
    except (LookupError, ValueError, UnicodeError):
        text = content.decode("utf-8", "replace")
    return _LONE_SURROGATE.sub("�", text)


# --- body -----------------------------------------------------------------------------------------


def _text_of(message: Message) -> str:
    """Return the plain text parts; where they are empty, the HTML parts as plain text."""
    plain_texts, html_texts = [], []
    for part in _inline_parts(message):
        kind = part.get_content_type()
        if kind == "text/plain":
            plain_texts.append(_content_of(part))
        elif kind == "text/html":
            html_texts.append(html_to_text(_content_of(part)))
    text = _clean("\n\n".join(plain_texts)) or _clean("\n\n".join(html_texts))
    return text[:MAX_NOTICE_TEXT_LENGTH]


def _inline_parts(message: Message) -> Iterator[Message]:
    """Yield the parts that are no containers, in their order, without attachments and attached
    emails. Raises UnreadableMessageError beyond MAX_PARTS or MAX_DEPTH."""
    n_parts = 0
    waiting = [(message, 1)]
    while waiting:
        part, depth = waiting.pop()
        n_parts += 1
        if n_parts > MAX_PARTS:
            raise UnreadableMessageError(
                f"The email has more than {MAX_PARTS} parts. Forward the notice in a new email."
            )
        if depth > MAX_DEPTH:
            raise _nested_too_deeply()
        if part.get_content_disposition() == "attachment" or part.get_filename():
            continue
        if part.get_content_maintype() == "message":
            continue
        if part.is_multipart():
            children: Any = part.get_payload()
            waiting.extend(
                (child, depth + 1) for child in reversed(children) if isinstance(child, Message)
            )
        else:
            yield part


def _content_of(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    charset = part.get_content_charset()
    return _decode_bytes(content, charset)


def _clean(text: str) -> str:
    """Return the text without control characters, with the line ends of Unix and at most one blank
    line together."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return _BLANK_LINES.sub("\n\n", remove_control_characters(lines)).strip()
