"""Content encoding of request bodies: decoding of compressed bodies."""

import zlib

from apps.intake.decompression import BodyTooLargeError, decompress
from apps.intake.documents.records import UnreadableError


class UnknownEncodingError(Exception):
    """Error: the content encoding is not supported; the text is a sentence for the sender."""


def decode_body(body: bytes, encoding: str, *, max_bytes: int) -> bytes:
    """Return the decoded body. BodyTooLargeError beyond `max_bytes` bytes, UnreadableError if the
    body is empty, truncated or broken."""
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        if len(body) > max_bytes:
            raise BodyTooLargeError(
                f"The body is larger than {max_bytes // 1024 // 1024} MiB. Split it."
            )
        return body
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise UnknownEncodingError(
            f"The Content-Encoding '{encoding[:40]}' is not supported. Send gzip, deflate or an "
            "uncompressed body."
        )
    if not body:
        raise UnreadableError(
            f"The body is empty, but its Content-Encoding is {encoding}. Check the sender."
        )
    if encoding == "deflate" and not _has_zlib_header(body):
        return _inflate_raw(body, max_bytes)
    return decompress(body, max_bytes=max_bytes)


def _has_zlib_header(body: bytes) -> bool:
    return len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0


def _inflate_raw(body: bytes, max_bytes: int) -> bytes:
    """Decode raw deflate without the zlib header, which some senders declare as deflate."""
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = decompressor.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise UnreadableError(
            "The body is not deflate, although its Content-Encoding states it. Check the sender."
        ) from error
    if len(content) > max_bytes:
        raise BodyTooLargeError(
            f"The body is larger than {max_bytes // 1024 // 1024} MiB after decompression. Split "
            "it."
        )
    if not decompressor.eof:
        raise UnreadableError("The compressed body is incomplete. Send it again.")
    return content
