"""Background processes that outlive the one that started them: identified, started, ended."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

START_SECONDS = 60.0
STOP_SECONDS = 30.0
# variables that shift the clock of a process (datefudge, see docs/architecture.md); its servers get
# them too
CLOCK_VARIABLES = ("LD_PRELOAD", "DATEFUDGE")


class EmbeddedError(RuntimeError):
    """Error: a server could not be started, reached or stopped; the text says what to check."""


def find_server(pid_file: Path, name: str) -> psutil.Process | None:
    """Return the server that wrote `pid_file` in its working directory; None if that pid is gone or
    another process's."""
    try:
        process = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
        if (
            process.status() != psutil.STATUS_ZOMBIE
            and process.name().startswith(name)
            and Path(process.cwd()) == pid_file.parent
        ):
            return process
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        pass
    return None


def launch(command: list[str], *, log: Path, user: str | None = None) -> psutil.Process:
    """Start a detached server: out of this session and process group, reaped by the system."""
    script = 'log="$1"; shift; "$@" >>"$log" 2>&1 </dev/null & echo $!'
    completed = subprocess.run(
        ["/bin/sh", "-c", script, "sh", str(log), *command],
        cwd="/",
        env=server_environment(),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        start_new_session=True,
        umask=0o077,
        user=user,
        extra_groups=[] if user else None,
    )
    return psutil.Process(int(completed.stdout))


def server_environment() -> dict[str, str]:
    """Return the environment that a server needs of this process: the search path, and the
    clock."""
    clock = {name: os.environ[name] for name in CLOCK_VARIABLES if name in os.environ}
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **clock}


def end(process: psutil.Process, *signals: signal.Signals) -> None:
    for end_signal in (*signals, signal.SIGKILL):
        with suppress(psutil.NoSuchProcess):
            process.send_signal(end_signal)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if died(process):
                return
            time.sleep(0.02)
    raise EmbeddedError(f"Process {process.pid} does not stop. Stop it by hand.")


def died(process: psutil.Process) -> bool:
    """Return whether the process is gone, or a zombie (a container's first process may not reap
    it)."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def error_with_log(message: str, log: Path) -> EmbeddedError:
    """Return an error with `message` and the last lines of the log."""
    try:
        last_lines = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    except OSError:
        last_lines = ""
    return EmbeddedError(f"{message} Its log, {log}, ends with:\n{last_lines}")
