"""Rows out of a request's body, one at a time: a JSON list, or a JSON value a line (NDJSON), plain
or gzipped.

A list is parsed whole and capped low; lines are read as they arrive, so that their number does not
matter. Nothing is trusted about sizes: what is unpacked counts.
"""

import zlib
from collections.abc import Iterator
from typing import IO, Any

import orjson
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from apps.common.invisible_characters import remove_control_characters_from_json
from apps.intake.documents.records import UnreadableError
from apps.intake.readers.json_text import check_size

NDJSON = "application/x-ndjson"
MAX_LIST_BYTES = 32 * 1024 * 1024
MAX_BYTES = 1024 * 1024 * 1024
MAX_LINE_BYTES = 256 * 1024
MAX_ROWS = 1_000_000
_BLOCK_SIZE = 256 * 1024


class BodyTooLargeError(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "This is more than is taken at once. Send it in parts."
    default_code = "too_large"


class StreamParser(BaseParser):
    """Hands the stream on; `rows_of` reads it."""

    media_type = NDJSON

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream


class ListStreamParser(StreamParser):
    media_type = "application/json"


def iterate_rows(request: Request, stream: IO[bytes]) -> Iterator[bytes]:
    """A JSON text a row. ParseError, BodyTooLargeError or UnsupportedMediaType with a sentence."""
    media_type = (request.content_type or "").partition(";")[0].strip().lower()
    blocks = _decompress(stream, request.headers.get("Content-Encoding", "").strip().lower())
    lines = _lines(blocks) if media_type == NDJSON else _elements(blocks)
    for number, line in enumerate(lines):
        if number >= MAX_ROWS:
            raise BodyTooLargeError(f"At most {MAX_ROWS} rows at once. Send them in parts.")
        yield line


def parse_row(line: bytes) -> tuple[Any, str]:
    """(the value, why it cannot be read)"""
    try:
        check_size(line)
        value = orjson.loads(line)
    except UnreadableError as unreadable:
        return None, str(unreadable)
    except orjson.JSONDecodeError as error:
        return None, f"This is no JSON: {error.msg}."
    if holds_null_character(line, value):
        return None, "A text in it holds a null character. Leave it out."
    return remove_control_characters_from_json(line, value), ""


def holds_null_character(body: bytes, value: Any) -> bool:
    """The database keeps no text with one. `body` is the JSON that `value` was read from: there it
    is escaped."""
    if rb"\u0000" not in body:
        return False
    # no recursion: a body may nest deeper than Python calls
    left = [value]
    while left:
        match left.pop():
            case str(text):
                if "\x00" in text:
                    return True
            case dict(pairs):
                left += [*pairs, *pairs.values()]
            case list(values):
                left += values
    return False


def _decompress(stream: IO[bytes], encoding: str) -> Iterator[bytes]:
    if encoding not in {"", "identity", "gzip"}:
        raise UnsupportedMediaType(
            encoding, "Send it plain, or packed with gzip (Content-Encoding: gzip)."
        )
    unpacker = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    n_bytes = 0
    while block := stream.read(_BLOCK_SIZE):
        for part in (block,) if unpacker is None else _gunzip(unpacker, block):
            n_bytes += len(part)
            if n_bytes > MAX_BYTES:
                raise BodyTooLargeError(
                    f"At most {MAX_BYTES // 1024 // 1024} MB at once, unpacked. Send it in parts."
                )
            yield part
    if unpacker is not None and not unpacker.eof:
        raise ParseError("The gzip stream ends before its end.")


def _gunzip(unpacker: Any, block: bytes) -> Iterator[bytes]:
    try:
        while block:
            yield unpacker.decompress(block, _BLOCK_SIZE)
            block = unpacker.unconsumed_tail
    except zlib.error:
        raise ParseError("This is not packed with gzip, whatever Content-Encoding says.") from None


def _lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from (line for line in lines if line.strip())
        if len(rest) > MAX_LINE_BYTES:
            raise BodyTooLargeError(
                f"One row has more than {MAX_LINE_BYTES // 1024} KB. Is there a line end after "
                "each?"
            )
    if rest.strip():
        yield rest


def _elements(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """A list is short enough to be parsed whole; its elements go the way of lines."""
    body = bytearray()
    for block in blocks:
        body += block
        if len(body) > MAX_LIST_BYTES:
            raise BodyTooLargeError(
                f"A list has at most {MAX_LIST_BYTES // 1024 // 1024} MB. Send a row a line as "
                f"{NDJSON} instead."
            )
    try:
        rows = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ParseError(f"JSON parse error - {error}") from None
    if not isinstance(rows, list):
        raise ParseError("Send a list of rows, or a row a line as application/x-ndjson.")
    for row in rows:
        yield orjson.dumps(row)
