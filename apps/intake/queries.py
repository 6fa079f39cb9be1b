"""Reads over imports and their rows."""

from collections.abc import Iterator
from dataclasses import dataclass

from apps.intake.models import Import, ImportRow
from apps.intake.sheets.mapping import BookMapping


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A row that was not taken: where it stands, why, and its cells as they were."""

    sheet: int
    number: int
    where: str
    reason: str
    cells: list[str]


def refused_rows(import_: Import, *, sheet: int | None = None) -> Iterator[RefusedLine]:
    """In the order of the file, or those of one sheet; streams, whatever their number."""
    mapping = BookMapping.from_json(import_.mapping)
    several = sum(sheet.read for sheet in mapping.sheets) > 1
    found = ImportRow.objects.filter(of=import_, outcome=ImportRow.Outcome.REFUSED)
    rows = (
        (found if sheet is None else found.filter(sheet=sheet))
        .order_by("sheet", "number")
        .values_list("sheet", "number", "column", "reason", "cells")
    )
    for place, number, column, reason, cells in rows.iterator(chunk_size=2_000):
        parts = [mapping.sheets[place].name if several else "", f"row {number}", column]
        yield RefusedLine(place, number, ", ".join(part for part in parts if part), reason, cells)
