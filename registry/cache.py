"""The cache, made optional: what it holds are counters and hints, and no page fails for want of them."""

import logging
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import TimeoutError as TooSlow

logger = logging.getLogger(__name__)


class ForgivingRedisCache(RedisCache):
    """A cache that is empty, and says so in the log, while its server is away."""

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except (Unreachable, TooSlow) as error:
            return self._away(error, default)

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        try:
            return dict(super().get_many(keys, version))
        except (Unreachable, TooSlow) as error:
            return dict(self._away(error, {}))

    def set_many(self, data: Any, timeout: Any = 300, version: int | None = None) -> list[Any]:
        try:
            return list(super().set_many(data, timeout, version))
        except (Unreachable, TooSlow) as error:
            return list(self._away(error, []))

    def add(self, key: Any, value: Any, timeout: Any = 300, version: int | None = None) -> bool:
        try:
            return bool(super().add(key, value, timeout, version))
        except (Unreachable, TooSlow) as error:
            return bool(self._away(error, True))

    def set(self, key: Any, value: Any, timeout: Any = 300, version: int | None = None) -> None:
        try:
            super().set(key, value, timeout, version)
        except (Unreachable, TooSlow) as error:
            self._away(error, None)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        try:
            return int(super().incr(key, delta, version))
        except (Unreachable, TooSlow) as error:
            return int(self._away(error, delta))

    def delete(self, key: Any, version: int | None = None) -> bool:
        try:
            return bool(super().delete(key, version))
        except (Unreachable, TooSlow) as error:
            return bool(self._away(error, False))

    @staticmethod
    def _away(error: Exception, instead: Any) -> Any:
        logger.warning("cache unreachable, going on without it: %s", error)
        return instead
