"""Web server: `python -m registry.serving [--host H] [--port N] [--workers N] [--threads N]
[application]`.

The site is loaded once, and its workers are forks of the process that loaded it: what they have in
common is in memory once. Nothing is connected before the fork, since the first request is what
opens database, cache and broker. A new version is served by a new server; SIGHUP replaces workers
and loads nothing. A worker that dies is replaced."""

import argparse
import atexit
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from apps.common.processes.fork_server import fork_server
from registry.server.application import ServerApplication
from registry.server.limits import BACKLOG, HEAD_TIMEOUT, MAX_CONNECTIONS, STOP_TIMEOUT
from registry.server.request_bodies import CallerRules

# as prometheus_client calls it
MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SITE = "registry.wsgi:application"


def _parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m registry.serving")
    parser.add_argument(
        "application", nargs="?", default=SITE, metavar="module:name", help=f"usually {SITE}"
    )
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0: all networks (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="(8000)")
    parser.add_argument(
        "--workers", type=int, default=2, help="number of processes; default: number of cores (2)"
    )
    parser.add_argument(
        "--threads", type=int, default=4, help="requests that a worker processes at a time (4)"
    )
    return parser.parse_args(arguments)


class Site:
    """Module with a WSGI application; its CALLERS and PROBES define what the server does before it
    calls the application, and RECORD_REFUSAL is called for requests that the server rejects."""

    def __init__(self, name: str) -> None:
        module_name, _, attribute = name.partition(":")
        module = import_module(module_name)
        self._application = getattr(module, attribute)
        # without rules no caller is recognised, and bodies stay short
        self._callers = getattr(module, "CALLERS", CallerRules(knows=lambda _: False))
        self._probes = getattr(module, "PROBES", {})
        self._record_refusal = getattr(module, "RECORD_REFUSAL", None)

    def server_application(self, *, n_threads: int) -> ServerApplication:
        """Create the application in each worker: threads do not survive a fork."""
        return ServerApplication(
            self._application,
            n_threads=n_threads,
            callers=self._callers,
            checks=self._probes,
            record_refusal=self._record_refusal,
        )


def _raise_descriptor_limit() -> None:
    """Raise the limit of file descriptors to the system's maximum: a connection, a file or two and
    a share of the database each."""
    soft_limit, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    n_descriptors = 4 * MAX_CONNECTIONS
    if soft_limit < n_descriptors:
        resource.setrlimit(
            resource.RLIMIT_NOFILE,
            (n_descriptors if hard_limit < 0 else min(n_descriptors, hard_limit), hard_limit),
        )


def _share_request_counts() -> None:
    """Create a folder in which the workers store their metrics, so that any of them answers for
    all; deleted with the server.

    It must be named before the library is loaded, which the site does."""
    if not os.environ.get(MULTIPROCESS_FOLDER):
        folder = tempfile.mkdtemp(prefix="registry-metrics-")
        os.environ[MULTIPROCESS_FOLDER] = folder
        server_process = os.getpid()
        # workers are forks, which run this function too when they end
        atexit.register(
            lambda: os.getpid() == server_process and shutil.rmtree(folder, ignore_errors=True)
        )


def main(arguments: Sequence[str]) -> None:
    """Serve the site until a signal ends the server. The order matters: the fork server starts
    after the site is loaded and before there are threads or connections."""
    options = _parse_arguments(arguments)
    # the default on Linux until 3.13; later versions would load the site again for every worker
    multiprocessing.set_start_method("fork")
    _raise_descriptor_limit()
    _share_request_counts()
    server = Server(
        options.application,
        address=options.host,
        port=options.port,
        # without "lifespan" messages, which the application does not answer
        interface=Interfaces.ASGINL,
        workers=options.workers,
        # limits are per connection; HTTP/2 would bring some hundred requests in one
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=int(HEAD_TIMEOUT * 1000)),
        websockets=False,
        backlog=BACKLOG,
        backpressure=MAX_CONNECTIONS,
        # twice within six seconds is a crash loop: then the server ends, and its supervisor decides
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_TIMEOUT,
    )
    site = Site(options.application)
    # before there are threads or connections: files that people and programs send are read in its
    # children
    fork_server(threads=options.threads)
    server.serve(
        target_loader=lambda: site.server_application(n_threads=options.threads), wrap_loader=False
    )


if __name__ == "__main__":
    main(sys.argv[1:])
