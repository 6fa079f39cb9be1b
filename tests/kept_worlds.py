"""Worlds that tests in a row find made: one transaction holds the world, and each test works in a
savepoint of its own.

Making the world of the pages takes a fifth of a second of processor time, and more than a thousand
tests begin with it. The rows are there for tests with that world alone: before any other test the
transaction is rolled back.
"""

from collections.abc import Callable
from copy import deepcopy
from datetime import date
from functools import wraps
from inspect import signature
from time import monotonic
from typing import Any

import pytest
from django.db import connection, transaction

from apps.common.time import day_of, now

# a page says of what was made a minute ago that it was, and the database's clock stands still in a
# transaction
_SECONDS = 20


class _Transaction:
    """The open transaction: its world, what made it, and when."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self.make = make
        self.day = day_of(now())
        self.since = monotonic()
        self._atomic = transaction.atomic()
        self._atomic.__enter__()
        self.connection = connection.connection
        try:
            self.world = make(**dict.fromkeys(signature(make).parameters))
            # what is checked at the end of each test is the test's own
            connection.check_constraints()
        except BaseException:
            self.roll_back()
            raise

    def serves(self, make: Callable[..., Any] | None, day: date) -> bool:
        return (
            make is self.make
            and day == self.day
            and monotonic() - self.since < _SECONDS
            and connection.connection is self.connection
            and connection.atomic_blocks == [self._atomic]
        )

    def roll_back(self) -> None:
        if connection.connection is self.connection and connection.in_atomic_block:
            transaction.set_rollback(True)
        self._atomic.__exit__(None, None, None)


_open: list[_Transaction] = []


def kept_world(make: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate the function of a fixture that asks for nothing but `db`: its world is made once for
    tests in a row, and each test gets a copy of the objects."""
    if not set(signature(make).parameters) <= {"db"}:
        raise TypeError(f"{make.__qualname__} depends on more than the database")

    @wraps(make)
    def fixture(**given: None) -> Any:
        if _open and _open[0].make is make:
            return deepcopy(_open[0].world)
        return make(**given)

    fixture.makes = make  # type: ignore[attr-defined]
    return fixture


def _maker(item: pytest.Item) -> Callable[..., Any] | None:
    """What makes the world of `item`; None without a kept one, and where the test commits."""
    marker = item.get_closest_marker("django_db")
    names = set(getattr(item, "fixturenames", ()))
    if names & {"transactional_db", "live_server"} or (marker and marker.kwargs):
        return None
    for definitions in item._fixtureinfo.name2fixturedefs.values():  # type: ignore[attr-defined]
        make = getattr(definitions[-1].func, "makes", None)
        if make is not None:
            return make
    return None


def begin(item: pytest.Item) -> None:
    """Open the transaction with the world of `item` where it has one and none is open."""
    make = _maker(item)
    if make is not None and not _open:
        _open.append(_Transaction(make))


def end_unless_of(item: pytest.Item) -> None:
    """Roll back what is open where `item` has another world, or that one is too old."""
    if _open and not _open[0].serves(_maker(item), day_of(now())):
        end()


def end() -> None:
    """Roll back what is open."""
    while _open:
        _open.pop().roll_back()
