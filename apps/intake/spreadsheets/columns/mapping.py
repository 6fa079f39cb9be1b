"""Column mapping: where the table begins, which field each column seems to hold, and which fields
are missing.

Users see a mapping and may change it, and it is remembered for spreadsheets with the same column
headers."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any

from apps.intake.spreadsheets.columns.fields import FIELDS, READ_ONLY_COLUMN, SheetField
from apps.intake.spreadsheets.columns.values import SheetConventions, fold_word, text_of
from apps.intake.spreadsheets.files.tables import Book, Cell, Table, TableRow
from apps.intake.spreadsheets.limits import MAX_HEADER_LENGTH, MAX_ROWS_ABOVE_HEADER

# "Monthly cost (EUR)": what stands in brackets behind a head
_BRACKETS = re.compile(r"[(\[][^()\[\]]*+[)\]]")
_CURRENCY = re.compile(r"€|£|\b(eur|euro|gbp|chf|jpy|sek|nok|dkk|pln)\b", re.IGNORECASE)
_MONEY = frozenset({"application.monthly_spend", "use.monthly_spend"})
SAMPLE_ROWS = 3


@dataclass(frozen=True, slots=True)
class SheetMapping:
    """Mapping of one table. `columns` maps the position of a column, from 0, to the code of a
    field."""

    name: str
    head_row: int  # 0: there are no heads, and nothing of it is read
    heads: tuple[str, ...]
    columns: Mapping[int, str]
    read: bool = True
    samples: tuple[tuple[str, ...], ...] = ()

    @property
    def has_uses(self) -> bool:
        return "use.model" in self.columns.values()

    @property
    def ignored(self) -> tuple[str, ...]:
        """Return headers of columns that are stored and not read."""
        return tuple(
            head for place, head in enumerate(self.heads) if head and place not in self.columns
        )

    @property
    def missing(self) -> tuple[SheetField, ...]:
        """Return required fields that no column holds: without them no row can be read."""
        codes = set(self.columns.values())
        if codes & {"application.slug", "application.name"}:
            return ()
        return (FIELDS["application.name"],)


@dataclass(frozen=True, slots=True)
class BookMapping:
    """Mapping of a whole file.

    `team` is the slug of the team that new applications go to if their row names none,
    `application` that of the application that rows are about which name none."""

    sheets: tuple[SheetMapping, ...]
    manners: SheetConventions = field(default_factory=SheetConventions)
    team: str = ""
    application: str = ""

    @property
    def read_sheets(self) -> list[tuple[int, SheetMapping]]:
        """Return (place in the file, mapping) of what is read: applications before their
        dependencies."""
        read = [
            (place, sheet)
            for place, sheet in enumerate(self.sheets)
            if sheet.read and sheet.head_row
        ]
        return sorted(read, key=lambda pair: (pair[1].has_uses, pair[0]))

    @property
    def digest(self) -> str:
        """Return a digest that is the same for files with the same column headers."""
        heads = [
            [fold_word(head) for head in sheet.heads] for sheet in self.sheets if sheet.head_row
        ]
        return hashlib.sha256(repr(heads).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        return {
            "sheets": [
                {
                    "name": sheet.name,
                    "head_row": sheet.head_row,
                    "heads": list(sheet.heads),
                    "columns": {str(place): code for place, code in sheet.columns.items()},
                    "read": sheet.read,
                    "samples": [list(row) for row in sheet.samples],
                }
                for sheet in self.sheets
            ],
            "day_order": self.manners.day_order,
            "decimal_mark": self.manners.decimal_mark,
            "team": self.team,
            "application": self.application,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "BookMapping":
        return cls(
            sheets=tuple(
                SheetMapping(
                    name=sheet["name"],
                    head_row=sheet["head_row"],
                    heads=tuple(sheet["heads"]),
                    columns={
                        int(place): code
                        for place, code in sheet["columns"].items()
                        if code in FIELDS
                    },
                    read=sheet["read"],
                    samples=tuple(tuple(row) for row in sheet.get("samples", ())),
                )
                for sheet in stored.get("sheets", ())
            ),
            manners=SheetConventions(stored.get("day_order", ""), stored.get("decimal_mark", "")),
            team=stored.get("team", ""),
            application=stored.get("application", ""),
        )


def guess_mapping(book: Book) -> BookMapping:
    """Return the mapping that the column headers suggest."""
    return BookMapping(tuple(_guess_table(table) for table in book.tables))


def apply_remembered(guessed: BookMapping, stored: Mapping[str, Any]) -> BookMapping:
    """Apply an earlier choice for the same headers to this file; headers are matched by name, not
    by position."""
    earlier = BookMapping.from_json(stored)
    by_heads = {tuple(fold_word(head) for head in sheet.heads): sheet for sheet in earlier.sheets}
    sheets = []
    for sheet in guessed.sheets:
        known = by_heads.get(tuple(fold_word(head) for head in sheet.heads))
        sheets.append(
            sheet
            if known is None or not sheet.head_row
            else SheetMapping(
                sheet.name, sheet.head_row, sheet.heads, known.columns, known.read, sheet.samples
            )
        )
    return BookMapping(tuple(sheets), earlier.manners, earlier.team)


def _guess_table(table: Table) -> SheetMapping:
    top: list[TableRow] = list(islice(table.rows(), MAX_ROWS_ABOVE_HEADER + SAMPLE_ROWS))
    best: tuple[int, int, TableRow] | None = None
    for place, (number, cells) in enumerate(top[:MAX_ROWS_ABOVE_HEADER]):
        n_known = len(_codes([header_of(cell) for cell in cells]))
        if n_known and (best is None or n_known > best[0]):
            best = (n_known, place, (number, cells))
    if best is None or (best[0] < 2 and len(best[2][1]) > 2):
        best = _widest_row(top) or best
    if best is None:
        return SheetMapping(table.name, 0, (), {}, read=False)
    _, place, (number, cells) = best
    heads = tuple(header_of(cell) for cell in cells)
    samples = tuple(
        tuple(text_of(cell)[:80] for cell in row[: len(heads)])
        for _, row in top[place + 1 : place + 1 + SAMPLE_ROWS]
    )
    columns = _codes(heads)
    sheet = SheetMapping(table.name, number, heads, columns, samples=samples)
    return (
        sheet
        if not sheet.missing
        else SheetMapping(table.name, number, heads, columns, read=False, samples=samples)
    )


def header_of(cell: Cell) -> str:
    """Return the cell as a header: one line, cut before anything is searched in it."""
    return " ".join(text_of(cell)[: 2 * MAX_HEADER_LENGTH].split())[:MAX_HEADER_LENGTH]


def _widest_row(top: Sequence[TableRow]) -> tuple[int, int, TableRow] | None:
    """Return the first row as full as any as the header row, if no header is known; users then
    select the columns."""
    full = [sum(bool(text_of(cell)) for cell in cells) for _, cells in top[:MAX_ROWS_ABOVE_HEADER]]
    if not full or max(full) < 2:
        return None
    place = full.index(max(full))
    return 0, place, top[place]


def _codes(heads: Sequence[str]) -> dict[int, str]:
    """Return {position of the column: field}; a field once, an exact header before a likely one."""
    found: dict[int, str] = {}
    for names in (_exact(), _likely()):
        for place, head in enumerate(heads):
            if place in found or not head or fold_word(head) == fold_word(READ_ONLY_COLUMN):
                continue
            for asked in (fold_word(head), fold_word(_BRACKETS.sub(" ", head))):
                code = names.get(asked)
                if (
                    code
                    and code not in found.values()
                    and not (code in _MONEY and _CURRENCY.search(head))
                ):
                    found[place] = code
                    break
    if "use.model" not in found.values():
        # in a sheet of applications alone these heads speak of the application
        for place, code in found.items():
            found[place] = _OF_APPLICATION.get(code, code)
        found = {place: code for place, code in found.items() if code.startswith("application.")}
    return found


_OF_APPLICATION = {"use.monthly_spend": "application.monthly_spend"}


def _names(fields: Iterable[SheetField], *, usual: bool) -> dict[str, str]:
    names: dict[str, str] = {}
    for each in fields:
        for name in each.heads if usual else (each.label, each.code, each.fact.replace("_", " ")):
            names.setdefault(fold_word(name), each.code)
    return names


@cache
def _exact() -> dict[str, str]:
    # "name" alone is the application's, "monthly spend" alone the use's
    own = {fold_word("name"): "application.name", fold_word("monthly spend"): "use.monthly_spend"}
    return _names(FIELDS.values(), usual=False) | own


@cache
def _likely() -> dict[str, str]:
    return _names(FIELDS.values(), usual=True)
