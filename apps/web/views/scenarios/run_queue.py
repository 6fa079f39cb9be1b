"""Run queue: wakes a worker for a run that a user waits for. Beat also checks every minute, so a
lost message costs a minute."""

import contextlib

from django.db import transaction
from kombu.exceptions import OperationalError

from apps.exposure.tasks import run_what_ifs


def enqueue_waiting_runs() -> None:
    """Wake a worker after the transaction commits. Without a broker, beat starts the run."""

    def send() -> None:
        with contextlib.suppress(OperationalError):
            run_what_ifs.apply_async(retry=False)

    transaction.on_commit(send)
