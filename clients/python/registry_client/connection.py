"""Connection to a foundation registry: address, token, retries, errors as exceptions, and pages.

The one module of this package that is written by hand. `connect` returns the client that the
generated functions of `registry_client.api` take; everything else is theirs. For calls with
`asyncio`, build an `AuthenticatedClient` yourself: it has no retries, and returns errors as values.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx

from .client import AuthenticatedClient
from .types import Unset

T = TypeVar("T")
Row = TypeVar("Row", covariant=True)

# they change nothing, or the same once more
REPEATABLE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
MAX_PAUSE_SECONDS = 60.0
# broken connections; a URL without a scheme and the like stay as they are
_BROKEN = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError)
_NOT_CONNECTED = (httpx.ConnectError, httpx.ConnectTimeout)


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field of a request."""

    field: str
    detail: str


class RegistryProblem(Exception):
    """An error of the registry (RFC 9457). `status` is that of HTTP, `detail` says in a sentence
    what to change, and `fields` names the fields that are wrong."""

    def __init__(
        self, status: int, title: str, detail: str, fields: Sequence[FieldProblem] = ()
    ) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status = status
        self.title = title
        self.detail = detail
        self.fields = tuple(fields)


class RegistryClient(httpx.Client):
    """A client of httpx that repeats a request where that may help, and raises RegistryProblem for
    an answer that is an error.

    It repeats after 429, 502, 503, 504 and broken connections, for at most `retry_seconds`. The
    pause is that of `Retry-After`, else it doubles from one second on. A request that may have been
    processed is repeated only if that is safe: it reads, or it has an Idempotency-Key.
    """

    def __init__(self, *, retry_seconds: float = 120.0, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.retry_seconds = retry_seconds

    def send(self, request: httpx.Request, **arguments: Any) -> httpx.Response:
        # a body is sent again as it was
        request.read()
        repeatable = request.method in REPEATABLE_METHODS or "idempotency-key" in request.headers
        deadline = time.monotonic() + self.retry_seconds
        pause = 1.0
        while True:
            try:
                response = super().send(request, **arguments)
            except _BROKEN as error:
                # a request without a connection did not arrive
                helps = repeatable or isinstance(error, _NOT_CONNECTED)
                if not helps or is_final(error) or time.monotonic() + pause > deadline:
                    raise
                wait = pause
            else:
                if response.status_code < 300 or response.status_code == 304:
                    return response
                response.read()
                wait = retry_after(response, pause)
                # 429 is refused before it is processed
                helps = response.status_code == 429 or (
                    response.status_code in {502, 503, 504} and repeatable
                )
                if not helps or time.monotonic() + wait > deadline:
                    raise problem_of(response)
                response.close()
            time.sleep(wait)
            pause = min(pause * 2, MAX_PAUSE_SECONDS)


def is_final(error: BaseException) -> bool:
    """Return whether a connection fails again: the certificate is not trusted, or there is no such
    host."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME:
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def retry_after(response: httpx.Response, pause: float) -> float:
    """Return the seconds that the registry asks to wait, or `pause` where it names none."""
    seconds = response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else pause


def problem_of(response: httpx.Response) -> RegistryProblem:
    """Return the error of an answer; what is no problem document is described by its status."""
    if response.is_redirect:
        place = response.headers.get("Location", "another URL")
        return RegistryProblem(response.status_code, "Moved", f"Use the URL {place}.")
    try:
        body = response.json()
        fields = [
            FieldProblem(str(error["field"]), str(error["detail"]))
            for error in body.get("errors", [])
        ]
        return RegistryProblem(
            response.status_code, str(body["title"]), str(body["detail"]), fields
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return RegistryProblem(
            response.status_code,
            response.reason_phrase or "Error",
            "The answer is no problem document. Check whether the URL is that of a registry.",
        )


def connect(
    url: str = "",
    token: str = "",
    *,
    ca: str = "",
    timeout: float = 60.0,
    retry_seconds: float = 120.0,
) -> AuthenticatedClient:
    """Return a client for the generated functions.

    `url` and `token` are by default the variables REGISTRY_URL and REGISTRY_TOKEN; ValueError
    without them, or with another scheme than http and https. `ca` is a file with the certificates
    of a private certificate authority, by default REGISTRY_CA. `timeout` is that of one request, in
    seconds. Redirects are not followed: the token is sent to this URL only.
    """
    url = (url or os.environ.get("REGISTRY_URL", "")).rstrip("/")
    token = token or os.environ.get("REGISTRY_TOKEN", "")
    ca = ca or os.environ.get("REGISTRY_CA", "")
    if not url or not token:
        raise ValueError("Set REGISTRY_URL and REGISTRY_TOKEN, or give url and token.")
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ValueError(f"'{url}' must begin with https:// or http://.")
    context = ssl.create_default_context()
    if ca:
        context.load_verify_locations(ca)
    client = AuthenticatedClient(base_url=url, token=token)
    return client.set_httpx_client(
        RegistryClient(
            retry_seconds=retry_seconds,
            base_url=url,
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/json",
            },
            timeout=timeout,
            verify=context,
        )
    )


def expect(kind: type[T], answer: object) -> T:
    """Return the answer as the type that is expected. Generated functions return a union, because
    lists are also files and errors are answers; with `connect`, errors are raised before."""
    if not isinstance(answer, kind):
        raise TypeError(f"expected {kind.__name__}, got {type(answer).__name__}")
    return answer


def given(value: T | Unset) -> T:
    """Return the value of a field that the answer has. Fields are missing only if `fields=` left
    them out."""
    if isinstance(value, Unset):
        raise TypeError("the answer does not have this field")
    return value


class Page(Protocol[Row]):
    """A page of a list: its rows, and the URL of the next page."""

    @property
    def next_(self) -> str | None: ...

    @property
    def results(self) -> Sequence[Row]: ...


def rows(
    page: type[Page[T]],
    operation: Callable[..., object],
    *arguments: object,
    client: AuthenticatedClient,
    **parameters: object,
) -> Iterator[T]:
    """Yield the rows of all pages of a list: `operation` is its generated `sync`, `page` the type
    of its pages, the rest is passed on."""
    cursor: dict[str, str] = {}
    while True:
        answer = expect(page, operation(*arguments, client=client, **parameters, **cursor))
        yield from answer.results
        if not answer.next_:
            return
        cursor = {"cursor": parse_qs(urlsplit(answer.next_).query)["cursor"][0]}
