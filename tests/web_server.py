"""The web server as a process, and clients that behave as no library lets them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

CHECKOUT = Path(__file__).resolve().parent.parent
START_SECONDS = 90
PATIENCE_SECONDS = 60


class WebServer:
    """A running `registry.serving`; what it writes lies in `log`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fork_server(self) -> psutil.Process:
        """The process whose children read files; it is forked before the first worker."""
        return self._children()[0]

    def workers(self) -> list[psutil.Process]:
        return self._children()[1:]

    def _children(self) -> list[psutil.Process]:
        return sorted(
            psutil.Process(self.process.pid).children(),
            key=lambda child: (child.create_time(), child.pid),
        )

    def connect(self, *, receive_buffer: int | None = None) -> socket.socket:
        connection = socket.socket()
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(PATIENCE_SECONDS)
        try:
            connection.connect(("127.0.0.1", self.port))
        except OSError:
            connection.close()
            raise
        return connection

    def send(self, head: str, body: bytes = b"") -> socket.socket:
        """Begin a request: its first line and further headers, and what of its body is there
        already."""
        connection = self.connect()
        connection.sendall(head_of(head) + body)
        return connection

    def ask(self, head: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer to one whole request."""
        with self.send(head, body) as connection:
            return answer_of(connection, head_only=head.startswith("HEAD"))


def head_of(head: str) -> bytes:
    lines = head.strip().splitlines()
    return "".join(f"{line.strip()}\r\n" for line in (*lines, "Host: 127.0.0.1")).encode() + b"\r\n"


def answer_of(
    connection: socket.socket, *, head_only: bool = False
) -> tuple[int, dict[str, str], bytes]:
    """The next answer on a connection. ConnectionError where it ends before its end."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, rest = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    status = int(first.split()[1])
    if head_only or status in {204, 304}:
        return status, headers, b""
    if headers.get("transfer-encoding") == "chunked":
        return status, headers, _chunks(connection, rest)
    while len(rest) < int(headers["content-length"]):
        rest += _more(connection)
    return status, headers, rest


def _chunks(connection: socket.socket, rest: bytes) -> bytes:
    parts = []
    while True:
        while b"\r\n" not in rest:
            rest += _more(connection)
        size, _, rest = rest.partition(b"\r\n")
        n_bytes = int(size, 16)
        while len(rest) < n_bytes + 2:
            rest += _more(connection)
        if not n_bytes:
            return b"".join(parts)
        parts.append(rest[:n_bytes])
        rest = rest[n_bytes + 2 :]


def _more(connection: socket.socket) -> bytes:
    block = connection.recv(262_144)
    if not block:
        raise ConnectionError("The server closed the connection before the end.")
    return block


def is_closed(connection: socket.socket) -> bool:
    """Whether the server has closed it, within a moment."""
    connection.settimeout(5)
    try:
        while connection.recv(65_536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


@contextmanager
def web_server(
    folder: Path, *arguments: str, environment: dict[str, str] | None = None
) -> Iterator[WebServer]:
    """`registry.serving` on a free port; `folder` may hold the module of an application, and gets
    the log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "registry.serving", "--port", str(port), *arguments],
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONPATH": str(folder), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    server = WebServer(process, port, log)
    try:
        wait_until(lambda: process.poll() is not None or _answers(server), START_SECONDS)
        assert process.poll() is None, log.read_text()
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            end_processes([psutil.Process(process.pid), *server.workers()])
            raise


def _answers(server: WebServer) -> bool:
    try:
        return server.ask("GET /healthz HTTP/1.1")[0] == 200
    except OSError:
        return False


def end_processes(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, PATIENCE_SECONDS)


def wait_until(met: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "It did not come about in time."
        time.sleep(0.05)
