"""XLSX workbook of the application list."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.http import HttpResponse

from apps.common.time import now
from apps.reports.files import Workbook, workbook_bytes

_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook_response[R](
    name: str, heads: Sequence[str], rows: Iterable[R], cells: Callable[[R], Sequence[Any]]
) -> HttpResponse:
    """Send `rows` as one page of an XLSX file.

    Rows are written to disk one by one. Memory holds the packed file, about ten megabytes for a
    hundred thousand applications."""

    def fill(book: Workbook) -> None:
        book.sheet(name, heads, map(cells, rows))

    return HttpResponse(
        workbook_bytes(fill, created=now()),
        content_type=_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}.xlsx"'},
    )
