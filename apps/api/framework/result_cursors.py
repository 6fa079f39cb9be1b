"""Cursors for computed lists: the values of the last row, as text."""

import base64
import binascii
import json
from collections.abc import Sequence
from urllib.parse import urlencode

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

INVALID_CURSOR_MESSAGE = "This cursor does not belong to this list. Start again without it."


def next_link(request: Request, last_values: Sequence[int]) -> str:
    """Return the URL of the page after the row with these values."""
    cursor = base64.urlsafe_b64encode(json.dumps(list(last_values)).encode()).decode().rstrip("=")
    query = [
        (name, value)
        for name, values in request.query_params.lists()
        for value in values
        if name != "cursor"
    ]
    return f"{request.build_absolute_uri(request.path)}?{urlencode([*query, ('cursor', cursor)])}"


def read_cursor(request: Request, n: int) -> tuple[int, ...] | None:
    """Return the `n` integers of `?cursor=`, or None at the start; raise ValidationError if it is
    not valid."""
    cursor = request.query_params.get("cursor")
    if not cursor:
        return None
    try:
        values = json.loads(
            base64.b64decode(
                cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
            )
        )
    except (ValueError, binascii.Error, RecursionError) as error:
        raise ValidationError({"cursor": INVALID_CURSOR_MESSAGE}) from error
    if not isinstance(values, list) or len(values) != n:
        raise ValidationError({"cursor": INVALID_CURSOR_MESSAGE})
    if any(
        not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**62
        for value in values
    ):
        raise ValidationError({"cursor": INVALID_CURSOR_MESSAGE})
    return tuple(values)
