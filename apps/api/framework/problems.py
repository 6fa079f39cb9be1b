"""Every refusal as problem details (RFC 9457): a status, a sentence that says what to do, the
fields concerned."""

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
from apps.common.postgresql.errors import Unavailable, unavailability
from apps.common.processes.child_process import RETRY_AFTER_SECONDS, BusyError
from apps.inventory.actions.checks import ChangeConflictError

log = structlog.get_logger(__name__)
MEDIA_TYPE = "application/problem+json"
# where programs ask; elsewhere people do
API_PREFIX, CALLS_PREFIX = "/api/", "/otlp"
_WRONG_OTLP_ADDRESS = (
    "Nothing is taken here. Set OTEL_EXPORTER_OTLP_ENDPOINT to the address that ends in /otlp: "
    "exporters add /v1/traces"
    " and /v1/metrics by themselves. Where each is set by itself, end it so, without a slash "
    "behind."
)

_SENTENCES = {
    HTTPStatus.UNAUTHORIZED: "Sign in, or send a token as 'Authorization: Bearer TOKEN'.",
    HTTPStatus.NOT_FOUND: "There is nothing here that you may see. Check the address.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something broke on our side. Try again; if it stays, "
    "report the X-Request-ID.",
}


class UnknownRouteError(exceptions.APIException):
    """404 for what nobody would find here."""

    status_code = HTTPStatus.NOT_FOUND
    default_detail = (
        "There is nothing at this address, for anybody. "
        "/api/docs/ shows what there is, /api/v1/schema/ the document."
    )
    default_code = "no_such_address"


class ServiceBusyError(exceptions.APIException):
    """503: as many files are being read as may be at a time."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_code = "busy"
    wait = RETRY_AFTER_SECONDS


class ConflictError(exceptions.APIException):
    status_code = HTTPStatus.CONFLICT
    default_detail = "This contradicts what is on record."
    default_code = "conflict"


class DatabaseUnavailableError(exceptions.APIException):
    """503: the question is in order, and the database cannot answer it now."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_code = "database_unavailable"

    def __init__(self, reason: Unavailable) -> None:
        super().__init__(reason.sentence)
        self.reason = reason
        self.wait = reason.retry_after


def problem_body(
    status: int, detail: str, *, title: str = "", errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """The members of a problem; `errors` names the fields, as `a.b` where they nest."""
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
    """DRF's EXCEPTION_HANDLER. None, and so a 500, only for what nobody foresaw."""
    known = _as_api_error(error)
    if known is None:
        return None
    set_rollback()
    headers = {}
    if auth_header := getattr(known, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if (wait := getattr(known, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait))
    if isinstance(known, exceptions.ValidationError):
        errors = list(_field_errors(known.detail))
        body = problem_body(known.status_code, _summary(errors), title="Not valid", errors=errors)
    else:
        body = problem_body(known.status_code, _detail(known, context))
    response = Response(body, status=known.status_code, headers=headers, content_type=MEDIA_TYPE)
    if isinstance(known, DatabaseUnavailableError):
        mark_unavailable(response, known.reason)
    return response


def _as_api_error(error: Exception) -> exceptions.APIException | None:
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
        case ChangeConflictError():
            return ConflictError(str(error))
        case RequestDataTooBig():
            return BodyTooLargeError(
                "A body this large cannot be compared for an Idempotency-Key. Leave that out, or "
                "send parts."
            )
        case DataError():
            # what no field foresaw, such as a time zone of 21 hours
            return exceptions.ValidationError(
                "A value lies outside what can be kept or compared. Check the extremes."
            )
        case IntegrityError():
            return ConflictError(
                "Somebody else changed the same thing at the same moment. Read it again and retry."
            )
    return None


def _detail(error: exceptions.APIException, context: Mapping[str, Any]) -> str:
    view: Any = context.get("view")
    if view is not None and str(error.detail) == _is_default_detail(error, context):
        match error:
            case exceptions.MethodNotAllowed():
                methods = ", ".join(name for name in view.allowed_methods if name != "OPTIONS")
                return (
                    f"{context['request'].method} does nothing at this address. "
                    f"It takes {methods or 'nothing'}."
                )
            case exceptions.NotAcceptable():
                kinds = ", ".join(renderer.media_type for renderer in view.get_renderers())
                return f"This address does not answer so. Name one of these in Accept: {kinds}."
            case exceptions.UnsupportedMediaType():
                kinds = " or ".join(parser.media_type for parser in view.get_parsers())
                content_type = context["request"].content_type[:100]
                return f"A body of the type {content_type} is not read here. Send {kinds}."
    if isinstance(error, exceptions.NotFound):
        return _SENTENCES[HTTPStatus.NOT_FOUND]
    if isinstance(error, exceptions.NotAuthenticated):
        return _SENTENCES[HTTPStatus.UNAUTHORIZED]
    if isinstance(error, exceptions.ParseError):
        return _sentence(f"The body cannot be read. {error.detail}")
    return _sentence(str(error.detail))


def _is_default_detail(error: exceptions.APIException, context: Mapping[str, Any]) -> str:
    """What DRF says where the view said nothing of its own."""
    request = context["request"]
    match error:
        case exceptions.MethodNotAllowed():
            return str(exceptions.MethodNotAllowed(request.method).detail)
        case exceptions.NotAcceptable():
            return str(exceptions.NotAcceptable().detail)
        case exceptions.UnsupportedMediaType():
            return str(exceptions.UnsupportedMediaType(request.content_type).detail)
    return ""


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _summary(errors: list[dict[str, str]]) -> str:
    if len(errors) == 1:
        field, detail = errors[0]["field"], errors[0]["detail"]
        return _sentence(f"{field}: {detail}" if field else detail)
    return f"{len(errors)} things are not valid; see 'errors', correct them and send it again."


def _field_errors(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            own = name in {"non_field_errors", "__all__"}
            yield from _field_errors(inner, path if own else f"{path}.{name}".lstrip("."))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _field_errors(inner, path)
    else:
        yield {"field": path, "detail": str(detail)}


def _plain(status: HTTPStatus, detail: str) -> HttpResponse:
    return HttpResponse(
        orjson.dumps(problem_body(status, detail)), status=status, content_type=MEDIA_TYPE
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404 of the project: problem details under /api/, the page elsewhere."""
    if request.path.startswith(API_PREFIX):
        return _plain(HTTPStatus.NOT_FOUND, _SENTENCES[HTTPStatus.NOT_FOUND])
    if request.path == CALLS_PREFIX or request.path.startswith(f"{CALLS_PREFIX}/"):
        return _plain(HTTPStatus.NOT_FOUND, _WRONG_OTLP_ADDRESS)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500 of the project: says nothing of what broke; 503 where it is the database that
    cannot answer.

    Django calls it while it handles the error, wherever that was raised: in a view, a template or a
    middleware.
    """
    error = sys.exception()
    if error is not None and (reason := unavailability(error)):
        return _database_unavailable(request, reason, error)
    if request.path.startswith(API_PREFIX):
        return _plain(
            HTTPStatus.INTERNAL_SERVER_ERROR, _SENTENCES[HTTPStatus.INTERNAL_SERVER_ERROR]
        )
    return defaults.server_error(request)


def _database_unavailable(
    request: HttpRequest, reason: Unavailable, error: BaseException
) -> HttpResponse:
    """503 with a sentence, made without database and session."""
    _log_unavailable(reason, error)
    status = HTTPStatus.SERVICE_UNAVAILABLE
    if request.path.startswith((API_PREFIX, f"{CALLS_PREFIX}/")):
        response = _plain(status, reason.sentence)
    elif request.headers.get("HX-Request"):
        # for app.js, which shows it where the answer would have stood
        response = HttpResponse(
            reason.sentence, status=status, content_type="text/plain; charset=utf-8"
        )
    else:
        page = render_to_string("503.html", {"sentence": reason.sentence})
        response = HttpResponse(page, status=status)
    response.headers["Retry-After"] = str(reason.retry_after)
    response.headers["Cache-Control"] = "no-store"
    mark_unavailable(response, reason)
    # a line without the trace: it is no fault of the code
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
    """Note on the answer why the database gave none, for the middleware that may ask again."""
    response.database_unavailable = reason  # type: ignore[attr-defined]


def unavailable_reason(response: object) -> Unavailable | None:
    """What `mark_unavailable` noted."""
    return getattr(response, "database_unavailable", None)


def _log_unavailable(reason: Unavailable, error: BaseException) -> None:
    line = f"{type(error).__name__}: {error}".split("\n", 1)[0]
    log.warning("database_unavailable", reason=reason.name, error=line[:300])


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400 of the project."""
    if request.path.startswith(API_PREFIX):
        return _plain(
            HTTPStatus.BAD_REQUEST,
            "The request cannot be read. Check its address, headers and size.",
        )
    return defaults.bad_request(request, exception)


__all__ = [
    "MEDIA_TYPE",
    "ConflictError",
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
