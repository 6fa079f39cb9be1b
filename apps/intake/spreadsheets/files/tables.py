"""Tables of a file: its content as rows of cells, whatever the format."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from apps.intake.spreadsheets.limits import MAX_CELLS

type Cell = str | int | float | Decimal | bool | date | datetime | None
type TableRow = tuple[
    int, list[Cell]
]  # its number as a spreadsheet shows it, its cells without empty ones at the end


class UnreadableError(Exception):
    """Error: the file cannot be read; the text gives the reason and the fix."""


class CellCount:
    """Count of the cells that were read of a file, over all its tables. Raises UnreadableError
    beyond MAX_CELLS."""

    def __init__(self) -> None:
        self.n_cells = 0

    def add(self, n_cells: int) -> None:
        self.n_cells += n_cells
        if self.n_cells > MAX_CELLS:
            raise UnreadableError(
                f"The file has more than {MAX_CELLS:,} cells. Split it, or remove the columns "
                "and worksheets that are not needed."
            )


@dataclass(frozen=True, slots=True)
class Table:
    """Table of a file: one worksheet. `rows` reads it again on each call and skips rows without
    content. Hidden rows and columns, counted from 0, are read as others."""

    name: str
    rows: Callable[[], Iterator[TableRow]]
    n_hidden_rows: int = 0
    hidden_columns: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Book:
    """Content of a readable file. `format` is csv or xlsx, `about` describes how it was read
    (encoding and delimiter)."""

    format: str
    tables: tuple[Table, ...]
    about: str = ""


def trim_row(cells: list[Cell]) -> list[Cell]:
    """Return the row without the empty cells at the end."""
    n = len(cells)
    while n and (cells[n - 1] is None or cells[n - 1] == ""):
        n -= 1
    return cells[:n]
