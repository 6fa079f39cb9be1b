"""How long a process may wait for the database: one set for each kind of process.

docs/operator.md shows the table. What PostgreSQL measures itself travels with the connection as
`options`; what only the client can measure, because the server may be silent, is measured by
`connections` and `base`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ProcessKind(StrEnum):
    WEB = "web"
    # Celery's worker and beat, and whatever else loads the settings
    WORKER = "worker"
    # manage.py: migrations, imports, benchmarks
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class DatabaseLimits:
    """Time limits in seconds; 0 means no limit."""

    statement: float
    # also for advisory locks
    lock: float
    # a transaction that is open while its process does something else
    idle_in_transaction: float
    # whole seconds; psycopg takes 2 for less
    connect: int
    # for a connection of the pool, fresh or used
    pool: float
    # for the answer of a connection that lay in the pool, before it is used
    check: float
    # of silence, before the server is asked whether it is there; the statement fails where it is
    # not
    silence: float = 0
    # for which no connection is tried after one has failed
    breaker_pause: float = 0


LIMITS = {
    # a page or REST call is answered within two seconds, also where the database is locked or away
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
    # a task that is ended runs again at the next beat
    ProcessKind.WORKER: DatabaseLimits(
        statement=600, lock=60, idle_in_transaction=600, connect=10, pool=10, check=5, silence=30
    ),
    # migrations and seeds take what they take; only for a lock nobody is kept waiting behind them
    ProcessKind.COMMAND: DatabaseLimits(
        statement=0, lock=60, idle_in_transaction=0, connect=10, pool=10, check=5
    ),
}


def connection_options(limits: DatabaseLimits) -> str:
    """The limits that PostgreSQL keeps, as libpq's `options`: they cost no statement."""
    timeouts = {
        "statement_timeout": limits.statement,
        "lock_timeout": limits.lock,
        "idle_in_transaction_session_timeout": limits.idle_in_transaction,
    }
    return " ".join(
        f"-c {name}={round(seconds * 1000)}" for name, seconds in timeouts.items() if seconds
    )


def socket_options() -> dict[str, Any]:
    """libpq's limits for a network that swallows packets; a unix socket ignores them."""
    return {
        # milliseconds until data that was sent must be acknowledged
        "tcp_user_timeout": 15_000,
        "keepalives": 1,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
