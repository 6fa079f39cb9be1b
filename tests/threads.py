"""Calls at the same moment, each in a thread with a database connection of its own."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

START_SECONDS = 20
CALL_SECONDS = 60


def call_at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Make the calls at the same moment; return what each of them returned or raised, in their
    order."""
    gate = threading.Barrier(len(calls))
    outcomes: list[Any] = [None] * len(calls)

    def run(index: int, call: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            gate.wait(timeout=START_SECONDS)
            outcomes[index] = call()
        except Exception as error:  # noqa: BLE001 - handed to the test
            outcomes[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=CALL_SECONDS)
    assert not any(thread.is_alive() for thread in threads), (
        f"not all calls ended within {CALL_SECONDS} s"
    )
    return outcomes


def run_in_threads(n: int, call: Callable[[], Any]) -> list[Any]:
    """Make one call in `n` threads at the same moment; return what they returned, or raise the
    first error."""
    outcomes = call_at_once(*[call] * n)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    return outcomes
