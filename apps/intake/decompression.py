"""Bounded decompression of request bodies (protection against decompression bombs): output beyond
the limit is never held in memory."""

import zlib

from apps.intake.documents.records import UnreadableError

GZIP_MARK = b"\x1f\x8b"
_CHUNK = 1024 * 1024
# each is looked for in what the one before left
_MAX_MEMBERS = 64
# zlib or gzip, whichever the first bytes say
_ZLIB_OR_GZIP = zlib.MAX_WBITS | 32


class BodyTooLargeError(Exception):
    """Error: the body exceeds the limit; the text states the limit."""


def decompress(body: bytes, *, most: int) -> bytes:
    """Return the content of a gzip or zlib body, of several members too.

    UnreadableError if it is broken or truncated."""
    out = bytearray()
    rest, n_members = body, 0
    try:
        while rest:
            n_members += 1
            if n_members > _MAX_MEMBERS:
                raise UnreadableError(
                    f"The compressed body has more than {_MAX_MEMBERS} parts. Compress it as one "
                    "part."
                )
            member = zlib.decompressobj(_ZLIB_OR_GZIP)
            while not member.eof:
                piece = member.decompress(rest, _CHUNK)
                out += piece
                if len(out) > most:
                    raise BodyTooLargeError(
                        f"The body is larger than {most // _CHUNK} MiB after decompression. "
                        "Split it."
                    )
                rest = member.unconsumed_tail
                if not piece and not rest and not member.eof:
                    raise UnreadableError("The compressed body is incomplete. Send it again.")
            # zeros may follow the last member
            rest = member.unused_data.lstrip(b"\0")
    except zlib.error:
        raise UnreadableError(
            "The body is declared as gzip, but it is not gzip or is damaged. Check the "
            "Content-Encoding."
        ) from None
    return bytes(out)
