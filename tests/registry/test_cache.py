"""The cache on a real Valkey that is full, read-only, short of replicas or gone: limits hold, and
nothing fails."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from registry import cache as module
from registry import embedded
from registry.cache import ForgivingRedisCache, LocalCache

# what makes the server refuse writes: settings, and those that undo them
REFUSALS = {
    "full": [("maxmemory", "1", "0"), ("maxmemory-policy", "noeviction", "noeviction")],
    "short of replicas": [("min-replicas-to-write", "3", "0")],
    "read-only": [],
}


@pytest.fixture(scope="module")
def socket_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("valkey")
    yield embedded.ensure(database=False, data=folder, durable=False).valkey_socket
    embedded.stop(folder)


@pytest.fixture
def server(socket_path: Path) -> Iterator[redis.Redis]:
    with redis.Redis(unix_socket_path=str(socket_path), db=1) as client:
        client.flushdb()
        yield client


def cache_at(socket_path: Path) -> ForgivingRedisCache:
    """One process's cache, with nothing kept from another test."""
    options = {
        "serializer": "registry.cache.JSONSerializer",
        "socket_timeout": 1,
        "socket_connect_timeout": 1,
        "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    }
    made = ForgivingRedisCache(
        f"unix://{socket_path}?db=1", {"KEY_PREFIX": "registry", "OPTIONS": options}
    )
    made._local.clear()
    return made


@pytest.fixture
def cache(socket_path: Path) -> ForgivingRedisCache:
    return cache_at(socket_path)


@contextmanager
def refusing(server: redis.Redis, how: str) -> Iterator[None]:
    for name, value, _ in REFUSALS[how]:
        server.config_set(name, value)
    if how == "read-only":
        # the primary does not exist, so that what is there goes on being served
        server.replicaof("127.0.0.1", "1")
    try:
        yield
    finally:
        for name, _, value in REFUSALS[how]:
            server.config_set(name, value)
        if how == "read-only":
            server.replicaof("NO", "ONE")


def test_values_are_json_on_the_server_and_whole_numbers_can_be_counted_up(
    cache: ForgivingRedisCache, server: redis.Redis
) -> None:
    cache.set("history", [1.5, 2.5])
    cache.set("n", 1)
    cache.incr("n", 2)

    assert server.get("registry:1:history") == b"[1.5,2.5]"
    assert server.get("registry:1:n") == b"3"
    assert cache.get("history") == [1.5, 2.5]
    assert cache.get("n") == 3


def test_a_pickle_that_a_stranger_put_there_is_never_opened(
    cache: ForgivingRedisCache, server: redis.Redis, tmp_path: Path
) -> None:
    trace = tmp_path / "opened"

    class Hostile:
        def __reduce__(self) -> Any:
            return Path.touch, (trace,)

    server.set("registry:1:throttle", pickle.dumps(Hostile()))
    server.set("registry:1:deep", b"[" * 100_000)

    assert cache.get("throttle", "default") == "default"
    assert cache.get("deep") is None
    assert cache.get_many(["throttle", "deep"]) == {}
    assert not trace.exists()


@pytest.mark.parametrize("value", [b"bytes", datetime(2026, 11, 28, tzinfo=UTC), {1, 2}, object()])
def test_what_json_cannot_hold_is_refused_by_the_cache_of_the_tests_too(
    cache: ForgivingRedisCache, value: Any
) -> None:
    for one in (cache, LocalCache(uuid4().hex, {})):
        with pytest.raises(TypeError):
            one.set("key", value)
        with pytest.raises(TypeError):
            one.add("key", value)


def test_the_cache_of_the_tests_returns_what_json_makes_of_a_value() -> None:
    local = LocalCache(uuid4().hex, {})

    local.set("pair", (1, "a"))

    assert local.get("pair") == [1, "a"]


@pytest.mark.parametrize("how", REFUSALS)
def test_every_operation_goes_on_in_this_process_while_the_server_takes_nothing(
    cache: ForgivingRedisCache, server: redis.Redis, how: str
) -> None:
    cache.set("before", "old")
    cache.set("counted", 4)

    with refusing(server, how):
        assert cache.get("before") == "old"
        cache.set("before", "new")
        assert cache.get("before") == "new"
        assert cache.add("once", 1, timeout=60)
        assert not cache.add("once", 1, timeout=60)
        # goes on from what the server still tells
        assert cache.incr("counted") == 5
        assert cache.incr("counted") == 6
        assert cache.decr("counted") == 5
        assert cache.set_many({"a": 1, "b": 2}) == []
        assert cache.get_many(["a", "b", "before", "nothing"]) == {"a": 1, "b": 2, "before": "new"}
        assert cache.has_key("a")
        assert not cache.has_key("nothing")
        assert cache.touch("a", 60)
        assert not cache.touch("nothing", 60)
        assert cache.delete("a")
        assert not cache.has_key("a")
        cache.delete_many(["b", "once"])
        assert cache.get("b") is None
        assert cache.get_or_set("computed", lambda: [1]) == [1]
        cache.set("large", "x" * (module.MAX_LOCAL_BYTES + 1))
        assert cache.get("large") is None
        cache.clear()

    assert server.get("registry:1:once") is None
    assert cache.add("once", 1)
    assert server.get("registry:1:once") == b"1"


@pytest.mark.parametrize("how", REFUSALS)
def test_what_a_process_kept_ends_with_the_first_value_that_the_server_takes_again(
    cache: ForgivingRedisCache, socket_path: Path, server: redis.Redis, how: str
) -> None:
    with refusing(server, how):
        cache.set("tries", [1.0])
        assert cache.get("tries") == [1.0]

    assert cache.get("tries") == [1.0]
    cache.set("tries", [2.0, 1.0])
    server.set("registry:1:tries", b"[3.0]")

    assert cache.get("tries") == [3.0]


def test_a_server_that_is_gone_is_forgiven_on_every_operation(tmp_path: Path) -> None:
    gone = cache_at(tmp_path / "no.sock")

    assert gone.get("key", "default") == "default"
    assert gone.add("key", 1)
    assert not gone.add("key", 1)
    assert gone.incr("key") == 2
    assert gone.incr("never-added") == 1
    gone.set("key", 5)
    gone.set_many({"other": 6})
    assert gone.get_many(["key", "other"]) == {"key": 5, "other": 6}
    assert gone.has_key("key")
    assert gone.touch("key")
    gone.delete_many(["other"])
    assert gone.delete("key")
    assert not gone.delete("key")
    gone.clear()


def test_a_count_that_does_not_exist_is_an_error_as_the_framework_has_it(
    cache: ForgivingRedisCache,
) -> None:
    with pytest.raises(ValueError, match="not found"):
        cache.incr("never-added")
