"""Decompression of response bodies, limited to the size that the policy allows."""

import gzip
import zlib
from typing import BinaryIO, Protocol, cast

from apps.common.http.calls import OutboundFailedError, ResponseTooLargeError, response_too_large

_CHUNK = 64 * 1024


class Readable(Protocol):
    """A stream that a body is read from."""

    def read(self, size: int, /) -> bytes: ...


def read_body(stream: Readable, encoding: str, limit: int) -> bytes:
    """Return the decompressed content of the stream; at most `limit` bytes and one piece are in
    memory.

    Raises ResponseTooLargeError beyond the limit, and OutboundFailedError if the content is
    damaged, incomplete or has an encoding that was not requested.
    """
    source: Readable
    match encoding:
        case "" | "identity":
            source = stream
        case "gzip" | "x-gzip":
            source = gzip.GzipFile(mode="rb", fileobj=cast(BinaryIO, stream))
        case "deflate":
            source = _Deflated(stream, limit)
        case _:
            raise OutboundFailedError(
                f"The response is encoded as '{encoding[:40]}', which was not requested. Report "
                "it to the publisher."
            )
    body = bytearray()
    try:
        while piece := source.read(_CHUNK):
            body += piece
            if len(body) > limit:
                raise ResponseTooLargeError(response_too_large(limit))
    except EOFError:
        raise OutboundFailedError(
            "The compressed response is incomplete. Try again later."
        ) from None
    except (zlib.error, gzip.BadGzipFile) as error:
        raise OutboundFailedError(
            f"The compressed response is damaged ({error}). Try again later."
        ) from None
    return bytes(body)


class _Deflated:
    """A `deflate` stream: with a zlib header as in the standard, or raw as some servers send it."""

    def __init__(self, stream: Readable, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._decoder = zlib.decompressobj()
        self._is_begun = False

    def read(self, size: int, /) -> bytes:
        """Return the next decompressed piece; it is longer than the limit if the content is too
        large, and empty at the end."""
        while not self._decoder.eof:
            compressed = self._stream.read(size)
            if not compressed and self._is_begun:
                raise EOFError
            if not compressed:
                return b""
            if not self._is_begun and not _has_zlib_header(compressed):
                self._decoder = zlib.decompressobj(-zlib.MAX_WBITS)
            self._is_begun = True
            if piece := self._decoder.decompress(compressed, self._limit + 1):
                return piece
        return b""


def _has_zlib_header(compressed: bytes) -> bool:
    return compressed[0] & 15 == 8 and int.from_bytes(compressed[:2]) % 31 == 0
