"""Functions that parse untrusted files, run in a child process with limits on time and memory.

Python runs one thread at a time: a file that takes a minute to parse blocks every page of the
process for that minute, and one that needs ten gigabytes ends the process. So a web process passes
such a file to a fork server (processes/fork_server.py), which forks a child for it. The thread
waits at a socket meanwhile, without blocking the other threads.

    @child_function(classes=(Document,), errors=(UnreadableError,), refusal=UnreadableError)
    def read_document(form: str, body: bytes) -> Document: ...

Callers use it like any function: it returns what the function returns and raises what it raises. If
a child is killed because of its limits, `refusal` is raised with a sentence. Where no server was
started (workers, commands, tests, the development server) the function runs in the calling process,
because no page waits for that process.

The result of a child is treated as untrusted data. It is pickled, since most of it is dataclasses,
and is unpickled by a reader that accepts only the classes declared with the function, days and
decimals: code that a hostile file injects into a child does not run in the web process.
"""

import io
import os
import pickle
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import update_wrapper
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

MIB = 1024 * 1024
# wait of a thread for one of the places of its process, and of a file for a child: a client that
# tries again costs less than a thread that waits
PLACE_TIMEOUT = 2.0
START_TIMEOUT = 8.0
# start of a server that has to load the site: seconds, or many of them on a busy machine
_LOAD_TIMEOUT = 60.0
# wait for a child that has passed its deadline to end
_GRACE_SECONDS = 5.0
# of the result of a child: a document of 50,000 models has about 20 MiB
MAX_RESULT_BYTES = 32 * MIB
RETRY_AFTER_SECONDS = 5
_LENGTH = struct.Struct("!Q")
_STATUS = struct.Struct("!i")
_BROKEN = (
    "This file could not be read: the reader stopped unexpectedly. Save the file "
    "again, or send it in another format."
)
STARTED = b"\x01"
READY = b"ready"


class BusyError(Exception):
    """The maximum number of files is already being read; try again after RETRY_AFTER_SECONDS."""

    def __init__(self) -> None:
        super().__init__(
            "The registry is already reading the maximum number of files. Send the file "
            "again in a few seconds."
        )


class ChildFailedError(RuntimeError):
    """The function raised an error that it does not declare; the text is the traceback of the
    child."""


class ResultTooLargeError(Exception):
    """The result of the function is larger than a web process accepts."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one call: processor time, memory beyond what the server has loaded, and elapsed
    time."""

    cpu_seconds: int = 10
    memory_mib: int = 1024
    wall_seconds: int = 30


class ChildFunction[**P, R]:
    """A function that runs in a child if this process has a fork server; `function` is the
    undecorated function."""

    def __init__(
        self,
        function: Callable[P, R],
        *,
        classes: tuple[type, ...],
        errors: tuple[type[Exception], ...],
        refusal: Callable[[str], Exception],
        limits: Limits,
    ) -> None:
        """Register `function` under its name, by which the fork server finds it. Only objects of
        `classes` and plain values cross the process boundary; `errors` are raised again in the
        caller, and `refusal` builds the error of any other failure from a sentence."""
        self.function = function
        self.name = f"{function.__module__}:{function.__qualname__}"
        self.classes = {_class_key(cls): cls for cls in (*classes, *_PLAIN_CLASSES)}
        self.errors = {_class_key(error): error for error in errors}
        self.refusal = refusal
        self.limits = limits
        update_wrapper(self, function)
        FUNCTIONS[self.name] = self

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if _client is not None:
            result: R = _client.call(self, args, kwargs)
            return result
        if is_always_encoded:
            return self.decoded(answer_of(self, args, kwargs))
        return self.function(*args, **kwargs)

    def decoded(self, message: bytes) -> R:
        """Return the result of the child, or raise its error."""
        kind, *content = _Unpickler(io.BytesIO(message), self.classes).load()
        match kind, content:
            case "result", [result]:
                value: R = result
                return value
            case "error", [key, arguments]:
                raise self.errors[tuple(key)](*arguments)
            case "memory", []:
                raise self.refusal(self.memory_sentence)
            case "large", []:
                raise ResultTooLargeError
        raise ChildFailedError(str(content))

    @property
    def memory_sentence(self) -> str:
        return (
            f"Reading this file needs more than {self.limits.memory_mib:,} MiB of memory. "
            "Split the file, or remove what is not needed."
        )

    @property
    def time_sentence(self) -> str:
        return (
            f"Reading this file takes more than {self.limits.cpu_seconds} seconds. Split the "
            "file, or remove what is not needed."
        )


FUNCTIONS: dict[str, ChildFunction[..., Any]] = {}
# run by a server before its first child, so that modules which most files need are loaded once and
# shared
PREPARATIONS: list[Callable[[], object]] = []
# for tests: encode and decode results in every process
is_always_encoded = False


def child_function[**P, R](
    *,
    classes: tuple[type, ...] = (),
    errors: tuple[type[Exception], ...],
    refusal: Callable[[str], Exception],
    limits: Limits = Limits(),
) -> Callable[[Callable[P, R]], ChildFunction[P, R]]:
    """Declare a function of a module as a child function. Its results consist of `classes`, and it
    raises `errors`."""

    def declare(function: Callable[P, R]) -> ChildFunction[P, R]:
        return ChildFunction(
            function, classes=classes, errors=errors, refusal=refusal, limits=limits
        )

    return declare


def has_server() -> bool:
    """Return whether functions run in children here, that is, whether this process serves pages."""
    return _client is not None


@contextmanager
def limited_memory(mib: int) -> Iterator[None]:
    """Raise MemoryError if the block needs more than `mib` beyond what this process uses; for
    workers, which read files in their own process. Does nothing in a process that serves pages,
    whose threads share their memory."""
    if has_server():
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit_memory(mib)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def limit_memory(mib: int) -> None:
    """Limit this process to `mib` beyond what it uses now."""
    with suppress(OSError, ValueError):
        n_pages = int(Path("/proc/self/statm").read_text().split()[0])
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        max_bytes = n_pages * resource.getpagesize() + mib * MIB
        resource.setrlimit(
            resource.RLIMIT_AS,
            (max_bytes if hard == resource.RLIM_INFINITY else min(max_bytes, hard), hard),
        )


# --- results --------------------------------------------------------------------------------------

_PLAIN_CLASSES = (date, datetime, time, timedelta, timezone, Decimal)


def _class_key(cls: type) -> tuple[str, str]:
    return cls.__module__, cls.__qualname__


class _Unpickler(pickle.Unpickler):
    """Unpickles only plain values and the given classes."""

    def __init__(self, file: io.BytesIO, classes: dict[tuple[str, str], type]) -> None:
        super().__init__(file)
        self._classes = classes

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return self._classes[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"{module_name}.{global_name} is not a class of this result."
            ) from None


def answer_of(function: ChildFunction[..., Any], args: Any, kwargs: Any) -> bytes:
    """Run the function in this process and encode its result for `ChildFunction.decoded`."""
    try:
        result = function.function(*args, **kwargs)
    except tuple(function.errors.values()) as error:
        return encoded("error", _class_key(type(error)), error.args)
    message = encoded("result", result)
    return message if len(message) <= MAX_RESULT_BYTES else encoded("large")


def encoded(*content: Any) -> bytes:
    return pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL)


# --- the calling side -------------------------------------------------------------------------


@dataclass(slots=True)
class Client:
    """The connection of a process to its fork server; inherited by its forks. Restarts a server
    that has ended."""

    control: socket.socket
    slots: threading.BoundedSemaphore
    lock: threading.Lock = field(default_factory=threading.Lock)
    started: subprocess.Popen[bytes] | None = None

    def call(self, function: ChildFunction[..., Any], args: Any, kwargs: Any) -> Any:
        if not self.slots.acquire(timeout=PLACE_TIMEOUT):
            raise BusyError
        try:
            return self._call(
                function,
                pickle.dumps((function.name, args, kwargs), protocol=pickle.HIGHEST_PROTOCOL),
            )
        finally:
            self.slots.release()

    def _call(self, function: ChildFunction[..., Any], request: bytes) -> Any:
        """Run `function` in a child process and return its result. Raises BusyError if no child
        starts in time, an error that the function declares, or its refusal if the child exceeds a
        limit or dies."""
        channel, status = self._open()
        with channel, os.fdopen(status, "rb", buffering=0) as end:
            # wait for a child, or for a place in the queue behind other files
            channel.settimeout(START_TIMEOUT)
            try:
                has_started = channel.recv(1) == STARTED
            except OSError:
                has_started = False
            if not has_started:
                raise BusyError
            channel.settimeout(function.limits.wall_seconds + _GRACE_SECONDS)
            try:
                send(channel, request)
                del request
                result = receive_message(channel, MAX_RESULT_BYTES + MIB)
            except TimeoutError:
                raise function.refusal(function.time_sentence) from None
            except OSError:
                result = None
            if result is None:
                raise self._refusal(function, end)
        try:
            return function.decoded(result)
        except pickle.UnpicklingError:
            log.exception("child process returned an undeclared type", function=function.name)
            raise function.refusal(_BROKEN) from None

    def _open(self) -> tuple[socket.socket, int]:
        """Return (the channel to a child, the pipe on which its exit status is reported)."""
        if not self.lock.acquire(timeout=PLACE_TIMEOUT):
            # another thread is starting a server
            raise BusyError
        try:
            for attempt in range(2):
                channel, child_channel = socket.socketpair()
                status, status_writer = os.pipe()
                try:
                    socket.send_fds(
                        self.control, [b"call"], [child_channel.fileno(), status_writer]
                    )
                except TimeoutError:
                    channel.close()
                    os.close(status)
                    raise BusyError from None
                except OSError as error:
                    channel.close()
                    os.close(status)
                    if attempt:
                        raise BusyError from error
                    log.exception("fork server lost: starting another")
                    self.control.close()
                    self.control, self.started = started_server()
                else:
                    return channel, status
                finally:
                    child_channel.close()
                    os.close(status_writer)
        finally:
            self.lock.release()
        raise BusyError

    def _refusal(self, function: ChildFunction[..., Any], end: Any) -> Exception:
        """Return the function's refusal for a child that ended without a result."""
        # a server that has ended itself reports nothing
        has_status, _, _ = select.select([end], [], [], _GRACE_SECONDS)
        status_bytes = end.read(_STATUS.size) if has_status else b""
        status = _STATUS.unpack(status_bytes)[0] if len(status_bytes) == _STATUS.size else 0
        killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        log.warning("child process ended", function=function.name, signal=killed_by, status=status)
        if killed_by in {signal.SIGXCPU, signal.SIGALRM}:
            return function.refusal(function.time_sentence)
        if killed_by in {signal.SIGKILL, signal.SIGABRT}:
            return function.refusal(function.memory_sentence)
        return function.refusal(_BROKEN)


def receive_message(channel: socket.socket, max_bytes: int) -> bytes | None:
    """Receive one message; None if the other side ended early, or the message is longer than
    `max_bytes`."""
    head = _receive_exactly(channel, _LENGTH.size)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    return _receive_exactly(channel, length) if length <= max_bytes else None


def _receive_exactly(channel: socket.socket, length: int) -> bytes | None:
    body = bytearray(length)
    view = memoryview(body)
    n_bytes = 0
    while n_bytes < length:
        n_received = channel.recv_into(view[n_bytes:])
        if not n_received:
            return None
        n_bytes += n_received
    return bytes(body)


def send(channel: socket.socket, message: bytes) -> None:
    channel.sendall(_LENGTH.pack(len(message)))
    channel.sendall(message)


_client: Client | None = None


def use_server(control: socket.socket, *, threads: int) -> None:
    """Run child functions, from now on in this process and its forks, in children of the server at
    `control`.

    At most half of a process's `threads` wait for children, so that the others can serve pages.
    """
    global _client
    control.settimeout(START_TIMEOUT)
    _client = Client(control, threading.BoundedSemaphore(max(1, threads // 2)))


def started_server() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start a server in a new process, which loads the site itself, for callers without a server to
    fork from. Raises BusyError if it does not start in time."""
    control, server_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with server_control:
        process = subprocess.Popen(  # noqa: S603 - runs our own code without user input
            [
                sys.executable,
                "-m",
                "apps.common.processes.fork_server",
                str(server_control.fileno()),
            ],
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            pass_fds=[server_control.fileno()],
        )
    control.settimeout(_LOAD_TIMEOUT)
    try:
        is_ready = control.recv(len(READY)) == READY
    except OSError:
        is_ready = False
    if not is_ready:
        # the server ends by itself once its control socket is closed
        control.close()
        raise BusyError
    control.settimeout(START_TIMEOUT)
    return control, process


@contextmanager
def own_server(*, threads: int = 4) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server while the block runs; for tests, and for processes that serve pages without
    registry.serving."""
    global _client
    control, process = started_server()
    before = _client
    use_server(control, threads=threads)
    try:
        yield process
    finally:
        assert _client is not None
        _client.control.close()
        for server in (process, _client.started):
            if server is not None:
                with suppress(subprocess.TimeoutExpired):
                    server.wait(START_TIMEOUT)
        _client = before
