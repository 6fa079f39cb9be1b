"""The body of an answer: read to its end, inflated, never more of it than the policy allows."""

import http.client
import zlib
from collections.abc import Iterator, Mapping

from apps.common.http.calls import OutboundFailed, Policy, TooLarge, too_large

_CHUNK = 64 * 1024


def body_of(response: http.client.HTTPResponse, headers: Mapping[str, str], policy: Policy) -> bytes:
    """The inflated body, or OutboundFailed where it ends early."""
    if response.length is not None and response.length > policy.max_wire_bytes:
        raise TooLarge(too_large(policy.max_wire_bytes))
    encoding = headers.get("content-encoding", "").lower()
    body = inflated(_wire(response, policy), encoding, policy.max_body_bytes)
    # http.client counts down what Content-Length promised, and says nothing when the rest never comes.
    if response.length:
        raise OutboundFailed(f"The answer ended {response.length} bytes early. Try later.")
    return body


def _wire(response: http.client.HTTPResponse, policy: Policy) -> Iterator[bytes]:
    count = 0
    while piece := response.read(_CHUNK):
        count += len(piece)
        if count > policy.max_wire_bytes:
            raise TooLarge(too_large(policy.max_wire_bytes))
        yield piece


def inflated(pieces: Iterator[bytes], encoding: str, limit: int) -> bytes:
    """All pieces, decoded, never holding more than `limit` bytes and one piece."""
    if encoding in {"", "identity"}:
        inflate: _Inflater | None = None
    elif encoding in {"gzip", "x-gzip", "deflate"}:
        inflate = _Inflater(encoding, limit)
    else:
        raise OutboundFailed(
            f"The answer came encoded as '{encoding[:40]}', which was not asked for. Report it to its publisher."
        )
    body = bytearray()
    for piece in pieces:
        if inflate is None:
            body += piece
        else:
            inflate.feed(piece, body)
        if len(body) > limit:
            raise TooLarge(too_large(limit))
    if inflate is not None and not inflate.complete:
        raise OutboundFailed("The compressed answer ended early. Try later.")
    return bytes(body)


class _Inflater:
    """gzip (also several members in a row) or deflate (zlib or, as some servers do, raw), with a limit."""

    def __init__(self, encoding: str, limit: int) -> None:
        self._gzip = encoding != "deflate"
        self._limit = limit
        self._decoder = zlib.decompressobj(31 if self._gzip else 15)
        self._begun = False

    @property
    def complete(self) -> bool:
        """Whether the stream came to its proper end; an empty body counts."""
        return self._decoder.eof or not self._begun

    def feed(self, data: bytes, into: bytearray) -> None:
        while data:
            if self._decoder.eof:
                # Some servers pad the end with zeros.
                if not self._gzip or not data.strip(b"\x00"):
                    return
                self._decoder = zlib.decompressobj(31)
            room = self._limit + 1 - len(into)
            if room <= 0:
                return
            try:
                into += self._decoder.decompress(data, room)
            except zlib.error as error:
                if self._gzip or self._begun:
                    raise OutboundFailed(f"The compressed answer is damaged ({error}). Try later.") from None
                self._decoder, self._begun = zlib.decompressobj(-15), True
                continue
            self._begun = True
            data = self._decoder.unconsumed_tail or self._decoder.unused_data
