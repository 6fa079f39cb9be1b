"""Calls to the API of a cloud: repeated while it throttles, limited in number and size, never
redirected, and with errors as sentences that contain nothing of the answer but its error code."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from apps.common.http.addresses import origin_of, safe_url
from apps.common.http.calls import (
    MEBIBYTE,
    OutboundError,
    OutboundRefusedError,
    Request,
    Response,
    ResponseTooLargeError,
)
from apps.common.http.client import fetch
from apps.common.http.installation_policy import installation_policy
from apps.common.processes.child_process import child_function
from apps.intake.accounts.records import (
    CredentialsRejectedError,
    PartUnreadableError,
    PullFailedError,
)
from apps.intake.documents.records import UnreadableError
from apps.intake.readers.json_text import as_list, as_mapping, as_mappings, as_text, load_json

MAX_ANSWER_BYTES = 16 * MEBIBYTE
# of one call with its connection; a page of a listing takes a second or two
CALL_SECONDS = 30.0
MAX_PAGES = 500
MAX_CALLS = 3_000
MAX_ATTEMPTS = 4
# longest wait that a cloud can demand before a call is repeated
MAX_WAIT_SECONDS = 60
_THROTTLED = frozenset({429, 503})
_TEMPORARY = frozenset({500, 502, 504})
# codes are words of the API, and anything else in an answer could repeat a secret
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,59}\Z")
# AWS answers wrong credentials with 403
_REJECTED_CODES = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)

type Headers = Mapping[str, str]
# returns the headers of one request: (method, URL, body) -> headers
type Signer = Callable[[str, str, bytes], Headers]


@child_function(errors=(UnreadableError,), refusal=UnreadableError)
def read_answer(body: bytes) -> Any:
    """Return the parsed JSON of an answer; UnreadableError if it is not JSON."""
    return load_json(body)


def encode_query(parameters: Mapping[str, str] | list[tuple[str, str]]) -> str:
    """Return a query in the strict form that signatures require: a space is %20, a slash %2F."""
    return urlencode(parameters, quote_via=quote, safe="-_.~")


def encode_part(text: str) -> str:
    """Return a text as one part of a path."""
    return quote(text, safe="-_.~")


@dataclass(slots=True)
class CloudSession:
    """Calls of one pull to one cloud. `label` is the name of the cloud in sentences.

    A 401 ends the pull (CredentialsRejectedError). Every other failure concerns the part that was
    requested (PartUnreadableError)."""

    label: str
    sleep: Callable[[float], None] = time.sleep
    # for a user who waits: seconds after which no further call is made, and none is repeated
    max_seconds: float | None = None
    n_calls: int = field(default=0, init=False)
    _started_at: float = field(default_factory=time.monotonic, init=False)

    def get(self, url: str, sign: Signer) -> Mapping[str, Any]:
        """Return the JSON object at the URL."""
        return self._parse(self._call("GET", url, b"", sign), url)

    def post(self, url: str, body: bytes, sign: Signer) -> Mapping[str, Any]:
        return self._parse(self._call("POST", url, body, sign), url)

    def pages(
        self,
        url: str,
        sign: Signer,
        next_url: Callable[[Mapping[str, Any]], str],
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the pages of a listing. `next_url` returns the URL after a page, empty after the
        last; it must be at the same server, because the request carries credentials."""
        origin = origin_of(urlsplit(url))
        seen: set[str] = set()
        while url:
            if url in seen or len(seen) >= MAX_PAGES:
                raise PartUnreadableError(
                    f"{self.label} returned more than {MAX_PAGES} pages, or the same page twice. "
                    "The list was not read to its end."
                )
            seen.add(url)
            page = self.get(url, sign)
            yield page
            url = next_url(page)
            if url and origin_of(urlsplit(url)) != origin:
                raise PartUnreadableError(
                    f"The next page of {self.label} is on another server. It was not requested, "
                    "because the request would carry the credentials."
                )

    def exchange(self, url: str, fields: Mapping[str, str]) -> str:
        """Return the access token of an OAuth token endpoint (RFC 6749, section 4.4 or RFC 7523).
        Raises CredentialsRejectedError with the error code of the endpoint."""
        body = urlencode(fields).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            response = self._call("POST", url, body, lambda *_: headers, accepts_errors=True)
            answer = self._parse(response, url)
        except PartUnreadableError as error:
            raise PullFailedError(str(error)) from None
        token = answer.get("access_token")
        if response.status == 200 and isinstance(token, str) and token.isprintable() and token:
            return token
        if response.status in {400, 401, 403}:
            raise CredentialsRejectedError(_describe_rejection(self.label, _error_code(answer)))
        raise PullFailedError(
            f"{self.label} issued no access token (status {response.status}). Try again later."
        )

    def _call(
        self, method: str, url: str, body: bytes, sign: Signer, *, accepts_errors: bool = False
    ) -> Response:
        """Make one call, repeated while the cloud throttles or fails for a moment."""
        for attempt in range(1, MAX_ATTEMPTS + 1):
            self.n_calls += 1
            if self.n_calls > MAX_CALLS:
                raise PartUnreadableError(
                    f"The pull made {MAX_CALLS:,} calls and stopped. Split the account."
                )
            seconds_left = self._seconds_left()
            response = self._fetch(method, url, body, sign, seconds_left)
            if response.status < 300 or (accepts_errors and response.status in {400, 401, 403}):
                return response
            is_last = attempt == MAX_ATTEMPTS or self.max_seconds is not None
            if response.status in _THROTTLED:
                wait = response.retry_after
                seconds = 2.0**attempt if wait is None else float(wait)
                if is_last or seconds > MAX_WAIT_SECONDS:
                    raise PartUnreadableError(
                        f"{self.label} limits the number of calls and asks to wait "
                        f"{seconds:.0f} seconds. The next pull tries again."
                    )
                self.sleep(seconds)
            elif response.status in _TEMPORARY and not is_last:
                self.sleep(float(attempt))
            else:
                raise self._failure(response, url)
        raise AssertionError("unreachable")

    def _seconds_left(self) -> float:
        """Return the longest duration of the next call; raise if the time of the session is up."""
        if self.max_seconds is None:
            return CALL_SECONDS
        seconds_left = self._started_at + self.max_seconds - time.monotonic()
        if seconds_left <= 0:
            raise PartUnreadableError(
                f"Not tested: the test ends after {self.max_seconds:.0f} seconds. A pull reads "
                "everything."
            )
        return min(CALL_SECONDS, seconds_left)

    def _fetch(self, method: str, url: str, body: bytes, sign: Signer, seconds: float) -> Response:
        policy = installation_policy(
            # the credentials would leave for another server
            max_redirects=0,
            deadline=seconds,
            read_timeout=seconds,
            max_wire_bytes=MAX_ANSWER_BYTES,
            max_body_bytes=MAX_ANSWER_BYTES,
        )
        request = Request(
            url, method, sign(method, url, body), body=body if method == "POST" else None
        )
        try:
            return fetch(request, policy=policy)
        except ResponseTooLargeError:
            raise PartUnreadableError(
                f"The answer of {self.label} is larger than {MAX_ANSWER_BYTES // MEBIBYTE} MiB. "
                "It was not read."
            ) from None
        except OutboundRefusedError as error:
            # sentences of the outbound client name hosts and no headers or queries
            raise PartUnreadableError(f"{self.label} was not called. {error}") from None
        except OutboundError as error:
            raise PartUnreadableError(f"{self.label} could not be reached. {error}") from None

    def _parse(self, response: Response, url: str) -> Mapping[str, Any]:
        try:
            answer = read_answer(response.body)
        except UnreadableError:
            answer = None
        if not isinstance(answer, Mapping):
            raise PartUnreadableError(
                f"The answer of {safe_url(urlsplit(url))} is not a JSON object. Try again later."
            )
        return answer

    def _failure(self, response: Response, url: str) -> Exception:
        code = response.headers.get("x-amzn-errortype", "").partition(":")[0]
        if not _CODE.match(code):
            try:
                code = _error_code(read_answer(response.body))
            except UnreadableError:
                code = ""
        if response.status == 401 or code in _REJECTED_CODES:
            return CredentialsRejectedError(_describe_rejection(self.label, code))
        suffix = f" ({code})" if code else ""
        if response.status == 403:
            return PartUnreadableError(
                f"{self.label} does not permit reading this part{suffix}. Add the permission "
                "that the guide names to the credentials."
            )
        if response.status == 404:
            return PartUnreadableError(
                f"{self.label} does not know this part{suffix}. Check the settings of the account."
            )
        if 300 <= response.status < 400:
            return PartUnreadableError(
                f"{self.label} redirects to another address. It was not followed, because the "
                "request would carry the credentials."
            )
        return PartUnreadableError(
            f"{self.label} answered with status {response.status}{suffix}. Try again later."
        )


def _describe_rejection(label: str, code: str) -> str:
    suffix = f" ({code})" if code else ""
    return (
        f"{label} rejected the credentials{suffix}: they are wrong, expired or revoked. Create new "
        "ones and enter them on the page of the account."
    )


def _error_code(answer: Any) -> str:
    """Return the error code of an answer, if it is a word of an API: ARM, Google, OpenAI and
    Anthropic have `error.code`, `error.status` or `error.type`; OAuth has `error`; AWS `__type`."""
    content = as_mapping(answer)
    errors = content.get("error")
    entries = as_mappings(errors) if isinstance(errors, list) else [as_mapping(errors)]
    candidates = [
        *(entry.get(name) for entry in entries for name in ("status", "code", "type")),
        errors,
        as_text(content.get("__type")).rpartition("#")[2],
        content.get("code"),
    ]
    numbers = [item for item in as_list(content.get("error_codes")) if isinstance(item, int)]
    code = next(
        (text for text in candidates if isinstance(text, str) and _CODE.match(text)),
        "",
    )
    # Microsoft numbers the reason: 7000215 is a wrong secret, 7000222 an expired one
    return f"{code}, AADSTS{numbers[0]}" if code and numbers else code
