"""Payload decoding: from bytes to a JSON document that can be checked row by row, and small checks
shared by all adapters."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from apps.catalog.claims.feed_rows import FeedRow, ParsedFeed, RejectedRow
from apps.catalog.identity.hosts import BY_SLUG, host_slug

# Maximum lengths of the catalogue's columns; a longer value is an error of the feed.
MAX_EXTERNAL_ID_LENGTH = 400
MAX_API_ID_LENGTH = 300
MAX_REGION_LENGTH = 60
MAX_TIER_LENGTH = 80
_MAX_REASON_LENGTH = 500
_MAX_EXCERPT_LENGTH = 500
_MAX_URL_LENGTH = 1000

# Control characters break pages and logs; lone surrogates and NUL cannot be stored at all.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_HTML = re.compile(r"<(?:!doctype html|html|head|body|!--)", re.IGNORECASE)


class InvalidPayloadError(Exception):
    """A body that is not a feed at all; no conclusion may be drawn from it. `str()` is a sentence
    for users."""


class ObjectWithDuplicateKeys(dict[str, Any]):
    """A JSON object that repeats keys with different values; `keys_doubled` names them."""

    keys_doubled: frozenset[str] = frozenset()


def decode_text(body: bytes) -> str:
    """Decode the text of a body, UTF-8 with or without byte order mark; InvalidPayloadError
    otherwise."""
    if not body.strip():
        raise InvalidPayloadError(
            "The feed sent an empty body. The last good data is kept. The next poll tries again."
        )
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidPayloadError(
            f"The feed is not UTF-8 (byte {error.start} is not valid). The last good data is "
            "kept. Contact the publisher."
        ) from None


def load_json(body: bytes) -> Any:
    """Parse the JSON document in `body`: numbers with a decimal point are Decimal, NaN and Infinity
    are Decimal too.

    Objects with a repeated key are returned as `ObjectWithDuplicateKeys`. InvalidPayloadError if it
    is not JSON or is nested too deeply."""
    text = decode_text(body)
    if _HTML.match(text.lstrip()):
        raise InvalidPayloadError(
            "The feed sent a web page instead of JSON. Check whether its URL moved or requires a "
            "login."
        )
    try:
        return json.loads(
            text, parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=_build_object
        )
    except json.JSONDecodeError as error:
        if text.lstrip()[:1] == "<":
            raise InvalidPayloadError("The feed sent XML instead of JSON. Check the URL.") from None
        cut = error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated")
        if cut:
            raise InvalidPayloadError(
                "The body of the feed is incomplete. The last good data is kept. "
                "The next poll tries again."
            ) from None
        raise InvalidPayloadError(
            f"The body of the feed is not JSON ({error.msg} in line {error.lineno}). "
            "The last good data is kept. The next poll tries again."
        ) from None
    except (RecursionError, ValueError, ArithmeticError):
        raise InvalidPayloadError(
            "The JSON of the feed is nested too deeply or contains numbers that are too large. "
            "Check the URL."
        ) from None


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    result = ObjectWithDuplicateKeys(values)
    result.keys_doubled = frozenset(
        key for key, value in pairs if not _are_equal(values[key], value)
    )
    return result


def _are_equal(left: Any, right: Any) -> bool:
    # Decimal NaN differs from itself; the text does not.
    return bool(left == right) or repr(left) == repr(right)


def duplicate_keys(row: dict[str, Any]) -> frozenset[str]:
    """Return the keys that this object repeats with different values."""
    return row.keys_doubled if isinstance(row, ObjectWithDuplicateKeys) else frozenset()


def without_duplicates(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row without the keys that it repeats with different values."""
    duplicates = duplicate_keys(row)
    return {key: row[key] for key in row if key not in duplicates} if duplicates else row


def text_of(value: object, max_length: int) -> str:
    """Return `value` as text without surrounding whitespace, or "" if it is not text or cannot be
    stored; cut at `longest`."""
    if not isinstance(value, str):
        return ""
    return _UNPRINTABLE.sub(" ", value).strip()[:max_length]


def is_storable(text: str) -> bool:
    return bool(text.strip()) and not _UNPRINTABLE.search(text)


def safe_url(value: object) -> str:
    """Return `value` if it is an http(s) URL that fits, otherwise "": it becomes a link on our
    pages."""
    text = text_of(value, _MAX_URL_LENGTH + 1)
    fits = (
        text.startswith(("https://", "http://"))
        and len(text) <= _MAX_URL_LENGTH
        and not re.search(r"\s", text)
    )
    return text if fits else ""


def quote(value: object, max_length: int = 60) -> str:
    """Format a value for quoting it in a reason: short, printable, in quotes."""
    text = _UNPRINTABLE.sub(" ", value if isinstance(value, str) else _format_value(value))
    return f"'{text[: max_length - 1]}…'" if len(text) > max_length else f"'{text}'"


def _format_value(value: object, *, as_json: bool = False) -> str:
    """Return `value` as text, as JSON if `as_json`; a placeholder if it is nested too deeply."""
    try:
        return json.dumps(value, default=str, ensure_ascii=False) if as_json else str(value)
    except RecursionError:
        return "nested too deeply"


def rejected_row(external_id: str, reason: str, raw: object = "") -> RejectedRow:
    """Build a RejectedRow whose fields can be stored, however malformed the row is."""
    excerpt = (
        raw if isinstance(raw, str) else _format_value(raw, as_json=True)[: 2 * _MAX_EXCERPT_LENGTH]
    )
    return RejectedRow(
        external_id=_UNPRINTABLE.sub("?", external_id)[:MAX_EXTERNAL_ID_LENGTH] or "?",
        reason=_UNPRINTABLE.sub(" ", reason)[:_MAX_REASON_LENGTH],
        excerpt=_UNPRINTABLE.sub(" ", excerpt)[:_MAX_EXCERPT_LENGTH],
    )


@lru_cache(maxsize=4096)
def host_of(provider: str) -> tuple[str, str]:
    """Return (slug, display name) of the host that a feed calls `provider`; derived from its
    spelling if unknown."""
    slug = host_slug(provider)
    if slug is not None:
        return slug, BY_SLUG[slug].name
    return _NOT_SLUG.sub("-", provider.lower()).strip("-")[:80].strip("-"), provider.strip()


@dataclass(slots=True)
class ParsedRows:
    """A collector of rows for a parser, filled row by row."""

    rows: list[FeedRow]
    rejects: list[RejectedRow]
    host_names: dict[str, str]
    ignored: int = 0

    @classmethod
    def empty(cls) -> "ParsedRows":
        return cls([], [], {})

    def done(self) -> ParsedFeed:
        """Return the result, or raise InvalidPayloadError if no row is left: such a body must not
        empty the catalogue."""
        if not self.rows:
            detail = (
                f" First of {len(self.rejects)} rejected rows: {self.rejects[0].reason}"
                if self.rejects
                else ""
            )
            raise InvalidPayloadError(f"The feed contains no readable row.{detail}")
        return ParsedFeed(tuple(self.rows), tuple(self.rejects), self.ignored, self.host_names)
