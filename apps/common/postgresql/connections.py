"""Connections that do not wait for a server that has stopped responding, and the check of pooled
connections before use.

Time limits that PostgreSQL enforces are of no use if PostgreSQL itself hangs, and the kernel
notices a cut network only when it has something to send. So the time without any response is
measured here.
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

# circuit breaker of this process
BREAKER = CircuitBreaker()
# interval at which psycopg returns from waiting; see its Connection.wait
_WAIT_INTERVAL = 0.1
# longest pause between two probes of the server
_MAX_PAUSE = 5.0
# grace period after the statement time-out, within which the server itself should have responded
_GRACE = 5.0
# the first packet of a TLS connection; the server responds with one byte before any authentication
_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
_PROBE_SECONDS = 1.0


def limits() -> DatabaseLimits:
    return settings.DATABASE_LIMITS


class BoundedConnection(psycopg.Connection[Any]):
    """A connection whose statements fail if the server stops responding."""

    # time limit without a response for this connection, instead of that of the process
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
        """Pass on `gen`, and raise SilentServerError if the server stops responding; psycopg sends
        0 whenever an interval has passed without data."""
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
                    # pauses grow with the time that the statement has taken
                    next_probe = moment + min(moment - silent_since, _MAX_PAUSE)
                state = gen.send(ready)
        except StopIteration as stop:
            return stop.value

    def _refuse_silence(self, seconds: float) -> None:
        """Close the connection and raise SilentServerError if no server responds at its address."""
        longest = limits().statement
        if self._silence is not None:
            reason = "The connection did not respond."
        elif longest and seconds > longest + _GRACE:
            reason = "The statement exceeded its time limit."
        elif not _PROBE.server_responds(self.info):
            reason = "The server does not respond."
            if pause := limits().breaker_pause:
                BREAKER.open(pause)
        else:
            return
        self.pgconn.finish()
        raise SilentServerError(f"{reason} No data was received for {seconds:.1f} seconds.")

    def check(self, seconds: float) -> None:
        """Raise psycopg.OperationalError if the server does not respond within `seconds`."""
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
    """Probes whether a server responds, once for all threads of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._probed_at = 0.0
        self._has_responded = True

    def server_responds(self, info: Any) -> bool:
        with self._lock:
            if monotonic() - self._probed_at > _PROBE_SECONDS / 2:
                self._has_responded = _server_responds(info.host, info.hostaddr, info.port)
                self._probed_at = monotonic()
            return self._has_responded


_PROBE = _Probe()


def _server_responds(host: str, address: str, port: int) -> bool:
    """Return whether a PostgreSQL server, or a pooler, responds at the address within
    _PROBE_SECONDS."""
    try:
        if host.startswith("/"):
            to = socket.socket(socket.AF_UNIX)
            to.settimeout(_PROBE_SECONDS)
            with to:
                to.connect(f"{host}/.s.PGSQL.{port}")
                return _responds_to_ssl_request(to)
        with socket.create_connection((address or host, port), timeout=_PROBE_SECONDS) as to:
            return _responds_to_ssl_request(to)
    except OSError:
        return False


def _responds_to_ssl_request(to: socket.socket) -> bool:
    to.sendall(_SSL_REQUEST)
    return bool(to.recv(1))
