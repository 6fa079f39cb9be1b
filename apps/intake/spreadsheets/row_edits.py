"""Rows of a preview corrected by a user: cells replaced, and the row planned again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from apps.accounts.models import User
from apps.intake.models import Import, ImportRow
from apps.intake.spreadsheets.columns.reasons import RowReason


@dataclass(frozen=True, slots=True)
class CellEdit:
    """One cell that a user replaced in the preview."""

    column: int
    header: str
    old: str
    new: str
    by: str  # name of the user
    at: datetime


def reasons_of(row: ImportRow) -> list[RowReason]:
    """Return all reasons of a row, those that reject it first."""
    raise NotImplementedError


def edit_row(
    *, import_: Import, position: int, cells: Mapping[int, str], by: User, at: datetime
) -> ImportRow:
    """Replace cells ({position of the column, from 0: text}) of a row in the preview and plan it
    again, without a new upload. Only that row changes; other rows are compared with it at the next
    reading and when the import is confirmed. Raises InvalidStateError unless the import waits for
    confirmation."""
    raise NotImplementedError


def edits_of(import_: Import, *, position: int) -> list[CellEdit]:
    """Return the cells of a row that users replaced, latest first."""
    raise NotImplementedError
