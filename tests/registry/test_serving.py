"""The web server as a process."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60
APPLICATION = """
import os
LOADED_BY = os.getpid()

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{LOADED_BY} {os.getpid()}".encode()]
"""


def asked(port: int, server: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        assert server.poll() is None
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def started(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "registry.serving", *arguments],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def test_workers_are_forks_of_the_process_that_loaded_the_site_and_end_with_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "small_site.py").write_text(APPLICATION)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = started(tmp_path, "--port", str(port), "--workers", "1", "small_site:application")
    try:
        loaded_by, answered_by = map(int, asked(port, server).split())
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=PATIENCE_SECONDS)

    assert loaded_by == server.pid
    assert answered_by != server.pid
    assert server.returncode == 0
    with pytest.raises(ProcessLookupError):
        os.kill(answered_by, 0)


def test_a_site_that_cannot_be_loaded_ends_the_server_at_once(tmp_path: Path) -> None:
    (tmp_path / "broken_site.py").write_text("raise RuntimeError('The site is broken.')\n")
    server = started(tmp_path, "--port", "0", "broken_site:application")

    _, errors = server.communicate(timeout=PATIENCE_SECONDS)

    assert server.returncode != 0
    assert b"The site is broken." in errors
