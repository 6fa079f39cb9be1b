"""Receivers of responses: what a higher app does when users respond to issues.

`register_receiver` is called when apps are loaded. A receiver gets the activity of users, after it
is stored and in the same transaction: what it raises undoes the response. It may read the issues
and write records of its own app, but must not respond to issues.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from apps.issues.models import Activity

type Receiver = Callable[[Sequence[Activity]], None]

_RECEIVERS: list[Receiver] = []
_COLLECTED: ContextVar[list[Activity] | None] = ContextVar("collected_activity", default=None)


def register_receiver(receiver: Receiver) -> None:
    """Call `receiver` with the activity of each response."""
    if receiver not in _RECEIVERS:
        _RECEIVERS.append(receiver)


def call_receivers(entries: Sequence[Activity]) -> None:
    """Pass the activity of users to the receivers, or to the enclosing `collect_activity`."""
    collected = _COLLECTED.get()
    if collected is not None:
        collected.extend(entries)
        return
    if entries:
        for receiver in _RECEIVERS:
            receiver(entries)


@contextmanager
def collect_activity() -> Iterator[None]:
    """Call the receivers once, at the end, with the activity of all responses inside: what they
    lock is then locked after all issues. Not if the block raises."""
    if _COLLECTED.get() is not None:
        yield
        return
    entries: list[Activity] = []
    token = _COLLECTED.set(entries)
    try:
        yield
    finally:
        _COLLECTED.reset(token)
    call_receivers(entries)
