"""Report downloads: responses that a browser saves as a file, and how much of a report a page
shows."""

from collections.abc import Iterable, Sequence

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from apps.reports.figures import TableExcerpt

# rows of a table on screen; a print has more of them, the files have all
MAX_WIDE_ROWS = 4
MAX_NARROW_ROWS = 10
# records with fields to enter
MAX_CELL_LINES = 25


def limit_table_rows(request: HttpRequest, sheets: Sequence[TableExcerpt]) -> list[TableExcerpt]:
    if request.GET.get("print") == "all":
        return list(sheets)
    return [sheet.first(MAX_WIDE_ROWS if sheet.is_wide else MAX_NARROW_ROWS) for sheet in sheets]


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def max_rows(request: HttpRequest) -> int | None:
    """Return how many rows of the missing list a page shows; None: all were requested."""
    return None if request.GET.get("print") == "all" else MAX_CELL_LINES


def stream_csv(lines: Iterable[str], name: str) -> StreamingHttpResponse:
    """Send a CSV line by line."""
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def attachment(body: bytes, name: str, kind: str) -> HttpResponse:
    return HttpResponse(
        body, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
