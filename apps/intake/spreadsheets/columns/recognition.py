"""Recognition of the tables of a file: the header row, the field of each column by header and by
content, the legends of its scales, and the titles between its rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from apps.catalog.identity.names.phrases import clean, fold
from apps.catalog.identity.names.places import read_host_cell
from apps.intake.spreadsheets.columns.content import (
    fits,
    is_unlike,
    match_content,
    match_explained_scale,
    match_name,
    match_team,
)
from apps.intake.spreadsheets.columns.content_words import hint_of
from apps.intake.spreadsheets.columns.header_matching import is_exact_header, match_headers
from apps.intake.spreadsheets.columns.headers import codes_of_header
from apps.intake.spreadsheets.columns.legends import (
    Legend,
    key_of,
    legend_of_column,
    read_legends,
    read_table,
)
from apps.intake.spreadsheets.columns.mapping import BookMapping, SheetMapping, header_of
from apps.intake.spreadsheets.columns.notes import is_note, team_of_title, title_of
from apps.intake.spreadsheets.columns.values import is_empty_text, text_of
from apps.intake.spreadsheets.columns.vocabularies import SCALES
from apps.intake.spreadsheets.files.tables import Book, Cell, Table, TableRow
from apps.intake.spreadsheets.limits import MAX_ROWS_ABOVE_HEADER
from apps.intake.spreadsheets.values.choice_guesses import words_of
from apps.intake.spreadsheets.values.distinct import Certainty

SAMPLE_ROWS = 3
# rows below the headers in which the content of columns is looked at
CONTENT_ROWS = 300
# a table with fewer known columns, and without models, is not the register if another table is
_MIN_COLUMNS = 3
_MAX_HEADER_CELL = 60
TITLE_HEADER = "Title above the rows"
_WORDED = ("application.status", "application.criticality", "application.data_classification")
# fields that show that a table is a register of applications
_OF_REGISTER = frozenset(
    {
        *_WORDED,
        "application.team",
        "application.business_owner",
        "application.users_affected",
        "use.since",
        "use.model",
    }
)

_OF_OWNERSHIP = frozenset(
    {
        "application.team",
        "application.business_owner",
        "application.criticality",
        "application.data_classification",
        "application.personal_data",
    }
)


@dataclass(frozen=True, slots=True)
class _Headers:
    """Header row of a table: its place among the first rows, and the number of the last line."""

    place: int
    number: int
    heads: tuple[str, ...]
    n_known: int


def guess_mapping(book: Book) -> BookMapping:
    """Return the mapping that the headers and the content of the columns suggest."""
    tops = [
        list(islice(table.rows(), MAX_ROWS_ABOVE_HEADER + CONTENT_ROWS)) for table in book.tables
    ]
    sheets = [_guess_table(table, top) for table, top in zip(book.tables, tops, strict=True)]
    has_register = any(len(sheet.columns) > _MIN_COLUMNS for sheet in sheets if sheet.read)
    if has_register:
        sheets = [
            replace(sheet, read=False) if _is_side_table(sheet) else sheet for sheet in sheets
        ]
    if any(sheet.read for sheet in sheets):
        # beside a register, a list without applications describes something else
        sheets = [_without_application(sheet) if sheet.missing else sheet for sheet in sheets]
    others = [
        legend
        for sheet, top in zip(sheets, tops, strict=True)
        if not sheet.read
        for legend in _legends_in(top, sheet.name, of_sheet=True)
    ]
    return BookMapping(
        tuple(
            _with_legends(sheet, top, others) if sheet.head_row else sheet
            for sheet, top in zip(sheets, tops, strict=True)
        )
    )


def _is_side_table(sheet: SheetMapping) -> bool:
    """Return whether a table beside the register is a list of something else, such as vendors."""
    return not sheet.has_uses and len(sheet.columns) < _MIN_COLUMNS


def _without_application(sheet: SheetMapping) -> SheetMapping:
    columns = {
        column: code
        for column, code in sheet.columns.items()
        if not code.startswith("application.")
    }
    by_content = tuple(column for column in sheet.by_content if column in columns)
    return replace(sheet, columns=columns, by_content=by_content, read=False)


def _guess_table(table: Table, top: Sequence[TableRow]) -> SheetMapping:
    """Return the mapping of a table with the row that has the most known column headers as its
    header row; the widest row if there is hardly any. A table that lacks a required column is not
    read."""
    headers = _find_headers(top)
    if headers is None:
        return SheetMapping(table.name, 0, (), {}, read=False)
    heads = headers.heads
    below = [row for row in top if row[0] > headers.number]
    samples = tuple(
        tuple(text_of(cell)[:80] for cell in row[: len(heads)]) for _, row in below[:SAMPLE_ROWS]
    )
    columns = match_headers(heads, samples)
    with_heads = {column: "" for column, head in enumerate(heads) if head} | columns
    title_column = _find_title_column(below, with_heads)
    rows = [cells for _, cells in below if not is_note(cells, with_heads, title_column)]
    columns = {
        column: code
        for column, code in columns.items()
        if is_exact_header(heads[column]) or not is_unlike(code, heads, rows, column)
    }
    columns = _without_unfitting(columns, heads, rows)
    found = match_content(heads, rows, columns)
    if not {"application.name", "application.slug"} & set(columns.values()):
        known = set(columns.values()) | set(found.values())
        name = match_name(heads, rows, {**columns, **found})
        if name is not None and len(known & _OF_REGISTER) > 2 and len(known & _OF_OWNERSHIP) > 1:
            found[name] = "application.name"
    if "application.criticality" not in {**columns, **found}.values():
        around = [row for row in top if row[0] < headers.number]
        scale = match_explained_scale(heads, rows, {**columns, **found}, _legends_in(around, ""))
        if scale is not None:
            found[scale] = "application.criticality"
    if "application.team" not in {**columns, **found}.values() and title_column is None:
        team = match_team(heads, rows, {**columns, **found})
        if team is not None and len(set(columns.values()) | set(found.values())) > _MIN_COLUMNS:
            found[team] = "application.team"
    if "use.model" not in {**columns, **found}.values():
        # without a dependency, what is about one says nothing
        found = {
            column: "application.monthly_spend" if code == "use.monthly_spend" else code
            for column, code in found.items()
            if code == "use.monthly_spend" or code.startswith("application.")
        }
        found = {c: code for c, code in found.items() if code not in columns.values()}
    elif "use.model" in found.values():
        # the headers about a dependency count with the model that the content shows
        columns = match_headers(heads, samples, has_model=True) | columns
    sheet = SheetMapping(
        table.name,
        headers.number,
        heads,
        dict(sorted({**columns, **found}.items())),
        samples=samples,
        by_content=tuple(sorted(found)),
        title_column=title_column,
        n_hidden_rows=table.n_hidden_rows,
        hidden_columns=tuple(c for c in table.hidden_columns if c < len(heads)),
    )
    return replace(_with_titles(sheet, below), read=not sheet.missing)


def _without_unfitting(
    columns: dict[int, str], heads: Sequence[str], rows: Sequence[Sequence[Cell]]
) -> dict[int, str]:
    """Return the columns without those whose header names a field and whose cells are none of its
    values, where those of another column are."""
    for column, code in list(columns.items()):
        if fits(code, rows, column):
            continue
        # the column itself is no candidate, its field is free
        others = {place: each for place, each in columns.items() if place != column}
        if code in match_content(heads, rows, {**others, column: ""}).values():
            columns = others
    return columns


# --- header row -----------------------------------------------------------------------------------


def _find_headers(top: Sequence[TableRow]) -> _Headers | None:
    """Return the row with the most known headers, or two rows that together have more."""
    best: _Headers | None = None
    for place, (number, cells) in enumerate(top[:MAX_ROWS_ABOVE_HEADER]):
        heads = tuple(header_of(cell) for cell in cells)
        n_known = len(match_headers(heads))
        if n_known and (best is None or n_known > best.n_known):
            best = _Headers(place, number, heads, n_known)
    if best is not None:
        best = _with_second_line(top, best)
    if best is None or (best.n_known < 2 and len(top[best.place][1]) > 2):
        best = _widest_row(top) or best
    return best


def _with_second_line(top: Sequence[TableRow], best: _Headers) -> _Headers:
    """Return the headers with those of the line above or below, if both together are more."""
    for first in (best.place - 1, best.place):
        if first < 0 or first + 1 >= len(top):
            continue
        (number, upper), (next_number, lower) = top[first], top[first + 1]
        if next_number != number + 1 or not _can_be_headers(upper) or not _can_be_headers(lower):
            continue
        heads = _joined(upper, lower)
        n_known = len(match_headers(heads))
        if n_known > best.n_known:
            best = _Headers(first, next_number, heads, n_known)
    return best


def _can_be_headers(cells: Sequence[Cell]) -> bool:
    texts = [cell for cell in cells if not is_empty_text(cell)]
    return len(texts) > 1 and all(
        isinstance(text, str) and len(text) <= _MAX_HEADER_CELL and not text.strip().isdigit()
        for text in texts
    )


def _joined(upper: Sequence[Cell], lower: Sequence[Cell]) -> tuple[str, ...]:
    """Return the headers of two lines; a header above several columns counts for each of them."""
    heads = []
    group = ""
    for column in range(max(len(upper), len(lower))):
        above = header_of(upper[column]) if column < len(upper) else ""
        below = header_of(lower[column]) if column < len(lower) else ""
        # a blank beside a header of several columns continues it
        group = above or (group if below else "")
        heads.append(_join(group, below))
    return tuple(heads)


def _join(group: str, below: str) -> str:
    if not group or not below or group == below:
        return below or group
    forms = (f"{group} {below}", below, f"{below} {group}")
    return next(
        (form for form in forms if is_exact_header(form) or codes_of_header(form)), forms[0]
    )


def _widest_row(top: Sequence[TableRow]) -> _Headers | None:
    """Return the first of the fullest rows as header row, for tables without a known header, so
    that users can select the columns; None if no row has two cells."""
    full = [sum(bool(text_of(cell)) for cell in cells) for _, cells in top[:MAX_ROWS_ABOVE_HEADER]]
    if not full or max(full) < 2:
        return None
    place = full.index(max(full))
    number, cells = top[place]
    return _Headers(place, number, tuple(header_of(cell) for cell in cells), 0)


# --- titles between the rows ----------------------------------------------------------------------


def _find_title_column(below: Sequence[TableRow], columns: dict[int, str]) -> int | None:
    """Return the column of the titles, if the first row below the headers is one."""
    title = title_of(below[0][1]) if below and len(columns) > _MIN_COLUMNS else None
    return title[0] if title is not None else None


def _with_titles(sheet: SheetMapping, below: Sequence[TableRow]) -> SheetMapping:
    """Return the mapping with a column for the titles between the rows, if each of them can be a
    team and no column holds the team."""
    if sheet.title_column is None or "application.team" in sheet.columns.values():
        return sheet
    titles = [
        title[1]
        for _, cells in below
        if is_note(cells, sheet.columns, sheet.title_column)
        and (title := title_of(cells)) is not None
        and title[0] == sheet.title_column
    ]
    teams = {team_of_title(title) for title in titles}
    if len(teams) < 2 or not all(teams) or any(_is_other_word(team) for team in teams):
        return sheet
    place = len(sheet.heads)
    return replace(
        sheet,
        heads=(*sheet.heads, TITLE_HEADER),
        columns={**sheet.columns, place: "application.team"},
        by_content=(*sheet.by_content, place),
        titles_at=place,
    )


def _is_other_word(text: str) -> bool:
    """Return whether a title is a status, a class or a host instead of a team."""
    return (
        any(words_of(code).guess(text).certainty is not Certainty.NONE for code in _WORDED)
        or read_host_cell(fold(clean(text))).host is not None
    )


# --- legends --------------------------------------------------------------------------------------


def _with_legends(
    sheet: SheetMapping, top: Sequence[TableRow], others: Sequence[Legend]
) -> SheetMapping:
    """Return the mapping with the legends of its columns of classes."""
    if not sheet.read:
        return sheet
    above = [row for row in top if row[0] < sheet.head_row]
    below = [row for row in top if row[0] > sheet.head_row]
    notes = [row for row in below if is_note(row[1], sheet.columns, sheet.title_column)]
    found = [
        *_legends_in([*above, *notes], sheet.name),
        *(read_legends((head, "column header") for head in sheet.heads)),
        *others,
    ]
    keys_by_column = {
        column: {
            key
            for _, cells in below
            if column < len(cells) and (key := key_of(text_of(cells[column])))
        }
        for column, code in sheet.columns.items()
        if code in SCALES
    }
    with_keys = [column for column, keys in keys_by_column.items() if keys]
    legends = {}
    for column in with_keys:
        code = sheet.columns[column]
        legend = legend_of_column(
            sheet.heads[column],
            keys_by_column[column],
            found,
            hint_of(code),
            only=len(with_keys) == 1,
        )
        if legend is not None:
            legends[code] = dict(legend.phrases)
    return replace(sheet, legends=legends)


def _legends_in(rows: Iterable[TableRow], name: str, *, of_sheet: bool = False) -> list[Legend]:
    """Return the legends in rows of notes, or in a worksheet without applications."""
    listed = list(rows)
    texts = [[text_of(cell)[:500] for cell in cells] for _, cells in listed]
    joined = [
        ("; ".join(text for text in row if text), f"row {number}")
        for (number, _), row in zip(listed, texts, strict=True)
    ]
    return [*read_legends(joined), *read_table(texts, name if of_sheet else "")]
