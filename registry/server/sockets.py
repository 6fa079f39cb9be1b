"""Closing of a connection that the server offers no way to close."""

import os
import socket
from contextlib import suppress

_DESCRIPTORS = "/proc/self/fd"


def close_connection(client: tuple[str, str | int]) -> None:
    """Shut the connection whose remote end is `client` (address, port). Used for a client that
    accepts no data, for which the server itself would wait without end.

    Searches the open descriptors of the process, some hundred at most, which is affordable because
    the case is rare. Without /proc the connection stays open."""
    with suppress(OSError):
        for name in os.listdir(_DESCRIPTORS):
            if _shut_if_peer(int(name), client):
                return


def _shut_if_peer(descriptor: int, client: tuple[str, str | int]) -> bool:
    """Shut the descriptor if it is a connection of the peer, and return whether it was."""
    try:
        connection = socket.socket(fileno=descriptor)
    except OSError:
        return False
    try:
        with suppress(OSError):
            peer = connection.getpeername()
            if isinstance(peer, tuple) and peer[0] == client[0] and str(peer[1]) == str(client[1]):
                connection.shutdown(socket.SHUT_RDWR)
                return True
        return False
    finally:
        # the descriptor is the server's
        connection.detach()
