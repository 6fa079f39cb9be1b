"""HTTP session for the sign-on library that sends every call through the outbound client."""

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from requests import RequestException

from apps.common.http.calls import MEBIBYTE, OutboundError, Policy, Request
from apps.common.http.client import fetch
from apps.common.http.installation_policy import installation_policy


class SignOnUnreachableError(RequestException):
    """The provider gave no usable response; the text says why. The library catches errors of this
    base class."""


class SafeResponse:
    """The subset of a response that the library uses."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status_code, self.headers, self.content = status, {"content-type": "", **headers}, body

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise SignOnUnreachableError("The provider's response is not JSON.") from error

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise SignOnUnreachableError(f"The provider responded with status {self.status_code}.")


class SafeSession:
    """GET and POST through `apps.common.http.client.fetch`: addresses and redirects are checked,
    time and size are limited. The host of the issuer is configured by the operator and may be
    private; other hosts named in its documents may be private only if the operator's networks allow
    them."""

    def __init__(self, *, issuer: str, policy: Policy) -> None:
        self._home, self._policy = _origin(issuer), policy

    def __enter__(self) -> "SafeSession":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def get(self, url: str, **kwargs: Any) -> SafeResponse:
        return self.request("GET", url, **kwargs)

    def post(self, url: str, **kwargs: Any) -> SafeResponse:
        return self.request("POST", url, **kwargs)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
    ) -> SafeResponse:
        """Make the request within the policy for outbound requests; `auth` is sent as basic
        authentication. URLs of the configured provider's own origin are trusted. Raises
        SignOnUnreachableError."""
        request_headers = {"Accept": "application/json", **(headers or {})}
        if params:
            url = f"{url}{'&' if '?' in url else '?'}{urlencode(params)}"
        body = None
        if data is not None:
            body = urlencode(data).encode()
            request_headers["Content-Type"] = "application/x-www-form-urlencoded"
        if auth is not None:
            request_headers["Authorization"] = (
                "Basic " + base64.b64encode(f"{auth.username}:{auth.password}".encode()).decode()
            )
        try:
            response = fetch(
                Request(
                    url,
                    method=method,
                    headers=request_headers,
                    body=body,
                    trusted=_origin(url) == self._home,
                ),
                policy=self._policy,
            )
        except OutboundError as error:
            raise SignOnUnreachableError(str(error)) from error
        return SafeResponse(response.status, response.headers, response.body)


def sign_on_policy(ca_file: str) -> Policy:
    """Return a policy for small documents within seconds, because a user waits for the page."""
    return installation_policy(
        connect_timeout=5,
        read_timeout=10,
        deadline=15,
        max_wire_bytes=MEBIBYTE,
        max_body_bytes=MEBIBYTE,
        max_redirects=2,
        ca_file=ca_file,
    )


def _origin(url: str) -> tuple[str, str]:
    url_parts = urlsplit(url)
    return url_parts.scheme, url_parts.netloc.lower()
