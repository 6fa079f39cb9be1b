"""Retirement dates of a host that were kept, moved or withdrawn, from recorded events. Plain
Python."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any

# kinds of events about dates
_WITHDRAWN, _RETIRED, _DELISTED = "withdrawn", "retired", "delisted"
_EARLIER, _LATER = "moved_earlier", "moved_later"


@dataclass(frozen=True, slots=True)
class MoveLengths:
    """How far dates moved in one direction, in days; `n` moves, each old and new date of an
    offering once."""

    n: int
    median_days: float
    longest_days: int


@dataclass(frozen=True, slots=True)
class DateMoves:
    """Numbers of offerings with moved dates and missing rows since the first observation of this
    host's rows; each offering counts once per kind.

    `n_dated` had an announced date in the future on `since`. `since` is None if no feed has been
    read. Of the `n_retired` offerings, `n_kept` retired on the date that was announced first.
    """

    since: date | None
    n_dated: int
    n_later: int
    n_earlier: int
    n_withdrawn: int
    n_retired: int
    n_delisted_dated: int
    n_delisted: int
    n_kept: int = 0
    later: MoveLengths | None = None
    earlier: MoveLengths | None = None


def measure_date_moves(
    date_events: Sequence[Mapping[str, Any]],
    *,
    since: date | None,
    retires_on: Mapping[int, date],
) -> DateMoves:
    """Return the moves by events about dates (dictionaries with kind, offering_id, old and new) and
    the present dates, by offering ID."""
    by_kind: dict[str, set[int]] = defaultdict(set)
    for event in date_events:
        kind = "delisted_dated" if event["kind"] == _DELISTED and event["old"] else event["kind"]
        by_kind[kind].add(event["offering_id"])
    dated_ids = {pk for pk, day in retires_on.items() if since and day > since}
    # offerings with a moved or withdrawn date had a date as well, whatever they have now
    changed_ids = by_kind[_EARLIER] | by_kind[_LATER] | by_kind[_WITHDRAWN]
    dated_ids |= changed_ids | by_kind["delisted_dated"]
    return DateMoves(
        since=since,
        n_dated=len(dated_ids),
        n_later=len(by_kind[_LATER]),
        n_earlier=len(by_kind[_EARLIER]),
        n_withdrawn=len(by_kind[_WITHDRAWN]),
        n_retired=len(by_kind[_RETIRED]),
        n_delisted_dated=len(by_kind["delisted_dated"]),
        n_delisted=len(by_kind[_DELISTED]),
        n_kept=len(by_kind[_RETIRED] - changed_ids),
        later=_measure_lengths(date_events, _LATER),
        earlier=_measure_lengths(date_events, _EARLIER),
    )


def _measure_lengths(events: Iterable[Mapping[str, Any]], kind: str) -> MoveLengths | None:
    """Return the lengths of the moves of a kind; two sources that report one move count once."""
    moves = {
        (event["offering_id"], event["old"], event["new"])
        for event in events
        if event["kind"] == kind and event["old"] and event["new"]
    }
    lengths = [
        abs((date.fromisoformat(new) - date.fromisoformat(old)).days) for _, old, new in moves
    ]
    return MoveLengths(len(lengths), median(lengths), max(lengths)) if lengths else None
