"""Report tables: cells that are filled, missing (with where to enter the value), or not applicable.
All reports have this structure.

A table is read from a relation of the database session (see relations.py) that has for each column
a value `c<code>` and a note `h<code>`. A value with a note is derived, and the note explains how; a
note without a value means not applicable, and gives the reason; neither means missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from apps.reports.explanations import explain_code


class EntryPlace(StrEnum):
    """The place where users enter a missing value."""

    ORGANISATION = "organisation"
    PROVIDER = "provider"
    CONTRACT = "contract"
    NO_CONTRACT = "no_contract"
    APPLICATION = "application"
    EXIT_PLAN = "exit_plan"
    STATEMENT = "statement"
    EVIDENCE = "evidence"
    DOCUMENTS = "documents"
    DECISION = "decision"
    QUESTIONS = "questions"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class ReportColumn:
    """One column. `words` are the labels of a closed set; `key` marks a part of the template's
    primary key. `at` names the record where it is entered if that differs from the usual one of the
    place."""

    code: str
    name: Any
    place: EntryPlace | None = None
    words: Mapping[Any, Any] = field(default_factory=dict)
    key: bool = False
    at: str = ""


@dataclass(frozen=True, slots=True)
class ReportTable:
    """One table. `relation` is a name from the code, never from a user. Without `code`, columns
    show only their names."""

    slug: str
    code: str
    name: Any
    about: Any
    relation: str
    columns: tuple[ReportColumn, ...]

    @property
    def heads(self) -> list[str]:
        label_format = f"{self.code}.{{}} {{}}" if self.code else "{1}"
        return [label_format.format(column.code, column.name) for column in self.columns]

    @property
    def keys(self) -> list[ReportColumn]:
        return [column for column in self.columns if column.key]


@dataclass(frozen=True, slots=True)
class ReportCell:
    value: Any
    how: str = ""

    @property
    def is_missing(self) -> bool:
        return self.value is None and not self.how

    @property
    def applies(self) -> bool:
        return self.value is not None or not self.how


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One row: cells in the order of the table's columns. `about` names its subject, even if keys
    are missing."""

    cells: tuple[ReportCell, ...]
    about: str = ""

    @property
    def values(self) -> list[Any]:
        return [cell.value for cell in self.cells]


@dataclass(frozen=True, slots=True)
class ReportGap:
    """One record with missing fields: `ref` is its ID, `slug` its slug if it has one, `fields` the
    missing ones, `n_cells` the number of cells they fill. For `EntryPlace.NO_CONTRACT` it is the
    provider without a recorded contract."""

    place: EntryPlace
    ref: int | None
    slug: str
    name: str
    fields: tuple[tuple[ReportTable, ReportColumn], ...]
    n_cells: int
    criticality: int | None = None

    @property
    def labels(self) -> list[str]:
        labels = [
            f"{table.code}.{column.code}" if table.code else str(column.name)
            for table, column in self.fields
        ]
        return list(dict.fromkeys(labels))

    @property
    def groups(self) -> list[tuple[str, list[str]]]:
        """Return the labels by template: (RT.02.02, [0010 Contract reference, ...]); one group
        without a name if the tables have no codes."""
        groups: dict[str, list[str]] = {}
        for table, column in self.fields:
            label = f"{column.code} {column.name}" if table.code else str(column.name)
            group = groups.setdefault(table.code, [])
            if label not in group:
                group.append(label)
        return list(groups.items())


def merge_gaps(gaps: Iterable[ReportGap]) -> list[ReportGap]:
    """Merge the gaps of each record; records that all other fields depend on come first, then those
    with the most cells."""
    by_record: dict[tuple[EntryPlace, int | None], ReportGap] = {}
    for gap in gaps:
        existing_gap = by_record.get((gap.place, gap.ref))
        if existing_gap is not None:
            gap = replace(
                gap,
                fields=existing_gap.fields + gap.fields,
                n_cells=existing_gap.n_cells + gap.n_cells,
            )
        by_record[gap.place, gap.ref] = gap
    rank_by_place = {
        EntryPlace.ORGANISATION: 0,
        EntryPlace.NO_CONTRACT: 1,
        EntryPlace.CONTRACT: 2,
        EntryPlace.PROVIDER: 3,
    }
    return sorted(
        by_record.values(),
        key=lambda gap: (
            rank_by_place.get(gap.place, 9),
            9 if gap.criticality is None else gap.criticality,
            -gap.n_cells,
            gap.name,
        ),
    )


@dataclass(frozen=True, slots=True)
class FillRate:
    """The completeness of a table, in cells; cells that do not apply are not counted. `by_column`
    is {code: (filled, missing)}."""

    n_rows: int = 0
    n_filled: int = 0
    n_missing: int = 0
    by_column: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def n_cells(self) -> int:
        return self.n_filled + self.n_missing

    @property
    def share(self) -> float:
        """Return the share filled, 0 to 1; 1 for an empty table."""
        return self.n_filled / self.n_cells if self.n_cells else 1.0

    def __add__(self, other: "FillRate") -> "FillRate":
        return FillRate(
            self.n_rows + other.n_rows,
            self.n_filled + other.n_filled,
            self.n_missing + other.n_missing,
        )


def build_row(columns: Sequence[ReportColumn], values: Sequence[Any]) -> ReportRow:
    """Build a row from the columns c and h of a relation, in this order: all values, all notes, the
    subject."""
    n = len(columns)
    return ReportRow(
        tuple(
            ReportCell(
                None
                if value is None
                else column.words.get(value, value)
                if column.words
                else value,
                explain_code(explanation) if explanation else "",
            )
            for column, value, explanation in zip(
                columns, values[:n], values[n : 2 * n], strict=True
            )
        ),
        values[2 * n] or "",
    )


# columns beside the values in a file, which explain every empty cell
NOTE_HEADERS = ("about", "missing", "does not apply", "derived")


def note_cells(table: ReportTable, row: ReportRow) -> list[str]:
    """Return the cells of `NOTE_HEADERS`."""
    missing_labels, inapplicable_notes, derived_notes = [], [], []
    for column, cell in zip(table.columns, row.cells, strict=True):
        label = column.code or str(column.name)
        if cell.is_missing:
            missing_labels.append(label)
        elif not cell.applies:
            inapplicable_notes.append(f"{label}: {cell.how}")
        elif cell.how:
            derived_notes.append(f"{label}: {cell.how}")
    return [
        row.about,
        "; ".join(missing_labels),
        "; ".join(inapplicable_notes),
        "; ".join(derived_notes),
    ]
