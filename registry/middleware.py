"""Middleware that joins more than one floor."""

from typing import Any

from django.http import HttpRequest
from pghistory.middleware import HistoryMiddleware

from apps.common.logging import request_id


class RequestHistoryMiddleware(HistoryMiddleware):
    """Every row written during a request carries who asked, where, and the request's id in the log."""

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        words: dict[str, Any] = {**super().get_context(request), "request_id": request_id(request)}
        if request.user.is_authenticated:
            words["actor"] = request.user.get_username()
        return words
