"""The address of the MCP server, `/mcp`: API tokens with scope `read`, from permitted origins."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.request import Request

from apps.accounts.api_tokens.authentication import ApiTokenAuthentication
from apps.accounts.roles import Scope
from apps.api.framework.views import RegistryView
from apps.common.processes.lazy_import import lazy_import

if TYPE_CHECKING:
    from apps.api.mcp import server
else:
    # schemas of the tools, and msgspec: few processes serve them
    server = lazy_import("apps.api.mcp.server")

# arguments are names and numbers
MAX_REQUEST_BYTES = 64 * 1024


class RequestTooLargeError(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = (
        f"The request has more than {MAX_REQUEST_BYTES // 1024} KiB. Send one call with shorter "
        "arguments."
    )
    default_code = "too_large"


@extend_schema(exclude=True)
class McpView(RegistryView):
    """Model Context Protocol over streamable HTTP. A session of a browser does not count: a page of
    another site could use it."""

    authentication_classes = [ApiTokenAuthentication]
    # every method of the protocol is a POST, and all tools only read
    required_scope = Scope.READ

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        # before the token is looked up
        refuse_other_origin(request._request)
        super().initial(request, *args, **kwargs)

    def post(self, request: Request) -> HttpResponseBase:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_REQUEST_BYTES:
            raise RequestTooLargeError
        http = request._request
        http.user, http.auth = request.user, request.auth  # type: ignore[attr-defined]
        response: HttpResponse = server.SERVER(http)
        response.headers["Cache-Control"] = "no-store"
        return response


def refuse_other_origin(request: HttpRequest) -> None:
    """Raise 403 for a request from a page of another site.

    A browser sends the origin of the page. Without this check, a page whose host name is pointed to
    this server's address (DNS rebinding) could call tools. Programs send no origin.
    """
    origin = request.headers.get("Origin")
    if origin is None or origin in {settings.PUBLIC_URL, *settings.CSRF_TRUSTED_ORIGINS}:
        return
    raise PermissionDenied(
        "The origin of this request is not permitted. Call the server from a client that is not a "
        "browser, or add the origin to CSRF_TRUSTED_ORIGINS."
    )
