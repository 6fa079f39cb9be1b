"""The socket of a call: opened to the very address that was checked, every step under the deadline, bytes counted."""

import base64
import socket
import ssl
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from apps.common.http.addresses import Address, lookup, port_of
from apps.common.http.calls import Deadline, OutboundFailed, OutboundRefused, Policy, TooLarge, too_large

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK = 64 * 1024


class _Socket(Protocol):
    def settimeout(self, value: float | None, /) -> None: ...
    def recv_into(self, buffer: "WriteableBuffer", /) -> int: ...
    def sendall(self, data: bytes, /) -> None: ...


class _Incoming(RawIOBase):
    """The receiving half of a socket, under the deadline and a byte limit."""

    def __init__(self, guarded: "GuardedSocket") -> None:
        self._guarded = guarded

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        return self._guarded.receive(buffer)


class GuardedSocket:
    """What http.client needs of a socket, each step under the deadline and all bytes counted."""

    def __init__(self, sock: _Socket, clock: Deadline, read_timeout: float, limit: int) -> None:
        self._socket = sock
        self._clock = clock
        self._read_timeout = read_timeout
        self._limit = limit
        self.received = 0

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(self._clock.within(self._read_timeout))
        self._socket.sendall(data)

    def receive(self, buffer: "WriteableBuffer") -> int:
        self._socket.settimeout(self._clock.within(self._read_timeout))
        count = self._socket.recv_into(buffer)
        self.received += count
        if self.received > self._limit:
            raise TooLarge(too_large(self._limit))
        return count

    def makefile(self, mode: str) -> BufferedReader:
        return BufferedReader(_Incoming(self), _CHUNK)

    def close(self) -> None:
        """Nothing: http.client closes here as soon as it has the headers, and the body is still to be read."""


def connected(addresses: list[Address], port: int, policy: Policy, clock: Deadline, host: str) -> socket.socket:
    """A TCP connection to the first address that answers."""
    problem: OSError | None = None
    for address in addresses:
        # Not socket.create_connection, which would ask the resolver again.
        sock = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.settimeout(clock.within(policy.connect_timeout))
            sock.connect((str(address), port))
        except OSError as error:
            sock.close()
            problem = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    reason = "did not answer in time" if isinstance(problem, TimeoutError) else f"cannot be reached ({problem})"
    raise OutboundFailed(f"{host} {reason}. It may be down, or a firewall stands between.")


def via_proxy(parts: SplitResult, policy: Policy, clock: Deadline) -> tuple[socket.socket, dict[str, str]]:
    """A connection to the proxy and the headers it wants; for https a tunnel is open already."""
    try:
        proxy = urlsplit(policy.proxy)
        port = proxy.port or 3128
    except ValueError:
        proxy, port = urlsplit(""), 0
    if proxy.scheme != "http" or not proxy.hostname:
        raise OutboundRefused("OUTBOUND_PROXY must read http://host:port.")
    headers: dict[str, str] = {}
    if proxy.username is not None:
        secret = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
        headers["Proxy-Authorization"] = "Basic " + base64.b64encode(secret).decode("ascii")
    addresses = lookup(proxy.hostname, port, clock, policy.connect_timeout)
    sock = connected(addresses, port, policy, clock, f"The proxy {proxy.hostname}")
    if parts.scheme == "http":
        return sock, headers
    try:
        _open_tunnel(sock, parts, headers, policy, clock)
    except BaseException:
        sock.close()
        raise
    return sock, {}


def _open_tunnel(
    sock: socket.socket, parts: SplitResult, headers: dict[str, str], policy: Policy, clock: Deadline
) -> None:
    authority = f"{host_for_wire(parts)}:{port_of(parts)}"
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    sock.settimeout(clock.within(policy.read_timeout))
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))
    reply = b""
    # Byte by byte: what follows the empty line belongs to TLS.
    while not reply.endswith(b"\r\n\r\n"):
        sock.settimeout(clock.within(policy.read_timeout))
        byte = sock.recv(1)
        if not byte or len(reply) > 16_384:
            raise OutboundFailed("The proxy closed the connection. Check OUTBOUND_PROXY.")
        reply += byte
    status = reply.split(b"\r\n", 1)[0].split(b" ")
    if len(status) < 2 or status[1] != b"200":
        raise OutboundFailed(f"The proxy refused a connection to {parts.hostname}. Ask who runs it to allow the host.")


def with_tls(sock: socket.socket, parts: SplitResult, policy: Policy, clock: Deadline) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=policy.ca_file or None)
    context.set_alpn_protocols(["http/1.1"])
    sock.settimeout(clock.within(policy.connect_timeout))
    return context.wrap_socket(sock, server_hostname=parts.hostname)


def host_for_wire(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if ":" in host:
        return f"[{host}]"
    try:
        return host.encode("ascii").decode("ascii")
    except UnicodeEncodeError:
        return host.encode("idna").decode("ascii")
