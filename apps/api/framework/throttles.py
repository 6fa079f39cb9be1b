"""Rate limits: a counter per token (or user) and window in the cache, updated in small batches."""

import time
from threading import Lock
from typing import Any

from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

from apps.accounts.models import ApiToken
from apps.common.requests.address import request_address

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class WindowThrottle(BaseThrottle):
    """Counts requests in fixed windows. At the change of a window a caller can make up to twice the
    rate.

    A counter costs the same at any rate, while the throttle of REST framework stores a list of
    every request. A process updates the cache after a hundredth of the rate, so that most requests
    do not read it; it can allow that many more. While the cache is unavailable, all requests pass.
    """

    scope = ""

    def __init__(self) -> None:
        self._wait = 0.0

    def key(self, request: Request) -> str | None:
        """Return the name under which requests are counted; None if they are not counted."""
        raise NotImplementedError

    def rate(self, request: Request) -> tuple[int | None, int]:
        """Return the number of requests and the seconds; None requests for no limit."""
        return parse_rate(self.scope)

    def allow_request(self, request: Request, view: Any) -> bool:
        who = self.key(request)
        limit, seconds = self.rate(request)
        if who is None or limit is None:
            return True
        moment = time.time()
        window = int(moment // seconds)
        name = f"throttle:{self.scope}:{who}:{window}"
        self._wait = (window + 1) * seconds - moment
        return _count_request(name, limit=limit, timeout=2 * seconds) <= limit

    def get_ident(self, request: Request) -> str:
        return request_address(request)

    def wait(self) -> float:
        return max(self._wait, 1.0)


# what this process has counted and not told yet: {name: [all that is known of, of which untold]}
_pending_counts: dict[str, list[int]] = {}
_lock = Lock()
_MAX_COUNTERS = 10_000


def _count_request(name: str, *, limit: int, timeout: int) -> int:
    """Return the requests under this name so far, including this one."""
    handful = limit // 100
    if handful <= 1:
        return _add_to_counter(name, 1, timeout)
    with _lock:
        known = _pending_counts.get(name)
        if known is not None and known[1] + 1 < handful and known[0] + 1 <= limit:
            known[0] += 1
            known[1] += 1
            return known[0]
        told = known[1] + 1 if known is not None else 1
        # windows that have passed are among them
        if len(_pending_counts) >= _MAX_COUNTERS:
            _pending_counts.clear()
        _pending_counts[name] = [known[0] + 1 if known is not None else 1, 0]
    n_asked = _add_to_counter(name, told, timeout)
    with _lock:
        kept = _pending_counts.setdefault(name, [0, 0])
        kept[0] = max(kept[0], n_asked + kept[1])
    return n_asked


def _add_to_counter(name: str, n: int, timeout: int) -> int:
    cache.add(name, 0, timeout=timeout)
    try:
        return cache.incr(name, n)
    except ValueError:  # the cache dropped the counter in between
        return 0


class TokenThrottle(WindowThrottle):
    """A limit per token; the pages and scripts of a signed-in user share one counter."""

    scope = "token"

    def key(self, request: Request) -> str | None:
        if isinstance(request.auth, ApiToken):
            return f"t{request.auth.pk}"
        return f"u{request.user.pk}" if request.user.is_authenticated else None

    def rate(self, request: Request) -> tuple[int | None, int]:
        """Return the rate of the token, or the rate of all tokens."""
        own = request.auth.per_minute if isinstance(request.auth, ApiToken) else None
        return parse_rate(self.scope) if own is None else (own, _SECONDS["m"])


class AnonymousThrottle(WindowThrottle):
    """A limit per address, for endpoints without sign-in."""

    scope = "anonymous"

    def key(self, request: Request) -> str | None:
        return None if request.user.is_authenticated else self.get_ident(request)


def parse_rate(scope: str) -> tuple[int | None, int]:
    """Return the number of requests and the seconds of a setting such as `1200/min`; None for no
    limit."""
    text = api_settings.DEFAULT_THROTTLE_RATES.get(scope)
    if not text:
        return None, 1
    try:
        number, period = str(text).split("/")
        return int(number), _SECONDS[period[:1]]
    except (ValueError, KeyError) as error:
        raise ImproperlyConfigured(
            f"The rate of '{scope}' must have the form 1200/min, not '{text}'."
        ) from error


# a rate that cannot be read would fail every request, and so fails the start
for _scope in api_settings.DEFAULT_THROTTLE_RATES:
    parse_rate(_scope)
