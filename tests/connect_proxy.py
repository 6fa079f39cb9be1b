"""A small HTTP proxy on 127.0.0.1: tunnels by CONNECT, forwards plain http, wants a login if it has
one."""

import base64
import select
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_IDLE_SECONDS = 5


class ConnectProxy:
    """Every name leads to the port of `targets`, which the test chooses; `requests` holds the first
    lines seen."""

    def __init__(self, targets: dict[str, int], *, login: str = "") -> None:
        self._targets = targets
        self._login = f"Basic {base64.b64encode(login.encode()).decode()}" if login else ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.requests: list[str] = []
        self.heads: list[str] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(
                target=self._serve, args=(client,), name="proxied", daemon=True
            ).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (piece := client.recv(65536)):
                    return
                head += piece
            text = head.decode("latin-1")
            first, *lines = text.split("\r\n")
            self.requests.append(first)
            self.heads.append(text)
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines)
            }
            if self._login and headers.get("proxy-authorization") != self._login:
                client.sendall(
                    b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
                )
                return
            method, target, _ = first.split(" ")
            host = (
                target.rpartition(":")[0]
                if method == "CONNECT"
                else urlsplit(target).hostname or ""
            )
            if host not in self._targets:
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(
                ("127.0.0.1", self._targets[host]), timeout=_IDLE_SECONDS
            ) as far:
                if method == "CONNECT":
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    path = urlsplit(target).path
                    far.sendall(head.replace(target.encode("latin-1"), path.encode("latin-1"), 1))
                _relay(client, far)


def _relay(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until one side ends or nothing comes for some seconds."""
    while True:
        ready, _, _ = select.select([one, other], [], [], _IDLE_SECONDS)
        if not ready:
            return
        for source in ready:
            try:
                piece = source.recv(65536)
                if not piece:
                    return
                (other if source is one else one).sendall(piece)
            except OSError:
                return
