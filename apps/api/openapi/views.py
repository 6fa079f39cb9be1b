"""The OpenAPI document and its page, for signed-in users, or for all if API_DOCUMENT_OPEN
is set."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request

from apps.accounts.api_tokens.authentication import HasScope
from apps.api.framework.json_renderer import FastJSONRenderer
from apps.api.framework.throttles import AnonymousThrottle, TokenThrottle


class DocumentView(SpectacularAPIView):
    """The OpenAPI document. It contains nothing about the organisation, but takes seconds to build
    and lists every URL."""

    permission_classes = [HasScope]
    throttle_classes = [TokenThrottle, AnonymousThrottle]

    def get_permissions(self) -> Sequence[Any]:
        return () if settings.API_DOCUMENT_OPEN else super().get_permissions()

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(response, "exception", False):
            # an error is JSON, whatever format of the document was requested
            request.accepted_renderer, request.accepted_media_type = (
                FastJSONRenderer(),
                FastJSONRenderer.media_type,
            )
        return super().finalize_response(request, response, *args, **kwargs)


class DocumentPageView(SpectacularSwaggerSplitView):
    """The browsable page; its script has a URL of its own, as the content security policy
    requires."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.API_DOCUMENT_OPEN and not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return super().dispatch(request, *args, **kwargs)
