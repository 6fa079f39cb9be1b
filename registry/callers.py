"""Caller recognition for the web server: whether a session or token is real is checked before a
long body is kept."""

from collections.abc import Mapping
from importlib import import_module
from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.wsgi import WSGIRequest
from django.db import connections
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts.api_tokens.authentication import ApiTokenAuthentication


def is_known(environ: Mapping[str, Any]) -> bool:
    """Return whether the request's token or session exists and is in force. At most three
    statements."""
    request = WSGIRequest({**environ, "wsgi.input": BytesIO()})
    try:
        try:
            if ApiTokenAuthentication().authenticate(Request(request)) is not None:
                return True
        except AuthenticationFailed:
            return False
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if key is None:
            return False
        request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
        return bool(get_user(request).is_authenticated)
    finally:
        # the thread continues, and must not keep a connection
        connections.close_all()
