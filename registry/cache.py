"""Cache backend: counters and hints as JSON on a Valkey that may be lost, full or read-only without
a page failing.

What cannot be stored there is kept by this process alone, so that limits still hold, for each
process by itself: docs/operator.md lists what is in the cache, and what its loss means."""

import json
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from apps.common.circuit_breaker import CircuitBreaker

logger = logging.getLogger(__name__)
# a page asks a dozen times, and would wait each time for a server that is silent
_BREAKER = CircuitBreaker()
PAUSE_SECONDS = 5.0
WARNING_SECONDS = 10.0
# of one process, while the server does not keep them; larger values are lost
MAX_LOCAL_ENTRIES = 20_000
MAX_LOCAL_BYTES = 4096

_MISSING: Any = object()
_FAILED: Any = object()
_UNREADABLE: Any = object()
_last_warning = float("-inf")


class JSONSerializer:
    """JSON serializer of cache values: an attacker who can write to the server can mislead the
    registry, but cannot run code here."""

    def dumps(self, value: Any) -> bytes:
        """Serialize a value; TypeError for types that JSON lacks, such as bytes and dates."""
        return json.dumps(value, separators=(",", ":")).encode()

    def loads(self, data: bytes | int) -> Any:
        try:
            return json.loads(data) if isinstance(data, bytes) else data
        except (ValueError, RecursionError):
            logger.warning("a cached value is not JSON and was ignored")
            return _UNREADABLE


class LocalCache(LocMemCache):
    """Cache of one process, which accepts and returns the same values as the one on the server."""

    def __init__(self, name: str, params: dict[str, Any], *, max_bytes: int | None = None) -> None:
        super().__init__(name, params)
        self._max_bytes = max_bytes

    def set(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        text = JSONSerializer().dumps(value)
        if self._max_bytes is not None and len(text) > self._max_bytes:
            self.delete(key, version)
        else:
            super().set(key, json.loads(text), timeout, version)

    def add(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        text = JSONSerializer().dumps(value)
        if self._max_bytes is not None and len(text) > self._max_bytes:
            return not self.has_key(key, version)
        return super().add(key, json.loads(text), timeout, version)


class ForgivingRedisCache(RedisCache):
    """Fault-tolerant Redis cache: values that the server rejects are stored by this process.

    Values stored by this process take precedence over the server's, until the server has accepted a
    newer one."""

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._local = LocalCache(
            "while the server rejects connections",
            {**params, "OPTIONS": {"MAX_ENTRIES": MAX_LOCAL_ENTRIES}},
            max_bytes=MAX_LOCAL_BYTES,
        )

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        value = self._local.get(key, _MISSING, version)
        if value is _MISSING:
            value = _call_server(
                lambda: super(ForgivingRedisCache, self).get(key, _MISSING, version)
            )
        return default if value in (_MISSING, _FAILED, _UNREADABLE) else value

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        keys = list(keys)
        values = (
            _call_server(lambda: super(ForgivingRedisCache, self).get_many(keys, version))
            if keys
            else {}
        )
        readable = (
            {}
            if values is _FAILED
            else {key: value for key, value in values.items() if value is not _UNREADABLE}
        )
        return readable | self._local.get_many(keys, version)

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return self._local.has_key(key, version) or (
            _call_server(lambda: super(ForgivingRedisCache, self).has_key(key, version)) is True
        )

    def set(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        if (
            _call_server(lambda: super(ForgivingRedisCache, self).set(key, value, timeout, version))
            is _FAILED
        ):
            self._local.set(key, value, timeout, version)
        else:
            self._local.delete(key, version)

    def set_many(
        self, data: dict[Any, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[Any]:
        if (
            _call_server(lambda: super(ForgivingRedisCache, self).set_many(data, timeout, version))
            is _FAILED
        ):
            self._local.set_many(data, timeout, version)
        else:
            self._local.delete_many(data, version)
        return []

    def add(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        if self._local.has_key(key, version):
            return False
        was_added = _call_server(
            lambda: super(ForgivingRedisCache, self).add(key, value, timeout, version)
        )
        return (
            self._local.add(key, value, timeout, version)
            if was_added is _FAILED
            else bool(was_added)
        )

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        if not self._local.has_key(key, version):
            total = _call_server(lambda: super(ForgivingRedisCache, self).incr(key, delta, version))
            if total is not _FAILED:
                return int(total)
            current_count = self.get(key, 0, version)
            self._local.add(
                key, current_count if isinstance(current_count, int) else 0, version=version
            )
        return self._local.incr(key, delta, version)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        was_touched = _call_server(
            lambda: super(ForgivingRedisCache, self).touch(key, timeout, version)
        )
        return self._local.touch(key, timeout, version) or was_touched is True

    def delete(self, key: Any, version: int | None = None) -> bool:
        was_deleted = _call_server(lambda: super(ForgivingRedisCache, self).delete(key, version))
        return self._local.delete(key, version) or was_deleted is True

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        keys = list(keys)
        _call_server(lambda: super(ForgivingRedisCache, self).delete_many(keys, version))
        self._local.delete_many(keys, version)

    def clear(self) -> None:
        self._local.clear()
        _call_server(lambda: super(ForgivingRedisCache, self).clear())


def _call_server(operation: Callable[[], Any]) -> Any:
    """Return the result of the operation on the server; _FAILED if the server is unavailable,
    silent, full, read-only or otherwise failing."""
    global _last_warning
    if not _BREAKER.admits():
        return _FAILED
    try:
        result = operation()
    except RedisError as error:
        if isinstance(error, RedisTimeoutError):
            _BREAKER.open(PAUSE_SECONDS)
        if time.monotonic() - _last_warning > WARNING_SECONDS:
            _last_warning = time.monotonic()
            logger.warning("the cache is not available, each process uses its own: %s", error)
        return _FAILED
    _BREAKER.close()
    return result
