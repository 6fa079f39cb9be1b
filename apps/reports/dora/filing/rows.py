"""Rows of a filed template, from the relation of the registry's part of it."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.reports.dora.filing.cells import FiledCell, file_cell
from apps.reports.dora.filing.taxonomy import FiledTemplate
from apps.reports.relations import stream_records


@dataclass(frozen=True, slots=True)
class FiledRow:
    """One row: its cells by column, and the record of the relation that it is made of."""

    number: int
    about: str
    cells: Mapping[str, FiledCell]
    record: Mapping[str, Any]

    @property
    def texts(self) -> list[str]:
        return [cell.text for cell in self.cells.values()]


def stream_filed_rows(template: FiledTemplate) -> Iterator[FiledRow]:
    """Generate the rows, read on demand; none for a template that is filled elsewhere. Only while
    the information register is open."""
    if template.table is None:
        return
    recorded = {column.code for column in template.table.columns}
    for number, record in enumerate(stream_records(template.table), start=1):
        cells = {
            column: file_cell(
                template.code,
                column,
                record[f"c{column}"],
                is_key=column in template.keys,
                applies=record[f"h{column}"] is None,
            )
            if column in recorded
            else _unrecorded_cell(template.code, column, record)
            for column in template.columns
        }
        yield FiledRow(number, record["about"] or "", cells, record)


def _unrecorded_cell(template: str, column: str, record: Mapping[str, Any]) -> FiledCell:
    """Return the cell of a column that the registry does not record: empty, except that a legal
    name in Latin letters is its own Latin form."""
    if (template, column) == ("B_05.01", "0060"):
        name = record["c0050"] or ""
        if name and _is_latin(name):
            return file_cell(template, column, name, is_key=False, applies=True)
    return FiledCell()


def _is_latin(text: str) -> bool:
    return all(unicodedata.name(sign, "").startswith("LATIN ") for sign in text if sign.isalpha())
