"""The OpenAPI document, for whoever is signed in."""

from typing import Any

from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

from apps.accounts.authentication import HasScope
from apps.api.rendering import FastJSONRenderer
from apps.api.throttling import TokenThrottle


class DocumentView(SpectacularAPIView):
    """Says nothing about the organisation, but takes seconds to write and would show strangers every address."""

    permission_classes = [HasScope]
    throttle_classes = [TokenThrottle]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(response, "exception", False):
            # a refusal is JSON, whichever form of the document was asked for
            request.accepted_renderer, request.accepted_media_type = FastJSONRenderer(), FastJSONRenderer.media_type
        return super().finalize_response(request, response, *args, **kwargs)
