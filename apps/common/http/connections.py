"""Connections of urllib3 to exactly the address that was checked, with one deadline and one byte
limit."""

import re
import socket
import ssl
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import SplitResult, urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection

from apps.common.http.addresses import (
    Address,
    allowed_addresses,
    ascii_host,
    check_before_proxy,
    port_of,
    resolve_host,
)
from apps.common.http.calls import (
    Deadline,
    OutboundFailedError,
    Policy,
    ResponseTooLargeError,
    response_too_large,
)

# allowance for status line, headers and framing, on top of the body
_HEADER_ALLOWANCE = 256 * 1024


@dataclass(slots=True)
class Bounds:
    """The limits of one connection. `received` counts bytes; with TLS, the decrypted ones."""

    deadline: Deadline
    read_timeout: float
    max_bytes: int
    received: int = 0


class BoundedSocket(socket.socket):
    """A socket on which no operation waits beyond the deadline, and which counts the bytes it
    receives."""

    bounds: Bounds

    def recv_into(self, *args: Any) -> int:
        self._limit_wait()
        count = super().recv_into(*args)
        self.bounds.received += count
        if self.bounds.received > self.bounds.max_bytes:
            raise ResponseTooLargeError(
                response_too_large(self.bounds.max_bytes - _HEADER_ALLOWANCE)
            )
        return count

    def send(self, *args: Any) -> int:
        self._limit_wait()
        return super().send(*args)

    def sendall(self, *args: Any) -> None:
        self._limit_wait()
        super().sendall(*args)

    def _limit_wait(self) -> None:
        self.settimeout(self.bounds.deadline.within(self.bounds.read_timeout))


class BoundedTLSSocket(BoundedSocket, ssl.SSLSocket):
    """A bounded socket with TLS; the handshake waits no longer than the socket below it."""


class BoundedConnection(HTTPConnection):
    """A connection to the first of `addresses` that accepts one. urllib3 makes no DNS lookup, and
    uses no proxy of the environment."""

    bounds: Bounds
    addresses: list[Address]
    connect_timeout: float
    peer: str

    def connect(self) -> None:
        super().connect()
        assert isinstance(self.sock, BoundedSocket)
        self.sock.bounds = self.bounds

    def _new_conn(self) -> socket.socket:
        """Return a socket connected to the first address that accepts one, each within the connect
        timeout. Raises OutboundFailedError if none does."""
        problem: OSError | None = None
        for address in self.addresses:
            family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
            sock = BoundedSocket(family, socket.SOCK_STREAM)
            sock.bounds = self.bounds
            try:
                sock.settimeout(self.bounds.deadline.within(self.connect_timeout))
                sock.connect((str(address), self.port))
                # time limit for the TLS handshake
                sock.settimeout(self.bounds.deadline.within(self.connect_timeout))
            except OSError as error:
                sock.close()
                problem = error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        if isinstance(problem, TimeoutError):
            raise OutboundFailedError(
                f"{self.peer} did not respond in time. It might be down, or a firewall might block "
                "the connection."
            )
        raise OutboundFailedError(
            f"{self.peer} cannot be reached ({problem}). It might be down, or a firewall might "
            "block the connection."
        )

    def _tunnel(self) -> None:
        host = self._tunnel_host
        try:
            super()._tunnel()
        except TimeoutError:
            raise
        except (OSError, HTTPException, ValueError) as error:
            raise _explain_tunnel_refusal(host, str(error)) from None


class BoundedTLSConnection(BoundedConnection, HTTPSConnection):
    """A bounded connection with TLS, whose certificate is verified for the requested name."""


def connection_to(
    url_parts: SplitResult, policy: Policy, deadline: Deadline, *, trusted: bool
) -> BoundedConnection:
    """Return an unopened connection to an address of the host that the policy allows, or to the
    proxy. `trusted`: the operator configured the host, so it may be in a private network. Raises
    OutboundRefusedError and OutboundFailedError."""
    is_tls = url_parts.scheme == "https"
    tls: dict[str, Any] = {"ssl_context": _tls_context(policy)} if is_tls else {}
    kind = BoundedTLSConnection if is_tls else BoundedConnection
    return _prepare(kind, url_parts, policy, deadline, trusted=trusted, tunnels=is_tls, **tls)


def tls_socket_to(
    host: str, port: int, policy: Policy, deadline: Deadline, *, trusted: bool
) -> BoundedTLSSocket:
    """Return a connected TLS socket for a protocol other than HTTP, under the rules of outbound
    calls: checked address, the proxy's tunnel, verified certificate, deadline and byte limit.
    Raises OutboundRefusedError and OutboundFailedError."""
    url_parts = urlsplit(f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}")
    connection = _prepare(
        BoundedConnection, url_parts, policy, deadline, trusted=trusted, tunnels=True
    )
    connection.connect()
    plain_socket = connection.sock
    try:
        tls_socket = _tls_context(policy).wrap_socket(
            plain_socket, server_hostname=ascii_host(url_parts)
        )
    except ssl.SSLCertVerificationError as error:
        connection.close()
        raise OutboundFailedError(
            f"The certificate of {host} is not valid ({error.verify_message}). Check the name of "
            "the host and the clock of the server."
        ) from None
    except OSError as error:
        connection.close()
        raise OutboundFailedError(
            f"No secure connection to {host} could be made ({error.strerror or error}). Check that "
            "the port uses TLS."
        ) from None
    assert isinstance(tls_socket, BoundedTLSSocket)
    tls_socket.bounds = connection.bounds
    return tls_socket


def _prepare[C: BoundedConnection](
    kind: type[C],
    url_parts: SplitResult,
    policy: Policy,
    deadline: Deadline,
    *,
    trusted: bool,
    tunnels: bool,
    **tls: Any,
) -> C:
    """Return an unopened connection with its addresses and bounds; `tunnels`: a proxy passes the
    bytes on as they are."""
    host, port = ascii_host(url_parts), port_of(url_parts)
    proxy = policy.proxy_for(host, port)
    if proxy is None:
        connection = kind(host, port, **tls)
        connection.peer = host
        connection.addresses = allowed_addresses(url_parts, policy, deadline, trusted=trusted)
    else:
        check_before_proxy(url_parts, policy, deadline, trusted=trusted)
        connection = kind(proxy.host, proxy.port, **tls)
        connection.peer = f"The proxy {proxy.host}"
        connection.addresses = resolve_host(
            proxy.host, proxy.port, deadline, policy.connect_timeout
        )
        if tunnels:
            connection.set_tunnel(host, port, headers=proxy.headers)
    connection.connect_timeout = policy.connect_timeout
    connection.bounds = Bounds(
        deadline, policy.read_timeout, policy.max_wire_bytes + _HEADER_ALLOWANCE
    )
    return connection


def _tls_context(policy: Policy) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=policy.ca_file or None)
    context.sslsocket_class = BoundedTLSSocket
    return context


def _explain_tunnel_refusal(host: str | None, proxy_error: str) -> OutboundFailedError:
    """Return the error for a tunnel that the proxy refused; of the proxy's response only the status
    is repeated."""
    status = re.search(r"failed: (\d{3})\b", proxy_error)
    if status is None:
        return OutboundFailedError(
            "The proxy closed the connection or is not an HTTP proxy. Check OUTBOUND_PROXY."
        )
    if status[1] == "407":
        return proxy_login_refused()
    return OutboundFailedError(
        f"The proxy rejected a connection to {host} (status {status[1]}). Ask its "
        "operator to allow the host."
    )


def proxy_login_refused() -> OutboundFailedError:
    return OutboundFailedError(
        "The proxy rejected the username or password in OUTBOUND_PROXY (status 407). Correct them."
    )
