"""`fetch`: makes an outbound call, following redirects, and returns the complete response."""

import os
import re
import ssl
import stat
import time
from collections.abc import Mapping
from http.client import HTTPException
from io import BytesIO
from urllib.parse import SplitResult, quote, unquote, urlunsplit

from urllib3.exceptions import HTTPError, IncompleteRead, ProtocolError, ReadTimeoutError

from apps.common.http.addresses import (
    DEFAULT_PORTS,
    ascii_host,
    checked_url,
    origin_of,
    port_of,
    redirect_target,
    safe_url,
)
from apps.common.http.bodies import read_body
from apps.common.http.calls import (
    Deadline,
    OutboundFailedError,
    OutboundRefusedError,
    Policy,
    Request,
    Response,
    ResponseTooLargeError,
    response_too_large,
)
from apps.common.http.connections import BoundedConnection, connection_to, proxy_login_refused

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BODILESS = frozenset({204, 304})
_PROXY_LOGIN_REQUIRED = 407
# headers that callers cannot set: they frame the request or belong to this client
_RESERVED_HEADERS = re.compile(
    "host|connection|content-length|transfer-encoding|accept-encoding|user-agent|proxy-authorization",
    re.IGNORECASE,
)
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_SAFE_IN_PATH = "%/:=&~+!$,;'@()*"
_SAFE_IN_QUERY = _SAFE_IN_PATH + "?[]"


def fetch(request: Request, *, policy: Policy) -> Response:
    """Make the call, following redirects, within the policy.

    Raises OutboundRefusedError, OutboundFailedError or ResponseTooLargeError; any HTTP status, 4xx
    and 5xx included, is a Response.
    """
    deadline = Deadline(policy.deadline)
    target = checked_url(request.url, trusted=request.trusted)
    if target.scheme == "file":
        return _read_file(target, request, policy)
    if request.method not in {"GET", "POST"}:
        raise OutboundRefusedError(f"Outbound requests use GET or POST, not {request.method}.")
    if not all(_HEADER_VALUE.fullmatch(value) for value in request.headers.values()):
        raise OutboundRefusedError(
            "A header contains a line break or a character that cannot be sent. Correct its value."
        )
    origin = origin_of(target)
    trusted = request.trusted
    original_url = safe_url(target)
    for n_redirects in range(policy.max_redirects + 1):
        headers = request.headers if origin_of(target) == origin else {}
        try:
            response = _exchange(target, request, headers, policy, deadline, trusted=trusted)
        except OutboundRefusedError as error:
            if not n_redirects:
                raise
            raise OutboundRefusedError(
                f"{original_url} redirects to a URL that is not allowed. {error}"
            ) from error
        if response.status not in _REDIRECTS or request.method != "GET":
            return response
        location = response.headers.get("location")
        if not location:
            raise OutboundFailedError(
                f"{safe_url(target)} redirects without a target. Check the URL in a browser."
            )
        # Only the first address was configured by the operator.
        trusted = False
        target = redirect_target(target, location)
    raise OutboundRefusedError(
        f"{original_url} redirects more than {policy.max_redirects} times. Enter the final URL."
    )


def _exchange(
    url_parts: SplitResult,
    request: Request,
    headers: Mapping[str, str],
    policy: Policy,
    deadline: Deadline,
    *,
    trusted: bool,
) -> Response:
    """Send one request and read its complete response; every fault of the server or network is
    raised as one of the three exceptions. `trusted`: the operator configured this URL."""
    host = url_parts.hostname or ""
    connection: BoundedConnection | None = None
    try:
        connection = connection_to(url_parts, policy, deadline, trusted=trusted)
        return _send_request(connection, url_parts, request, headers, policy)
    except ssl.SSLCertVerificationError as error:
        raise OutboundFailedError(
            f"The certificate of {host} is not valid ({error.verify_message}). Check the URL "
            "and the clock of the server."
        ) from None
    except (TimeoutError, ReadTimeoutError):
        # The last wait is as long as the time left, so that it ends at the deadline, give or take a
        # clock tick.
        if time.monotonic() > deadline.at - 0.01:
            raise deadline.passed() from None
        raise OutboundFailedError(
            f"{host} stopped responding. It might be overloaded. Try again later."
        ) from None
    except (ProtocolError, ConnectionError, ssl.SSLEOFError) as error:
        cause = error.args[-1] if error.args else None
        if isinstance(cause, IncompleteRead):
            raise OutboundFailedError(
                f"The response ended {cause.expected} bytes early. Try again later."
            ) from None
        raise OutboundFailedError(
            f"{host} closed the connection before the response was complete. Try again later."
        ) from None
    except (HTTPException, HTTPError, OSError, ValueError) as error:
        raise OutboundFailedError(
            f"{host} sent an invalid HTTP response ({str(error) or type(error).__name__}). "
            "Try again later."
        ) from None
    finally:
        if connection is not None:
            connection.close()


def _send_request(
    connection: BoundedConnection,
    url_parts: SplitResult,
    request: Request,
    own_headers: Mapping[str, str],
    policy: Policy,
) -> Response:
    """Send the request over `connection` and return the complete, decompressed response.
    `own_headers` are the caller's; reserved ones among them are dropped. Errors of the connection
    are raised as they are."""
    host, port = ascii_host(url_parts), port_of(url_parts)
    authority = f"[{host}]" if ":" in host else host
    path = quote(url_parts.path or "/", safe=_SAFE_IN_PATH)
    if url_parts.query:
        path += f"?{quote(url_parts.query, safe=_SAFE_IN_QUERY)}"
    headers = {
        "Host": authority if port == DEFAULT_PORTS[url_parts.scheme] else f"{authority}:{port}",
        "User-Agent": policy.user_agent,
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate",
        "Connection": "close",
    }
    if request.etag:
        headers["If-None-Match"] = request.etag
    if request.last_modified:
        headers["If-Modified-Since"] = request.last_modified
    headers |= {
        name: value for name, value in own_headers.items() if not _RESERVED_HEADERS.fullmatch(name)
    }
    # https uses a tunnel, which only the connection sees
    proxy = policy.proxy_for(host, port) if url_parts.scheme == "http" else None
    if proxy is not None:
        path = f"http://{authority}:{port}{path}"
        headers |= proxy.headers
    body = request.body if request.method == "POST" else None
    # decompressed by read_body, which notices a stream that ends early
    connection.request(
        request.method, path, body, headers, preload_content=False, decode_content=False
    )
    with connection.getresponse() as response:
        if proxy is not None and response.status == _PROXY_LOGIN_REQUIRED:
            raise proxy_login_refused()
        if (response.length_remaining or 0) > policy.max_wire_bytes:
            raise ResponseTooLargeError(response_too_large(policy.max_wire_bytes))
        response_headers = {
            name.lower(): " ".join(value.split()) for name, value in response.headers.items()
        }
        encoding = (
            ""
            if response.status in _BODILESS
            else response_headers.get("content-encoding", "").lower()
        )
        content = read_body(response, encoding, policy.max_body_bytes)
    return Response(
        response.status,
        response_headers,
        content,
        urlunsplit(url_parts),
        connection.bounds.received,
    )


def _read_file(url_parts: SplitResult, request: Request, policy: Policy) -> Response:
    """Read a local file under the same limits; `.gz` is decompressed, as if a server had sent it
    compressed."""
    if url_parts.netloc not in {"", "localhost"}:
        raise OutboundRefusedError(
            f"'{request.url}' is a file on another machine. Enter file:///path."
        )
    if request.method != "GET":
        raise OutboundRefusedError("A file can only be read. Use GET.")
    path = unquote(url_parts.path)
    try:
        # A pipe or device could block or never end.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise OutboundFailedError(f"{path} is not a regular file. Enter the path of a file.")
        with open(path, "rb") as stream:
            raw = stream.read(policy.max_wire_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such path"
        raise OutboundFailedError(
            f"{path} cannot be read: {reason}. Check the path and its permissions."
        ) from None
    if len(raw) > policy.max_wire_bytes:
        raise ResponseTooLargeError(response_too_large(policy.max_wire_bytes))
    body = read_body(BytesIO(raw), "gzip" if path.endswith(".gz") else "", policy.max_body_bytes)
    return Response(200, {}, body, request.url, len(raw))
