"""The heartbeat of the workers: a Redis key that expires unless a worker renews it."""

from datetime import datetime
from typing import cast

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

KEY = "registry:heartbeat"
# three heartbeats, one every thirty seconds, can be missed
LIFETIME_SECONDS = 100
TIMEOUT_SECONDS = 2


def client() -> redis.Redis:
    """Return a client of the Redis server that stores the heartbeat; every call on it has a time
    limit."""
    return redis.Redis.from_url(
        settings.CACHE_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        # the library would retry ten times with growing pauses
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


def record_heartbeat(*, at: datetime) -> None:
    with client() as connection:
        connection.set(KEY, at.isoformat(), ex=LIFETIME_SECONDS)


def last_heartbeat() -> datetime | None:
    """Return the time of the last heartbeat of any worker; None if that is more than
    LIFETIME_SECONDS ago."""
    with client() as connection:
        text = cast("str | None", connection.get(KEY))
    return datetime.fromisoformat(text) if text else None
