"""Middleware that joins several apps."""

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from threading import local
from time import monotonic
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import BadRequest
from django.db import DatabaseError, DataError, connection
from django.http import (
    HttpRequest,
    HttpResponseBase,
    JsonResponse,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import render
from pghistory.middleware import HistoryMiddleware

from apps.api.framework.problems import (
    API_PREFIX,
    CALLS_PREFIX,
    MEDIA_TYPE,
    bad_request,
    problem_body,
    unavailable_reason,
)
from apps.common.invisible_characters import remove_control_characters
from apps.common.logging import request_id
from apps.common.postgresql.errors import Unavailable, unavailability
from apps.common.processes.child_process import RETRY_AFTER_SECONDS, BusyError
from apps.common.requests.bare_headers import BARE_HEADERS
from apps.common.time import now
from apps.issues.evaluation import evaluate_changed_applications

log = structlog.get_logger(__name__)
# a request that took longer before it lost its connection is not retried, so that its response
# comes in time
MAX_RETRIED_SECONDS = 1.0
_INCOMPLETE = b"\nThis file is incomplete: the database stopped answering. Download it again.\n"

# signature of a signed URL: readers of the history must not be able to use the URL
SIGNATURE = re.compile(r"\.[A-Za-z0-9_-]{43}(?=/|$)")


# features that pages do not need, so that an injected script cannot use them
_NOT_NEEDED = (
    "accelerometer",
    "autoplay",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "screen-wake-lock",
    "serial",
    "usb",
    "xr-spatial-tracking",
)
PERMISSIONS_POLICY = ", ".join(f"{name}=()" for name in _NOT_NEEDED)


# recovery codes, tokens, addresses of people and where they sign in from
NEVER_STORED = ("/accounts/", "/account/", "/audit/", "/settings/")
TLS_ONLY = (API_PREFIX, f"{CALLS_PREFIX}/", "/scim/", "/mcp")
# views here authenticate by themselves and never use a session, form or message
SESSIONLESS_PREFIX = f"{API_PREFIX}v1/"
SESSIONLESS_METHODS = frozenset({"GET", "HEAD"})
_PLAIN_HTTP = (
    "Use https. This request was sent unencrypted and was not processed. If it contained an API "
    "token, revoke the token."
)


class PlainHttpMiddleware:
    """Middleware that rejects API clients without TLS, where pages are redirected.

    Redirected, a client would send its token in plain text every time and never notice."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if (
            settings.SECURE_SSL_REDIRECT
            and request.path.startswith(TLS_ONLY)
            and not request.is_secure()
        ):
            return JsonResponse(
                problem_body(HTTPStatus.FORBIDDEN, _PLAIN_HTTP),
                status=HTTPStatus.FORBIDDEN,
                content_type=MEDIA_TYPE,
                headers=BARE_HEADERS,
            )
        return self.get_response(request)


class BrowserRulesMiddleware:
    """Security headers without a Django setting: permissions of pages in a browser, and which
    origins may load responses."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if request.headers.get("Cookie") and response.headers.get("Content-Type", "").startswith(
            "text/html"
        ):
            # pages with personal data are not cached for the next user of the browser; on other
            # pages "back" shows the list as it was left, and signing out clears the browser's cache
            rule = (
                "private, no-store"
                if request.path.startswith(NEVER_STORED)
                else "private, no-cache"
            )
            response.headers.setdefault("Cache-Control", rule)
        return response


class LostConnectionMiddleware:
    """Retry, once, of a read-only request that lost its connection in a restart of the database;
    writes are never sent twice.

    A file that is already being sent ends with a line about the error."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began_at = monotonic()
        response = self.get_response(request)
        if (
            unavailable_reason(response) is Unavailable.LOST
            and request.method in {"GET", "HEAD"}
            and monotonic() - began_at < MAX_RETRIED_SECONDS
            # a test's transaction around everything
            and not connection.in_atomic_block
        ):
            connection.close()
            log.info("request_retried", path=request.path)
            response = self.get_response(request)
        if isinstance(response, StreamingHttpResponse) and isinstance(
            content := response.streaming_content, Iterator
        ):
            response.streaming_content = _mark_interruption(content, request.path)
        return response


def _mark_interruption(content: Iterator[bytes], path: str) -> Iterator[bytes]:
    """Yield `content`, with a last line about the error if the database ends it early; then raise
    the error again.

    The status has been sent, and half a list must not pass for all of it. The web server breaks the
    connection off for an error, which API clients notice. Behind a server that would end the
    response normally, users read the line, and a workbook or an archive that ends with it does not
    open."""
    try:
        yield from content
    except DatabaseError as error:
        if unavailability(error) is None:
            raise
        log.warning("download_ended_early", path=path, error=str(error).split("\n", 1)[0][:300])
        yield _INCOMPLETE
        raise


# what the last middleware calls, while a handler builds its chain from the last to the first
_entrance = local()


class ViewEntranceMiddleware:
    """Last middleware: tells `SessionlessMiddleware` of the same handler how views are called."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        _entrance.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)


class SessionlessMiddleware:
    """Direct way to the view for a program that reads by REST without any cookie.

    The middleware between here and `ViewEntranceMiddleware` is about sessions, forms, pages and
    changes. For these requests it does nothing, and took a fifth of the time of a list. Its hooks
    around the view (`process_view`, `process_exception`) are those of the handler and still run."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.ask_view: Callable[[HttpRequest], HttpResponseBase] = _entrance.get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if (
            request.method in SESSIONLESS_METHODS
            and not request.META.get("HTTP_COOKIE")
            and request.path_info.startswith(SESSIONLESS_PREFIX)
        ):
            request.user = AnonymousUser()
            return self.ask_view(request)
        return self.get_response(request)


class UnwritableTextMiddleware:
    """Validation of values that the database cannot hold: null characters, numbers and days beyond
    every column.

    They are the sender's error and not a failure of the server. Handled in one place, since any
    field of any page can receive any value."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # checked in the URL before a file download begins; REST validates its parameters itself
        if not request.path.startswith(API_PREFIX) and (
            "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", "")
        ):
            raise BadRequest("The URL contains a null character.")
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *_: Any) -> None:
        """Remove control characters and direction marks from the form data of a page, passwords
        excepted.

        The check against forged requests (CSRF) has already read the body. Views that are exempt
        from that check (REST, traces) read their body themselves."""
        if request.method == "POST" and not getattr(view, "csrf_exempt", False):
            request.POST = _clean_form_data(request.POST)  # type: ignore[assignment]

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        return bad_request(request, exception) if isinstance(exception, DataError) else None


def _clean_form_data(form_data: QueryDict) -> QueryDict:
    if all(text.isprintable() for _, values in form_data.lists() for text in values):
        return form_data
    cleaned_data = QueryDict(mutable=True, encoding=form_data.encoding)
    for name, values in form_data.lists():
        cleaned_data.setlist(
            name,
            values if "password" in name else [remove_control_characters(text) for text in values],
        )
    cleaned_data._mutable = False
    return cleaned_data


class BusyMiddleware:
    """Response 503 for a file that cannot be read right now, with the time after which to send it
    again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        if not isinstance(exception, BusyError):
            return None
        response = render(request, "busy.html", {"sentence": str(exception)}, status=503)
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response


class RequestHistoryMiddleware(HistoryMiddleware):
    """History context of a request: every row written carries the user, the URL, and the request's
    id in the log."""

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        metadata: dict[str, Any] = {
            **super().get_context(request),
            "request_id": request_id(request),
        }
        metadata["url"] = SIGNATURE.sub(".…", metadata["url"])
        if request.user.is_authenticated:
            metadata["actor"] = request.user.get_username()
        return metadata


class IssueEvaluationMiddleware:
    """Middleware that brings issues up to date after a request that changed applications, so that
    the next page shows them. Large changes are left to the worker."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if (
            request.method in settings.PGHISTORY_MIDDLEWARE_METHODS
            and response.status_code < HTTPStatus.BAD_REQUEST
        ):
            self._evaluate()
        return response

    def _evaluate(self) -> None:
        """Evaluate what is queued. The change is saved whatever comes of it: after an error the
        applications stay queued for the worker."""
        try:
            evaluate_changed_applications(at=now())
        except DatabaseError:
            log.exception("issues_not_evaluated")
