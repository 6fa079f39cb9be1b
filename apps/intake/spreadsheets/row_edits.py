"""Rows of a preview corrected by a user: cells replaced, and the row planned again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from apps.accounts.models import User
from apps.intake.models import Import, ImportRow


@dataclass(frozen=True, slots=True)
class RowReason:
    """Why a row cannot be imported, or what of it is left out. One for each cell."""

    column: str  # header of the column; empty: the whole row
    code: str  # of the field; empty: the whole row
    sentence: str
    refuses: bool = True  # False: the row is imported without this

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> "RowReason":
        """Return a reason as stored with its row."""
        return cls(
            str(data.get("column", "")),
            str(data.get("code", "")),
            str(data.get("sentence", "")),
            bool(data.get("refuses", True)),
        )

    def as_json(self) -> dict[str, object]:
        """Return the reason as stored with its row."""
        return {
            "column": self.column,
            "code": self.code,
            "sentence": self.sentence,
            "refuses": self.refuses,
        }


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
