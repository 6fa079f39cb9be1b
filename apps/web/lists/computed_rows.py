"""Computed rows: what a list shows that no queryset returns, such as a tree."""

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any


class ComputedRows[R]:
    """Rows with what a list uses of a queryset: an order, slices, a count, and an iterator."""

    model = None

    def __init__(self, rows: Sequence[R]) -> None:
        self.rows = rows

    def all(self) -> "ComputedRows[R]":
        return self

    def order_by(self, *terms: str) -> "ComputedRows[R]":
        """Sort by attributes, `-` for descending; None is last, or first if descending."""
        rows = list(self.rows)
        for term in reversed(terms):
            value: Callable[[R], Any] = attrgetter(term.removeprefix("-").replace("__", "."))
            is_descending = term.startswith("-")
            known = [row for row in rows if value(row) is not None]
            known.sort(key=value, reverse=is_descending)
            unknown = [row for row in rows if value(row) is None]
            rows = [*unknown, *known] if is_descending else [*known, *unknown]
        return ComputedRows(rows)

    def count(self) -> int:
        return len(self.rows)

    def iterator(self, chunk_size: int) -> Iterator[R]:
        return iter(self.rows)

    def __getitem__(self, places: slice) -> "ComputedRows[R]":
        return ComputedRows(self.rows[places])

    def __iter__(self) -> Iterator[R]:
        return iter(self.rows)
