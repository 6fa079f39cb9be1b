"""The database backend of the settings: `ENGINE = "apps.common.postgresql"`."""

from types import SimpleNamespace
from typing import Any

import psycopg
from django.db.backends.postgresql import base

from apps.common.postgresql.connections import BREAKER, BoundedConnection, limits
from apps.common.postgresql.errors import ConnectError

# psycopg with another class of connections
_DRIVER: Any = SimpleNamespace(**{**vars(psycopg), "connect": BoundedConnection.connect})


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, whose connections have time limits and are opened through a circuit
    breaker."""

    Database = _DRIVER

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if not BREAKER.admits():
            raise ConnectError(
                "The database did not respond a moment ago, so the registry has not retried yet. "
                "Try again in a few seconds."
            )
        try:
            connection = super().get_new_connection(conn_params)
            if limits().breaker_pause and not self.pool:
                self._check(connection)
        except psycopg.OperationalError as error:
            raise ConnectError(str(error)) from error
        BREAKER.close()
        return connection

    def _check(self, connection: BoundedConnection) -> None:
        """Check that there is a database behind a pooler, which accepts connections even if there
        is none."""
        try:
            connection.check(limits().pool)
        except psycopg.OperationalError:
            connection.close()
            BREAKER.open(limits().breaker_pause)
            raise
