"""Receivers of responses: what a higher app does when users respond to issues.

`register_receiver` is called when apps are loaded. A receiver gets the activity of users, after it
is stored and in the same transaction: what it raises undoes the response. It may read the issues
and write records of its own app, but must not respond to issues.
"""

from collections.abc import Callable, Sequence

from apps.issues.models import Activity

type Receiver = Callable[[Sequence[Activity]], None]

_RECEIVERS: list[Receiver] = []


def register_receiver(receiver: Receiver) -> None:
    """Call `receiver` with the activity of each response."""
    if receiver not in _RECEIVERS:
        _RECEIVERS.append(receiver)


def call_receivers(entries: Sequence[Activity]) -> None:
    """Pass the activity of users to the receivers."""
    if entries:
        for receiver in _RECEIVERS:
            receiver(entries)
