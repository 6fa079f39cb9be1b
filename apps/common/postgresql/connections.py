"""Connections that do not wait for a silent server, and a pool's look at them before they are used.

Time limits that PostgreSQL keeps are of no use where it is PostgreSQL that hangs, and the kernel
notices a cut network only when it has something to send. So silence is measured here.
"""

import socket
import threading
from collections.abc import Generator
from time import monotonic
from typing import Any, Self

import psycopg
from django.conf import settings
from psycopg_pool import ConnectionPool

from apps.common.circuit_breaker import CircuitBreaker
from apps.common.postgresql.errors import SilentServerError
from apps.common.postgresql.limits import DatabaseLimits

# of this process
BREAKER = CircuitBreaker()
# how often psycopg looks up from its waiting; see its Connection.wait
_WAIT_INTERVAL = 0.1
# between two questions whether the server is there, at most
_MAX_PAUSE = 5.0
# beyond the statement time-out, after which the server itself should have answered
_GRACE = 5.0
# the first packet of a connection with TLS; the server answers one byte, before it knows who asks
_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
_PROBE_SECONDS = 1.0


def limits() -> DatabaseLimits:
    return settings.DATABASE_LIMITS


class BoundedConnection(psycopg.Connection[Any]):
    """A connection whose statements fail once the server has fallen silent."""

    # this connection's own limit for silence, instead of those of the process
    _silence: float | None = None

    @classmethod
    def connect(cls, conninfo: str = "", **kwargs: Any) -> Self:
        pause = limits().breaker_pause
        try:
            connection = super().connect(conninfo, **kwargs)
        except psycopg.OperationalError:
            if pause:
                BREAKER.open(pause)
            raise
        BREAKER.close()
        return connection

    def wait(self, gen: Any, interval: float = _WAIT_INTERVAL, timeout: float | None = None) -> Any:
        if not (self._silence or limits().silence):
            return super().wait(gen, interval, timeout)
        return super().wait(self._watched(gen), interval, timeout)

    def _watched(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """`gen`, but for SilentServerError; psycopg sends it 0 whenever an interval has passed in
        silence."""
        silent_since: float | None = None
        next_probe = 0.0
        try:
            state = next(gen)
            while True:
                ready = yield state
                if ready:
                    silent_since = None
                elif silent_since is None:
                    silent_since = monotonic() - _WAIT_INTERVAL
                    next_probe = silent_since + (self._silence or limits().silence)
                elif (moment := monotonic()) >= next_probe:
                    self._refuse_silence(moment - silent_since)
                    # seldom for a statement that has long been at work
                    next_probe = moment + min(moment - silent_since, _MAX_PAUSE)
                state = gen.send(ready)
        except StopIteration as stop:
            return stop.value

    def _refuse_silence(self, seconds: float) -> None:
        """Close the connection, and raise SilentServerError, where no server answers it."""
        longest = limits().statement
        if self._silence is not None:
            reason = "The connection did not respond."
        elif longest and seconds > longest + _GRACE:
            reason = "The statement exceeded its time limit."
        elif not _PROBE.server_answers(self.info):
            reason = "The server does not respond."
            if pause := limits().breaker_pause:
                BREAKER.open(pause)
        else:
            return
        self.pgconn.finish()
        raise SilentServerError(f"{reason} No data was received for {seconds:.1f} seconds.")

    def check(self, seconds: float) -> None:
        """Raise psycopg.OperationalError where the server does not answer within `seconds`."""
        self._silence = seconds
        try:
            ConnectionPool.check_connection(self)
        finally:
            self._silence = None


def check_connection(connection: BoundedConnection) -> None:
    """Check a pooled connection before it is handed out.

    After a restart of the server all connections are broken; the pool is then emptied, and the
    request gets a new connection if a server is available.
    """
    try:
        connection.check(limits().check)
    except psycopg.Error:
        pool = getattr(connection, "_pool", None)
        if isinstance(pool, ConnectionPool):
            pool.drain()
        raise


class _Probe:
    """Asks whether a server answers, once for all threads of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_at = 0.0
        self._answered = True

    def server_answers(self, info: Any) -> bool:
        with self._lock:
            if monotonic() - self._asked_at > _PROBE_SECONDS / 2:
                self._answered = _answers(info.host, info.hostaddr, info.port)
                self._asked_at = monotonic()
            return self._answered


_PROBE = _Probe()


def _answers(host: str, address: str, port: int) -> bool:
    """Return whether a PostgreSQL server, or a pooler, answers immediately."""
    try:
        if host.startswith("/"):
            to = socket.socket(socket.AF_UNIX)
            to.settimeout(_PROBE_SECONDS)
            with to:
                to.connect(f"{host}/.s.PGSQL.{port}")
                return _sends_bytes(to)
        with socket.create_connection((address or host, port), timeout=_PROBE_SECONDS) as to:
            return _sends_bytes(to)
    except OSError:
        return False


def _sends_bytes(to: socket.socket) -> bool:
    to.sendall(_SSL_REQUEST)
    return bool(to.recv(1))
