"""Mutual exclusion across processes and machines, for work that takes longer than a transaction
should.

A lease is a row with an expiry time. Each step is a single statement and nothing depends on the
session, so that a pooler can use the connection for others in between. All times are those of the
database, so that the clocks of the machines do not matter. A holder renews the lease while it
works; after a holder has died, another process can acquire the lease when it expires. Where a
transaction lasts as long as the work, `pg_advisory_xact_lock` does the same without a row; before
the tables exist, use `apps.common.database.advisory_lock`.
"""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from django.db import InterfaceError, OperationalError, connection

# a lease that expires later than two durations from now was written before the clock was set back;
# it can be acquired
_ACQUIRE = """
INSERT INTO common_lease AS l (name, holder, acquired_at, expires_at)
VALUES (%(name)s, %(holder)s, clock_timestamp(),
    clock_timestamp() + make_interval(secs => %(seconds)s))
ON CONFLICT (name) DO UPDATE
-- a lease in force keeps its holder; no row is returned then
SET holder = EXCLUDED.holder, acquired_at = EXCLUDED.acquired_at, expires_at = EXCLUDED.expires_at
WHERE l.expires_at <= clock_timestamp() OR l.expires_at > clock_timestamp() + 2 * make_interval(secs
    => %(seconds)s)
RETURNING name
"""
_RENEW = """
UPDATE common_lease SET expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE name = %(name)s AND holder = %(holder)s
"""
_RELEASE = "DELETE FROM common_lease WHERE name = %(name)s AND holder = %(holder)s"
_MAX_HOST_LENGTH = 80


class LeaseLostError(Exception):
    """The lease expired before it was renewed, and another process holds it now: stop, and leave
    the remaining work to that process."""


@dataclass(frozen=True, slots=True)
class HeldLease:
    """A lease that this process holds."""

    name: str
    holder: str
    duration: timedelta

    def renew(self) -> None:
        """Extend the lease to `duration` from now. Raises LeaseLostError if another process holds
        it."""
        if not self._execute(_RENEW):
            raise LeaseLostError(f"Another process now holds the lease '{self.name}'.")

    def release(self) -> None:
        """Release the lease, so that the next holder need not wait until it expires. Does nothing
        if another process holds it."""
        self._execute(_RELEASE)

    def _execute(self, statement: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(statement, self.parameters())
            n_rows: int = cursor.rowcount
        return n_rows

    def parameters(self) -> dict[str, str | float]:
        return {"name": self.name, "holder": self.holder, "seconds": self.duration.total_seconds()}


def acquire_lease(name: str, *, duration: timedelta) -> HeldLease | None:
    """Return the lease, or None if another process holds it; does not wait."""
    host = socket.gethostname()[:_MAX_HOST_LENGTH]
    lease = HeldLease(name, f"{host}:{os.getpid()}:{secrets.token_hex(8)}", duration)
    with connection.cursor() as cursor:
        cursor.execute(_ACQUIRE, lease.parameters())
        return lease if cursor.fetchone() else None


@contextmanager
def hold_lease(name: str, *, duration: timedelta) -> Iterator[HeldLease | None]:
    """Acquire the lease, keep it while the block runs and release it; yields None if another
    process holds it.

    If the database is unavailable at the end, the lease cannot be released and expires instead.
    """
    lease = acquire_lease(name, duration=duration)
    try:
        yield lease
    finally:
        if lease is not None:
            with suppress(OperationalError, InterfaceError):
                lease.release()
