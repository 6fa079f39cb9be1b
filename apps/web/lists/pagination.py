"""Sorting, a bounded count, pages and CSV of a list."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.http import QueryDict, StreamingHttpResponse
from django.utils.functional import cached_property

from apps.reports.files import csv_lines
from apps.web.wording import bounded_number

MAX_COUNTED_ROWS = 10_000
PAGE_SIZE = 50
# rows that one print-out can have
PRINT_PAGE_SIZE = 2_000


class QuerySource(Protocol):
    """What has the query of an address: a request, or a `ListRequest` for a file."""

    @property
    def GET(self) -> QueryDict: ...  # noqa: N802


@dataclass
class PaginatedList[M: Model]:
    """Page of a list. Counting and paging stop at MAX_COUNTED_ROWS rows: beyond, filters are the
    better tool."""

    request: QuerySource
    queryset: "QuerySet[M]"
    size: int = PAGE_SIZE

    def __post_init__(self) -> None:
        if self.request.GET.get("print") == "all":
            self.size = PRINT_PAGE_SIZE

    @cached_property
    def n_found(self) -> int:
        return self.queryset.order_by()[: MAX_COUNTED_ROWS + 1].count()

    @property
    def count(self) -> str:
        return bounded_number(self.n_found, MAX_COUNTED_ROWS)

    @property
    def n_pages(self) -> int:
        return max(1, -(-min(self.n_found, MAX_COUNTED_ROWS) // self.size))

    @cached_property
    def number(self) -> int:
        page_text = self.request.GET.get("page", "1")
        number = int(page_text) if page_text.isdecimal() and len(page_text) < 7 else 1
        # the first page exists without a count
        return min(number, self.n_pages) if number > 1 else 1

    @cached_property
    def rows(self) -> list[M]:
        start = (self.number - 1) * self.size
        return list(self.queryset[start : start + self.size])

    @property
    def first(self) -> int:
        return (self.number - 1) * self.size + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def is_cut(self) -> bool:
        return self.n_found > MAX_COUNTED_ROWS and self.number == self.n_pages

    @property
    def previous(self) -> str:
        return changed_query(self.request, page=self.number - 1) if self.number > 1 else ""

    @property
    def next(self) -> str:
        return (
            changed_query(self.request, page=self.number + 1) if self.number < self.n_pages else ""
        )

    @property
    def is_filtered(self) -> bool:
        return has_filter(self.request)


@dataclass(frozen=True, slots=True)
class KeysetList[R]:
    """Page of a list that is read onwards from a cursor and never counted; `previous` and `next`
    are queries, empty at the ends."""

    rows: Sequence[R]
    previous: str
    next: str
    is_filtered: bool

    @property
    def n_found(self) -> int:
        return len(self.rows)

    @property
    def count(self) -> str:
        return f"{self.n_found:,}"


def has_filter(request: QuerySource) -> bool:
    """Return whether the query of the address filters the list."""
    return any(
        value
        for name, value in request.GET.items()
        if name not in {"page", "sort", "print", "cursor"}
    )


def changed_query(request: QuerySource, **changes: Any) -> str:
    """Return the URL's query with some fields set, or removed if None."""
    query = request.GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = str(value)
    return "?" + query.urlencode()


@dataclass(frozen=True, slots=True)
class SortableColumn:
    """Header of a sortable column: `aria` is the value of aria-sort, empty if the list is sorted
    otherwise."""

    name: str
    query: str
    aria: str


@dataclass(frozen=True, slots=True)
class Sorting:
    """Allowed orders of a list, the first being its default: {parameter value: (column name,
    order_by terms)}."""

    orders: Mapping[str, tuple[Any, tuple[str, ...]]]

    def chosen(self, request: QuerySource) -> tuple[str, bool]:
        sort_text = request.GET.get("sort", "")
        column_name = sort_text.removeprefix("-")
        return (
            (column_name, sort_text.startswith("-"))
            if column_name in self.orders
            else (next(iter(self.orders)), False)
        )

    def apply[M: Model](self, request: QuerySource, queryset: "QuerySet[M]") -> "QuerySet[M]":
        column_name, is_descending = self.chosen(request)
        terms = self.orders[column_name][1]
        return queryset.order_by(
            *(_reverse_order_term(term) for term in terms) if is_descending else terms
        )

    def columns(self, request: QuerySource) -> dict[str, SortableColumn]:
        sorted_name, is_descending = self.chosen(request)
        columns = {}
        for name, (title, _) in self.orders.items():
            is_current = name == sorted_name
            query = changed_query(
                request, sort=f"-{name}" if is_current and not is_descending else name, page=None
            )
            terms = self.orders[name][1]
            shows_descending = is_descending != "".join(terms[:1]).startswith("-")
            columns[name] = SortableColumn(
                str(title),
                query,
                ("descending" if shows_descending else "ascending") if is_current else "",
            )
        return columns


def _reverse_order_term(term: str) -> str:
    return term.removeprefix("-") if term.startswith("-") else f"-{term}"


def csv_response[R](
    name: str, column_headers: Sequence[str], rows: Iterable[R], cells: Callable[[R], Sequence[Any]]
) -> StreamingHttpResponse:
    """Send `rows` as a CSV file, row by row, so that memory stays flat however long the list is."""
    return StreamingHttpResponse(
        csv_lines(column_headers, (cells(row) for row in rows)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def url_with_query(path: str, **query: Any) -> str:
    return f"{path}?{urlencode(query)}" if query else path
