"""What an outbound call is made of: what it asks, what it may do, how long it may take, what can go wrong."""

import ipaddress
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

type Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MEBIBYTE = 1024 * 1024


class OutboundError(Exception):
    """Whatever kept a call from succeeding; `str()` is a sentence for people."""


class OutboundRefused(OutboundError):
    """We did not make the call, or stopped at a redirect, because the address is not one we may go to."""


class OutboundFailed(OutboundError):
    """The call was made and did not yield a whole answer: network, time, TLS, truncation, encoding."""


class TooLarge(OutboundError):
    """The answer is larger than the policy allows; reading stopped there."""


def too_large(limit: int) -> str:
    size = f"{limit / MEBIBYTE:.0f} MiB" if limit >= MEBIBYTE else f"{limit} bytes"
    return f"The answer is larger than the {size} allowed for it; reading stopped. Check that the address is right."


def _version() -> str:
    project = Path(__file__).resolve().parents[3] / "pyproject.toml"
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


class Deadline:
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
