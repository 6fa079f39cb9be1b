"""The cache, made optional: what it holds are counters and hints, and no page fails for want of them."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import TimeoutError as TooSlow

from apps.common.breaker import CircuitBreaker

logger = logging.getLogger(__name__)
# a page asks a dozen times, and would wait each time for a server that is silent
_BREAKER = CircuitBreaker()
PAUSE_SECONDS = 5.0


class ForgivingRedisCache(RedisCache):
    """A cache that is empty, and says so in the log, while its server is away or silent."""

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return _forgiven(lambda: super(ForgivingRedisCache, self).get(key, default, version), default)

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        return dict(_forgiven(lambda: super(ForgivingRedisCache, self).get_many(keys, version), {}))

    def set_many(self, data: Any, timeout: Any = 300, version: int | None = None) -> list[Any]:
        return list(_forgiven(lambda: super(ForgivingRedisCache, self).set_many(data, timeout, version), []))

    def add(self, key: Any, value: Any, timeout: Any = 300, version: int | None = None) -> bool:
        return bool(_forgiven(lambda: super(ForgivingRedisCache, self).add(key, value, timeout, version), True))

    def set(self, key: Any, value: Any, timeout: Any = 300, version: int | None = None) -> None:
        _forgiven(lambda: super(ForgivingRedisCache, self).set(key, value, timeout, version), None)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        return int(_forgiven(lambda: super(ForgivingRedisCache, self).incr(key, delta, version), delta))

    def delete(self, key: Any, version: int | None = None) -> bool:
        return bool(_forgiven(lambda: super(ForgivingRedisCache, self).delete(key, version), False))


def _forgiven(ask: Callable[[], Any], instead: Any) -> Any:
    """What the server answers; `instead` while it is away."""
    if not _BREAKER.admits():
        return instead
    try:
        answer = ask()
    except (Unreachable, TooSlow) as error:
        if isinstance(error, TooSlow):
            _BREAKER.open(PAUSE_SECONDS)
        logger.warning("cache unreachable, going on without it: %s", error)
        return instead
    _BREAKER.close()
    return answer
