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
        caller = self.key(request)
        limit, seconds = self.rate(request)
        if caller is None or limit is None:
            return True
        moment = time.time()
        window = int(moment // seconds)
        name = f"throttle:{self.scope}:{caller}:{window}"
        self._wait = (window + 1) * seconds - moment
        return _count_request(name, limit=limit, timeout=2 * seconds) <= limit

    def get_ident(self, request: Request) -> str:
        return request_address(request)

    def wait(self) -> float:
        return max(self._wait, 1.0)


# {name: [requests counted so far, those of them that are not yet added to the cache]}
_pending_counts: dict[str, list[int]] = {}
_lock = Lock()
_MAX_COUNTERS = 10_000


def _count_request(name: str, *, limit: int, timeout: int) -> int:
    """Return the requests under this name so far, including this one."""
    batch_size = limit // 100
    if batch_size <= 1:
        return _add_to_counter(name, 1, timeout)
    with _lock:
        counts = _pending_counts.get(name)
        if counts is not None and counts[1] + 1 < batch_size and counts[0] + 1 <= limit:
            counts[0] += 1
            counts[1] += 1
            return counts[0]
        n_unreported = counts[1] + 1 if counts is not None else 1
        # most of them belong to windows that have passed
        if len(_pending_counts) >= _MAX_COUNTERS:
            _pending_counts.clear()
        _pending_counts[name] = [counts[0] + 1 if counts is not None else 1, 0]
    n_total = _add_to_counter(name, n_unreported, timeout)
    with _lock:
        current_counts = _pending_counts.setdefault(name, [0, 0])
        current_counts[0] = max(current_counts[0], n_total + current_counts[1])
    return n_total


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
        per_minute = request.auth.per_minute if isinstance(request.auth, ApiToken) else None
        return parse_rate(self.scope) if per_minute is None else (per_minute, _SECONDS["m"])


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


# an invalid rate would fail every request, so it is checked at the start
for _scope in api_settings.DEFAULT_THROTTLE_RATES:
    parse_rate(_scope)
