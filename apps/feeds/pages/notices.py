"""Ends in sentences: a notice above a table of models without dates, or one that names models.

Read only where the mapping says so: sentences are free, and a reader of them states only what one
sentence says about the IDs in it, or about the table below it.
"""

import re
from dataclasses import replace

from apps.feeds.pages.cells import code_spans
from apps.feeds.pages.dates import CellDate, read_dates
from apps.feeds.pages.definition import PageMapping
from apps.feeds.pages.globs import matches
from apps.feeds.pages.headers import resolve_columns
from apps.feeds.pages.ids import is_strong_id, kind_of, read_ids
from apps.feeds.pages.records import PageRow, TableReading, pairs_of
from apps.feeds.pages.tables import PageBlocks, Table
from apps.feeds.parsers.dates import UnclearDateError

_MAX_LENGTH = 1200
_MAX_SPANS = 40
_MAX_NOTICES = 200
_MAX_TABLES = 100
_ENDS = re.compile(
    r"discontinued|retired|shut down|sunset|decommissioned|end[- ]of[- ]life|removed from the api"
    r"|no longer (?:be )?(?:available|accessible|work)",
    re.IGNORECASE,
)
_CLOSED = re.compile(
    r"no longer available to new|closed to new|not available to new", re.IGNORECASE
)
_REPLACED_BY = re.compile(
    r"migrat|switch to|replaced? (?:by|with)|use the latest|recommend|upgrad|instead", re.IGNORECASE
)
_SERIES = re.compile(r"`([^`\n]{2,80})` series", re.IGNORECASE)
_ENDING = re.compile(r"retire|deprecat|discontinu|removed|legacy|\bold\b", re.IGNORECASE)
_LIST_ITEM = re.compile(r"(?:[*+-] )?`([^`\n]{2,80})`\.?")
_FOLLOWING = re.compile(r"following models|models (?:listed )?below", re.IGNORECASE)
_DAY_WITHOUT_YEAR = re.compile(
    r"\b(january|february|march|april|may|june|july|august|september|october|november|december)"
    r" (\d{1,2})\b(?!,? {0,2}\d{4})",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<!\d)(20[2-8]\d)(?!\d)")


def rows_of_notices(
    blocks: PageBlocks, tables: list[Table], mapping: PageMapping, host: str
) -> tuple[list[PageRow], list[TableReading]]:
    """Return the rows of models whose end a sentence states, and what each table gave.

    `tables` are the tables of the page without a column of ends."""
    listed_tables = [
        (table, columns)
        for table in tables[:_MAX_TABLES]
        if "id" in (columns := resolve_columns(table.header, mapping.columns))
    ]
    listed = _listed_ids(listed_tables, mapping)
    latest_year = _latest_year(blocks)
    rows: list[PageRow] = []
    readings: list[TableReading] = []
    n_notices = 0
    for place, (path, sentence) in enumerate(blocks.sentences):
        notice = _Notice.of(sentence, mapping, latest_year)
        if notice is None:
            continue
        n_notices += 1
        if n_notices > _MAX_NOTICES:
            break
        template = PageRow(
            host=host,
            model_id="",
            retires_on=notice.end.on,
            date_kind=notice.end.kind,
            replacement=notice.replacement,
            stage="closed_to_new" if notice.is_closed_to_new else "",
            table=" > ".join(path),
            cells=(("Sentence", sentence[:400].replace("`", "")),),
        )
        names = _named(notice.subjects, notice.series, listed)
        if notice.is_about_following:
            taken, table_readings = _rows_of_table(listed_tables, path, sentence, template, mapping)
            rows += taken
            readings += table_readings
            names += _ids_of_list(blocks, place)
        rows += [
            replace(template, model_id=name, kind=kind_of(name, name, "", mapping))
            for name in dict.fromkeys(names)
        ]
    unique: dict[str, PageRow] = {}
    for row in rows:
        known = unique.get(row.model_id.casefold())
        if known is None or (row.replacement and not known.replacement):
            unique[row.model_id.casefold()] = row
    return list(unique.values()), readings


class _Notice:
    """A sentence that states an end: the day, the IDs ahead of it, and whether it is about the
    table below."""

    def __init__(self, text: str, end: CellDate) -> None:
        self.end = end
        self.is_closed_to_new = _CLOSED.search(text) is not None
        self.replacement = _replacement_of(text)
        clause = text[: _end_of_subject(text)]
        self.series = tuple(_SERIES.findall(clause))
        self.subjects = tuple(
            span for span in code_spans(clause)[:_MAX_SPANS] if span not in self.series
        )
        self.is_about_following = _FOLLOWING.search(text) is not None

    @classmethod
    def of(cls, sentence: str, mapping: PageMapping, latest_year: str) -> "_Notice | None":
        text = sentence[:_MAX_LENGTH]
        if not _ENDS.search(text):
            return None
        try:
            dates = read_dates(text, mapping.dates)
        except UnclearDateError:
            return None
        if not dates and latest_year and (found := _DAY_WITHOUT_YEAR.search(text)):
            # The page names no year: it is read as the latest year that the page names.
            dated = f"{found[1]} {found[2]}, {latest_year}"
            try:
                dates = read_dates(dated, mapping.dates)
            except UnclearDateError:
                return None
        days = [found for found in dates if not found.is_month]
        # Several days in one sentence cannot be told apart.
        return cls(text, days[0]) if len({day.on for day in days}) == 1 else None


def _end_of_subject(text: str) -> int:
    """Return the length of the part of the text that comes before a replacement is named."""
    found = _REPLACED_BY.search(text)
    return found.start() if found else len(text)


def _rows_of_table(
    tables: list[tuple[Table, dict[str, int]]],
    path: tuple[str, ...],
    sentence: str,
    template: PageRow,
    mapping: PageMapping,
) -> tuple[list[PageRow], list[TableReading]]:
    """Return the rows of the table directly below the sentence, and of tables further below its
    heading whose header says that the models end."""
    rows: list[PageRow] = []
    readings: list[TableReading] = []
    for table, columns in tables:
        if table.path[: len(path)] != path:
            continue
        is_directly_below = table.path == path and sentence in table.above
        if not is_directly_below and not _ENDING.search(table.header[columns["id"]][:200]):
            continue
        for number, cells in enumerate(table.rows, start=1):
            cell = cells[columns["id"]] if columns["id"] < len(cells) else ""
            replacement = template.replacement
            if "replacement" in columns and columns["replacement"] < len(cells):
                replacement = cells[columns["replacement"]].replace("`", "").replace("\n", " ")
            rows += [
                replace(
                    template,
                    model_id=found.id,
                    kind=kind_of(found.id, cell, "", mapping),
                    replacement=replacement[:300],
                    table=table.heading,
                    row=number,
                    cells=(*template.cells, *pairs_of(table.header, cells)),
                )
                for found in read_ids(cell, mapping)
            ]
        header = {name: table.header[place] for name, place in columns.items()}
        readings.append(
            TableReading(table.heading, header, len(table.rows), headers=tuple(table.header))
        )
    return rows, readings


def _listed_ids(tables: list[tuple[Table, dict[str, int]]], mapping: PageMapping) -> list[str]:
    """Return the IDs of all tables without ends, to which a sentence about a series refers."""
    names: dict[str, None] = {}
    for table, columns in tables:
        place = columns["id"]
        for row in table.rows:
            if place < len(row):
                names |= {found.id: None for found in read_ids(row[place], mapping)}
    return list(names)


def _ids_of_list(blocks: PageBlocks, place: int) -> list[str]:
    """Return the IDs of the list that follows the sentence at this place."""
    names: list[str] = []
    for _, text in blocks.sentences[place + 1 : place + 1 + _MAX_SPANS]:
        item = _LIST_ITEM.fullmatch(text)
        if item is None:
            break
        names.append(item[1].strip())
    return names


def _named(subjects: tuple[str, ...], series: tuple[str, ...], listed: list[str]) -> list[str]:
    names = list(subjects)
    for prefix in series:
        names += [name for name in listed if matches(f"{prefix.replace('*', '')}-*", name)]
    return list(dict.fromkeys(names))


def _replacement_of(text: str) -> str:
    """Return the first ID that the text names after a word such as "switch to"."""
    rest = text[_end_of_subject(text) :]
    spans = code_spans(rest)
    if spans:
        return spans[0]
    words = (word.strip(".,;:()[]*") for word in rest.split())
    return next((word for word in words if is_strong_id(word) and not word[0].isdigit()), "")


def _latest_year(blocks: PageBlocks) -> str:
    years = [year for _, text in blocks.sentences for year in _YEAR.findall(text[:_MAX_LENGTH])]
    return max(years, default="")
