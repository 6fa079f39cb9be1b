"""A lock for what comes before the tables, or runs outside of any transaction: migrating, making a
database.

It is a transaction-level advisory lock on a connection of its own. A pooler keeps a connection for
as long as its transaction is open, so that the lock stays where it is; and it goes with the
process, however that ends.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections

POLL_SECONDS = 0.5
KEEPALIVE_SECONDS = 30
# set for this transaction alone, where the server knows them: it idles while the work goes on
# elsewhere
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

    Waits for another holder without a time limit; `on_wait` is called once if it has to wait. Two
    connections are used during that time: this one and that of the work.
    """
    lock_connection = psycopg.connect(**_parameters(using))
    try:
        has_waited = False
        while not _acquired(lock_connection, name):
            # in a transaction of its own: one that waited inside the server would keep its
            # snapshot, for which an index that is built concurrently by the holder waits in turn
            lock_connection.rollback()
            if not has_waited:
                on_wait()
            has_waited = True
            time.sleep(POLL_SECONDS)
        yield
    finally:
        # gone already where the server went away meanwhile: the work has heard of that by itself
        with suppress(psycopg.Error):
            lock_connection.rollback()
        lock_connection.close()


def _acquired(lock_connection: "psycopg.Connection[Any]", name: str) -> bool:
    lock_connection.execute(_NO_TIMEOUTS)
    row = lock_connection.execute(_TRY, [name]).fetchone()
    return bool(row and row[0])


def _parameters(using: str) -> dict[str, Any]:
    """Return what Django opens its connections with, but for its own types; a firewall sees that
    the idle one is in use."""
    parameters = connections[using].get_connection_params()
    parameters.pop("context", None)
    return {
        "keepalives_idle": KEEPALIVE_SECONDS,
        **parameters,
        # values written into the statement: one with values beside it keeps its snapshot until the
        # next statement, and an index that is built concurrently waits for that
        "cursor_factory": psycopg.ClientCursor,
    }
