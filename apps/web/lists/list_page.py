"""List page: a filter set, columns and texts, declared once.

    class ContractList(ListPage[Contract, Contract]):
        namespace = "contracts"
        title = "Contracts"
        ...

`ContractList.urls("contracts")` are the addresses of the page and of its files, which contain the
same rows: everything that the filters of the address select."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import IO, Any, ClassVar, Self

import django_filters
from django.db.models import Model, QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    QueryDict,
    StreamingHttpResponse,
)
from django.urls import URLPattern, path, resolve, reverse
from django.urls.exceptions import NoReverseMatch
from django.utils.functional import SimpleLazyObject, cached_property
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.reports.files import Workbook
from apps.web.lists.columns import Cell, Column, FileColumn
from apps.web.lists.pagination import (
    PAGE_SIZE,
    KeysetList,
    PaginatedList,
    SortableColumn,
    Sorting,
    changed_query,
    csv_response,
)
from apps.web.pages.background_files import is_long, redirect_to_file_request
from apps.web.pages.filter_controls import (
    FilterControl,
    FilterControls,
    build_filter_controls,
    with_filter_names,
)
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import LIST_FRAGMENT, Headline, render_page

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# rows of a file that are read, with their relations, at a time
FILE_BATCH_SIZE = 500
_MAX_BYTES_IN_MEMORY = 8 * 1024 * 1024
_BLOCK_SIZE = 256 * 1024


@dataclass(frozen=True, slots=True)
class ListRequest:
    """What a list reads of a request: the query of the address, and the user. A worker that writes
    a file makes it from the stored query and user."""

    GET: QueryDict
    user: User


@dataclass(frozen=True, slots=True)
class PageAction:
    """Button of a page."""

    label: str
    url: str
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class EmptyState:
    """What an empty list teaches: what it will contain, and what to do first."""

    head: str
    text: str
    link: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class TableRow[R]:
    """Row of the page in the class `css`; `selection_key` is empty if it cannot be selected."""

    row: R
    cells: Sequence[Cell]
    css: str
    selection_key: str
    selection_label: str
    anchor: str


class NoFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filter set of a list that is short, or has its filters elsewhere."""


class ListPage[M: Model, R]:
    """List of records of the model M as rows of type R.

    Subclasses declare the attributes and `get_queryset`; the other methods where their defaults do
    not fit. `get_queryset` or `narrow` may return `ComputedRows` instead of a queryset. One
    instance serves one request or one file."""

    namespace: ClassVar[str]
    # name of its route; those of its files are `csv` and `xlsx`, or `<route>-csv` and so on for a
    # second list
    route: ClassVar[str] = "list"
    # first part of the names of its file routes, if they are named otherwise: "rows" for `rows-csv`
    file_route: ClassVar[str] = ""
    title: ClassVar[str]
    # of one record and of several: ("contract", "contracts")
    nouns: ClassVar[tuple[str, str]]
    filterset_class: ClassVar[type[django_filters.FilterSet]] = NoFilters
    columns: ClassVar[Sequence[Column[Any]]]
    # a Column among them that the list is sorted by takes the place of the last column of the page
    file_columns: ClassVar[Sequence[Column[Any] | FileColumn[Any]]] = ()
    # a file has a row for each detail of a record, which `build_file_rows` returns, and no other
    # columns than `file_columns`
    has_details_in_files: ClassVar[bool] = False
    controls: ClassVar[Sequence[FilterControl]] = ()
    # filters of a query without them: {"standing": "true"}
    default_filters: ClassVar[Mapping[str, str]] = {}
    # filters that take a name as users type it, and need it as a slug
    slug_filters: ClassVar[Sequence[str]] = ()
    # name of the column that the list is sorted by if the address names none, and its terms
    default_order: ClassVar[tuple[str, Sequence[str]]] = ("", ("-pk",))
    page_size: ClassVar[int] = PAGE_SIZE
    # further class of the table: `top` for cells of many lines
    table_css: ClassVar[str] = ""
    template: ClassVar[str] = "lists/page.html"
    # rows of the page, which htmx fetches alone; one that differs includes "lists/table.html"
    listing_template: ClassVar[str] = "lists/listing.html"
    # whether the page shows the columns; a list that draws its rows otherwise sorts by links
    is_table: ClassVar[bool] = True
    # template of the form that changes the selected rows: a <form class="bulk" id="bulk">
    bulk_template: ClassVar[str] = ""
    crumbs: ClassVar[Sequence[tuple[str, str]]] = ()
    counts: ClassVar[str] = ""

    def __init__(self, request: ListRequest, *, at: datetime, **kwargs: Any) -> None:
        """Make the list of a request; `kwargs` are the arguments of its route."""
        self.request = request
        self.kwargs = kwargs
        self.user = request.user
        self.at = at
        self.today = day_of(at)
        self.check_access()

    # --- declared by subclasses -------------------------------------------------------------------

    def check_access(self) -> None:
        """Raise PermissionDenied or Http404 for a user who cannot open the list at all."""

    def get_queryset(self) -> "QuerySet[M]":
        """Return the records that the user can view, with the relations of the columns."""
        raise NotImplementedError

    def narrow(self, queryset: "QuerySet[M]") -> "QuerySet[M]":
        """Narrow the records that the filters select; by default not at all."""
        return queryset

    def get_filterset_arguments(self) -> Mapping[str, Any]:
        """Return what the filter set takes beside the query and the records."""
        return {}

    def build_rows(self, records: Sequence[M]) -> Sequence[R]:
        """Return the rows of some records, with what one statement reads for all of them."""
        return records  # type: ignore[return-value]

    def build_file_rows(self, records: Sequence[M]) -> Iterable[Any]:
        """Return the rows of a file; another number than on the page if a file lists what the page
        counts."""
        return self.build_rows(records)

    def get_file_queryset(self) -> "QuerySet[M]":
        """Return the records of the files; those of the page unless a file is for another
        purpose."""
        return self.queryset

    def get_title(self) -> str:
        return self.title

    def get_crumbs(self) -> tuple[tuple[str, str], ...]:
        """Return the pages above this one, as (name, address)."""
        return tuple((name, reverse(route)) for name, route in self.crumbs)

    def get_as_of(self) -> datetime:
        """Return the time at which the numbers of the page were counted."""
        return self.at

    def get_controls(self) -> Sequence[FilterControl]:
        return self.controls

    def get_lead(self) -> Headline:
        """Return the finding of the page; of a filtered list the number of matches."""
        if self.is_filtered:
            return self.describe_matches()
        if not self.listing.n_found:
            return Headline(f"No {self.nouns[1]} yet.")
        return self.describe_all()

    def describe_all(self) -> Headline:
        """Return the finding of a list with rows and without a filter, by default their number."""
        return Headline(f"{self.count_records()}.")

    def get_basis(self) -> str:
        """Return the line below the lead; empty for none."""
        return ""

    def get_actions(self) -> Sequence[PageAction]:
        return ()

    def get_empty_state(self) -> EmptyState:
        return EmptyState(f"No {self.nouns[1]} yet.", "")

    def get_row_css(self, row: R) -> str:
        """Return the class of a row: `past` for one that no longer applies, `over` for one that
        needs attention."""
        return ""

    def get_selection_key(self, row: R) -> str:
        """Return the value that the bulk form sends for a row; empty if the user cannot change
        it."""
        return ""

    def get_selection_label(self, row: R) -> str:
        """Return what the checkbox of a row selects, for those who cannot see the row."""
        return str(self.columns[0].value(row))

    def get_anchor(self, row: R) -> str:
        """Return the ID of a row in the page, for links to it; empty for none."""
        return ""

    def get_file_url(self, file_format: str) -> str:
        """Return the address of the file, `csv` or `xlsx`, with the rows of the page."""
        route = f"{self.namespace}:{self.name_file_route(file_format)}"
        address = reverse(route, kwargs=self.kwargs)
        return address + changed_query(self.request, page=None, cursor=None).removesuffix("?")

    def get_context(self) -> Mapping[str, Any]:
        """Return what the template of a subclass needs beside the list."""
        return {}

    def submit(self, request: HttpRequest) -> HttpResponse:
        """Handle the form of a list that has one at its own address; by default no list has."""
        raise NotImplementedError

    # --- rows -------------------------------------------------------------------------------------

    @cached_property
    def filterset(self) -> django_filters.FilterSet:
        query = with_filter_names(self.request.GET, *self.slug_filters)
        for name, value in self.default_filters.items():
            if name not in query:
                query[name] = value
        arguments = self.get_filterset_arguments()
        return self.filterset_class(query, self.get_queryset(), request=self.request, **arguments)

    @cached_property
    def sorting(self) -> Sorting:
        orders = {
            column.name: (column.header, tuple(column.order)) for column in self._sortable_columns()
        }
        name, terms = self.default_order
        first = {name: orders.pop(name)} if name in orders else {name: ("", tuple(terms))}
        return Sorting({**first, **orders})

    @cached_property
    def queryset(self) -> "QuerySet[M]":
        """The selected records in the order of the address."""
        queryset = self.narrow(self.filterset.qs)
        for column in self._sortable_columns():
            if column.name == self.sorted_by and column.requires:
                queryset = queryset.filter(**{f"{column.requires}__isnull": False})
        return self.sorting.apply(self.request, queryset)

    @property
    def sorted_by(self) -> str:
        """The name of the column that the address sorts by."""
        return self.sorting.chosen(self.request)[0]

    @classmethod
    def _sortable_columns(cls) -> list[Column[Any]]:
        columns = [*cls.columns, *cls.file_columns]
        return [column for column in columns if isinstance(column, Column) and column.order]

    @cached_property
    def shown_columns(self) -> list[Column[Any]]:
        """The columns of the page in the order of the address."""
        other = [
            column
            for column in self._sortable_columns()
            if column.name == self.sorted_by and column not in self.columns
        ]
        return [*self.columns[:-1], *(other or self.columns[-1:])]

    @property
    def link_orders(self) -> list[SortableColumn]:
        """Orders that no header of the page offers: by columns that only files contain, or all of
        a list that is no table."""
        with_header = {column.name for column in self.columns} if self.is_table else set()
        sortable = self.sorting.columns(self.request)
        return [
            sortable[column.name]
            for column in self._sortable_columns()
            if column.name not in with_header
        ]

    @cached_property
    def listing(self) -> PaginatedList[M] | KeysetList[Any]:
        return PaginatedList(self.request, self.queryset, size=self.page_size)

    @cached_property
    def is_filtered(self) -> bool:
        """Whether the address has a filter, also one that sets a default aside."""
        return self.listing.is_filtered or any(
            name in self.request.GET for name in self.default_filters
        )

    @cached_property
    def rows(self) -> Sequence[R]:
        return self.build_rows(self.listing.rows)

    @cached_property
    def table(self) -> list[TableRow[R]]:
        """The rows of the page with their cells."""
        return self.build_table(self.rows)

    def build_table(self, rows: Sequence[R]) -> list[TableRow[R]]:
        """Return rows with their cells, as the page shows them."""
        return [
            TableRow(
                row,
                [column.cell(row) for column in self.shown_columns],
                self.get_row_css(row),
                key := self.get_selection_key(row) if self.bulk_template else "",
                self.get_selection_label(row) if key else "",
                self.get_anchor(row),
            )
            for row in rows
        ]

    @property
    def is_selectable(self) -> bool:
        return bool(self.bulk_template) and any(row.selection_key for row in self.table)

    @property
    def headers(self) -> list[tuple[Column[Any], SortableColumn | None]]:
        sortable = self.sorting.columns(self.request)
        return [(column, sortable.get(column.name)) for column in self.shown_columns]

    # --- texts ------------------------------------------------------------------------------------

    def count_records(self) -> str:
        """Return the count with its noun: `1 contract`, `1,204 contracts`."""
        return f"{self.listing.count} {pluralize(self.listing.n_found, *self.nouns)}"

    def describe_matches(self) -> Headline:
        if not self.listing.n_found:
            return Headline(f"No {self.nouns[1]} match the filters.")
        verb = pluralize(self.listing.n_found, "matches", "match")
        return Headline(f"{self.count_records()} {verb} the filters.")

    @cached_property
    def filters(self) -> FilterControls:
        # the controls read the query of the address and nothing else
        return build_filter_controls(
            self.request,
            self.filterset,
            self.get_controls(),
            self.default_filters,
        )

    # --- files ------------------------------------------------------------------------------------

    @classmethod
    def all_file_columns(cls) -> list[Column[Any] | FileColumn[Any]]:
        columns = [column for column in cls.columns if column.is_in_files]
        return [*([] if cls.has_details_in_files else columns), *cls.file_columns]

    @property
    def file_headers(self) -> list[str]:
        return [column.header for column in self.all_file_columns()]

    def iterate_file_rows(self, records: Iterable[M] | None = None) -> Iterator[list[Any]]:
        """Yield the cells of all selected records, read in batches of FILE_BATCH_SIZE."""
        values = [column.value for column in self.all_file_columns()]
        source = (
            self.get_file_queryset().iterator(chunk_size=FILE_BATCH_SIZE)
            if records is None
            else records
        )
        for batch in batched(source, FILE_BATCH_SIZE, strict=False):
            for row in self.build_file_rows(batch):
                yield [value(row) for value in values]

    def write_workbook(
        self, target: IO[bytes] | Any, rows: Iterable[Sequence[Any]] | None = None
    ) -> int:
        """Write the workbook to `target`, row by row, and return the number of rows."""
        workbook = Workbook(target, created=self.at)
        n_rows = workbook.sheet(
            self.file_name, self.file_headers, self.iterate_file_rows() if rows is None else rows
        )
        workbook.close()
        return n_rows

    def is_long(self) -> bool:
        """Return whether the workbook has more rows than a request can write."""
        return is_long(self.get_file_queryset())

    # --- views ------------------------------------------------------------------------------------

    @classmethod
    def of_request(cls, request: HttpRequest, **kwargs: Any) -> Self:
        return cls(ListRequest(request.GET, signed_in_user(request)), at=now(), **kwargs)

    @classmethod
    def as_view(cls) -> Callable[..., HttpResponse]:
        """Return the view of the page; its attribute `list_page` is the class."""
        has_form = cls.submit is not ListPage.submit

        @require_http_methods(["GET", "HEAD", "POST"] if has_form else ["GET", "HEAD"])
        def list_view(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            page = cls.of_request(request, **kwargs)
            return page.submit(request) if request.method == "POST" else page.render(request)

        list_view.list_page = cls  # type: ignore[attr-defined]
        return list_view

    @classmethod
    def as_csv(cls) -> Callable[..., HttpResponseBase]:
        """Return the view of the CSV file, which is streamed row by row."""

        @require_safe
        def csv_view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            page = cls.of_request(request, **kwargs)
            return csv_response(
                page.file_name, page.file_headers, page.iterate_file_rows(), lambda cells: cells
            )

        return csv_view

    @classmethod
    def as_xlsx(cls) -> Callable[..., HttpResponseBase]:
        """Return the view of the workbook. A long one is written by a worker: the view leads to the
        page that requests it. A list below a record (`kwargs`) is never that long."""

        @require_safe
        def xlsx_view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            page = cls.of_request(request, **kwargs)
            if not kwargs and page.is_long():
                return redirect_to_file_request(request, cls.file_kind())
            rows = page.iterate_file_rows()
            return StreamingHttpResponse(
                _read_blocks(lambda target: page.write_workbook(target, rows)),
                content_type=XLSX,
                headers={"Content-Disposition": f'attachment; filename="{page.file_name}.xlsx"'},
            )

        return xlsx_view

    @classmethod
    def urls(cls, address: str, file_address: str = "") -> list[URLPattern]:
        """Return the routes of the page at an address such as `contracts`, and of its CSV and its
        workbook beside it or at `file_address`."""
        file_address = file_address or address
        return [
            path(f"{address}/", cls.as_view(), name=cls.route),
            path(f"{file_address}.csv", cls.as_csv(), name=cls.name_file_route("csv")),
            path(f"{file_address}.xlsx", cls.as_xlsx(), name=cls.name_file_route("xlsx")),
        ]

    @classmethod
    def name_file_route(cls, file_format: str) -> str:
        """Return the name of the route of a file of the format `csv` or `xlsx`."""
        prefix = cls.file_route or ("" if cls.route == "list" else cls.route)
        return f"{prefix}-{file_format}" if prefix else file_format

    @classmethod
    def file_kind(cls) -> str:
        """Return what a stored request for a long file names: `contracts`, `feeds:quarantine`."""
        return cls.namespace if cls.route == "list" else f"{cls.namespace}:{cls.route}"

    @property
    def file_name(self) -> str:
        return self.file_kind().replace(":", "-")

    def render(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        """Render the page, or only its rows for htmx; `context` has precedence over that of the
        list."""
        contents: dict[str, Any] = {
            "title": self.get_title(),
            "crumbs": self.get_crumbs(),
            "counts": self.counts,
            "as_of": self.get_as_of(),
            "page": self,
            "sentence": self.get_lead(),
            "basis": self.get_basis(),
            "actions": self.get_actions(),
            "empty": self.get_empty_state(),
            # the rows alone, for htmx, have no controls
            "filters": SimpleLazyObject(lambda: self.filters),
            "listing": self.listing,
            "csv_url": self.get_file_url("csv"),
            "xlsx_url": self.get_file_url("xlsx"),
            "today": self.today,
            **self.get_context(),
            **context,
        }
        return render_page(
            request,
            self.template,
            fragment=LIST_FRAGMENT,
            fragment_template=self.listing_template,
            status=status,
            **contents,
        )


def find_list_page(file_kind: str) -> type[ListPage[Any, Any]] | None:
    """Return the list with this `file_kind`, or None."""
    namespace, _colon, route = file_kind.partition(":")
    try:
        view = resolve(reverse(f"{namespace}:{route or 'list'}")).func
    except NoReverseMatch:
        return None
    return getattr(view, "list_page", None)


def _read_blocks(write: Callable[[IO[bytes]], Any]) -> Iterator[bytes]:
    """Write to a temporary file, since an archive is closed last, and stream it from there."""
    with tempfile.SpooledTemporaryFile(max_size=_MAX_BYTES_IN_MEMORY) as target:
        write(target)
        target.seek(0)
        while block := target.read(_BLOCK_SIZE):
            yield block
