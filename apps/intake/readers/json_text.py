"""JSON parsing with limits that are checked before the parse: deeply nested documents, or millions
of small values, use no memory.

Parsed values may be of any type, so readers access them through the functions below."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from itertools import accumulate
from typing import Any

import orjson

from apps.common.time import parse_moment
from apps.intake.documents.records import UnreadableError, clean

MAX_DEPTH = 64
# a bill of materials of 50,000 components has about ten lists and mappings each
MAX_CONTAINERS = 1_500_000
# number of commas: most separate two values in memory, some are part of a text
MAX_VALUES = 6_000_000

# a text, closed or not: matching unclosed ones too keeps the search linear
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BYTES_EXCEPT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NON_JSON_NUMBER = re.compile(rb"\b(NaN|Infinity)\b")
_UTF8_MARK, _UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


def load_json(body: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """Return the parsed value. NaN and Infinity, which some tools write, become null. Raise
    UnreadableError with the problem and its location."""
    body = _as_utf8(body)
    check_size(body, max_depth=max_depth)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if _NON_JSON_NUMBER.search(body):
            return _parse_with_nulls(body)
        raise UnreadableError(f"The document is not JSON: {_describe_error(error)}") from None


def check_size(body: bytes, *, max_depth: int = MAX_DEPTH) -> None:
    """Raise UnreadableError if the body is nested deeper, or has more values, than any supported
    document. Examines the bytes without parsing them."""
    n_containers = body.count(b"{") + body.count(b"[")
    if n_containers > MAX_CONTAINERS or body.count(b",") > MAX_VALUES:
        raise UnreadableError(
            f"The document has more than {MAX_CONTAINERS:,} lists and objects, or {MAX_VALUES:,} "
            "values. Split it, or remove the parts that are not about models."
        )
    if n_containers <= max_depth:
        return
    brackets = _TEXT.sub(b"", body).translate(None, _BYTES_EXCEPT_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > max_depth:
        raise UnreadableError(
            f"The document is nested more than {max_depth} levels deep. Check the file."
        )


def _as_utf8(body: bytes) -> bytes:
    """Return the body as UTF-8 without a byte order mark; PowerShell writes UTF-16."""
    if body.startswith(_UTF16_MARKS):
        try:
            return body.decode("utf-16").encode()
        except UnicodeDecodeError:
            raise UnreadableError(
                "The document starts like UTF-16, but is not valid UTF-16. Save it as UTF-8."
            ) from None
    body = body.removeprefix(_UTF8_MARK)
    if not body.strip():
        raise UnreadableError("The document is empty. Check the file.")
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"The document is not UTF-8: byte {error.start + 1} is not valid. Save it as UTF-8."
        ) from None
    return body


def _parse_with_nulls(body: bytes) -> Any:
    try:
        # serialised and parsed once more, because only valid JSON can be stored
        return orjson.loads(orjson.dumps(json.loads(body, parse_constant=lambda _: None)))
    except json.JSONDecodeError as error:
        raise UnreadableError(
            f"The document is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        ) from None
    except (TypeError, ValueError, RecursionError):
        raise UnreadableError(
            "The document is not JSON: it contains a number or a text that is too large."
        ) from None


def _describe_error(error: orjson.JSONDecodeError) -> str:
    return f"{error.msg.partition(': line')[0]} in line {error.lineno}, column {error.colno}."


# --- values of any type ---------------------------------------------------------------------------


def as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the mappings in a list; other items are skipped."""
    return [item for item in as_list(value) if isinstance(item, Mapping)]


def as_text(value: Any, max_length: int = 256) -> str:
    """Return a text or a number as clean text; empty for anything else."""
    if isinstance(value, str):
        return clean(value, max_length)
    return (
        str(value)[:max_length]
        if isinstance(value, int | float) and not isinstance(value, bool)
        else ""
    )


def as_moment(value: Any) -> datetime | None:
    """Parse an instant as documents write it; without a zone it is UTC."""
    try:
        return parse_moment(as_text(value, 40))
    except ValueError:
        return None


def trim_value(
    value: Any, *, max_length: int = 1_000, max_entries: int = 25, depth: int = 6
) -> Any:
    """Return the value reduced for storage: texts cut at `max_length` characters, at most
    `max_entries` items per list, empty values removed, nested at most `depth` levels."""
    if isinstance(value, str):
        return clean(re.sub(r"\s+", " ", value), max_length)
    if isinstance(value, Mapping):
        if depth <= 0:
            return ""
        entries = (
            (
                clean(key, 80),
                trim_value(item, max_length=max_length, max_entries=max_entries, depth=depth - 1),
            )
            for key, item in list(value.items())[: max(max_entries, 25)]
        )
        return {key: item for key, item in entries if key and not _is_empty(item)}
    if isinstance(value, list):
        if depth <= 0:
            return ""
        items = (
            trim_value(item, max_length=max_length, max_entries=max_entries, depth=depth - 1)
            for item in value[:max_entries]
        )
        return [item for item in items if not _is_empty(item)]
    return value if value is None or isinstance(value, bool | int | float) else ""


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})
