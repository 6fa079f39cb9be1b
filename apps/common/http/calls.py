"""Types of an outbound call: request, policy, deadline, response and errors."""

import re
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from apps.common.http.proxies import Network, Proxy

MEBIBYTE = 1024 * 1024


class OutboundError(Exception):
    """Base of the errors of outbound calls; `str()` is a sentence for users."""


class OutboundRefusedError(OutboundError):
    """The call was not made, or stopped at a redirect, because the policy does not allow the
    address."""


class OutboundFailedError(OutboundError):
    """The call was made but did not return a complete response, because of network, timeout, TLS,
    truncation or encoding."""


class ResponseTooLargeError(OutboundError):
    """The response is larger than the policy allows; reading stopped at the limit."""


def response_too_large(limit: int) -> str:
    size = f"{limit / MEBIBYTE:.0f} MiB" if limit >= MEBIBYTE else f"{limit} bytes"
    return f"The response is larger than the allowed {size}. Check that the URL is correct."


def _version() -> str:
    project = Path(__file__).resolve().parents[3] / "pyproject.toml"
    try:
        return str(tomllib.loads(project.read_text("utf-8"))["project"]["version"])
    except (OSError, KeyError, ValueError):
        return "0"


USER_AGENT = f"foundation-registry/{_version()}"


@dataclass(frozen=True, slots=True)
class Policy:
    """What an outbound call is allowed to do.

    allowed_networks: networks that the operator allows although they are not public.
    `connect_timeout` and `read_timeout` are seconds per step, `deadline` is seconds for the whole
    call with its redirects. `max_wire_bytes` limits what is received (256 KiB more for headers and
    framing), `max_body_bytes` the decompressed body. Proxy settings of the environment are never
    used. With a `proxy`, the proxy resolves the host, so that only addresses visible from here can
    be checked. `ca_file` replaces the system's list of certificate authorities.
    """

    allowed_networks: tuple[Network, ...] = ()
    connect_timeout: float = 10.0
    read_timeout: float = 20.0
    deadline: float = 60.0
    max_wire_bytes: int = 32 * MEBIBYTE
    max_body_bytes: int = 64 * MEBIBYTE
    max_redirects: int = 5
    proxy: Proxy | None = None
    ca_file: str = ""
    user_agent: str = USER_AGENT

    def proxy_for(self, host: str, port: int) -> Proxy | None:
        """Return the proxy for calls to this host and port."""
        return self.proxy if self.proxy is not None and self.proxy.serves(host, port) else None


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `trusted` means that the operator configured the address: it may be private or a
    `file:`.

    `etag` and `last_modified` make the call conditional. `headers` are sent to the first host only:
    they are dropped when a redirect leads to another host. A POST never follows redirects; the 3xx
    is the response.
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
    """A complete response. `headers` has lower-case names; `url` is the last one requested.

    `bytes_on_wire` counts all bytes received from the last host, headers and framing included;
    `body` is inflated. A `file:` URL responds with 200 and no headers.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    bytes_on_wire: int

    @property
    def etag(self) -> str | None:
        return self.headers.get("etag") or None

    @property
    def last_modified(self) -> str | None:
        return self.headers.get("last-modified") or None

    @property
    def retry_after(self) -> int | None:
        """Seconds from now until the server allows another request."""
        return retry_after_seconds(self.headers.get("retry-after"), datetime.now(UTC))


def retry_after_seconds(value: str | None, now: datetime) -> int | None:
    """Parse a Retry-After header, which holds seconds or an HTTP date (RFC 9110, 10.2.3).

    Return seconds, never negative; None if the value is missing or invalid.
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


class Deadline:
    """The latest end of a call, on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds
        self.seconds = seconds

    def within(self, seconds: float) -> float:
        """Return the seconds to wait for the next step: `seconds`, or less if the deadline is
        nearer."""
        seconds_left = self.at - time.monotonic()
        if seconds_left <= 0:
            raise self.passed()
        return min(seconds, seconds_left)

    def passed(self) -> OutboundFailedError:
        return OutboundFailedError(
            f"The response was not complete after {self.seconds:g} seconds. The remote server "
            "is too slow. Try again later."
        )
