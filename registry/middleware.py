"""Middleware that joins more than one floor."""

import re
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from pghistory.middleware import HistoryMiddleware

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
            # what a page showed to one person is not left in a cache for the next
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


class RequestHistoryMiddleware(HistoryMiddleware):
    """Every row written during a request carries who asked, where, and the request's id in the log."""

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        words: dict[str, Any] = {**super().get_context(request), "request_id": request_id(request)}
        words["url"] = SIGNATURE.sub(".…", words["url"])
        if request.user.is_authenticated:
            words["actor"] = request.user.get_username()
        return words
