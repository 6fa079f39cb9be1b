"""The access log: one line per request, and its duration for /metrics."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from apps.common.metrics import UNKNOWN_ROUTE, count_request
from apps.common.requests.user import request_user_id

log = structlog.get_logger("registry.access")

# interface by the start of the path
_INTERFACES = (
    ("/api/", "rest"),
    ("/otlp/", "calls"),
    ("/admin/", "admin"),
    ("/metrics", "metrics"),
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class AccessLogMiddleware:
    """Logs method, route, status, milliseconds until the response began, and the user's ID.

    The route is the URL pattern, `applications/<slug:slug>/`, because paths and queries contain
    names and secrets. Requests for static files of the product are not logged.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began_at = time.perf_counter()
        response = self.get_response(request)
        if not request.path.startswith(settings.STATIC_URL):
            record_request(
                method=request.method or "",
                path=request.path,
                route=request.resolver_match.route if request.resolver_match else UNKNOWN_ROUTE,
                status=response.status_code,
                seconds=time.perf_counter() - began_at,
                user_id=request_user_id(request),
            )
        return response


def record_refusal(environ: dict[str, Any], status: HTTPStatus, seconds: float) -> None:
    """Log a request that the web server refused before the application saw it."""
    record_request(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        route=UNKNOWN_ROUTE,
        status=int(status),
        seconds=seconds,
        user_id=None,
    )


def record_request(
    *, method: str, path: str, route: str, status: int, seconds: float, user_id: int | None
) -> None:
    """Write the log line if ACCESS_LOG is on, and count the request."""
    # a client can send any text as the method, and each would be a new metric series
    method = method if method in _METHODS else "other"
    count_request(
        method=method,
        route=route,
        interface=_interface_of_path(path),
        status=status,
        seconds=seconds,
    )
    if settings.ACCESS_LOG:
        log.info(
            "request",
            method=method,
            route=route,
            status=status,
            milliseconds=round(1000 * seconds, 1),
            user_id=user_id,
        )


def _interface_of_path(path: str) -> str:
    return next((name for start, name in _INTERFACES if path.startswith(start)), "pages")
