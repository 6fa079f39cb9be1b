"""Reasons of a row: what rejects it, and what of it is left out, cell by cell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RowReason:
    """Why a row cannot be imported, or what of it is left out. One for each cell."""

    column: str  # header of the column; empty: the whole row
    code: str  # of the field; empty: the whole row
    sentence: str
    refuses: bool = True  # False: the row is imported without this

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "RowReason":
        """Return a reason as stored with its row."""
        return cls(
            str(data.get("column", "")),
            str(data.get("code", "")),
            str(data.get("sentence", "")),
            bool(data.get("refuses", True)),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the reason as stored with its row."""
        return {
            "column": self.column,
            "code": self.code,
            "sentence": self.sentence,
            "refuses": self.refuses,
        }
