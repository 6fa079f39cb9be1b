"""Base view of SCIM: token, limits, content type, and errors in the form of RFC 7644."""

from collections.abc import Mapping
from typing import Any

import orjson
import pghistory
from django.db import OperationalError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import parse_etags
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.actions import can_provision
from apps.accounts.api_tokens.authentication import ApiTokenAuthentication, HasScope
from apps.accounts.models import ApiToken, User
from apps.accounts.provisioning.errors import ScimError, ScimType, invalid
from apps.accounts.provisioning.resources import PREFIX, error_body, select_attributes
from apps.accounts.provisioning.status import record_request
from apps.accounts.roles import Scope
from apps.api.framework.problems import DatabaseUnavailableError, mark_unavailable
from apps.api.framework.throttles import TokenThrottle
from apps.common.errors import DomainError, ForbiddenError
from apps.common.invisible_characters import remove_control_characters_from_json
from apps.common.postgresql.errors import unavailability
from apps.common.time import now

MEDIA_TYPE = "application/scim+json"
_MEDIA_TYPES = frozenset({MEDIA_TYPE, "application/json", ""})
# the largest requests are PATCHes of groups with a thousand members
MAX_BODY_BYTES = 1024 * 1024
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class ScimRenderer(BaseRenderer):
    media_type = MEDIA_TYPE
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data)


class _OneFormat(BaseContentNegotiation):
    """Answer in the one format, whatever the client accepts."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return None

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return ScimRenderer(), MEDIA_TYPE


class MayProvision(HasScope):
    """A token with the scope `scim` of an administrator or a service account of the organisation. A
    session is not accepted: provisioning is done by programs."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiToken):
            return False
        if not super().has_permission(request, view):
            return False
        self.message = "The user of this API token is no administrator any more. Create a new one."
        return request.auth.team_id is None and can_provision(request.user)  # type: ignore[arg-type]


@extend_schema(exclude=True)
class ScimView(APIView):
    """A resource or a list of SCIM. Handlers raise ScimError; changes are one transaction."""

    authentication_classes = [ApiTokenAuthentication]
    permission_classes = [MayProvision]
    throttle_classes = [TokenThrottle]
    renderer_classes = [ScimRenderer]
    content_negotiation_class = _OneFormat
    metadata_class = None
    required_scope = Scope.SCIM

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: Any = super().dispatch(request, *args, **kwargs)
        if isinstance(getattr(self.request, "auth", None), ApiToken) and response.status_code < 500:
            self._record(request, response)
        return response  # type: ignore[no-any-return]

    def _record(self, request: HttpRequest, response: Any) -> None:
        error = ""
        if response.status_code >= 400 and response.status_code != 404:
            error = f"{response.status_code}: {response.data['detail']}"
        path = request.path.removeprefix(PREFIX)
        record_request(f"{request.method} {path}", at=now(), error=error)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method in _WRITES and request.method.lower() in self._methods():
            # the handler runs in the transaction, which an error of any kind rolls back
            handlers: Any = self
            name = request.method.lower()
            handler = getattr(self, name)

            def in_transaction(*args: Any, **kwargs: Any) -> HttpResponseBase:
                with pghistory.context(token=self.token.prefix), transaction.atomic():
                    answer: HttpResponseBase = handler(*args, **kwargs)
                    return answer

            setattr(handlers, name, in_transaction)

    def _methods(self) -> set[str]:
        return {name for name in self.http_method_names if hasattr(self, name)}

    @property
    def token(self) -> ApiToken:
        token = self.request.auth
        # no other authentication is accepted here
        assert isinstance(token, ApiToken)
        return token

    @property
    def user(self) -> User:
        user = self.request.user
        assert isinstance(user, User)
        return user

    def read_body(self) -> dict[str, Any]:
        """Return the JSON object of the request. Raises ScimError."""
        request = self.request._request
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        if kind not in _MEDIA_TYPES:
            raise ScimError(415, f"Send {MEDIA_TYPE} or application/json.")
        body = request.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise ScimError(
                413,
                f"A body can have at most {MAX_BODY_BYTES // 1024 // 1024} MB.",
                ScimType.TOO_MANY,
            )
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise invalid("The body is not valid JSON.", ScimType.INVALID_SYNTAX) from None
        if not isinstance(document, dict):
            raise invalid("The body must be a JSON object.", ScimType.INVALID_SYNTAX)
        cleaned: dict[str, Any] = remove_control_characters_from_json(body, document)
        return cleaned

    def check_version(self, resource: Mapping[str, Any]) -> None:
        """Raise 412 unless the resource has the version in If-Match, if there is one."""
        wanted = parse_etags(self.request.headers.get("If-Match", ""))
        if wanted and "*" not in wanted and resource["meta"]["version"] not in wanted:
            raise ScimError(412, "The resource has changed since it was read. Read it again.")

    def answer_resource(self, resource: dict[str, Any], *, status: int = 200) -> Response:
        """Return the resource with its version, or 304 if the client has it."""
        headers = {"ETag": resource["meta"]["version"], "Cache-Control": "no-store"}
        known = parse_etags(self.request.headers.get("If-None-Match", ""))
        if self.request.method == "GET" and resource["meta"]["version"] in known:
            return Response(status=304, headers=headers)
        if status == 201:
            headers["Location"] = resource["meta"]["location"]
        return Response(self.select(resource), status=status, headers=headers)

    def select(self, resource: dict[str, Any]) -> dict[str, Any]:
        included, excluded = (
            self.request.query_params.get(name, "").split(",")
            for name in ("attributes", "excludedAttributes")
        )
        return select_attributes(resource, included=included, excluded=excluded)

    def excludes(self, attribute: str) -> bool:
        """Return whether the client does not want the attribute, which then need not be read."""
        params = self.request.query_params
        unwanted = {
            name.strip().lower() for name in params.get("excludedAttributes", "").split(",")
        }
        wanted = {name.strip().lower() for name in params.get("attributes", "").split(",")} - {""}
        parts = {name.partition(".")[0] for name in wanted}
        return attribute in unwanted or (bool(wanted) and attribute not in parts)

    def page(self, *, most: int) -> tuple[int, int]:
        """Return the first position, from 1, and the number of resources of a list."""
        start = self._number("startIndex", 1)
        count = self._number("count", most)
        return max(start, 1), min(max(count, 0), most)

    def _number(self, name: str, default: int) -> int:
        text = self.request.query_params.get(name, "").strip()
        if not text:
            return default
        digits = text.removeprefix("-")
        if not digits.isascii() or not digits.isdecimal() or len(digits) > 9:
            raise invalid(f"“{name}” must be a whole number.")
        return int(text)

    def handle_exception(self, exc: Exception) -> Response:
        """Return the error in the form of SCIM; unexpected errors are raised."""
        if isinstance(exc, ScimError):
            return self._refusal(exc)
        if isinstance(exc, OperationalError) and (reason := unavailability(exc)):
            unavailable = DatabaseUnavailableError(reason)
            response = self._refusal(ScimError(503, str(unavailable.detail)))
            response["Retry-After"] = str(int(unavailable.wait))
            mark_unavailable(response, reason)
            return response
        if isinstance(exc, ForbiddenError):
            return self._refusal(ScimError(403, str(exc)))
        if isinstance(exc, DomainError):
            return self._refusal(ScimError(409, str(exc)))
        if isinstance(exc, Http404):
            return self._refusal(ScimError(404, "There is no resource at this URL."))
        response = super().handle_exception(exc)
        if isinstance(exc, APIException):
            detail = response.data.get("detail", str(exc.detail))
            error = ScimError(response.status_code, str(detail))
            response.data, response.content_type = error_body(error), MEDIA_TYPE
        return response

    def _refusal(self, error: ScimError) -> Response:
        response = Response(error_body(error), status=error.status)
        response.exception = True
        return response


@extend_schema(exclude=True)
class UnknownView(ScimView):
    """Everything below the prefix that is no resource."""

    def get(self, request: Request, *_args: Any, **_kwargs: Any) -> HttpResponse:
        raise ScimError(404, "There is no resource at this URL.")

    post = put = patch = delete = get


@extend_schema(exclude=True)
class NotImplementedView(ScimView):
    """`/Bulk`, `/Me` and `/.search`, which RFC 7644 leaves to the service."""

    def get(self, request: Request, *_args: Any, **_kwargs: Any) -> HttpResponse:
        raise ScimError(501, "This operation is not supported. Use /Users and /Groups.")

    post = put = patch = delete = get
