"""The demo as its user starts it: a process, its output, its end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from registry import embedded
from tests.ports import free_port
from tests.processes import has_ended, remove_servers

pytestmark = pytest.mark.proof

START_SECONDS = 180
STOP_SECONDS = 40
LAST_SECONDS = 90


class RunningDemo:
    """A demo process whose output goes to files, so that no pipe fills."""

    def __init__(self, data: Path, port: int) -> None:
        self.data = data
        self.port = port
        self.out = data.parent / f"{port}.out"
        self.err = data.parent / f"{port}.err"
        left_out = {"DATABASE_URL", "BROKER_URL", "REGISTRY_ENV", "TEST_DATABASE", "DATABASE_POOL"}
        environment = {name: value for name, value in os.environ.items() if name not in left_out}
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "registry.demo"],
                cwd=embedded.CHECKOUT,
                env={**environment, "REGISTRY_DATA": str(data), "PORT": str(port)},
                stdout=out,
                stderr=err,
            )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while "READY" not in self.out.read_text():
            assert self.process.poll() is None, self.err.read_text()[-3000:]
            assert time.monotonic() < deadline, self.err.read_text()[-3000:]
            time.sleep(0.1)

    def started_pids(self) -> set[int]:
        """Everything that belongs to the demo: its children and theirs, and both servers."""
        children = {
            child.pid for child in psutil.Process(self.process.pid).children(recursive=True)
        }
        places = embedded.places_of(self.data)
        files = (places.postgres_pid, places.valkey_pid)
        return children | {int(file.read_text().split("\n", 1)[0]) for file in files}

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{path}", timeout=20
            ) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


def wait_until_ended(pids: set[int], seconds: float) -> set[int]:
    """The pids that still run after `seconds`."""
    deadline = time.monotonic() + seconds
    while (left := {pid for pid in pids if not has_ended(pid)}) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder for all, as a user has one: only the first demo sets it up."""
    folder = tmp_path_factory.mktemp("demo") / "demo data"
    yield folder
    remove_servers(folder)


@pytest.fixture
def demo(data: Path) -> Iterator[RunningDemo]:
    running = RunningDemo(data, free_port())
    yield running
    if running.process.poll() is None:
        running.process.terminate()
    running.process.wait(STOP_SECONDS)


def test_the_demo_says_ready_with_logins_and_is_ready_and_leaves_no_process(
    demo: RunningDemo,
) -> None:
    demo.wait_until_ready()
    said = demo.out.read_text().splitlines()
    pids = demo.started_pids()

    assert said[0] == f"READY http://127.0.0.1:{demo.port}"
    assert len(said) > 1
    assert all(line.startswith("login ") and len(line.split()) == 4 for line in said[1:])
    status, body = demo.get("/readyz")
    assert status == 200
    assert all(check["ok"] for check in json.loads(body)["checks"].values())
    assert demo.get("/")[0] == 200
    assert len(pids) >= 7

    demo.process.send_signal(signal.SIGTERM)

    assert demo.process.wait(STOP_SECONDS) == 0
    assert wait_until_ended(pids, 2) == set()
    assert not (demo.data / "demo.pids").exists()


def test_a_second_demo_goes_on_with_the_data_after_the_first_was_killed(demo: RunningDemo) -> None:
    demo.wait_until_ready()
    logins = demo.out.read_text().splitlines()[1:]
    pids = demo.started_pids()
    servers = {
        int(file.read_text().split("\n", 1)[0])
        for file in (
            embedded.places_of(demo.data).cluster / "postmaster.pid",
            demo.data / "valkey" / "valkey.pid",
        )
    }

    demo.process.kill()
    demo.process.wait()

    # a worker that looks up the address of a feed hears of it when the look-up ends
    assert wait_until_ended(pids - servers, LAST_SECONDS) == set()
    second = RunningDemo(demo.data, demo.port)
    try:
        second.wait_until_ready()
        assert second.out.read_text().splitlines()[1:] == logins
        assert servers <= second.started_pids()
    finally:
        second.process.send_signal(signal.SIGINT)
        assert second.process.wait(STOP_SECONDS) == 0
    assert wait_until_ended(servers, 2) == set()


def test_a_child_that_dies_ends_the_demo_with_a_sentence(demo: RunningDemo) -> None:
    demo.wait_until_ready()
    pids = demo.started_pids()
    (beat,) = (
        child
        for child in psutil.Process(demo.process.pid).children()
        if "celery" in child.cmdline() and "beat" in child.cmdline()
    )

    beat.kill()

    assert demo.process.wait(STOP_SECONDS) == 1
    assert "The beat process ended with SIGKILL" in demo.err.read_text()
    assert wait_until_ended(pids, 2) == set()


def test_a_taken_port_is_said_and_nothing_is_started(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with socket.socket() as occupier:
        occupier.bind(("127.0.0.1", 0))
        occupier.listen()
        demo = RunningDemo(data, int(occupier.getsockname()[1]))

        assert demo.process.wait(30) == 2

    assert f"Port {demo.port} cannot be used" in demo.err.read_text()
    assert not (data / "postgres").exists()
    assert not (data / "valkey").exists()


def test_a_signal_during_the_set_up_ends_everything_too(demo: RunningDemo) -> None:
    deadline = time.monotonic() + 60
    while not psutil.Process(demo.process.pid).children() and time.monotonic() < deadline:
        time.sleep(0.05)
    pids = {child.pid for child in psutil.Process(demo.process.pid).children(recursive=True)}

    demo.process.send_signal(signal.SIGTERM)

    assert demo.process.wait(STOP_SECONDS) == 0
    assert wait_until_ended(pids, 2) == set()


def test_a_second_demo_on_the_same_data_is_refused(data: Path) -> None:
    first = RunningDemo(data, free_port())
    try:
        deadline = time.monotonic() + 60
        while not (data / "demo.pids").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        second = RunningDemo(data, free_port())
        assert second.process.wait(30) == 2
        assert "A demo already runs" in second.err.read_text()
    finally:
        first.process.send_signal(signal.SIGTERM)
        first.process.wait(STOP_SECONDS)


def test_children_of_a_killed_demo_end_also_where_the_servers_go_with_it(demo: RunningDemo) -> None:
    demo.wait_until_ready()
    pids = demo.started_pids()

    demo.process.kill()
    demo.process.wait()
    remove_servers(demo.data)

    assert wait_until_ended(pids, LAST_SECONDS) == set()
