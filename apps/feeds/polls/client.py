"""HTTP client that fetches one feed's body. The only module of feeds that uses HTTP; failures are
returned as data."""

import hashlib
from dataclasses import dataclass, replace
from typing import Literal

from apps.catalog.models import Source
from apps.common.http.calls import OutboundError, Policy, Request, Response
from apps.common.http.client import fetch
from apps.feeds.polls import package

type FetchStatus = Literal["new", "unchanged", "throttled", "failed"]

PACKAGE_SCHEME = Source.PACKAGE_SCHEME
# Validators longer than the columns of the poll state are dropped: the digest also reveals an
# unchanged body.
_MAX_ETAG_LENGTH = 300
_MAX_LAST_MODIFIED_LENGTH = 100
_ACCEPT = (
    "application/json, application/feed+json, application/atom+xml, application/rss+xml, */*;q=0.5"
)


@dataclass(frozen=True, slots=True)
class FetchResult:
    """The result of one attempt.

    new: `body` and `digest` are set; the body may still equal the last one, which `digest` (SHA-256
    of the inflated body, hex) reveals. unchanged: the server responded with 304. throttled: the
    server requested a pause, of `retry_after_seconds` if given. failed: `error` is a sentence with
    what is wrong and what to do; `http_status` is None if there was no response."""

    status: FetchStatus
    http_status: int | None = None
    body: bytes | None = None
    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None
    retry_after_seconds: int | None = None
    error: str = ""
    bytes_on_wire: int = 0


def fetch_source(
    url: str,
    etag: str | None,
    last_modified: str | None,
    policy: Policy,
    trusted: bool,
    *,
    cap_bytes: int | None = None,
    accept: str = "",
) -> FetchResult:
    """Request `url` once. Never raises for a fault of the remote side or of the URL.

    `trusted`: the operator configured the URL, so it may be a file or in a private network.
    `cap_bytes` lowers the policy's limits to the maximum size that the feed's adapter expects
    (inflated bytes). `accept` is the Accept header; by default that of a feed."""
    if cap_bytes is not None:
        policy = replace(
            policy,
            max_wire_bytes=min(policy.max_wire_bytes, cap_bytes),
            max_body_bytes=min(policy.max_body_bytes, cap_bytes),
        )
    request = Request(
        url,
        headers={"Accept": accept or _ACCEPT},
        etag=etag or None,
        last_modified=last_modified or None,
        trusted=trusted,
    )
    try:
        response = fetch(request, policy=policy)
    except OutboundError as error:
        return FetchResult("failed", error=str(error))
    return _build_result(response, conditional=bool(etag or last_modified))


def fetch_package(url: str, etag: str | None) -> FetchResult:
    """Return the price list of an installed package; its version serves as the ETag, so that it is
    read once."""
    name = url.removeprefix(PACKAGE_SCHEME)
    if name != package.PACKAGE:
        return FetchResult(
            "failed",
            error=f"The package '{name}' has no known price list. Use {package.PACKAGE}.",
        )
    version = package.package_version()
    if etag == version:
        return FetchResult("unchanged", etag=version)
    body = package.package_body()
    return FetchResult(
        "new",
        body=body,
        etag=version,
        digest=hashlib.sha256(body).hexdigest(),
        bytes_on_wire=len(body),
    )


def _build_result(response: Response, *, conditional: bool) -> FetchResult:
    """Return the result of a complete response. `conditional`: the request allowed the status
    304."""
    status, size = response.status, response.bytes_on_wire
    if status == 304 and conditional:
        return FetchResult(
            "unchanged",
            status,
            etag=_usable_header(response.etag, _MAX_ETAG_LENGTH),
            last_modified=_usable_header(response.last_modified, _MAX_LAST_MODIFIED_LENGTH),
            bytes_on_wire=size,
        )
    if status == 429 or (status == 503 and response.retry_after is not None):
        meaning = "too many requests" if status == 429 else "unavailable"
        return FetchResult(
            "throttled",
            status,
            retry_after_seconds=response.retry_after,
            error=f"The server responded with {status} ({meaning}). The poll is postponed.",
            bytes_on_wire=size,
        )
    if status != 200:
        return FetchResult("failed", status, error=_describe_status(status), bytes_on_wire=size)
    return FetchResult(
        "new",
        status,
        body=response.body,
        etag=_usable_header(response.etag, _MAX_ETAG_LENGTH),
        last_modified=_usable_header(response.last_modified, _MAX_LAST_MODIFIED_LENGTH),
        digest=hashlib.sha256(response.body).hexdigest(),
        bytes_on_wire=size,
    )


def _usable_header(value: str | None, max_length: int) -> str | None:
    return value if value and len(value) <= max_length else None


def _describe_status(status: int) -> str:
    """Return what a status other than 200 means for the operators of the feeds."""
    if status in {401, 403, 407, 451}:
        return (
            f"The server responded with {status} (access denied). Check whether the feed now "
            "requires a login."
        )
    if status in {404, 410}:
        return f"The server responded with {status} (not found). Find the new URL of the feed."
    if status >= 500:
        return f"The server responded with {status} (server error). The next poll tries again."
    return f"The server responded with {status} instead of 200. Check the URL."
