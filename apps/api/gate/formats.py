"""Formats of the result: JSON, SARIF for code scanning, JUnit for test reports."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer

from apps.api.framework.json_renderer import OPTIONS, FastJSONRenderer
from apps.gate.formats.sarif import JUNIT_TYPE, SARIF_TYPE, render_junit, render_sarif
from apps.intake.documents.records import UnreadableError
from apps.intake.readers.json_text import check_size

# the limit of the intake for a bill of materials
MAX_BODY_BYTES = 20 * 1024 * 1024


class GateBodyTooLargeError(APIException):
    status_code = 413
    default_detail = (
        f"The body can have at most {MAX_BODY_BYTES // 1024 // 1024} MiB. Send the "
        "names of the models instead."
    )
    default_code = "too_long"


class CappedJSONParser(JSONParser):
    """A parser with a limit on size and depth, applied before the body is used."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise GateBodyTooLargeError
        try:
            check_size(body)
            return orjson.loads(body)
        except UnreadableError as error:
            raise ParseError(str(error)) from error
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not valid JSON: {error}") from error


class _DecisionRenderer(BaseRenderer):
    """A decision in this format; errors and pending results stay JSON."""

    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Render a decision in the requested format; errors and jobs without a decision are
        JSON."""
        if data is None:
            return b""
        if not isinstance(data, Mapping) or "decision" not in data:
            response = (renderer_context or {}).get("response")
            if (
                response is not None
                and "Content-Type" in response
                and response["Content-Type"] == self.media_type
            ):
                response["Content-Type"] = FastJSONRenderer.media_type
            return orjson.dumps(data, default=str, option=OPTIONS)
        return self.render_decision(data)

    def render_decision(self, body: Mapping[str, Any]) -> bytes:
        raise NotImplementedError


class SarifRenderer(_DecisionRenderer):
    media_type = SARIF_TYPE
    format = "sarif"

    def render_decision(self, body: Mapping[str, Any]) -> bytes:
        return orjson.dumps(render_sarif(body), default=str, option=OPTIONS)


class JUnitRenderer(_DecisionRenderer):
    media_type = JUNIT_TYPE
    format = "junit"

    def render_decision(self, body: Mapping[str, Any]) -> bytes:
        return render_junit(body)


RENDERERS = [FastJSONRenderer, SarifRenderer, JUnitRenderer]
