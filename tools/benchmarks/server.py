"""A real web server on loopback for the length of a measurement."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
from django.conf import settings

from tools.benchmarks.http import RequestFailedError

PRODUCT = "registry.wsgi:application"
_START_SECONDS = 60
_STOP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class BenchmarkServer:
    """A running server: its port, and the process that loaded the site."""

    port: int
    main: psutil.Process

    def file_reader(self) -> psutil.Process:
        """Return the process whose children parse files; it is forked before the first worker."""
        return self._children()[0]

    def workers(self) -> list[psutil.Process]:
        """Return the processes that answer requests."""
        return self._children()[1:]

    def _children(self) -> list[psutil.Process]:
        return sorted(self.main.children(), key=lambda child: (child.create_time(), child.pid))


@contextmanager
def serve(application: str) -> Iterator[BenchmarkServer]:
    """Start a server of two workers as the demo does, and end it afterwards.

    `application` is a WSGI application as `module:name`. Raises RequestFailedError where it does
    not come up.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "THROTTLE_TOKEN": "100000000/min", "LOG_LEVEL": "ERROR"}
    # manage.py works without a pool; a server has one
    environment.pop("DATABASE_POOL", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "registry.serving", "--port", str(port), application],
        cwd=settings.BASE_DIR,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_it_listens(port, process)
        yield BenchmarkServer(port, psutil.Process(process.pid))
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RequestFailedError(
                f"The web server ended with {process.returncode} during its start."
            )
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RequestFailedError(f"The web server did not listen within {_START_SECONDS} seconds.")
