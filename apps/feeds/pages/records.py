"""The result of reading a lifecycle page: rows, what was skipped or refused, and why."""

from dataclasses import dataclass

from apps.feeds.pages.cells import one_line

_MAX_CELL_LENGTH = 400


@dataclass(frozen=True, slots=True)
class PageRow:
    """One model, fine-tuned model, endpoint, feature or parameter as one table row states it.

    `model_id` and `version` are as the page writes them, without mark-up; `kind` is a key of
    `ROW_KINDS`. Days are ISO days, or empty where the page states none; `retires_on` may be a month
    (`YYYY-MM`). `date_kind` is `firm` or `not_before`, or empty without `retires_on`. `stage` is a
    key of `STAGES` or empty. `regions` are codes of the host that the row is limited to. `table` is
    the path of headings above the table, joined by " > ", and `row` the number of the row in it,
    from 1. `cells` are the (header, text) pairs of the row.
    """

    host: str
    model_id: str
    version: str = ""
    kind: str = "model"
    announced_on: str = ""
    legacy_on: str = ""
    extended_access_from: str = ""
    closed_to_new_on: str = ""
    retires_on: str = ""
    date_kind: str = ""
    replacement: str = ""
    stage: str = ""
    regions: tuple[str, ...] = ()
    table: str = ""
    row: int = 0
    name: str = ""
    lab: str = ""
    cells: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row of a table that is read, from which nothing was taken; `reason` is a sentence.
    `is_fault` is False where the row is not about a model, such as one that divides the table.
    `named` are the models that it names: they are still on the page.
    """

    table: str
    row: int
    reason: str
    text: str = ""
    is_fault: bool = True
    named: tuple[PageRow, ...] = ()


@dataclass(frozen=True, slots=True)
class TableReading:
    """What one table gave. `columns` is {name of the mapping: header of the page}."""

    heading: str
    columns: dict[str, str]
    n_rows: int
    skipped: tuple[SkippedRow, ...] = ()
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageReading:
    """What a page gave. `refused` are sentences about tables of which nothing may be read."""

    rows: tuple[PageRow, ...] = ()
    tables: tuple[TableReading, ...] = ()
    skipped: tuple[SkippedRow, ...] = ()
    refused: tuple[str, ...] = ()


def pairs_of(header: list[str], row: list[str]) -> tuple[tuple[str, str], ...]:
    """Return `PageRow.cells`: the texts of a row with their headers."""
    return tuple(
        (one_line(name)[:100], one_line(text)[:_MAX_CELL_LENGTH])
        for name, text in zip(header, row, strict=False)
    )
