"""The sign that a worker lives: a key in the broker's server that dies unless a worker renews
it."""

from datetime import datetime
from typing import cast

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

KEY = "registry:heartbeat"
# three beats of thirty seconds may be missed
LIFETIME_SECONDS = 100
TIMEOUT_SECONDS = 2


def client() -> redis.Redis:
    """A client of the server that holds the heartbeat; every call on it is bounded in time."""
    return redis.Redis.from_url(
        settings.CACHE_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        # the library would try ten times with growing pauses
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


def record_heartbeat(*, at: datetime) -> None:
    with client() as connection:
        connection.set(KEY, at.isoformat(), ex=LIFETIME_SECONDS)


def last_heartbeat() -> datetime | None:
    """Return when a worker last showed itself; None where that is longer ago than
    LIFETIME_SECONDS."""
    with client() as connection:
        text = cast("str | None", connection.get(KEY))
    return datetime.fromisoformat(text) if text else None
