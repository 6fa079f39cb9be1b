"""Dates that were kept and moved, from events about dates."""

from datetime import date
from typing import Any

from apps.catalog.providers.date_moves import DateMoves, MoveLengths, measure_date_moves

SINCE = date(2026, 1, 1)


def event(offering: int, kind: str, old: str | None = None, new: str | None = None) -> Any:
    return {"offering_id": offering, "kind": kind, "old": old, "new": new}


def moves(*events: Any) -> DateMoves:
    return measure_date_moves(events, since=SINCE, retires_on={})


def test_lengths_are_counted_by_direction_and_each_move_once() -> None:
    measured = moves(
        event(1, "moved_later", "2026-03-01", "2026-04-01"),
        # a second source says the same
        event(1, "moved_later", "2026-03-01", "2026-04-01"),
        event(1, "moved_later", "2026-04-01", "2026-04-11"),
        event(2, "moved_earlier", "2026-09-01", "2026-08-30"),
    )

    assert measured.later == MoveLengths(2, 20.5, 31)
    assert measured.earlier == MoveLengths(1, 2, 2)
    assert (measured.n_later, measured.n_earlier) == (1, 1)


def test_a_date_is_kept_if_the_offering_retired_and_it_never_moved() -> None:
    measured = moves(
        event(1, "announced", None, "2026-03-01"),
        event(1, "retired", "2026-03-01", "2026-03-01"),
        event(2, "moved_later", "2026-02-01", "2026-03-01"),
        event(2, "retired", "2026-03-01", "2026-03-01"),
        event(3, "withdrawn", "2026-02-01"),
        event(3, "announced", None, "2026-03-01"),
        event(3, "retired", "2026-03-01", "2026-03-01"),
    )

    assert (measured.n_retired, measured.n_kept) == (3, 1)


def test_without_events_nothing_moved() -> None:
    measured = moves()

    assert (measured.later, measured.earlier, measured.n_retired, measured.n_dated) == (
        None,
        None,
        0,
        0,
    )


def test_offerings_with_a_future_date_at_the_first_observation_are_those_that_could_move() -> None:
    measured = measure_date_moves(
        [event(3, "delisted", "2026-05-01")],
        since=SINCE,
        retires_on={1: date(2026, 6, 1), 2: date(2025, 6, 1)},
    )

    assert measured.n_dated == 2
    assert measure_date_moves([], since=None, retires_on={1: date(2026, 6, 1)}).n_dated == 0
