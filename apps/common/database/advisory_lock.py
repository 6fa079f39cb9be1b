"""A database lock for work that precedes the tables or runs outside of transactions, such as
migrating or creating a database.

It is a transaction-level advisory lock on a separate connection. A connection pooler assigns a
server connection for as long as its transaction is open, so the lock survives pooling; and it is
released when the process ends, for whatever reason.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections

POLL_SECONDS = 0.5
KEEPALIVE_SECONDS = 30
# apply to this transaction only, on server versions that know the settings: it is idle while the
# work runs on another connection
_NO_TIMEOUTS = """
SELECT set_config(name, '0', true) FROM pg_settings
WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout',
    'transaction_timeout')
"""
_TRY = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"


@contextmanager
def database_lock(
    name: str, *, using: str = DEFAULT_DB_ALIAS, on_wait: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Hold the lock `name` of the database behind the connection `using` while the block runs.

    Waits for another holder without a time limit; `on_wait` is called once if it has to wait. Uses
    a second connection during that time, besides the one of the work.
    """
    lock_connection = psycopg.connect(**_connection_parameters(using))
    try:
        has_waited = False
        while not _try_lock(lock_connection, name):
            # each attempt in a new transaction: a transaction that waits inside the server keeps
            # its snapshot, and an index that the holder builds concurrently would wait for that
            # snapshot in turn
            lock_connection.rollback()
            if not has_waited:
                on_wait()
            has_waited = True
            time.sleep(POLL_SECONDS)
        yield
    finally:
        # if the server has gone away, the lock is gone too, and the work itself has raised an error
        with suppress(psycopg.Error):
            lock_connection.rollback()
        lock_connection.close()


def _try_lock(lock_connection: "psycopg.Connection[Any]", name: str) -> bool:
    lock_connection.execute(_NO_TIMEOUTS)
    row = lock_connection.execute(_TRY, [name]).fetchone()
    return bool(row and row[0])


def _connection_parameters(using: str) -> dict[str, Any]:
    """Return Django's connection parameters without its adapters of Python types, and with
    keepalive packets, so that a firewall does not drop the idle connection."""
    parameters = connections[using].get_connection_params()
    parameters.pop("context", None)
    return {
        "keepalives_idle": KEEPALIVE_SECONDS,
        **parameters,
        # values are written into the statement: a statement with separate parameters keeps its
        # snapshot until the next one, and an index that is built concurrently waits for that
        "cursor_factory": psycopg.ClientCursor,
    }
