from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer

# moments end in Z; Decimals are written as text, so that no reader rounds money
OPTIONS = orjson.OPT_UTC_Z
_ACCEPTS_JSON = frozenset({"*/*", "application/json"})


class FastJSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            body: bytes = getattr((renderer_context or {}).get("response"), "kept_body", b"")
            return body
        return orjson.dumps(data, default=_format_value, option=OPTIONS)


def _format_value(value: Any) -> str:
    """Write amounts out, so that a client need not parse 0E-15."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


class FormatNegotiation(DefaultContentNegotiation):
    """Treat an unknown `?format=` as an invalid request, not as a missing resource."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """Return (renderer, media type); JSON without negotiation for the headers that
        most clients send."""
        if (
            not format_suffix
            and request.META.get("HTTP_ACCEPT", "*/*") in _ACCEPTS_JSON
            and self.settings.URL_FORMAT_OVERRIDE not in request.query_params
            and renderers[0].media_type == FastJSONRenderer.media_type
        ):
            return renderers[0], FastJSONRenderer.media_type
        return super().select_renderer(request, renderers, format_suffix)

    def filter_renderers(self, renderers: Any, format: str) -> Any:
        matching_renderers = [renderer for renderer in renderers if renderer.format == format]
        if not matching_renderers:
            format_names = ", ".join(renderer.format for renderer in renderers)
            raise ValidationError(
                {"format": f"This endpoint answers as {format_names}. Use one of these formats."}
            )
        return matching_renderers
