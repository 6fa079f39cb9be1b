"""Requests of the benchmarks: the host they name, a kept connection, and the error of an answer
other than 200.
"""

import socket

from django.conf import settings


class RequestFailedError(Exception):
    """An address did not answer 200; a time of it would mean nothing."""


def host_headers() -> dict[str, str]:
    """The header of a host that the site answers to."""
    hosts = [host for host in settings.ALLOWED_HOSTS if not host.startswith((".", "*"))]
    return {"host": hosts[0] if hosts else "localhost"}


def open_connection(port: int) -> socket.socket:
    """Connect to loopback without the delay that gathers small writes."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class KeptConnection:
    """One connection that asks for one address again and again."""

    def __init__(self, port: int, address: str, token: str) -> None:
        self._socket = open_connection(port)
        authorization = f"authorization: Bearer {token}\r\n" if token else ""
        self._address = address
        self._request = (
            f"GET {address} HTTP/1.1\r\nhost: {host_headers()['host']}\r\n{authorization}accept: "
            "*/*\r\n\r\n"
        ).encode()

    def request(self) -> bytes:
        """The body of the answer; raises RequestFailedError unless it is 200."""
        self._socket.sendall(self._request)
        response = b""
        while (end := response.find(b"\r\n\r\n")) < 0:
            response += self._receive()
        head = response[:end].lower()
        if not head.startswith(b"http/1.1 200"):
            raise RequestFailedError(f"{self._address} answered {head[9:12].decode()}.")
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = [response[end + 4 :]]
        n_missing = length - len(body[0])
        while n_missing > 0:
            body.append(self._receive())
            n_missing -= len(body[-1])
        return b"".join(body)

    def _receive(self) -> bytes:
        block = self._socket.recv(262_144)
        if not block:
            raise RequestFailedError(f"{self._address}: the server closed the connection.")
        return block

    def close(self) -> None:
        self._socket.close()
