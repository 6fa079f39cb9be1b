"""Run queue: wakes a worker for a run that a user waits for. Beat checks every minute anyway, so a
lost message costs a minute."""

import contextlib

from django.db import transaction
from kombu.exceptions import OperationalError

from apps.exposure.tasks import run_what_ifs


def enqueue_waiting_runs() -> None:
    """Wake a worker once what was queued is committed; without a broker nothing happens, and beat
    finds it."""

    def send() -> None:
        with contextlib.suppress(OperationalError):
            run_what_ifs.apply_async(retry=False)

    transaction.on_commit(send)
