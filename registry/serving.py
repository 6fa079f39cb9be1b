"""The web server: `python -m registry.serving [--host H] [--port N] [--workers N] [--threads N] [application]`.

The site is loaded once, and its workers are forks of the process that loaded it: what they have in common lies in
memory once. Nothing is connected before the fork, since database, cache and broker are asked for by the first request.
A new version is served by a new server; SIGHUP replaces workers and loads nothing.
"""

import argparse
import multiprocessing
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from granian.constants import Interfaces
from granian.server import Server

SITE = "registry.wsgi:application"


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m registry.serving")
    parser.add_argument("application", nargs="?", default=SITE, metavar="module:name", help=f"usually {SITE}")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0: on every network (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="(8000)")
    parser.add_argument("--workers", type=int, default=2, help="processes; as many as cores (2)")
    parser.add_argument("--threads", type=int, default=4, help="requests that a worker answers at a time (4)")
    return parser.parse_args(given)


def _loaded(name: str) -> Callable[..., Any]:
    module, _, attribute = name.partition(":")
    application: Callable[..., Any] = getattr(import_module(module), attribute)
    return application


def main(given: Sequence[str]) -> None:
    asked = _arguments(given)
    # what Python does by itself on this system until 3.13; later versions would load the site anew for every worker
    multiprocessing.set_start_method("fork")
    server = Server(
        asked.application,
        address=asked.host,
        port=asked.port,
        interface=Interfaces.WSGI,
        workers=asked.workers,
        blocking_threads=asked.threads,
        websockets=False,
    )
    application = _loaded(asked.application)
    server.serve(target_loader=lambda: application, wrap_loader=False)


if __name__ == "__main__":
    main(sys.argv[1:])
