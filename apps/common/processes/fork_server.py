"""The process that forks a child for each file to be parsed (processes/child_process.py).

It is forked from the loaded web server before that has threads or connections, so that it shares
the web server's memory and needs no start of its own. It reads no file: it takes a socket from a
web process, forks, and reports how the child ended. A few children run at a time and a few more
calls wait. It ends when the last process that could send a request has ended.
"""

import gc
import os
import pickle
import resource
import select
import signal
import socket
import struct
import sys
import traceback
from collections import deque
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import django

from apps.common.processes import child_process
from apps.common.processes.child_process import (
    FUNCTIONS,
    MIB,
    PREPARATIONS,
    READY,
    STARTED,
    ChildFunction,
    answer_of,
    encoded,
    limit_memory,
    receive_message,
    send,
)
from apps.common.processes.heap import freeze_heap

# more children would slow down the pages, and use gigabytes of memory
MAX_CHILDREN = max(2, min(4, os.cpu_count() or 2))
MAX_WAITING = 16
# of a request: a file of 64 MiB and its name
MAX_REQUEST_BYTES = 160 * MIB
# wait for the request of a caller that has a child
_REQUEST_SECONDS = 30
_STATUS = struct.Struct("!i")


def fork_server(*, threads: int) -> None:
    """Fork the server from this process, and use it in this process and its forks."""
    control, server_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        _run_and_exit(lambda: _serve_in_fork(control, server_control))
    server_control.close()
    child_process.use_server(control, threads=threads)


def _serve_in_fork(control: socket.socket, server_control: socket.socket) -> None:
    control.close()
    Server(server_control).serve()


def _run_and_exit(work: Any) -> NoReturn:
    """Run `work` and exit without the cleanup of the process that this one was forked from."""
    code = 1
    try:
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - any error ends the process
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


class Server:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        # {process ID of the child: pipe on which its exit status is reported}
        self._running: dict[int, int] = {}
        self._waiting: deque[tuple[int, int]] = deque()

    def serve(self, *, tells_ready: bool = False) -> None:
        """Fork a child for each call, until the last process that can call has ended.
        `tells_ready`: send READY once calls are accepted."""
        for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # ignore stop signals: this process ends after the web server
            signal.signal(signal_number, signal.SIG_IGN)
        wake_reader, waker = os.pipe()
        os.set_blocking(wake_reader, False)
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for prepare in PREPARATIONS:
            prepare()
        gc.collect()
        gc.freeze()
        if tells_ready:
            self._control.send(READY)
        while True:
            ready, _, _ = select.select([self._control.fileno(), wake_reader], [], [])
            if wake_reader in ready:
                with suppress(BlockingIOError):
                    os.read(wake_reader, 512)
                self._reap()
            if self._control.fileno() in ready and not self._take_call():
                return

    def _take_call(self) -> bool:
        """Take one call; return False when no process is left that could make one."""
        message, fds, _, _ = socket.recv_fds(self._control, 16, 2)
        if not message:
            return False
        channel, status_writer = fds
        if len(self._running) < MAX_CHILDREN:
            self._start(channel, status_writer)
        elif len(self._waiting) < MAX_WAITING:
            self._waiting.append((channel, status_writer))
        else:
            # the caller sees the closed channel and raises BusyError
            os.close(channel)
            os.close(status_writer)
        return True

    def _start(self, channel: int, status_writer: int) -> None:
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            self._control.close()
            for fd in (
                status_writer,
                *self._running.values(),
                *(fd for pair in self._waiting for fd in pair),
            ):
                os.close(fd)
            _run_and_exit(lambda: _handle_call(socket.socket(fileno=channel)))
        os.close(channel)
        self._running[pid] = status_writer

    def _reap(self) -> None:
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            status_writer = self._running.pop(pid)
            with suppress(OSError):
                os.write(status_writer, _STATUS.pack(status))
            os.close(status_writer)
        while self._waiting and len(self._running) < MAX_CHILDREN:
            self._start(*self._waiting.popleft())


# --- the child ------------------------------------------------------------------------------------


def _handle_call(channel: socket.socket) -> None:
    """Read one call, run its function and send the result."""
    for signal_number in (
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGHUP,
        signal.SIGCHLD,
        signal.SIGALRM,
        signal.SIGXCPU,
    ):
        signal.signal(signal_number, signal.SIG_DFL)
    signal.alarm(_REQUEST_SECONDS)
    with suppress(OSError):
        # if memory runs out, the kernel ends children before web processes
        Path("/proc/self/oom_score_adj").write_text("800")
        os.nice(5)
    try:
        channel.sendall(STARTED)
        request = receive_message(channel, MAX_REQUEST_BYTES)
    except OSError:
        # the caller has disconnected
        return
    if request is None:
        return
    # the request is from the web process, which is trusted; the untrusted file is only bytes in it
    name, args, kwargs = pickle.loads(request)  # noqa: S301
    del request
    function = _find_function(name)
    _apply_limits(function)
    try:
        result = answer_of(function, args, kwargs)
    except MemoryError:
        _lift_memory_limit()
        result = encoded("memory")
    except BaseException:  # noqa: BLE001 - reported to the caller
        _lift_memory_limit()
        result = encoded("failed", traceback.format_exc()[-4000:])
    with suppress(OSError):
        send(channel, result)


def _find_function(name: str) -> ChildFunction[..., Any]:
    if name not in FUNCTIONS:
        import_module(name.partition(":")[0])
    return FUNCTIONS[name]


def _apply_limits(function: ChildFunction[..., Any]) -> None:
    limits = function.limits
    signal.alarm(limits.wall_seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit_memory(limits.memory_mib)


def _lift_memory_limit() -> None:
    """Remove the memory limit, so that the error itself can be reported."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def main(fd: int) -> None:
    """Load the site in this process, as a web server does, then serve."""
    django.setup()
    freeze_heap()
    Server(socket.socket(fileno=fd)).serve(tells_ready=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
