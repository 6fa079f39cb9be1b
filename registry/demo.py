"""Demo launcher (`make demo`): sets everything up, runs worker, beat and web server in the
foreground, ends them all together.

One thread: it reads its children's output, watches that they live, and receives signals. A child
that dies ends the demo; nothing is restarted without the user's knowledge."""

import ctypes
import fcntl
import http.client
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TextIO

import psutil
import redis

from apps.common import heartbeat
from registry import embedded

HOST = "127.0.0.1"
WEB_WORKERS = "2"
SETUP_SECONDS = 600.0
START_SECONDS = 90.0
STOP_SECONDS = 20.0
PR_SET_PDEATHSIG = 1
# Celery's advice against root; the demo may run as root, and would repeat the warning at each start
QUIET = "ignore:You're running the worker with superuser privileges"


class Refused(RuntimeError):
    """Error: the demo cannot start in this state; nothing of it runs and no data was changed."""


class Ended(Exception):
    """Signal that asks the demo to end."""


class Broken(RuntimeError):
    """Error: a part of the demo died or did not start."""


@dataclass(slots=True)
class Child:
    """A process of the demo; it may end with code 0 only if `may_end`."""

    name: str
    process: subprocess.Popen[bytes]
    may_end: bool
    keep: bool  # its stdout is data, not messages
    output: list[bytes] = field(default_factory=list)


class Demo:
    """Processes of the demo, their output, and the signals that end it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.children: list[Child] = []
        self.embedded: embedded.Places | None = None
        self.wanted = {"database": False, "broker": False}
        self.selector = selectors.DefaultSelector()
        # the beginning of an incomplete last line, by the descriptor of its pipe
        self.incomplete_lines: dict[int, bytes] = {}
        self._listen_to_signals()

    def _listen_to_signals(self) -> None:
        self.signals, wakeup_socket = socket.socketpair()
        self.signals.setblocking(False)
        wakeup_socket.setblocking(False)
        self._waker = wakeup_socket  # kept open
        signal.set_wakeup_fd(wakeup_socket.fileno(), warn_on_full_buffer=False)
        for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signal_number, lambda *_: None)
        self.selector.register(self.signals, selectors.EVENT_READ)

    # --- children ---

    def start(
        self,
        name: str,
        *arguments: str,
        at_our_death: signal.Signals = signal.SIGTERM,
        may_end: bool = False,
    ) -> Child:
        """Run a Python module as a process group of its own, which dies with this process even if
        that is killed.

        `at_our_death` is the signal it then gets. `may_end`: the child may end with code 0, and its
        output is collected as data instead of being printed."""
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=embedded.CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": QUIET},
            start_new_session=True,
            # safe: this process has one thread
            preexec_fn=_die_with_parent(os.getpid(), at_our_death),
        )
        child = Child(name, process, may_end=may_end, keep=may_end)
        self.children.append(child)
        self._record_processes()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self.selector.register(pipe, selectors.EVENT_READ, child)
        return child

    def _record_processes(self) -> None:
        """Record the running processes, for the start after a sudden death."""
        processes = []
        for child in self.children:
            with suppress(psutil.NoSuchProcess):
                processes.append(
                    [child.process.pid, psutil.Process(child.process.pid).create_time()]
                )
        _pids_file(self.data).write_text(json.dumps(processes))

    def turn(self, seconds: float) -> None:
        """Wait for output or a signal, then check that all children live."""
        for key, _ in self.selector.select(seconds):
            if key.fileobj is self.signals:
                self.signals.recv(64)
                raise Ended
            self._read(key.fileobj, key.data)  # type: ignore[arg-type]
        for child in self.children:
            code = child.process.poll()
            if code is not None and not (child.may_end and code == 0):
                self._drain(child)
                if child.keep and code == os.EX_CONFIG:
                    raise Refused(b"".join(child.output).decode().strip())
                raise Broken(
                    f"The {child.name} process ended with {_describe_exit_code(code)}. See its "
                    "last lines above."
                )

    def until(self, is_met: Callable[[], bool], *, seconds: float, failure: str) -> None:
        """Run `turn` until `is_met()` returns True; Broken with `failure` after `seconds`."""
        deadline = time.monotonic() + seconds
        while not is_met():
            if time.monotonic() > deadline:
                raise Broken(f"{failure} within {seconds:.0f} seconds.")
            self.turn(0.0)
            pause = time.monotonic() + 0.1
            while (seconds_left := pause - time.monotonic()) > 0:
                self.turn(seconds_left)

    def _read(self, pipe: IO[bytes], child: Child) -> None:
        output = os.read(pipe.fileno(), 65536)
        if not output:
            self.selector.unregister(pipe)
        if child.keep and pipe is child.process.stdout:
            child.output.append(output)
            return
        *lines, incomplete_line = (self.incomplete_lines.pop(pipe.fileno(), b"") + output).split(
            b"\n"
        )
        if incomplete_line and output:
            self.incomplete_lines[pipe.fileno()] = incomplete_line
        elif incomplete_line:
            lines.append(incomplete_line)
        for line in lines:
            _print_message(f"{child.name:<6} | {line.decode(errors='replace')}")

    def _drain(self, child: Child) -> None:
        for pipe in (child.process.stdout, child.process.stderr):
            with suppress(BlockingIOError, KeyError, ValueError):
                while pipe is not None and self.selector.get_key(pipe):
                    self._read(pipe, child)

    # --- the demo ---

    def run(self, port: int) -> None:
        """Start the embedded servers where needed, set up the data, start worker, beat and web
        server on `port`, and print READY with the logins; afterwards watch them until a signal or a
        fault.

        Never returns: raises Ended at a signal, Refused if the setup refuses the data, and Broken
        if a process dies or does not start in time."""
        self.embedded = self._ensure_servers()
        _print_message(f"setup  | data in {self.data}")
        setup = self.start("setup", "registry.demo", "setup", may_end=True)
        self.until(
            lambda: setup.process.poll() is not None,
            seconds=SETUP_SECONDS,
            failure="The setup did not finish",
        )
        self._drain(setup)
        with heartbeat.client() as client:
            client.delete(heartbeat.KEY)  # the heartbeat of the previous run's worker
        self.start(
            # SIGQUIT is a cold shutdown: unfinished tasks go back to the queue
            "worker",
            "celery",
            "--quiet",
            "--app",
            "registry",
            "worker",
            "--concurrency",
            "2",
            "--pool",
            "prefork",
            "--queues",
            "default",
            "--loglevel",
            "INFO",
            "--without-gossip",
            "--without-mingle",
            # without a broker the heartbeat of events, which has no listener, keeps a worker from
            # ending
            "--without-heartbeat",
            at_our_death=signal.SIGQUIT,
        )
        self.start(
            "beat",
            "celery",
            "--quiet",
            "--app",
            "registry",
            "beat",
            "--pidfile=",
            "--loglevel",
            "INFO",
        )
        self.until(_is_worker_alive, seconds=START_SECONDS, failure="The worker did not start")
        self.start(
            "web", "registry.serving", "--host", HOST, "--port", str(port), "--workers", WEB_WORKERS
        )
        self.until(
            lambda: _responds(port, "/"),
            seconds=START_SECONDS,
            failure="The web server did not respond",
        )
        self.until(
            lambda: _responds(port, "/readyz"),
            seconds=START_SECONDS,
            failure="The demo did not become ready",
        )
        logins = _parse_logins(b"".join(setup.output).decode())
        # one write: a reader that waits for READY finds the logins too
        _print_message(
            "\n".join(
                [
                    f"READY http://{HOST}:{port}",
                    *("login {user} {password} {role}".format(**login) for login in logins),
                ]
            ),
            out=sys.stdout,
        )
        while True:
            self.turn(2.0)
            if server_name := self._missing_server():
                raise Broken(f"{server_name} has stopped. See its log in {self.data}.")

    def _ensure_servers(self) -> embedded.Places | None:
        """Start the embedded servers for which the environment names no URL."""
        self.wanted = {
            "database": not os.environ.get("DATABASE_URL"),
            "broker": not os.environ.get("BROKER_URL"),
        }
        return embedded.ensure(data=self.data, **self.wanted) if any(self.wanted.values()) else None

    def _missing_server(self) -> str:
        return embedded.missing(self.embedded, **self.wanted) if self.embedded else ""

    def end(self) -> None:
        """End every process that this demo started. A second signal shortens the wait."""
        for child in reversed(self.children):
            _signal_group(child.process.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while (
            any(child.process.poll() is None for child in self.children)
            and time.monotonic() < deadline
        ):
            for key, _ in self.selector.select(0.05):
                if key.fileobj is self.signals:
                    self.signals.recv(64)
                    deadline = 0
                else:
                    self._read(key.fileobj, key.data)  # type: ignore[arg-type]
        for child in self.children:
            _signal_group(child.process.pid, signal.SIGKILL)
            child.process.wait()
        if self.embedded is not None:
            embedded.stop(self.data)
        _pids_file(self.data).unlink(missing_ok=True)


def _die_with_parent(parent_pid: int, death_signal: signal.Signals) -> Callable[[], None]:
    """Return a function for a child to call before it becomes its program: the kernel then sends it
    `death_signal` when the process `parent_pid` dies (Linux only; elsewhere it does nothing)."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None).prctl

    def request_signal() -> None:
        prctl(PR_SET_PDEATHSIG, int(death_signal))
        # the parent died before the request took effect
        if os.getppid() != parent_pid:
            os._exit(1)

    return request_signal


def _print_message(text: str, *, out: TextIO | None = None) -> None:
    with suppress(
        BrokenPipeError
    ):  # the reader has gone; that is no reason to leave processes behind
        print(text, file=out or sys.stderr, flush=True)


def _describe_exit_code(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _signal_group(pid: int, signal_number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal_number)


def _is_worker_alive() -> bool:
    try:
        return heartbeat.last_heartbeat() is not None
    except redis.RedisError:
        return False


def _responds(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < (400 if path == "/" else 201)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _parse_logins(text: str) -> Iterator[dict[str, str]]:
    """Parse the output of load_demo: JSON objects with user, password and role, one per line or in
    a list."""
    with suppress(json.JSONDecodeError):
        if isinstance(rows := json.loads(text), list):
            yield from rows
            return
    for line in text.splitlines():
        if line.startswith("{"):
            yield json.loads(line)


# --- one demo per data folder ---------------------------------------------------------------------


def _pids_file(data: Path) -> Path:
    return data / "demo.pids"


@contextmanager
def _hold_demo_lock(data: Path) -> Iterator[None]:
    """Hold the demo's lock; clean up after a demo that was killed."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "demo.lock").open("a+") as lock_file:
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock_file.seek(0)
            raise Refused(
                f"A demo already runs on {data} (process {lock_file.read().strip()}). Stop it "
                "first with make stop."
            ) from None
        lock_file.truncate(0)
        lock_file.write(str(os.getpid()))
        lock_file.flush()
        _end_leftover_processes(data)
        yield


def _end_leftover_processes(data: Path) -> None:
    """End process groups of a demo that died; the start time distinguishes them from others with
    the same number."""
    with suppress(FileNotFoundError, ValueError):
        for pid, started_at in json.loads(_pids_file(data).read_text()):
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                if process.create_time() == started_at:
                    _signal_group(pid, signal.SIGKILL)
                    process.wait(10)
        _pids_file(data).unlink()


def _check_port(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise Refused(
                f"Port {port} cannot be used ({error.strerror}). Use another port: "
                f"PORT={port + 1} make demo"
            ) from error


def set_up() -> None:
    """Set up database, built-in catalogue and demo portfolio, as a child process. Prints the output
    of load_demo.

    Prints the reason and ends with EX_CONFIG if the data folder holds a database that this version
    cannot upgrade."""
    import django  # noqa: PLC0415 - only this child loads Django's apps
    from django.core.management import call_command, get_commands  # noqa: PLC0415

    django.setup()
    from apps.common.database.migration_history import (  # noqa: PLC0415
        UnsupportedDatabaseError,
    )
    from registry.prepare import prepare_database  # noqa: PLC0415

    try:
        prepare_database()
    except UnsupportedDatabaseError as error:
        print(error)
        sys.exit(os.EX_CONFIG)
    if "load_demo" in get_commands():
        call_command("load_demo")


def stop(data: Path) -> int:
    """End a running demo, then the servers of demo and tests."""
    stopped_names = []
    with suppress(FileNotFoundError), (data / "demo.lock").open() as lock_file:
        try:
            fcntl.flock(lock_file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            with suppress(ValueError, ProcessLookupError):
                os.kill(int(lock_file.read()), signal.SIGTERM)
            fcntl.flock(lock_file, fcntl.LOCK_SH)  # its owner is gone
            stopped_names.append("the demo")
    stopped_names += [*embedded.stop(data), *embedded.stop(data / "tests")]
    print(f"stopped {', '.join(stopped_names)}" if stopped_names else "no demo runs here")
    return 0


def run(data: Path) -> int:
    """Run the demo in `data` until a signal ends it; return the exit code: 0 after a signal, 1 if a
    process of it failed, 2 if it could not start."""
    try:
        port = int(os.environ.setdefault("PORT", "8000"))
    except ValueError:
        print("PORT must be a number.", file=sys.stderr)
        return 2
    os.environ.setdefault("REGISTRY_ENV", "demo")
    # so that generators of clients can be tried without a token
    os.environ.setdefault("API_DOCUMENT_OPEN", "true")
    exit_code = 0
    try:
        with _hold_demo_lock(data):
            _check_port(port)
            demo = Demo(data)
            try:
                demo.run(port)
            except Ended:
                _print_message("stopping the demo")
            finally:
                demo.end()
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        exit_code = 2
    except (Broken, embedded.EmbeddedError) as error:
        print(error, file=sys.stderr)
        exit_code = 1
    return exit_code


def main(arguments: list[str]) -> int:
    """Run `python -m registry.demo [stop]`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
    data = embedded.data_folder()
    match arguments:
        case []:
            return run(data)
        case ["stop"]:
            return stop(data)
        case ["setup"]:
            set_up()
            return 0
    print("usage: python -m registry.demo [stop]", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
