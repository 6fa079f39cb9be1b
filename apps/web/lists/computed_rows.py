"""Computed rows: what a list shows that no queryset returns, such as a tree."""

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Protocol

from django.utils.functional import cached_property

from apps.web.lists.pagination import MAX_COUNTED_ROWS


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


class RowPages[R](Protocol):
    """Rows that a function reads by page, in an order of its own."""

    def count(self, *, limit: int) -> int:
        """Return the number of rows, at most `limit`."""

    def page(self, *, limit: int, offset: int = 0) -> Sequence[R]: ...


class PagedRows[R](ComputedRows[R]):
    """Computed rows of which only the page that is shown is read."""

    def __init__(
        self, pages: RowPages[R], offset: int = 0, limit: int = MAX_COUNTED_ROWS + 1
    ) -> None:
        self.pages = pages
        self.offset = offset
        self.limit = limit

    @cached_property
    def rows(self) -> Sequence[R]:  # type: ignore[override]
        return self.pages.page(limit=self.limit, offset=self.offset)

    def order_by(self, *terms: str) -> "PagedRows[R]":
        return self

    def count(self) -> int:
        return self.pages.count(limit=self.limit)

    def iterator(self, chunk_size: int) -> Iterator[R]:
        return iter(self[:MAX_COUNTED_ROWS])

    def __getitem__(self, places: slice) -> "PagedRows[R]":
        start, stop = places.start or 0, places.stop
        limit = self.limit - start if stop is None else min(stop, self.limit) - start
        return PagedRows(self.pages, self.offset + start, limit)
