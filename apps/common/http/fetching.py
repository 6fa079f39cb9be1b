"""One call from its first address over redirects to a whole answer."""

import http.client
import logging
import os
import re
import socket
import ssl
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import cast
from urllib.parse import SplitResult, quote, unquote, urlunsplit

from apps.common.http.addresses import DEFAULT_PORTS, allowed_addresses, checked, origin_of, port_of, redirected, shown
from apps.common.http.bodies import body_of, inflated
from apps.common.http.calls import (
    Deadline,
    OutboundFailed,
    OutboundRefused,
    Policy,
    Request,
    Response,
    TooLarge,
    too_large,
)
from apps.common.http.connecting import GuardedSocket, connected, host_for_wire, via_proxy, with_tls

log = logging.getLogger(__name__)

# Status line and headers come on top of the body; http.client itself stops at 100 headers of 64 KiB.
_HEADER_ALLOWANCE = 256 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BODILESS = frozenset({204, 304})
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def fetch(request: Request, *, policy: Policy) -> Response:
    """Make the call, following redirects, within the policy.

    Raises OutboundRefused, OutboundFailed or TooLarge; any HTTP status, 4xx and 5xx included, is a Response.
    """
    started = time.monotonic()
    clock = Deadline(started + policy.deadline, policy.deadline)
    target = checked(request.url, trusted=request.trusted)
    if target.scheme == "file":
        return _read_file(target, request, policy, started)
    if request.method not in {"GET", "POST"}:
        raise OutboundRefused(f"Outbound calls are GET or POST, not {request.method}.")
    if not all(_HEADER_VALUE.fullmatch(value) for value in request.headers.values()):
        raise OutboundRefused("A header holds a line break or a character that cannot be sent. Correct its value.")
    origin = origin_of(target)
    trusted = request.trusted
    first = shown(target)
    for n_redirects in range(policy.max_redirects + 1):
        own_headers = request.headers if origin_of(target) == origin else {}
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
            raise OutboundFailed(f"{shown(target)} redirects without saying where to. Check the address in a browser.")
        # The operator vouched for the first address only.
        trusted = False
        target = redirected(target, location)
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


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    received: int


def _exchange(
    parts: SplitResult,
    request: Request,
    own_headers: Mapping[str, str],
    policy: Policy,
    clock: Deadline,
    *,
    trusted: bool,
) -> _Answer:
    """One request and its whole answer; every fault of the far side leaves as one of our three exceptions."""
    host = parts.hostname or ""
    sock: socket.socket | None = None
    try:
        if policy.proxy:
            _check_before_proxy(parts, policy, clock, trusted=trusted)
            sock, proxy_headers = via_proxy(parts, policy, clock)
        else:
            addresses = allowed_addresses(parts, policy, clock, trusted=trusted)
            sock, proxy_headers = connected(addresses, port_of(parts), policy, clock, host), {}
        if parts.scheme == "https":
            sock = with_tls(sock, parts, policy, clock)
        guarded = GuardedSocket(sock, clock, policy.read_timeout, policy.max_wire_bytes + _HEADER_ALLOWANCE)
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


def _check_before_proxy(parts: SplitResult, policy: Policy, clock: Deadline, *, trusted: bool) -> None:
    """Refuse what is visibly not public; a name that only the proxy can resolve is the proxy's to judge."""
    try:
        allowed_addresses(parts, policy, clock, trusted=trusted)
    except OutboundFailed:
        log.debug("outbound name left to the proxy", extra={"host": parts.hostname})


def _talk(
    guarded: GuardedSocket, parts: SplitResult, request: Request, extra: Mapping[str, str], policy: Policy
) -> _Answer:
    port = port_of(parts)
    host = host_for_wire(parts)
    connection = http.client.HTTPConnection(host, port)
    connection.sock = cast(socket.socket, guarded)
    path = quote(parts.path or "/", safe="%/:=&~+!$,;'@()*") + (f"?{_query(parts.query)}" if parts.query else "")
    if policy.proxy and parts.scheme == "http":
        path = f"http://{host}:{port}{path}"
    headers = {
        "Host": host if port == DEFAULT_PORTS[parts.scheme] else f"{host}:{port}",
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
    body = b"" if response.status in _BODILESS else body_of(response, received_headers, policy)
    return _Answer(response.status, received_headers, body, guarded.received)


def _query(query: str) -> str:
    return quote(query, safe="%/:=&?~+!$,;'@()*[]")


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
        raise TooLarge(too_large(policy.max_wire_bytes))
    body = inflated(iter([raw]), "gzip" if path.endswith(".gz") else "", policy.max_body_bytes)
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
