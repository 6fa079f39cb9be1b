"""Classification of database errors: whether the database is unavailable now, as opposed to a
faulty query."""

from dataclasses import dataclass
from enum import Enum

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError
from psycopg_pool import PoolTimeout


class ConnectError(psycopg.OperationalError):
    """No connection could be opened."""


class SilentServerError(psycopg.OperationalError):
    """The server has stopped responding; the connection has been closed."""


@dataclass(frozen=True, slots=True)
class _Reason:
    """`retry_after` in seconds."""

    sentence: str
    retry_after: int


class Unavailable(Enum):
    """Reasons why the database is unavailable now, each with a sentence for the user."""

    # no connection, or the server has stopped responding
    AWAY = _Reason("The database is not responding. Try again in a few seconds.", 5)
    # an open connection was lost: the server was restarted
    LOST = _Reason(
        (
            "The connection to the database was lost. Check whether your change was saved, "
            "then try again in a few seconds."
        ),
        2,
    )
    LOCKED = _Reason(
        (
            "Another change to the same data is in progress, so this request was not "
            "processed. Try again in a few seconds."
        ),
        2,
    )
    SLOW = _Reason(
        (
            "The database exceeded the time limit for a request. Use filters to request less "
            "data, or try again later."
        ),
        30,
    )

    @property
    def sentence(self) -> str:
        return self.value.sentence

    @property
    def retry_after(self) -> int:
        return self.value.retry_after


_BY_SQLSTATE = {
    "40001": Unavailable.LOCKED,  # serialization failure
    "40P01": Unavailable.LOCKED,  # deadlock
    "55P03": Unavailable.LOCKED,  # lock time-out
    "57014": Unavailable.SLOW,  # statement time-out
    "25P03": Unavailable.LOST,  # idle in transaction for too long
    "25P04": Unavailable.SLOW,  # transaction time-out
    "57P01": Unavailable.LOST,  # shut down, or ended by an administrator
    "57P02": Unavailable.LOST,  # another process of the server crashed
    "57P03": Unavailable.AWAY,  # starting up or shutting down
    "57P05": Unavailable.LOST,  # idle for too long
}
# classes of errors: connection exceptions; insufficient resources, such as connections or memory
_BY_CLASS = {"08": Unavailable.LOST, "53": Unavailable.AWAY}


def unavailability(error: BaseException) -> Unavailable | None:
    """Return why the database is unavailable, from an error of Django or of psycopg; None if the
    error concerns the query itself."""
    if not isinstance(error, (DatabaseError, InterfaceError, psycopg.Error)):
        return None
    cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
    if isinstance(cause, ConnectError | SilentServerError | PoolTimeout):
        return Unavailable.AWAY
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return _BY_SQLSTATE.get(state) or _BY_CLASS.get(state[:2])
    if isinstance(error, OperationalError | psycopg.OperationalError):
        # errors of libpq itself: closed, refused, reset
        return Unavailable.LOST
    if isinstance(error, InterfaceError | psycopg.InterfaceError) and "closed" in str(error):
        return Unavailable.LOST
    return None
