"""Base view of the endpoints for traces, metrics and gateway calls: token, limits, content type and
answers.

An error is problem details with `code` and `message`, which OTLP clients read. A client does not
repeat a request after 400 or 413, and repeats it after 429 or 503, `Retry-After` seconds later.
"""

from http import HTTPStatus
from typing import Any, ClassVar

from django.db import OperationalError
from django.http import HttpRequest, HttpResponseBase
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from apps.accounts.api_tokens.authentication import ApiTokenAuthentication
from apps.accounts.models import ApiToken
from apps.accounts.roles import Scope
from apps.api.framework.json_renderer import FastJSONRenderer
from apps.api.framework.throttles import TokenThrottle
from apps.api.framework.views import RegistryView
from apps.intake.decompression import BodyTooLargeError
from apps.intake.telemetry.content_encoding import UnknownEncodingError, decode_body
from apps.intake.telemetry.ingest import BacklogFullError
from apps.intake.telemetry.limits import MAX_INFLATED_BYTES, MAX_RECORDS
from apps.intake.telemetry.records import TooManyRecordsError, UnreadableError

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
_PROTOBUFS = frozenset({PROTOBUF, "application/protobuf"})
_RETRY_SECONDS = {HTTPStatus.SERVICE_UNAVAILABLE: 10}
# codes of google.rpc.Status, by HTTP status
_CODES = {400: 3, 401: 16, 403: 7, 413: 8, 415: 3, 429: 8, 503: 14}


class IngestRefusedError(APIException):
    """An answer other than 200; `status` is its HTTP status, the text a sentence."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status_code = int(status)
        self.wait = _RETRY_SECONDS.get(status)


class _AcceptAnyNegotiation(BaseContentNegotiation):
    """Accept any Accept header; the answer has the format of the request."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return None

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return FastJSONRenderer(), JSON


class TelemetryThrottle(TokenThrottle):
    """A limit apart from other requests of the token, since a collector sends dozens per second."""

    scope = "calls"


class TelemetryIngestView(RegistryView):
    """POST only, with a token of scope `intake`; a session is not accepted."""

    authentication_classes = [ApiTokenAuthentication]
    throttle_classes = [TelemetryThrottle]
    content_negotiation_class = _AcceptAnyNegotiation
    required_scope = Scope.INTAKE
    most_bytes = 0
    media_types: ClassVar[frozenset[str]] = frozenset({JSON})

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        kind = self._media_type(request)
        try:
            raw_body = self._read_body(request._request)
            body = decode_body(
                raw_body, request.headers.get("Content-Encoding", ""), max_bytes=MAX_INFLATED_BYTES
            )
            return self.take(body, kind, request)
        except UnreadableError as error:
            raise IngestRefusedError(HTTPStatus.BAD_REQUEST, str(error)) from error
        except BodyTooLargeError as error:
            raise IngestRefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error)) from error
        except TooManyRecordsError as error:
            raise IngestRefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"A request can contain at most {MAX_RECORDS:,} spans, points or "
                "records. Send smaller batches.",
            ) from error
        except UnknownEncodingError as error:
            raise IngestRefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error)) from error
        except BacklogFullError as error:
            raise IngestRefusedError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The aggregation is delayed. Send the request again later; nothing is lost.",
            ) from error
        except OperationalError as error:
            raise IngestRefusedError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The database is temporarily unavailable. Send the request again.",
            ) from error

    def take(self, body: bytes, kind: str, request: Request) -> HttpResponseBase:
        raise NotImplementedError

    @property
    def token(self) -> ApiToken:
        token = self.request.auth
        # no other authentication is accepted here
        assert isinstance(token, ApiToken)
        return token

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, OperationalError):
            exc = IngestRefusedError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The database is temporarily unavailable. Send the request again.",
            )
        response = super().handle_exception(exc)
        if isinstance(getattr(response, "data", None), dict) and "detail" in response.data:
            problem = response.data
            response.data = {
                **problem,
                "code": _CODES.get(response.status_code, 2),
                "message": problem["detail"],
            }
        if isinstance(exc, MethodNotAllowed):
            response["Allow"] = "POST"
        return response

    def _may_repeat(self, request: Request | HttpRequest) -> bool:
        """Return False: each call has a key of its own."""
        return False

    def _media_type(self, request: Request) -> str:
        kind = (
            request.content_type.partition(";")[0].strip().lower() if request.content_type else ""
        )
        kind = PROTOBUF if kind in _PROTOBUFS else kind
        if kind not in self.media_types:
            raise IngestRefusedError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"Content-Type '{kind[:60]}' is not supported. Send "
                f"{' or '.join(sorted(self.media_types))}.",
            )
        return kind

    def _read_body(self, request: HttpRequest) -> bytes:
        max_bytes = self.most_bytes
        sentence = (
            f"A request can have at most {max_bytes // 1024 // 1024} MiB as sent. Send "
            "smaller batches, or use gzip."
        )
        content_length = request.META.get("CONTENT_LENGTH") or ""
        if content_length.isdigit() and int(content_length) > max_bytes:
            raise BodyTooLargeError(sentence)
        if not content_length and "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            # without a length Django reads nothing
            body: bytes = request.META["wsgi.input"].read(max_bytes + 1)
        else:
            body = request.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise BodyTooLargeError(sentence)
        return body


__all__ = ["JSON", "PROTOBUF", "IngestRefusedError", "TelemetryIngestView"]
