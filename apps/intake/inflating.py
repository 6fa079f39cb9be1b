"""Compressed bodies, let out under a cap: what would grow beyond it is never held."""

import zlib

from apps.intake.documents import Unreadable

GZIP_MARK = b"\x1f\x8b"
_CHUNK = 1024 * 1024
# each is looked for in what the one before left
_MOST_MEMBERS = 64
# zlib or gzip, whichever the first bytes say
_EITHER = zlib.MAX_WBITS | 32


class TooLarge(Exception):
    """More than is read; the text says how much that is."""


def inflated(body: bytes, *, most: int) -> bytes:
    """The content of a gzip or zlib body, of several members too. Unreadable where it is broken or
    cut short."""
    out = bytearray()
    rest, n_members = body, 0
    try:
        while rest:
            n_members += 1
            if n_members > _MOST_MEMBERS:
                raise Unreadable(
                    f"The compressed body is made of more than {_MOST_MEMBERS} parts. Compress it "
                    "as one."
                )
            member = zlib.decompressobj(_EITHER)
            while not member.eof:
                piece = member.decompress(rest, _CHUNK)
                out += piece
                if len(out) > most:
                    raise TooLarge(
                        f"It is larger than {most // _CHUNK} MiB once decompressed. Split it."
                    )
                rest = member.unconsumed_tail
                if not piece and not rest and not member.eof:
                    raise Unreadable("The compressed body ends before its end. Send it again.")
            # zeros may follow the last member
            rest = member.unused_data.lstrip(b"\0")
    except zlib.error:
        raise Unreadable(
            "The body is said to be compressed and is not gzip, or it is damaged."
        ) from None
    return bytes(out)
