"""Log lines as JSON or plain text, each with the ID of its request or task."""

import copy
import logging
import re
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponseBase

from apps.common.requests.address import request_address
from apps.common.requests.user import request_user_id

HEADER = "X-Request-ID"
# without local variables, which can contain passwords and tokens
TRACEBACK = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LONG_PART = re.compile(r"/([^/\s]{6})[^/\s]{26,}")
ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def configure_structlog() -> None:
    """Route `structlog.get_logger()` through `logging`: same format, to stderr, never to the stdout
    of a command."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def logging_config(*, json_lines: bool, level: str, colors: bool) -> dict[str, Any]:
    """Return Django's LOGGING setting, with which lines of `logging` and of structlog look the
    same: one JSON object per line if `json_lines`, otherwise text for a console, in `colors` if
    set."""
    shape: list[Any] = (
        [structlog.processors.ExceptionRenderer(TRACEBACK), structlog.processors.JSONRenderer()]
        if json_lines
        else [
            structlog.dev.ConsoleRenderer(
                colors=colors, exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [
                    *SHARED,
                    structlog.stdlib.ExtraAdder(),
                    _add_caller,
                    _redact_long_parts,
                ],
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shape],
            }
        },
        "filters": {"refusals": {"()": RefusalFilter}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["refusals"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own handlers would write each line a second time
            "django": {"handlers": [], "level": level},
            "django.server": {"handlers": [], "level": level},
            # most tasks find nothing to do, and a line for each would be noise; failures are logged
            # as errors
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            # its warnings contain complete URLs, and that of a webhook is a secret
            "urllib3": {"level": "CRITICAL"},
        },
    }


class RefusalFilter(logging.Filter):
    """Turns log lines about refused requests into warnings without a stack trace: a wrong Host
    header or a forbidden page is no failure of the server."""

    def filter(self, record: logging.LogRecord) -> logging.LogRecord:
        is_refusal = record.name.startswith("django.security.") or (
            record.name == "django.request" and getattr(record, "status_code", 500) < 500
        )
        if not is_refusal:
            return record
        # other handlers get the original record
        refusal = copy.copy(record)
        refusal.exc_info = refusal.exc_text = None
        refusal.levelno = min(record.levelno, logging.WARNING)
        refusal.levelname = logging.getLevelName(refusal.levelno)
        return refusal


def _add_caller(_: object, __: str, line: dict[str, Any]) -> dict[str, Any]:
    """Replace the request that Django passes to the log by its ID, its user's ID and the client's
    address.

    Otherwise its text would be logged, including the query; and lines about a response are written
    after the middleware that binds the request's ID has ended.
    """
    request = line.pop("request", None)
    if isinstance(request, HttpRequest):
        line.setdefault("request_id", request_id(request))
        line["user_id"], line["address"] = request_user_id(request), request_address(request)
    return line


def _redact_long_parts(_: object, __: str, line: dict[str, Any]) -> dict[str, Any]:
    """Shorten long parts of paths that Django logs, because they can contain a secret or a signed
    token."""
    if str(line.get("logger", "")).startswith("django."):
        line["event"] = LONG_PART.sub(r"/\1…", str(line["event"]))
    return line


def request_id(request: HttpRequest) -> str:
    """Return the ID that RequestIdMiddleware assigned; empty if it has not run."""
    return str(getattr(request, "request_id", ""))


class RequestIdMiddleware:
    """Assigns an ID to each request, from the proxy's header if that is well-formed, otherwise a
    new one, and returns it in the response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        header_value = request.headers.get(HEADER, "")
        name = header_value if ACCEPTABLE_ID.fullmatch(header_value) else uuid.uuid4().hex
        request.request_id = name  # type: ignore[attr-defined]
        # as `bound_contextvars`, which also reads every variable of the context
        tokens = structlog.contextvars.bind_contextvars(request_id=name)
        try:
            response = self.get_response(request)
        finally:
            structlog.contextvars.reset_contextvars(**tokens)
        response.headers[HEADER] = name
        return response
