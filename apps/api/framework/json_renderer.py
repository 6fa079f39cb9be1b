from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer

# moments end in Z; Decimals are written as text, so that no reader rounds money
OPTIONS = orjson.OPT_UTC_Z


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
            kept: bytes = getattr((renderer_context or {}).get("response"), "kept_body", b"")
            return kept
        return orjson.dumps(data, default=_as_text, option=OPTIONS)


def _as_text(value: Any) -> str:
    """Write amounts out, so that a client need not parse 0E-15."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


class FormatNegotiation(DefaultContentNegotiation):
    """Treat an unknown `?format=` as an invalid request, not as a missing resource."""

    def filter_renderers(self, renderers: Any, format: str) -> Any:
        found = [renderer for renderer in renderers if renderer.format == format]
        if not found:
            known = ", ".join(renderer.format for renderer in renderers)
            raise ValidationError(
                {"format": f"This endpoint answers as {known}. Use one of these formats."}
            )
        return found
