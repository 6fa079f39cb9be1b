"""Time limits for waiting on the database: one set for each kind of process.

docs/operator.md shows the table. Limits that PostgreSQL enforces are passed to the connection as
`options`; limits that only the client can measure, because the server may not respond, are enforced
by `connections` and `base`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ProcessKind(StrEnum):
    WEB = "web"
    # Celery's worker and beat, and any other process that loads the settings
    WORKER = "worker"
    # manage.py: migrations, imports, benchmarks
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class DatabaseLimits:
    """Time limits in seconds; 0 means no limit."""

    statement: float
    # also for advisory locks
    lock: float
    # idle time within an open transaction
    idle_in_transaction: float
    # whole seconds; psycopg takes 2 for less
    connect: int
    # wait for a connection from the pool, new or used
    pool: float
    # wait for the response of a pooled connection that is checked before use
    check: float
    # time without a response before the server is probed; the statement fails if the probe fails;
    # 0: no limit
    silence: float = 0
    # time without new connection attempts after one has failed
    breaker_pause: float = 0


LIMITS = {
    # a page or REST call gets a response within two seconds, even if the database is locked or
    # unavailable
    ProcessKind.WEB: DatabaseLimits(
        statement=30,
        lock=1,
        idle_in_transaction=60,
        connect=2,
        pool=1.25,
        check=0.75,
        silence=0.75,
        breaker_pause=1,
    ),
    # a task that is cancelled runs again at the next beat
    ProcessKind.WORKER: DatabaseLimits(
        statement=600, lock=60, idle_in_transaction=600, connect=10, pool=10, check=5, silence=30
    ),
    # migrations and seeds have no time limit, except for locks, behind which others would have to
    # wait
    ProcessKind.COMMAND: DatabaseLimits(
        statement=0, lock=60, idle_in_transaction=0, connect=10, pool=10, check=5
    ),
}


def connection_options(limits: DatabaseLimits) -> str:
    """Return the limits that PostgreSQL enforces, as libpq's `options`, which need no extra
    statement."""
    timeouts = {
        "statement_timeout": limits.statement,
        "lock_timeout": limits.lock,
        "idle_in_transaction_session_timeout": limits.idle_in_transaction,
    }
    return " ".join(
        f"-c {name}={round(seconds * 1000)}" for name, seconds in timeouts.items() if seconds
    )


def socket_options() -> dict[str, Any]:
    """Return libpq's limits for a network that drops packets; a unix socket ignores them."""
    return {
        # milliseconds within which sent data must be acknowledged
        "tcp_user_timeout": 15_000,
        "keepalives": 1,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
