"""Rows in the body of a request, one at a time: a JSON list, or one JSON value per line (NDJSON),
plain or gzipped.

A list is parsed as a whole and has a low limit. Lines are read as they arrive, so their number does
not matter. Limits apply to the decompressed size.
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
    default_detail = "The request contains too many rows. Send them in parts."
    default_code = "too_large"


class StreamParser(BaseParser):
    """A parser that passes the stream on; `iterate_rows` reads it."""

    media_type = NDJSON

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream


class ListStreamParser(StreamParser):
    media_type = "application/json"


def iterate_rows(request: Request, stream: IO[bytes]) -> Iterator[bytes]:
    """Return the JSON text of each row; raise ParseError, BodyTooLargeError or
    UnsupportedMediaType."""
    media_type = (request.content_type or "").partition(";")[0].strip().lower()
    blocks = _decompress(stream, request.headers.get("Content-Encoding", "").strip().lower())
    lines = _split_lines(blocks) if media_type == NDJSON else _split_list(blocks)
    for number, line in enumerate(lines):
        if number >= MAX_ROWS:
            raise BodyTooLargeError(
                f"A request can contain at most {MAX_ROWS} rows. Send them in parts."
            )
        yield line


def parse_row(line: bytes) -> tuple[Any, str]:
    """Return the value, and the reason if it cannot be read."""
    try:
        check_size(line)
        value = orjson.loads(line)
    except UnreadableError as error:
        return None, str(error)
    except orjson.JSONDecodeError as error:
        return None, f"The row is not valid JSON: {error.msg}."
    if holds_null_character(line, value):
        return None, "A value contains a null character. Remove it."
    return remove_control_characters_from_json(line, value), ""


def holds_null_character(body: bytes, value: Any) -> bool:
    """Return whether a text contains a null character, which the database cannot store.

    `body` is the JSON that `value` was read from; a null character is escaped there.
    """
    if rb"\u0000" not in body:
        return False
    # no recursion: a body may be nested more deeply than the recursion limit of Python
    pending_values = [value]
    while pending_values:
        match pending_values.pop():
            case str(text):
                if "\x00" in text:
                    return True
            case dict(mapping):
                pending_values += [*mapping, *mapping.values()]
            case list(values):
                pending_values += values
    return False


def _decompress(stream: IO[bytes], encoding: str) -> Iterator[bytes]:
    """Yield the decompressed body in blocks. Raise an error for another encoding, an incomplete
    stream and more than MAX_BYTES."""
    if encoding not in {"", "identity", "gzip"}:
        raise UnsupportedMediaType(
            encoding, "Send the body uncompressed or with gzip (Content-Encoding: gzip)."
        )
    unpacker = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    n_bytes = 0
    while block := stream.read(_BLOCK_SIZE):
        for chunk in (block,) if unpacker is None else _gunzip(unpacker, block):
            n_bytes += len(chunk)
            if n_bytes > MAX_BYTES:
                raise BodyTooLargeError(
                    f"A request can contain at most {MAX_BYTES // 1024 // 1024} MB "
                    "after decompression. Send it in parts."
                )
            yield chunk
    if unpacker is not None and not unpacker.eof:
        raise ParseError("The gzip stream is incomplete. Send it again.")


def _gunzip(unpacker: Any, block: bytes) -> Iterator[bytes]:
    try:
        while block:
            yield unpacker.decompress(block, _BLOCK_SIZE)
            block = unpacker.unconsumed_tail
    except zlib.error:
        raise ParseError(
            "The body is not gzip data. Compress it, or remove Content-Encoding."
        ) from None


def _split_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    remainder = b""
    for block in blocks:
        *lines, remainder = (remainder + block).split(b"\n")
        yield from (line for line in lines if line.strip())
        if len(remainder) > MAX_LINE_BYTES:
            raise BodyTooLargeError(
                f"A row has more than {MAX_LINE_BYTES // 1024} KB. Check that each row "
                "ends with a line break."
            )
    if remainder.strip():
        yield remainder


def _split_list(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Return the elements of a list as JSON texts; a list is short enough to be parsed as a
    whole."""
    body = bytearray()
    for block in blocks:
        body += block
        if len(body) > MAX_LIST_BYTES:
            raise BodyTooLargeError(
                f"A list can have at most {MAX_LIST_BYTES // 1024 // 1024} MB. Send one "
                f"row per line as {NDJSON}."
            )
    try:
        rows = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ParseError(f"JSON parse error - {error}") from None
    if not isinstance(rows, list):
        raise ParseError("Send a list of rows, or one row per line as application/x-ndjson.")
    for row in rows:
        yield orjson.dumps(row)
