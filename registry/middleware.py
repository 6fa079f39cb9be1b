"""Middleware that joins more than one floor."""

import re
from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.db import DataError
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from pghistory.middleware import HistoryMiddleware

from apps.api.problems import API_PREFIX, bad_request
from apps.common.child_process import RETRY_AFTER_SECONDS, BusyError
from apps.common.logging import request_id

# of a signed address: who reads the history must not be able to use it
SIGNATURE = re.compile(r"\.[A-Za-z0-9_-]{43}(?=/|$)")


# what pages never ask of a browser, so that nothing put into one can
_NOT_NEEDED = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
    "gyroscope", "magnetometer", "microphone", "midi", "payment", "picture-in-picture", "publickey-credentials-create",
    "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
PERMISSIONS_POLICY = ", ".join(f"{name}=()" for name in _NOT_NEEDED)


class BrowserRulesMiddleware:
    """Headers that Django has no setting for: what pages may use of a browser, and who may load what we answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if request.headers.get("Cookie") and response.headers.get("Content-Type", "").startswith("text/html"):
            # what a page showed to one person is not left in a cache for the next; those of the sign-in show secrets of
            # second factors and recovery codes
            rule = "no-store" if request.path.startswith("/accounts/") else "private, no-cache"
            response.headers.setdefault("Cache-Control", rule)
        return response


class UnwritableTextMiddleware:
    """What the database cannot hold is the sender's mistake and no failure of ours: null characters, numbers and days
    beyond every column. Told in one place, since any field of any page may be sent anything."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # in an address it is told before a file begins to be written; REST says more of its parameters
        if not request.path.startswith(API_PREFIX) and (
            "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", "")
        ):
            raise BadRequest("A null character in the address.")
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        return bad_request(request, exception) if isinstance(exception, DataError) else None


class BusyMiddleware:
    """503 for a file that nobody can read right now, with the time after which to send it again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        if not isinstance(exception, BusyError):
            return None
        answer = render(request, "busy.html", {"sentence": str(exception)}, status=503)
        answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return answer


class RequestHistoryMiddleware(HistoryMiddleware):
    """Every row written during a request carries who asked, where, and the request's id in the log."""

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        words: dict[str, Any] = {**super().get_context(request), "request_id": request_id(request)}
        words["url"] = SIGNATURE.sub(".…", words["url"])
        if request.user.is_authenticated:
            words["actor"] = request.user.get_username()
        return words
