"""Rate limits of pages that work without sign-in: a counter per name and window in the cache."""

import time

from django.core.cache import cache


def exceeds_rate(name: str, *, limit: int, seconds: int) -> bool:
    """Count a request under this name; return whether there were more than `limit` in this window.
    While the cache is unavailable, all requests pass."""
    key = f"rate:{name}:{int(time.time() // seconds)}"
    cache.add(key, 0, timeout=2 * seconds)
    try:
        return cache.incr(key) > limit
    except ValueError:  # the cache dropped the counter in between
        return False
