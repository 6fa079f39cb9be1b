"""Health check of a container without a network address: `python -m registry.container_checks
worker|beat`.

Exits with 0, or with 1 and a sentence. It loads the settings and no application, so that it stays
cheap."""

import socket
import sys
from collections.abc import Callable, Sequence

import redis
from kombu.exceptions import OperationalError

from apps.common import heartbeat
from registry.celery import app

WORKER_TIMEOUT = 10.0


class UnhealthyError(Exception):
    """Error: the process does not do its work; the text describes the failure."""


def check_worker() -> str:
    """Ping the worker of this host; UnhealthyError if it does not answer within WORKER_TIMEOUT
    seconds."""
    name = f"celery@{socket.gethostname()}"
    try:
        replies = app.control.ping(destination=[name], timeout=WORKER_TIMEOUT)
    except (OperationalError, OSError, redis.RedisError) as error:
        raise UnhealthyError(
            f"The broker does not respond: {type(error).__name__}. Check BROKER_URL."
        ) from error
    if not replies:
        raise UnhealthyError(
            f"{name} did not respond within {WORKER_TIMEOUT:.0f} seconds. See its log."
        )
    return f"{name} answers."


def check_beat() -> str:
    """Read the heartbeat that beat has a worker write; UnhealthyError if it is missing."""
    try:
        seen_at = heartbeat.last_heartbeat()
    except redis.RedisError as error:
        raise UnhealthyError(f"The heartbeat cannot be read: {type(error).__name__}.") from error
    if seen_at is None:
        raise UnhealthyError(
            f"No beat task has reached a worker for {heartbeat.LIFETIME_SECONDS} seconds. See "
            "the logs of both."
        )
    return f"A beat task reached a worker at {seen_at.isoformat(timespec='seconds')}."


CHECKS: dict[str, Callable[[], str]] = {"beat": check_beat, "worker": check_worker}


def main(arguments: Sequence[str]) -> int:
    """Run the named check; its sentence goes to the output, which container engines store."""
    if len(arguments) != 1 or arguments[0] not in CHECKS:
        sys.stderr.write(f"Enter one of {', '.join(CHECKS)}.\n")
        return 2
    try:
        sentence = CHECKS[arguments[0]]()
    except UnhealthyError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{sentence}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
