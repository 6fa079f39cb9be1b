"""Bounded decompression of request bodies (protection against decompression bombs): output beyond
the limit is never held in memory."""

import zlib

from apps.intake.documents.records import UnreadableError

GZIP_MARK = b"\x1f\x8b"
_CHUNK = 1024 * 1024
# each member is searched for in the rest of the body after the one before: many cost much time
_MAX_MEMBERS = 64
# zlib or gzip, by the first bytes
_ZLIB_OR_GZIP = zlib.MAX_WBITS | 32


class BodyTooLargeError(Exception):
    """Error: the body exceeds the limit; the text states the limit."""


def decompress(body: bytes, *, max_bytes: int) -> bytes:
    """Return the content of a gzip or zlib body, which may have several members.

    UnreadableError if the body is broken or truncated, BodyTooLargeError if the content has more
    than `max_bytes` bytes."""
    content = bytearray()
    remaining, n_members = body, 0
    try:
        while remaining:
            n_members += 1
            if n_members > _MAX_MEMBERS:
                raise UnreadableError(
                    f"The compressed body has more than {_MAX_MEMBERS} parts. Compress it as one "
                    "part."
                )
            member = zlib.decompressobj(_ZLIB_OR_GZIP)
            while not member.eof:
                chunk = member.decompress(remaining, _CHUNK)
                content += chunk
                if len(content) > max_bytes:
                    raise BodyTooLargeError(
                        f"The body is larger than {max_bytes // _CHUNK} MiB after decompression. "
                        "Split it."
                    )
                remaining = member.unconsumed_tail
                if not chunk and not remaining and not member.eof:
                    raise UnreadableError("The compressed body is incomplete. Send it again.")
            # zeros may follow the last member
            remaining = member.unused_data.lstrip(b"\0")
    except zlib.error:
        raise UnreadableError(
            "The body is declared as gzip, but it is not gzip or is damaged. Check the "
            "Content-Encoding."
        ) from None
    return bytes(content)
