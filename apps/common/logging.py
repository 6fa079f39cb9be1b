"""Log lines: JSON or plain text, each with the ID of its request or task."""

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
# local variables stay out of the log: passwords and tokens are among them
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
    """Send `structlog.get_logger()` the way of `logging`: same lines, to stderr, never to a
    command's stdout."""
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
    """Django's LOGGING: lines of `logging` and of structlog look alike."""
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
                    _with_caller,
                    _without_secrets,
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
            # one line per task is noise where most tasks find nothing to do; failures are errors
            # and still show
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            # its warnings hold the whole address of a call, and that of a webhook is a secret
            "urllib3": {"level": "CRITICAL"},
        },
    }


class RefusalFilter(logging.Filter):
    """Lines about refused requests as warnings without a stack: a wrong Host or a forbidden page is
    no failure."""

    def filter(self, record: logging.LogRecord) -> logging.LogRecord:
        is_refusal = record.name.startswith("django.security.") or (
            record.name == "django.request" and getattr(record, "status_code", 500) < 500
        )
        if not is_refusal:
            return record
        # other handlers keep theirs
        refusal = copy.copy(record)
        refusal.exc_info = refusal.exc_text = None
        refusal.levelno = min(record.levelno, logging.WARNING)
        refusal.levelname = logging.getLevelName(refusal.levelno)
        return refusal


def _with_caller(_: object, __: str, line: dict[str, Any]) -> dict[str, Any]:
    """Replace the request that Django hands to the log by its id, its user's id and the client's
    address.

    Its own text would be written otherwise, query and all; and lines about an answer are written
    when the middleware that binds the request's id has ended.
    """
    request = line.pop("request", None)
    if isinstance(request, HttpRequest):
        line.setdefault("request_id", request_id(request))
        line["user_id"], line["address"] = request_user_id(request), request_address(request)
    return line


def _without_secrets(_: object, __: str, line: dict[str, Any]) -> dict[str, Any]:
    """Django writes the path of what it refuses, and a path may hold a secret or a signed token: of
    a long part only the beginning is kept."""
    if str(line.get("logger", "")).startswith("django."):
        line["event"] = LONG_PART.sub(r"/\1…", str(line["event"]))
    return line


def request_id(request: HttpRequest) -> str:
    """The id given by RequestIdMiddleware; empty outside it."""
    return str(getattr(request, "request_id", ""))


class RequestIdMiddleware:
    """Names each request: taken from the proxy's header where it is plain, else new; echoed in the
    answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        header_value = request.headers.get(HEADER, "")
        name = header_value if ACCEPTABLE_ID.fullmatch(header_value) else uuid.uuid4().hex
        request.request_id = name  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=name):
            response = self.get_response(request)
        response.headers[HEADER] = name
        return response
