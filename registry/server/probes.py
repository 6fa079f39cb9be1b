"""Health probes, answered while every request thread is busy: each in a thread of its own, with a
deadline."""

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from registry.version import VERSION

PROBE_TIMEOUT = 2.0
# however many ask, a check runs once a second
MAX_AGE = 1.0

# (status, the members of the JSON answer)
Report = tuple[int, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    status: int
    body: bytes


def _build_answer(report: Report) -> ProbeAnswer:
    status, members = report
    return ProbeAnswer(status, json.dumps(members).encode())


ALIVE = _build_answer((HTTPStatus.OK, {"status": "ok", "version": VERSION}))
LATE = _build_answer(
    (
        HTTPStatus.SERVICE_UNAVAILABLE,
        {
            "status": "unready",
            "detail": f"There was no response within {PROBE_TIMEOUT:.0f} seconds.",
        },
    )
)


class Probe:
    """Health probe. A request during a run waits for the same run; a run that hangs is not joined
    by a second one."""

    def __init__(self, check: Callable[[], Report]) -> None:
        self._check = check
        self._run: asyncio.Future[ProbeAnswer] | None = None
        self._began_at = 0.0

    async def ask(self) -> ProbeAnswer:
        """Return the result of the check, at most PROBE_TIMEOUT after it began."""
        loop = asyncio.get_running_loop()
        if self._run is None or (self._run.done() and loop.time() - self._began_at >= MAX_AGE):
            self._run, self._began_at = loop.create_future(), loop.time()
            # none of a pool: one that hangs must not keep the process from ending
            threading.Thread(
                target=self._run_check, args=(loop, self._run), name="probe", daemon=True
            ).start()
        seconds_left = self._began_at + PROBE_TIMEOUT - loop.time()
        finished_runs, _ = await asyncio.wait((self._run,), timeout=max(seconds_left, 0))
        return self._run.result() if finished_runs else LATE

    def _run_check(self, loop: asyncio.AbstractEventLoop, run: asyncio.Future[ProbeAnswer]) -> None:
        try:
            answer = _build_answer(self._check())
        except Exception as error:  # noqa: BLE001  a check that breaks is an answer too
            answer = _build_answer(
                (
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    {"status": "unready", "detail": f"The check failed: {type(error).__name__}."},
                )
            )
        # the event loop may have ended meanwhile
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(run.set_result, answer)
