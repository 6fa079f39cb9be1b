"""Rejected rows as a file of the original shape with a column that gives the reason, to be
corrected and uploaded again."""

from collections.abc import Iterator

from django.db.models import Count

from apps.intake.models import Import, ImportRow
from apps.intake.queries import rejected_rows
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.export import csv_lines

REASON_COLUMN = "why"


def sheets_with_rejected_rows(import_: Import) -> list[tuple[int, str, int]]:
    """Return (position, name, number of rejected rows) of the tables that have rejected rows; one
    statement."""
    mapping = BookMapping.from_json(import_.mapping)
    counts = (
        ImportRow.objects.filter(import_record=import_, outcome=ImportRow.Outcome.REFUSED)
        .order_by("sheet")
        .values_list("sheet")
        .annotate(n=Count("pk"))
    )
    return [(place, mapping.sheets[place].name, n) for place, n in counts]


def rejected_rows_csv(import_: Import, *, sheet: int) -> Iterator[str]:
    """Yield the rejected rows of one table as CSV, in its order, with its headers and a column for
    the reason."""
    heads = BookMapping.from_json(import_.mapping).sheets[sheet].heads

    def rows() -> Iterator[list[str]]:
        for line in rejected_rows(import_, sheet=sheet):
            cells = line.cells[: len(heads)]
            yield [*cells, *[""] * (len(heads) - len(cells)), f"{line.where}: {line.reason}"]

    return csv_lines([*heads, REASON_COLUMN], rows())
