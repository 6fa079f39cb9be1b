"""Checks of the broker, of the workers, and of the jobs that beat sends."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.common import heartbeat
from apps.common.installation.diagnosis import Diagnosis, error, ok, warning
from apps.common.models import PeriodicJob
from apps.common.periodic_jobs import recorded_jobs
from apps.common.text import pluralize

MIN_VERSION = (7, 2)
# the workers take these within seconds
MAX_WAITING = 1000
# policies that never evict the queue, whose keys have no end
_SAFE_POLICIES = {"noeviction", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def check_broker(at: datetime) -> Iterator[Diagnosis]:
    """Check the server of BROKER_URL and its queue. RedisError if it does not answer."""
    with redis.Redis.from_url(
        settings.BROKER_CLIENT_URL,
        socket_timeout=heartbeat.TIMEOUT_SECONDS,
        socket_connect_timeout=heartbeat.TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    ) as client:
        n_waiting = cast("int", client.llen(settings.CELERY_TASK_DEFAULT_QUEUE))
        facts = _read_facts(client)
    name = "Valkey" if "valkey_version" in facts else "Redis"
    version = str(facts.get("valkey_version") or facts.get("redis_version") or "")
    yield ok(f"{name} {version} answers.".replace("  ", " "))
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers and numbers < MIN_VERSION:
        yield error(f"{name} {version} is too old.", "Upgrade to version 7.2 or newer.")
    policy = facts.get("maxmemory_policy", "")
    if facts.get("maxmemory") and policy not in _SAFE_POLICIES:
        yield error(
            f"A full broker evicts waiting messages (maxmemory-policy {policy}).",
            "Set maxmemory-policy noeviction.",
        )
    address = urlsplit(settings.BROKER_CLIENT_URL)
    if address.scheme != "unix" and not address.password and address.hostname not in _LOOPBACK:
        yield warning(
            "The broker is reached over the network without a password.",
            "Set requirepass in its configuration, and the password in BROKER_URL.",
        )
    if n_waiting > MAX_WAITING:
        yield warning(
            f"{n_waiting:,} messages wait for a worker.",
            "Start another worker, or see the log of the running one.",
        )


def _read_facts(client: "redis.Redis") -> dict[str, Any]:
    """Return the server's own description; empty if the user of BROKER_URL may not read it."""
    try:
        return client.info()
    except redis.ResponseError:
        return {}


def check_worker(at: datetime) -> Iterator[Diagnosis]:
    """Check that a worker and beat run, and that periodic jobs succeed."""
    seen_at = heartbeat.last_heartbeat()
    if seen_at is None:
        yield error(
            f"No worker has sent a heartbeat for {heartbeat.LIFETIME_SECONDS} seconds.",
            "Start a worker and beat, or see their logs. Pages work meanwhile, but no feed is "
            "read and no message is sent.",
        )
    else:
        yield ok(f"A worker sent a heartbeat at {seen_at.isoformat(timespec='seconds')}.")
    yield from _check_periodic_jobs(at)


def _check_periodic_jobs(at: datetime) -> Iterator[Diagnosis]:
    jobs = recorded_jobs()
    succeeded = dict(PeriodicJob.objects.filter(name__in=jobs).values_list("name", "succeeded_at"))
    late = sorted(
        name
        for name, last in succeeded.items()
        if last is not None and at - last > _longest_pause(jobs[name])
    )
    if late:
        yield error(
            pluralize(
                len(late),
                f"The periodic job {late[0]} is late.",
                f"{len(late)} periodic jobs are late, such as {late[0]}.",
            ),
            "See manage.py periodic_jobs for all, and the worker's log for the reason.",
        )
    elif any(succeeded.values()):
        yield ok("No periodic job is late.")


def _longest_pause(interval: timedelta) -> timedelta:
    """Return how long after a success a job with this interval is late: after one missed run and
    its repetition."""
    return 2 * interval + PeriodicJob.RETRY_AFTER
