"""JSON parsing with limits that apply before the parse: a deep document, or millions of small
parts, cost no memory.

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
# commas; each is a value in memory, some of them only stand in texts
MAX_VALUES = 6_000_000

# a text, also one that never ends, so that nothing is looked at twice
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NOT_A_NUMBER = re.compile(rb"\b(NaN|Infinity)\b")
_UTF8_MARK, _UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


def load_json(body: bytes, *, most_depth: int = MAX_DEPTH) -> Any:
    """Return the parsed value. NaN and Infinity, which some tools write, are null. UnreadableError
    says what is wrong and where."""
    body = _as_utf8(body)
    check_size(body, most_depth=most_depth)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if _NOT_A_NUMBER.search(body):
            return _with_nulls(body)
        raise UnreadableError(f"The document is not JSON: {_error_text(error)}") from None


def check_size(body: bytes, *, most_depth: int = MAX_DEPTH) -> None:
    """Raise UnreadableError if the body nests deeper, or has more parts, than any supported
    document; looks at bytes only."""
    n_containers = body.count(b"{") + body.count(b"[")
    if n_containers > MAX_CONTAINERS or body.count(b",") > MAX_VALUES:
        raise UnreadableError(
            f"The document has more than {MAX_CONTAINERS:,} lists and objects, or {MAX_VALUES:,} "
            "values. Split it, or remove the parts that are not about models."
        )
    if n_containers <= most_depth:
        return
    brackets = _TEXT.sub(b"", body).translate(None, _NOT_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > most_depth:
        raise UnreadableError(
            f"The document is nested more than {most_depth} levels deep. Check the file."
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


def _with_nulls(body: bytes) -> Any:
    try:
        # back and forth once more: what is kept has to be JSON proper
        return orjson.loads(orjson.dumps(json.loads(body, parse_constant=lambda _: None)))
    except json.JSONDecodeError as error:
        raise UnreadableError(
            f"The document is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        ) from None
    except (TypeError, ValueError, RecursionError):
        raise UnreadableError(
            "The document is not JSON: it contains a number or a text that is too large."
        ) from None


def _error_text(error: orjson.JSONDecodeError) -> str:
    return f"{error.msg.partition(': line')[0]} in line {error.lineno}, column {error.colno}."


# --- values of any type ---------------------------------------------------------------------------


def as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the mappings in a list; anything else in it is skipped."""
    return [each for each in as_list(value) if isinstance(each, Mapping)]


def as_text(value: Any, longest: int = 256) -> str:
    """Return a text or a number as clean text; empty for anything else."""
    if isinstance(value, str):
        return clean(value, longest)
    return (
        str(value)[:longest]
        if isinstance(value, int | float) and not isinstance(value, bool)
        else ""
    )


def as_moment(said: Any) -> datetime | None:
    """Parse an instant as documents write it; without a zone it is UTC."""
    try:
        return parse_moment(as_text(said, 40))
    except ValueError:
        return None


def trim_value(value: Any, *, longest: int = 1_000, most: int = 25, depth: int = 6) -> Any:
    """Return a value fit for storage: clean texts cut at `longest`, `most` entries per list, empty
    ones left out."""
    if isinstance(value, str):
        return clean(re.sub(r"\s+", " ", value), longest)
    if isinstance(value, Mapping):
        if depth <= 0:
            return ""
        pairs = (
            (clean(key, 80), trim_value(each, longest=longest, most=most, depth=depth - 1))
            for key, each in list(value.items())[: max(most, 25)]
        )
        return {key: each for key, each in pairs if key and not _is_empty(each)}
    if isinstance(value, list):
        if depth <= 0:
            return ""
        kept = (
            trim_value(each, longest=longest, most=most, depth=depth - 1) for each in value[:most]
        )
        return [each for each in kept if not _is_empty(each)]
    return value if value is None or isinstance(value, bool | int | float) else ""


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})
