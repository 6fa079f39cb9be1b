"""JSON bodies, with a limit on size and depth."""

from typing import Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from apps.api.bulk.row_stream import BodyTooLargeError, holds_null_character
from apps.common.invisible_characters import remove_control_characters_from_json
from apps.intake.documents.records import UnreadableError
from apps.intake.readers.json_text import check_size

# for one record; many records are sent to the bulk endpoints
MAX_BODY_BYTES = 10 * 1024 * 1024


class FastJSONParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the body as Python objects, without control characters. Raise an error for large,
        deep or invalid JSON."""
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLargeError(
                f"A body can have at most {MAX_BODY_BYTES // 1024 // 1024} MB. Send "
                "many rows to a bulk endpoint."
            )
        try:
            check_size(body)
            value = orjson.loads(body)
        except UnreadableError as error:
            raise ParseError(str(error)) from None
        except orjson.JSONDecodeError as error:
            raise ParseError(f"JSON parse error - {error}") from error
        if holds_null_character(body, value):
            raise ParseError(
                "A value contains a null character, which cannot be stored. Remove it."
            )
        return remove_control_characters_from_json(body, value)
