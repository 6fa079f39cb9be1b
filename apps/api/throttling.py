"""How often one caller may ask: a counter per token (or person) and window, two small cache calls a request."""

import time
from typing import Any

from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

from apps.accounts.models import ApiToken

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class WindowThrottle(BaseThrottle):
    """Counts requests in fixed windows. At a window's turn a caller may get through twice the rate, never more.

    A counter costs the same at any rate, where DRF's own throttle keeps and rewrites a list of every request.
    While the cache is away everybody passes: it is no lock.
    """

    scope = ""

    def __init__(self) -> None:
        self._wait = 0.0

    def key(self, request: Request) -> str | None:
        """Whose requests are counted together; None: not counted."""
        raise NotImplementedError

    def allow_request(self, request: Request, view: Any) -> bool:
        who = self.key(request)
        limit, seconds = rate_of(self.scope)
        if who is None or limit is None:
            return True
        moment = time.time()
        window = int(moment // seconds)
        name = f"throttle:{self.scope}:{who}:{window}"
        cache.add(name, 0, timeout=2 * seconds)
        try:
            n_asked = cache.incr(name)
        except ValueError:  # the cache dropped the counter in between
            return True
        self._wait = (window + 1) * seconds - moment
        return n_asked <= limit

    def wait(self) -> float:
        return max(self._wait, 1.0)


class TokenThrottle(WindowThrottle):
    """Each token by itself; a signed-in person's pages and scripts share one counter."""

    scope = "token"

    def key(self, request: Request) -> str | None:
        if isinstance(request.auth, ApiToken):
            return f"t{request.auth.pk}"
        return f"u{request.user.pk}" if request.user.is_authenticated else None


class AnonymousThrottle(WindowThrottle):
    """For what needs no sign-in: each address by itself."""

    scope = "anonymous"

    def key(self, request: Request) -> str | None:
        return None if request.user.is_authenticated else self.get_ident(request)


def rate_of(scope: str) -> tuple[int | None, int]:
    """(requests, seconds) of a setting such as `1200/min`; None requests: unlimited."""
    text = api_settings.DEFAULT_THROTTLE_RATES.get(scope)
    if not text:
        return None, 1
    try:
        number, period = str(text).split("/")
        return int(number), _SECONDS[period[:1]]
    except (ValueError, KeyError) as error:
        raise ImproperlyConfigured(f"The rate of '{scope}' is written like 1200/min, not '{text}'.") from error
