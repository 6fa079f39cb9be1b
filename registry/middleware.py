"""Middleware that joins more than one floor."""

import re
from typing import Any

from django.http import HttpRequest
from pghistory.middleware import HistoryMiddleware

from apps.common.logging import request_id

# of a signed address: who reads the history must not be able to use it
SIGNATURE = re.compile(r"\.[A-Za-z0-9_-]{43}(?=/|$)")


class RequestHistoryMiddleware(HistoryMiddleware):
    """Every row written during a request carries who asked, where, and the request's id in the log."""

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        words: dict[str, Any] = {**super().get_context(request), "request_id": request_id(request)}
        words["url"] = SIGNATURE.sub(".…", words["url"])
        if request.user.is_authenticated:
            words["actor"] = request.user.get_username()
        return words
