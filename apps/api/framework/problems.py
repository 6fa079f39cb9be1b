"""Errors as problem details (RFC 9457): a status, a sentence that states what to do, and the fields
concerned."""

import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import DataError, IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.log import log_response
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from apps.api.bulk.row_stream import BodyTooLargeError
from apps.common.errors import ConflictError, DomainError
from apps.common.postgresql.errors import Unavailable, unavailability
from apps.common.processes.child_process import RETRY_AFTER_SECONDS, BusyError
from apps.inventory.candidate_checks import UnconfirmedChoiceError

log = structlog.get_logger(__name__)
MEDIA_TYPE = "application/problem+json"
# URLs under which errors are problem details; elsewhere they are pages
API_PREFIX, CALLS_PREFIX = "/api/", "/otlp"
_WRONG_OTLP_ADDRESS = (
    "This endpoint does not accept data. Set OTEL_EXPORTER_OTLP_ENDPOINT to the URL that "
    "ends in /otlp: exporters add /v1/traces and /v1/metrics themselves. If you set the "
    "endpoint of each signal, end it with these paths, without a trailing slash."
)

_SENTENCES = {
    HTTPStatus.UNAUTHORIZED: "Sign in, or send an API token as 'Authorization: Bearer TOKEN'.",
    HTTPStatus.NOT_FOUND: "Not found. The URL is wrong or you do not have access.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Server error. Try again; if the error persists, report "
    "the X-Request-ID.",
}


class UnknownRouteError(exceptions.APIException):
    """404 for an unknown URL."""

    status_code = HTTPStatus.NOT_FOUND
    default_detail = (
        "Unknown URL. See /api/docs/ for all endpoints, or /api/v1/schema/ for the "
        "OpenAPI document."
    )
    default_code = "no_such_address"


class ServiceBusyError(exceptions.APIException):
    """503 if the maximum number of files is being read."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_code = "busy"
    wait = RETRY_AFTER_SECONDS


class ApiConflictError(exceptions.APIException):
    status_code = HTTPStatus.CONFLICT
    default_detail = "The request conflicts with existing data. Read the record again."
    default_code = "conflict"


class DatabaseUnavailableError(exceptions.APIException):
    """503 if the database cannot answer."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_code = "database_unavailable"

    def __init__(self, reason: Unavailable) -> None:
        super().__init__(reason.sentence)
        self.reason = reason
        self.wait = reason.retry_after


def problem_body(
    status: int, detail: str, *, title: str = "", errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Return the members of a problem; `errors` names the fields, nested ones as `a.b`."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    return body


def problem_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Handle exceptions for REST framework; return None, and so 500, for unexpected ones only."""
    api_error = _convert_to_api_error(error)
    if api_error is None:
        return None
    set_rollback()
    headers = {}
    if auth_header := getattr(api_error, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if (wait := getattr(api_error, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait))
    if isinstance(api_error, exceptions.ValidationError):
        errors = list(_field_errors(api_error.detail))
        body = problem_body(
            api_error.status_code, _summarise_errors(errors), title="Not valid", errors=errors
        )
    else:
        body = problem_body(api_error.status_code, _describe_error(api_error, context))
    response = Response(
        body, status=api_error.status_code, headers=headers, content_type=MEDIA_TYPE
    )
    if isinstance(api_error, DatabaseUnavailableError):
        mark_unavailable(response, api_error.reason)
    return response


def _convert_to_api_error(error: Exception) -> exceptions.APIException | None:
    """Return the error as one of REST framework, with its status; None for unexpected errors."""
    if reason := unavailability(error):
        _log_unavailable(reason, error)
        return DatabaseUnavailableError(reason)
    match error:
        case exceptions.APIException():
            return error
        case Http404():
            return exceptions.NotFound(_SENTENCES[HTTPStatus.NOT_FOUND])
        case PermissionDenied():
            return exceptions.PermissionDenied(str(error) or None)
        case ModelValidationError():
            by_field = hasattr(error, "error_dict")
            return exceptions.ValidationError(
                error.message_dict if by_field else {"non_field_errors": error.messages}
            )
        case BusyError():
            return ServiceBusyError(str(error))
        case UnconfirmedChoiceError():
            return ApiConflictError(f"{error} Send confirm_breaks: true to save it nonetheless.")
        case ConflictError():
            return ApiConflictError(str(error))
        case DomainError():
            return exceptions.ValidationError({error.field or "non_field_errors": [str(error)]})
        case RequestDataTooBig():
            return BodyTooLargeError(
                "A body of this size cannot be compared for an Idempotency-Key. Omit the "
                "key, or send the rows in parts."
            )
        case DataError():
            # a value that no field check rejects, such as a time zone of 21 hours
            return exceptions.ValidationError(
                "A value is out of range. Check the largest and smallest values in the request."
            )
        case IntegrityError():
            return ApiConflictError(
                "Another request changed this record at the same time. Reload and retry."
            )
    return None


def _describe_error(error: exceptions.APIException, context: Mapping[str, Any]) -> str:
    """Return the sentence of the response: the message of the error, or a helpful one instead of
    the default."""
    view: Any = context.get("view")
    if view is not None and str(error.detail) == _default_detail(error, context):
        match error:
            case exceptions.MethodNotAllowed():
                methods = ", ".join(name for name in view.allowed_methods if name != "OPTIONS")
                return (
                    f"This endpoint does not support {context['request'].method}. Use "
                    f"{methods or 'another endpoint'}."
                )
            case exceptions.NotAcceptable():
                kinds = ", ".join(renderer.media_type for renderer in view.get_renderers())
                return (
                    "This endpoint does not answer in the requested format. Use one of "
                    f"these in Accept: {kinds}."
                )
            case exceptions.UnsupportedMediaType():
                kinds = " or ".join(parser.media_type for parser in view.get_parsers())
                content_type = context["request"].content_type[:100]
                return f"A body of type {content_type} is not supported. Send {kinds}."
    if isinstance(error, exceptions.NotFound):
        return _SENTENCES[HTTPStatus.NOT_FOUND]
    if isinstance(error, exceptions.NotAuthenticated):
        return _SENTENCES[HTTPStatus.UNAUTHORIZED]
    if isinstance(error, exceptions.ParseError):
        return _end_with_full_stop(f"The body cannot be read. {error.detail}")
    return _end_with_full_stop(str(error.detail))


def _default_detail(error: exceptions.APIException, context: Mapping[str, Any]) -> str:
    """Return the default detail of REST framework for this type of error; empty for other types."""
    request = context["request"]
    match error:
        case exceptions.MethodNotAllowed():
            return str(exceptions.MethodNotAllowed(request.method).detail)
        case exceptions.NotAcceptable():
            return str(exceptions.NotAcceptable().detail)
        case exceptions.UnsupportedMediaType():
            return str(exceptions.UnsupportedMediaType(request.content_type).detail)
    return ""


def _end_with_full_stop(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _summarise_errors(errors: list[dict[str, str]]) -> str:
    if len(errors) == 1:
        field, detail = errors[0]["field"], errors[0]["detail"]
        return _end_with_full_stop(f"{field}: {detail}" if field else detail)
    return (
        f"{len(errors)} values are not valid. See 'errors', correct them and send the "
        "request again."
    )


def _field_errors(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            is_whole_record = name in {"non_field_errors", "__all__"}
            yield from _field_errors(
                inner, path if is_whole_record else f"{path}.{name}".lstrip(".")
            )
    elif isinstance(detail, list):
        for inner in detail:
            yield from _field_errors(inner, path)
    else:
        yield {"field": path, "detail": str(detail)}


def _problem_response(status: HTTPStatus, detail: str) -> HttpResponse:
    return HttpResponse(
        orjson.dumps(problem_body(status, detail)), status=status, content_type=MEDIA_TYPE
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Handle 404 for the project: problem details under /api/, the page elsewhere."""
    if request.path.startswith(API_PREFIX):
        return _problem_response(HTTPStatus.NOT_FOUND, _SENTENCES[HTTPStatus.NOT_FOUND])
    if request.path == CALLS_PREFIX or request.path.startswith(f"{CALLS_PREFIX}/"):
        return _problem_response(HTTPStatus.NOT_FOUND, _WRONG_OTLP_ADDRESS)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Handle 500 for the project without details; 503 if the database cannot answer.

    Django calls it while it handles the error, wherever the error was raised: in a view, a template
    or a middleware.
    """
    error = sys.exception()
    if error is not None and (reason := unavailability(error)):
        return _database_unavailable(request, reason, error)
    if request.path.startswith(API_PREFIX):
        return _problem_response(
            HTTPStatus.INTERNAL_SERVER_ERROR, _SENTENCES[HTTPStatus.INTERNAL_SERVER_ERROR]
        )
    return defaults.server_error(request)


def _database_unavailable(
    request: HttpRequest, reason: Unavailable, error: BaseException
) -> HttpResponse:
    """Return 503 with a sentence, without database and session."""
    _log_unavailable(reason, error)
    status = HTTPStatus.SERVICE_UNAVAILABLE
    if request.path.startswith((API_PREFIX, f"{CALLS_PREFIX}/")):
        response = _problem_response(status, reason.sentence)
    elif request.headers.get("HX-Request"):
        # for app.js, which shows the text in place of the response
        response = HttpResponse(
            reason.sentence, status=status, content_type="text/plain; charset=utf-8"
        )
    else:
        page = render_to_string("503.html", {"sentence": reason.sentence})
        response = HttpResponse(page, status=status)
    response.headers["Retry-After"] = str(reason.retry_after)
    response.headers["Cache-Control"] = "no-store"
    mark_unavailable(response, reason)
    # one line without a traceback, since the code is not at fault
    log_response(
        "%s: %s",
        response.reason_phrase,
        request.path,
        response=response,
        request=request,
        level="warning",
    )
    return response


def mark_unavailable(response: HttpResponse, reason: Unavailable) -> None:
    """Mark the response of a request that the database did not answer, for the middleware that
    might repeat it."""
    response.database_unavailable = reason  # type: ignore[attr-defined]


def unavailable_reason(response: object) -> Unavailable | None:
    """Return the reason that `mark_unavailable` recorded; None if there is none."""
    return getattr(response, "database_unavailable", None)


def _log_unavailable(reason: Unavailable, error: BaseException) -> None:
    line = f"{type(error).__name__}: {error}".split("\n", 1)[0]
    log.warning("database_unavailable", reason=reason.name, error=line[:300])


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Handle 400 for the project."""
    if request.path.startswith(API_PREFIX):
        return _problem_response(
            HTTPStatus.BAD_REQUEST,
            "The request cannot be read. Check its URL, headers and size.",
        )
    return defaults.bad_request(request, exception)


__all__ = [
    "MEDIA_TYPE",
    "ApiConflictError",
    "DatabaseUnavailableError",
    "UnknownRouteError",
    "bad_request",
    "mark_unavailable",
    "page_not_found",
    "problem_body",
    "problem_handler",
    "server_error",
    "unavailable_reason",
]
