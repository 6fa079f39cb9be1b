"""A web server on 127.0.0.1 that misbehaves on purpose.

    with Loopback() as server:
        server.route("/feed", throttled("120"), plain(b"[]"))
        fetch(f"{server.url}/feed")    # the first behaviour
        fetch(f"{server.url}/feed")    # the second, and every time after
        server.requests[0].headers["user-agent"]

It writes bytes to the socket itself, since a proper server would refuse to send most of this. Each
connection carries one request and has its own thread; leaving the block ends all of them, hanging
ones too.
"""

import gzip
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Exchange:
    """One connection, from the side of the server. `closing` is set when the server is being
    left."""

    def __init__(
        self, sock: socket.socket, seen: Seen, closing: threading.Event, server_url: str
    ) -> None:
        self.sock = sock
        self.seen = seen
        self.closing = closing
        self.server_url = server_url

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [
            f"HTTP/1.1 {status} Because",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self.send(("\r\n".join(lines) + "\r\nConnection: close\r\n\r\n").encode("latin-1"))

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.head(status, {"Content-Length": str(len(body)), **headers})
        self.send(body)


type Behaviour = Callable[[Exchange], None]


# --- behaviours -----------------------------------------------------------------------------------


def plain(
    body: bytes, *, content_type: str = "application/json", status: int = 200, **headers: str
) -> Behaviour:
    """A whole, honest answer. Keyword names become headers: `last_modified=...` is
    Last-Modified."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return lambda exchange: exchange.answer(status, {"Content-Type": content_type, **named}, body)


def gzipped(body: bytes) -> Behaviour:
    return lambda exchange: exchange.answer(200, {"Content-Encoding": "gzip"}, gzip.compress(body))


def deflated(body: bytes, *, raw: bool = False) -> Behaviour:
    """deflate as the standard has it (zlib), or raw as some servers send it."""
    packer = zlib.compressobj(wbits=-15 if raw else 15)
    packed = packer.compress(body) + packer.flush()
    return lambda exchange: exchange.answer(200, {"Content-Encoding": "deflate"}, packed)


def encoded_as(encoding: str, body: bytes) -> Behaviour:
    """A body under a Content-Encoding that it may not have."""
    return lambda exchange: exchange.answer(200, {"Content-Encoding": encoding}, body)


def chunked(*pieces: bytes) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        for piece in pieces:
            exchange.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        exchange.send(b"0\r\n\r\n")

    return behave


def conditional(body: bytes, etag: str = '"one"', last_modified: str = "") -> Behaviour:
    """304 to whoever has this ETag or date, else the body with both."""
    headers = {"ETag": etag, **({"Last-Modified": last_modified} if last_modified else {})}

    def behave(exchange: Exchange) -> None:
        asked = exchange.seen.headers
        if asked.get("if-none-match") == etag or (
            last_modified and asked.get("if-modified-since") == last_modified
        ):
            exchange.head(304, headers)
        else:
            exchange.answer(200, headers, body)

    return behave


def status(code: int, body: bytes = b"") -> Behaviour:
    return lambda exchange: exchange.answer(code, {}, body)


def throttled(retry_after: str | None = None, code: int = 429) -> Behaviour:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return lambda exchange: exchange.answer(code, headers, b"slow down")


def truncated(body: bytes, missing: int = 100) -> Behaviour:
    """Content-Length promises `missing` bytes more than come."""
    return lambda exchange: exchange.answer(200, {"Content-Length": str(len(body) + missing)}, body)


def chunks_cut(body: bytes, *, inside: bool = True) -> Behaviour:
    """A chunked body that ends inside a chunk, or between two without the last one."""

    def behave(exchange: Exchange) -> None:
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        exchange.send(
            b"%x\r\n%s" % (len(body) + (100 if inside else 0), body) + (b"" if inside else b"\r\n")
        )

    return behave


def gzip_cut(body: bytes) -> Behaviour:
    """A gzip stream that ends early although the lengths agree."""
    packed = gzip.compress(body)
    return lambda exchange: exchange.answer(
        200, {"Content-Encoding": "gzip"}, packed[: len(packed) // 2]
    )


def html() -> Behaviour:
    return plain(b"<!DOCTYPE html><html><body>We moved.</body></html>", content_type="text/html")


def empty_list() -> Behaviour:
    return plain(b"[]")


def latin1(text: str = '{"name": "caf\u00e9"}') -> Behaviour:
    """A body that says UTF-8 and is not."""
    return plain(text.encode("latin-1"), content_type="application/json; charset=utf-8")


def drip(pause: float = 0.05, *, headers_too: bool = False) -> Behaviour:
    """A byte at a time without end; each comes in time, the whole never does."""

    def behave(exchange: Exchange) -> None:
        if headers_too:
            exchange.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        else:
            exchange.head(200, {"Content-Length": "1000000"})
        while not exchange.closing.wait(pause):
            exchange.send(b"x")

    return behave


def hang() -> Behaviour:
    """Takes the request and never answers."""

    def behave(exchange: Exchange) -> None:
        exchange.closing.wait(60)

    return behave


def huge(megabytes: int = 100, *, announced: bool = False) -> Behaviour:
    """A body made while it is sent; with or without saying its size beforehand."""

    def behave(exchange: Exchange) -> None:
        length = {"Content-Length": str(megabytes * MEBIBYTE)} if announced else {}
        exchange.head(200, length)
        piece = b" " * MEBIBYTE
        for _ in range(megabytes):
            exchange.send(piece)

    return behave


def bomb(megabytes: int = 200) -> Behaviour:
    """A gzip body of about a thousandth of what it inflates to; sent as it is made."""

    def pieces() -> Iterator[bytes]:
        packer = zlib.compressobj(9, wbits=31)
        zeros = bytes(MEBIBYTE)
        for _ in range(megabytes):
            yield packer.compress(zeros)
        yield packer.flush()

    def behave(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Encoding": "gzip"})
        for piece in pieces():
            exchange.send(piece)

    return behave


def redirect(location: str, code: int = 302) -> Behaviour:
    """`location` may be relative; `{url}` in it is this server's address."""
    return lambda exchange: exchange.answer(
        code, {"Location": location.replace("{url}", exchange.server_url)}, b""
    )


def redirect_for_ever() -> Behaviour:
    """Each answer points to a new address, which does the same (register it for a path ending in
    *)."""

    def behave(exchange: Exchange) -> None:
        exchange.answer(302, {"Location": f"{exchange.seen.path}x"}, b"")

    return behave


def reset() -> Behaviour:
    """The connection is torn down as by a crashed server (RST), after part of an answer."""

    def behave(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Length": "1000"})
        exchange.send(b"[")
        exchange.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return behave


def nonsense() -> Behaviour:
    """Bytes that are no HTTP at all."""
    return lambda exchange: exchange.send(b"SSH-2.0-OpenSSH_9.9\r\n")


# --- the server -----------------------------------------------------------------------------------


class Loopback:
    """The server. `url` is its address without a slash; `requests` is what arrived, in order."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._routes: dict[str, list[Behaviour]] = {}
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.requests: list[Seen] = []

    def route(self, path: str, *behaviours: Behaviour) -> str:
        """What happens at `path` (a trailing * takes all that begin so): one behaviour per request,
        the last for ever.

        Returns the whole address.
        """
        with self._lock:
            self._routes[path] = list(behaviours)
        return self.url + path.rstrip("*")

    def __enter__(self) -> Self:
        thread = threading.Thread(target=self._accept, name="loopback", daemon=True)
        thread.start()
        self._threads.append(thread)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        # close() alone leaves accept() waiting on Linux.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for sock in self._open:
                _shut(sock)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(
                target=self._serve, args=(sock,), name="loopback connection", daemon=True
            )
            with self._lock:
                self._open.add(sock)
                self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        wire = sock
        try:
            if self._tls is not None:
                wire = self._tls.wrap_socket(sock, server_side=True)
            seen = _read_request(wire)
            if seen is not None:
                self._behaviour(seen)(Exchange(wire, seen, self._closing, self.url))
        except OSError:
            # The client went away, which is what many of these tests are about.
            pass
        finally:
            with self._lock:
                self._open.discard(sock)
            wire.close()

    def _behaviour(self, seen: Seen) -> Behaviour:
        path = seen.path.split("?", 1)[0]
        with self._lock:
            self.requests.append(seen)
            for route, waiting in self._routes.items():
                if path == route or (route.endswith("*") and path.startswith(route[:-1])):
                    return waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return status(404)


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It is gone already.
        return


def _read_request(sock: socket.socket) -> Seen | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            return None
        data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.strip().lower(): value.strip()
        for name, value in (line.split(":", 1) for line in lines)
    }
    while len(body) < int(headers.get("content-length", "0")):
        body += sock.recv(65536)
    method, path, _ = first.split(" ")
    return Seen(method, path, headers, body)
