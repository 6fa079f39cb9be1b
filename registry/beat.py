"""Celery beat scheduler without state: sends what runs every minute or more often, without a file
or the database.

What runs less often is scheduled in PostgreSQL; see `apps/common/periodic_jobs.py`."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery.beat import Scheduler

from apps.common.periodic_jobs import is_recorded

END_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class FrequentScheduler(Scheduler):
    """Celery scheduler of the entries that recur within a minute; the schedule's others are left
    out."""

    def setup_schedule(self) -> None:
        entries = self.app.conf.beat_schedule
        self.merge_inplace(
            {name: entry for name, entry in entries.items() if not is_recorded(entry)}
        )

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send due tasks; a signal to end takes effect afterwards."""
        with deferred_end():
            interval: float = super().tick(*args, **kwargs)
        return interval


@contextmanager
def deferred_end() -> Iterator[None]:
    """Hold back the first signal to end until the block is left; a second one is not held back.

    Celery ends beat by raising SystemExit wherever the signal finds it. Inside a call of the
    broker's client another error replaces it (the client cleans up on a connection that is closed
    by then), beat logs that one as a message that was not sent, and goes on for ever.
    """
    if threading.current_thread() is not threading.main_thread():
        # signals are the main thread's
        yield
        return
    received: list[int] = []
    handlers: dict[int, Any] = {}

    def hold_back(signal_number: int, frame: Any) -> None:
        if received and callable(handlers[signal_number]):
            handlers[signal_number](signal_number, frame)
        received.append(signal_number)

    for end_signal in END_SIGNALS:
        handlers[end_signal] = signal.signal(end_signal, hold_back)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if received:
        signal.raise_signal(received[0])
