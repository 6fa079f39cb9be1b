from collections.abc import Mapping
from typing import Any

import orjson
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
        return b"" if data is None else orjson.dumps(data, default=str, option=OPTIONS)
