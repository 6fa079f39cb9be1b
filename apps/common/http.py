"""The one outbound HTTP client: every call the product makes to the outside goes through `fetch`.

It is built on the standard library because the two things that matter here stand below what HTTP libraries
offer: the socket is opened to the very address that was checked, and one deadline and one byte count hold
for everything that is read from it, headers included.

Nothing here knows settings: the caller passes a `Policy`. What goes wrong is one of three exceptions, each
with a sentence for people.
"""

import base64
import http.client
import ipaddress
import logging
import os
import re
import socket
import ssl
import stat
import threading
import time
import tomllib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit, urlunsplit

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

log = logging.getLogger(__name__)

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address
type Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MEBIBYTE = 1024 * 1024
_CHUNK = 64 * 1024
_LONGEST_URL = 8000
# Status line and headers come on top of the body; http.client itself stops at 100 headers of 64 KiB.
_HEADER_ALLOWANCE = 256 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BODILESS = frozenset({204, 304})
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Answers instance credentials on Azure although the address looks public.
_METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNUSUAL_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class OutboundError(Exception):
    """Whatever kept a call from succeeding; `str()` is a sentence for people."""


class OutboundRefused(OutboundError):
    """We did not make the call, or stopped at a redirect, because the address is not one we may go to."""


class OutboundFailed(OutboundError):
    """The call was made and did not yield a whole answer: network, time, TLS, truncation, encoding."""


class TooLarge(OutboundError):
    """The answer is larger than the policy allows; reading stopped there."""


def _version() -> str:
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    try:
        return str(tomllib.loads(project.read_text("utf-8"))["project"]["version"])
    except (OSError, KeyError, ValueError):
        return "0"


USER_AGENT = f"foundation-registry/{_version()}"


@dataclass(frozen=True, slots=True)
class Policy:
    """What an outbound call may do.

    allowed_networks: networks the operator opened although they are not public. `connect_timeout` and
    `read_timeout` are seconds per step, `deadline` is seconds for the whole call with its redirects.
    `max_wire_bytes` holds for what is received, `max_body_bytes` for it once inflated. `proxy` is
    `http://[user:password@]host:port`; proxies of the environment are never used. With a proxy the far
    address is chosen by the proxy, so that only addresses visible from here can be checked. `ca_file` adds
    no trust, it replaces the system's list.
    """

    allowed_networks: tuple[Network, ...] = ()
    connect_timeout: float = 10.0
    read_timeout: float = 20.0
    deadline: float = 60.0
    max_wire_bytes: int = 32 * MEBIBYTE
    max_body_bytes: int = 64 * MEBIBYTE
    max_redirects: int = 5
    proxy: str = ""
    ca_file: str = ""
    user_agent: str = USER_AGENT


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `trusted` says that the operator gave the address: it may be private or a `file:`.

    `etag` and `last_modified` make the call conditional. `headers` are for the first host only: they are
    dropped when a redirect leaves it. A POST never follows redirects; the 3xx is the response.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    etag: str | None = None
    last_modified: str | None = None
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer, whatever its status. `headers` has lower-case names; `url` is the last one asked.

    `retry_after` is in seconds from now. `bytes_on_wire` counts everything received from the last host,
    headers and framing included; `body` is inflated. A `file:` answers as 200 without validators.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    retry_after: int | None
    etag: str | None
    last_modified: str | None
    elapsed_seconds: float
    bytes_on_wire: int


def parse_networks(text: str) -> tuple[Network, ...]:
    """Networks from a comma or space separated list such as `10.0.0.0/8 fd00::/8`; ValueError with a sentence."""
    networks: list[Network] = []
    for word in re.split(r"[,\s]+", text.strip()):
        if not word:
            continue
        try:
            networks.append(ipaddress.ip_network(word))
        except ValueError:
            raise ValueError(f"'{word}' is not a network such as 10.0.0.0/8 or 192.0.2.7/32.") from None
    return tuple(networks)


def fetch(request: Request, *, policy: Policy) -> Response:
    """Make the call, following redirects, within the policy.

    Raises OutboundRefused, OutboundFailed or TooLarge; any HTTP status, 4xx and 5xx included, is a Response.
    """
    started = time.monotonic()
    clock = _Deadline(started + policy.deadline, policy.deadline)
    target = _checked(request.url, trusted=request.trusted)
    if target.scheme == "file":
        return _read_file(target, request, policy, started)
    if request.method not in {"GET", "POST"}:
        raise OutboundRefused(f"Outbound calls are GET or POST, not {request.method}.")
    if not all(_HEADER_VALUE.fullmatch(value) for value in request.headers.values()):
        raise OutboundRefused("A header holds a line break or a character that cannot be sent. Correct its value.")
    origin = _origin(target)
    trusted = request.trusted
    first = _shown(target)
    for n_redirects in range(policy.max_redirects + 1):
        own_headers = request.headers if _origin(target) == origin else {}
        try:
            answer = _exchange(target, request, own_headers, policy, clock, trusted=trusted)
        except OutboundRefused as refused:
            if not n_redirects:
                raise
            raise OutboundRefused(f"{first} redirects to an address that is refused. {refused}") from refused
        location = answer.headers.get("location")
        if answer.status not in _REDIRECTS or request.method != "GET":
            return _response(answer, target, started)
        if not location:
            raise OutboundFailed(f"{_shown(target)} redirects without saying where to. Check the address in a browser.")
        # The operator vouched for the first address only.
        trusted = False
        target = _next(target, location)
    raise OutboundRefused(
        f"{first} redirects more than {policy.max_redirects} times. Enter the address it should end at."
    )


def retry_after_seconds(value: str | None, now: datetime) -> int | None:
    """Seconds of a Retry-After header, which holds seconds or an HTTP date (RFC 9110, 10.2.3).

    Never negative; None for nonsense.
    """
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return int(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, int((moment - now).total_seconds()))


# --- addresses -------------------------------------------------------------------------------------------


def check_address(url: str) -> None:
    """Refuse an address that a person typed before it is kept. Raises OutboundRefused; where it leads is checked at
    each call."""
    _checked(url, trusted=False)


def _checked(url: str, *, trusted: bool) -> SplitResult:
    """The parts of a URL we are willing to look at; OutboundRefused otherwise."""
    if len(url) > _LONGEST_URL or _UNUSUAL_IN_URL.search(url):
        raise OutboundRefused("The address is too long or holds spaces, control characters or backslashes. Correct it.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise OutboundRefused(f"'{url[:60]}' is not a web address. Write it as https://host/path.") from None
    if parts.scheme == "file":
        if not trusted:
            raise OutboundRefused(f"'{url}' is a file on this machine; only the operator may name one.")
        return parts
    if parts.scheme not in _DEFAULT_PORTS:
        raise OutboundRefused(f"'{_shown(parts)}' is not an http or https address. Write it as https://host/path.")
    if parts.username is not None or parts.password is not None:
        raise OutboundRefused("The address carries a user name or password. Remove the part before the @.")
    if not parts.hostname or port == 0:
        raise OutboundRefused(f"'{_shown(parts)}' names no host. Write it as https://host/path.")
    return parts


def _next(current: SplitResult, location: str) -> SplitResult:
    """Where a redirect leads, refused where it is a step down in safety."""
    # Servers send unescaped spaces and non-ASCII here; browsers escape them, and so do we.
    absolute = urljoin(urlunsplit(current), quote(location.strip(), safe="%/:=&?~#+!$,;'@()*[]"))
    target = _checked(absolute, trusted=False)
    if current.scheme == "https" and target.scheme == "http":
        raise OutboundRefused(
            f"{_shown(current)} redirects from https to plain http ({_shown(target)}). Enter an https address."
        )
    return target


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", _port(parts)


def _port(parts: SplitResult) -> int:
    return parts.port or _DEFAULT_PORTS[parts.scheme]


def _shown(parts: SplitResult) -> str:
    """An address as messages show it: without user, password and query, which may hold secrets."""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where a gateway would translate it; else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    # ::a.b.c.d was once "IPv4-compatible"; ::1 and :: are themselves.
    if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def forbidden(address: Address, policy: Policy, *, trusted: bool) -> str | None:
    """Why we may not connect there, as a word or two; None if we may.

    A trusted address may be private or this machine. Link-local (where clouds keep credentials), multicast
    and reserved addresses have no service an operator means, so that they need `allowed_networks`.
    """
    address = _embedded(address)
    if any(address.version == network.version and address in network for network in policy.allowed_networks):
        return None
    if address in _METADATA or address.is_link_local:
        return "a link-local or cloud metadata address"
    if address.is_multicast:
        return "a multicast address"
    if address.is_unspecified:
        return "an unspecified address"
    if address.is_loopback:
        return None if trusted else "this machine itself"
    if address.is_reserved or (isinstance(address, ipaddress.IPv6Address) and address.is_site_local):
        return "a reserved address"
    if not address.is_global:
        return None if trusted else "a private address"
    return None


def _lookup(host: str, port: int, clock: "_Deadline", seconds: float) -> list[Address]:
    """All addresses of a host, asked once. `getaddrinfo` knows no timeout, hence the thread left behind."""
    found: list[Address] = []
    trouble: list[OSError | UnicodeError] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            trouble.append(error)
            return
        for answer in answers:
            address = ipaddress.ip_address(str(answer[4][0]))
            if address not in found:
                found.append(address)

    thread = threading.Thread(target=ask, name=f"lookup {host}", daemon=True)
    thread.start()
    thread.join(clock.within(seconds))
    if thread.is_alive():
        raise OutboundFailed(f"The name {host} could not be looked up in time. Check the machine's DNS.")
    if trouble or not found:
        raise OutboundFailed(f"The name {host} does not resolve. Check its spelling and the machine's DNS.")
    return found


def _allowed_addresses(parts: SplitResult, policy: Policy, clock: "_Deadline", *, trusted: bool) -> list[Address]:
    """The addresses of a host that may be connected to; OutboundRefused if there is none."""
    host = parts.hostname or ""
    reasons: list[str] = []
    allowed: list[Address] = []
    for address in _lookup(host, _port(parts), clock, policy.connect_timeout):
        reason = forbidden(address, policy, trusted=trusted)
        if reason is None:
            allowed.append(address)
        else:
            reasons.append(reason)
    if not allowed:
        raise OutboundRefused(
            f"{host} is {reasons[0]}, and calls go to public addresses only. "
            "The operator can open a network with OUTBOUND_ALLOWED_NETWORKS."
        )
    return allowed


# --- the connection --------------------------------------------------------------------------------------


class _Deadline:
    """The moment by which all must be done, on the monotonic clock."""

    def __init__(self, at: float, seconds: float) -> None:
        self.at = at
        self.seconds = seconds

    def within(self, seconds: float) -> float:
        """Seconds to wait for the next step: `seconds`, or less where the deadline is nearer."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise self.passed()
        return min(seconds, left)

    def passed(self) -> OutboundFailed:
        return OutboundFailed(
            f"The answer was not complete after {self.seconds:g} seconds. The other side is too slow; try later."
        )


class _Socket(Protocol):
    def settimeout(self, value: float | None, /) -> None: ...
    def recv_into(self, buffer: "WriteableBuffer", /) -> int: ...
    def sendall(self, data: bytes, /) -> None: ...


class _Incoming(RawIOBase):
    """The receiving half of a socket, under the deadline and a byte limit."""

    def __init__(self, guarded: "_GuardedSocket") -> None:
        self._guarded = guarded

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        return self._guarded.receive(buffer)


class _GuardedSocket:
    """What http.client needs of a socket, each step under the deadline and all bytes counted."""

    def __init__(self, sock: _Socket, clock: _Deadline, read_timeout: float, limit: int) -> None:
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
            raise TooLarge(_too_large(self._limit))
        return count

    def makefile(self, mode: str) -> BufferedReader:
        return BufferedReader(_Incoming(self), _CHUNK)

    def close(self) -> None:
        """Nothing: http.client closes here as soon as it has the headers, and the body is still to be read."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    received: int


def _too_large(limit: int) -> str:
    size = f"{limit / MEBIBYTE:.0f} MiB" if limit >= MEBIBYTE else f"{limit} bytes"
    return f"The answer is larger than the {size} allowed for it; reading stopped. Check that the address is right."


def _connect(addresses: list[Address], port: int, policy: Policy, clock: _Deadline, host: str) -> socket.socket:
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


def _via_proxy(parts: SplitResult, policy: Policy, clock: _Deadline) -> tuple[socket.socket, dict[str, str]]:
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
    addresses = _lookup(proxy.hostname, port, clock, policy.connect_timeout)
    sock = _connect(addresses, port, policy, clock, f"The proxy {proxy.hostname}")
    if parts.scheme == "http":
        return sock, headers
    try:
        _open_tunnel(sock, parts, headers, policy, clock)
    except BaseException:
        sock.close()
        raise
    return sock, {}


def _open_tunnel(
    sock: socket.socket, parts: SplitResult, headers: dict[str, str], policy: Policy, clock: _Deadline
) -> None:
    authority = f"{_host_for_wire(parts)}:{_port(parts)}"
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


def _tls(sock: socket.socket, parts: SplitResult, policy: Policy, clock: _Deadline) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=policy.ca_file or None)
    context.set_alpn_protocols(["http/1.1"])
    sock.settimeout(clock.within(policy.connect_timeout))
    return context.wrap_socket(sock, server_hostname=parts.hostname)


def _host_for_wire(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if ":" in host:
        return f"[{host}]"
    try:
        return host.encode("ascii").decode("ascii")
    except UnicodeEncodeError:
        return host.encode("idna").decode("ascii")


def _exchange(
    parts: SplitResult,
    request: Request,
    own_headers: Mapping[str, str],
    policy: Policy,
    clock: _Deadline,
    *,
    trusted: bool,
) -> _Answer:
    """One request and its whole answer; every fault of the far side leaves as one of our three exceptions."""
    host = parts.hostname or ""
    sock: socket.socket | None = None
    try:
        if policy.proxy:
            _check_before_proxy(parts, policy, clock, trusted=trusted)
            sock, proxy_headers = _via_proxy(parts, policy, clock)
        else:
            addresses = _allowed_addresses(parts, policy, clock, trusted=trusted)
            sock, proxy_headers = _connect(addresses, _port(parts), policy, clock, host), {}
        if parts.scheme == "https":
            sock = _tls(sock, parts, policy, clock)
        guarded = _GuardedSocket(sock, clock, policy.read_timeout, policy.max_wire_bytes + _HEADER_ALLOWANCE)
        return _talk(guarded, parts, request, {**own_headers, **proxy_headers}, policy)
    except ssl.SSLCertVerificationError as error:
        raise OutboundFailed(
            f"The certificate of {host} is not valid ({error.verify_message}). "
            "Check the address and this machine's clock."
        ) from None
    except TimeoutError:
        # The last wait is as long as what is left, so that it ends at the deadline, give or take a tick.
        if time.monotonic() > clock.at - 0.01:
            raise clock.passed() from None
        raise OutboundFailed(f"{host} stopped answering. It may be overloaded; try later.") from None
    except (http.client.IncompleteRead, http.client.RemoteDisconnected, ConnectionError, ssl.SSLEOFError):
        raise OutboundFailed(f"{host} broke the connection off before the answer was complete. Try later.") from None
    except (http.client.HTTPException, ssl.SSLError, OSError, ValueError) as error:
        raise OutboundFailed(
            f"{host} does not speak proper HTTP ({str(error) or type(error).__name__}). Try later."
        ) from None
    finally:
        if sock is not None:
            sock.close()


def _check_before_proxy(parts: SplitResult, policy: Policy, clock: _Deadline, *, trusted: bool) -> None:
    """Refuse what is visibly not public; a name that only the proxy can resolve is the proxy's to judge."""
    try:
        _allowed_addresses(parts, policy, clock, trusted=trusted)
    except OutboundFailed:
        log.debug("outbound name left to the proxy", extra={"host": parts.hostname})


def _talk(
    guarded: _GuardedSocket, parts: SplitResult, request: Request, extra: Mapping[str, str], policy: Policy
) -> _Answer:
    port = _port(parts)
    host = _host_for_wire(parts)
    connection = http.client.HTTPConnection(host, port)
    connection.sock = cast(socket.socket, guarded)
    path = quote(parts.path or "/", safe="%/:=&~+!$,;'@()*") + (f"?{_query(parts.query)}" if parts.query else "")
    if policy.proxy and parts.scheme == "http":
        path = f"http://{host}:{port}{path}"
    headers = {
        "Host": host if port == _DEFAULT_PORTS[parts.scheme] else f"{host}:{port}",
        "User-Agent": policy.user_agent,
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate",
        "Connection": "close",
    }
    if request.etag:
        headers["If-None-Match"] = request.etag
    if request.last_modified:
        headers["If-Modified-Since"] = request.last_modified
    if request.method == "POST":
        headers["Content-Length"] = str(len(request.body or b""))
    fixed = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "user-agent"}
    headers.update({name: value for name, value in extra.items() if name.lower() not in fixed})
    connection.putrequest(request.method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(request.body if request.method == "POST" else None)
    response = connection.getresponse()
    received_headers = {name.lower(): " ".join(value.split()) for name, value in response.headers.items()}
    body = b"" if response.status in _BODILESS else _body(response, received_headers, policy)
    return _Answer(response.status, received_headers, body, guarded.received)


def _query(query: str) -> str:
    return quote(query, safe="%/:=&?~+!$,;'@()*[]")


# --- bodies ----------------------------------------------------------------------------------------------


def _body(response: http.client.HTTPResponse, headers: Mapping[str, str], policy: Policy) -> bytes:
    """The inflated body, or OutboundFailed where it ends early."""
    if response.length is not None and response.length > policy.max_wire_bytes:
        raise TooLarge(_too_large(policy.max_wire_bytes))
    encoding = headers.get("content-encoding", "").lower()
    body = _inflated(_wire(response, policy), encoding, policy.max_body_bytes)
    # http.client counts down what Content-Length promised, and says nothing when the rest never comes.
    if response.length:
        raise OutboundFailed(f"The answer ended {response.length} bytes early. Try later.")
    return body


def _wire(response: http.client.HTTPResponse, policy: Policy) -> Iterator[bytes]:
    count = 0
    while piece := response.read(_CHUNK):
        count += len(piece)
        if count > policy.max_wire_bytes:
            raise TooLarge(_too_large(policy.max_wire_bytes))
        yield piece


def _inflated(pieces: Iterator[bytes], encoding: str, limit: int) -> bytes:
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
            raise TooLarge(_too_large(limit))
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


def _read_file(parts: SplitResult, request: Request, policy: Policy, started: float) -> Response:
    """A file of this machine under the same limits; `.gz` is inflated, as a server would have sent it."""
    if parts.netloc not in {"", "localhost"}:
        raise OutboundRefused(f"'{request.url}' names a file on another machine. Write file:///path.")
    if request.method != "GET":
        raise OutboundRefused("A file can be read, not posted to.")
    path = unquote(parts.path)
    try:
        # A pipe or device would block or never end.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise OutboundFailed(f"{path} is not a plain file.")
        with open(path, "rb") as stream:
            raw = stream.read(policy.max_wire_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such path"
        raise OutboundFailed(f"{path} cannot be read: {reason}. Check the path and its permissions.") from None
    if len(raw) > policy.max_wire_bytes:
        raise TooLarge(_too_large(policy.max_wire_bytes))
    body = _inflated(iter([raw]), "gzip" if path.endswith(".gz") else "", policy.max_body_bytes)
    return Response(
        status=200,
        headers={},
        body=body,
        url=request.url,
        retry_after=None,
        etag=None,
        last_modified=None,
        elapsed_seconds=time.monotonic() - started,
        bytes_on_wire=len(raw),
    )


def _response(answer: _Answer, target: SplitResult, started: float) -> Response:
    return Response(
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        url=urlunsplit(target),
        retry_after=retry_after_seconds(answer.headers.get("retry-after"), datetime.now(UTC)),
        etag=answer.headers.get("etag") or None,
        last_modified=answer.headers.get("last-modified") or None,
        elapsed_seconds=time.monotonic() - started,
        bytes_on_wire=answer.received,
    )
