"""Tables, headings and sentences of a page, from Markdown or HTML.

Both give the same blocks: cells are plain text as `cells` describes. A body that is neither is
refused, and so is a Markdown page that ends in the middle of a row.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from apps.feeds.pages.cells import MAX_CELL_LENGTH, clean_markdown, clean_spaces, drop_struck
from apps.feeds.parsers.payload import InvalidPayloadError, decode_text

MAX_BODY_BYTES = 20 * 1024 * 1024
MAX_TABLE_CELLS = 400_000
MAX_SPAN = 1000
# Sentences that are kept with a table: those next to it.
_MAX_ABOVE = 20
# Characters of the body that are looked at to tell its form.
_N_HEAD = 4096

_HEADING = re.compile(r"(#{1,6})[ \t]{1,20}(\S[^\n]{0,2000})")
_DELIMITER = re.compile(r":?-{1,2000}:?")
_FENCE = re.compile(r"(`{3,20}|~{3,20})")
_HEADING_ID = re.compile(r"\{#[\w-]{1,200}\}")
_HTML_START = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_HTML_TABLE = re.compile(r"<table\b", re.IGNORECASE)
_HTML_TABLE_END = re.compile(r"</table\s{0,20}>", re.IGNORECASE)
_PIPE_DELIMITER = re.compile(r"^[ >]{0,12}\|?[ :]{0,3}-{2,200}[ :]{0,3}\|", re.MULTILINE)
_HTML_HEADING = re.compile(r"<h([1-6])\b[^<>]{0,600}>", re.IGNORECASE)
_BREAK_LINE = re.compile(r"[-*_]{3,100}")


@dataclass(slots=True)
class Table:
    """A table below `path`, the headings above it. `header` and the cells of `rows` are plain text.
    `above` are the last sentences since the last heading, nearest last."""

    path: tuple[str, ...]
    header: list[str]
    rows: list[list[str]]
    above: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        return " > ".join(self.path)


@dataclass(slots=True)
class PageBlocks:
    """The tables of a page in order, all its sentences as (heading path, text), and its title."""

    tables: list[Table] = field(default_factory=list)
    sentences: list[tuple[tuple[str, ...], str]] = field(default_factory=list)


def read_blocks(body: bytes) -> PageBlocks:
    """Return the blocks of a page; InvalidPayloadError, with a sentence, if the body is not a
    complete Markdown or HTML page."""
    text = _decode_page(body)
    collector = _BlockCollector()
    if _is_html(text):
        _read_html(text, collector)
    else:
        _read_markdown(text, collector)
    return collector.blocks


def _decode_page(body: bytes) -> str:
    if len(body) > MAX_BODY_BYTES:
        raise InvalidPayloadError(
            f"The page is larger than {MAX_BODY_BYTES // 1024 // 1024} MiB. Enter the address of "
            "the lifecycle page itself."
        )
    if body[:5] == b"%PDF-":
        raise InvalidPayloadError(
            "The body is a PDF file, not a page. Enter the address of an HTML or Markdown page."
        )
    if b"\x00" in body[:_N_HEAD]:
        raise InvalidPayloadError(
            "The body is a binary file, not a page. Enter the address of an HTML or Markdown page."
        )
    text = decode_text(body).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    start = text.lstrip()[:1]
    if start == "{" or (start == "[" and _is_json_list(text)):
        raise InvalidPayloadError(
            "The body is JSON, not a page. Add it as a JSON feed with a mapping of paths, or enter "
            "the address of the page itself."
        )
    if text.lstrip()[:5].lower() == "<?xml" and not _HTML_START.search(text[:_N_HEAD]):
        raise InvalidPayloadError(
            "The body is XML, not a page. Enter the address of an HTML or Markdown page."
        )
    return text


def _is_json_list(text: str) -> bool:
    return text.lstrip()[1:].lstrip()[:1] in ("{", "[", '"', "]") and text.rstrip()[-1:] == "]"


def _is_html(text: str) -> bool:
    """Return whether the page is HTML. Markdown may contain HTML tables, so pipe tables and
    headings decide where there is no HTML head."""
    if _HTML_START.search(text[:_N_HEAD]):
        return True
    if "\n#" in f"\n{text}" or _PIPE_DELIMITER.search(text):
        return False
    return _HTML_TABLE.search(text) is not None or _HTML_HEADING.search(text) is not None


# Titles of boxes, which divide no page.
_NOTE_TITLES = frozenset({"note", "notes", "tip", "warning", "important", "caution", "info"})


class _BlockCollector:
    """Collects blocks in the order of the page, and knows the headings above."""

    def __init__(self) -> None:
        self.blocks = PageBlocks()
        self._path: list[tuple[int, str]] = []
        self._above: list[str] = []
        self._n_cells = 0

    def add_heading(self, level: int, text: str) -> None:
        title = " ".join(text.replace("`", "").split())
        if not title or title.casefold().rstrip(":!") in _NOTE_TITLES:
            return
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        self._path.append((level, title[:300]))
        self._above = []

    def add_sentence(self, text: str) -> None:
        text = text.strip()
        if not text:
            return
        self._above = [*self._above[-_MAX_ABOVE:], text]
        self.blocks.sentences.append((self.path, text))

    def add_table(self, header: list[str], rows: list[list[str]]) -> None:
        self._n_cells += sum(len(row) for row in rows)
        if self._n_cells > MAX_TABLE_CELLS:
            raise InvalidPayloadError(
                f"The page has more than {MAX_TABLE_CELLS:,} table cells. Enter the address of the "
                "lifecycle page itself."
            )
        self.blocks.tables.append(Table(self.path, header, rows, tuple(self._above)))

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(title for _, title in self._path)


# --- Markdown -------------------------------------------------------------------------------------


def _read_markdown(text: str, collector: _BlockCollector) -> None:
    lines = text.split("\n")
    number = _end_of_front_matter(lines)
    paragraph: list[str] = []

    def end_paragraph() -> None:
        if paragraph:
            collector.add_sentence(clean_markdown(" ".join(paragraph)))
            paragraph.clear()

    while number < len(lines):
        line = _content_of(lines[number])
        if fence := _FENCE.match(line):
            end_paragraph()
            number = _end_of_fence(lines, number, fence[1])
            continue
        if _HTML_TABLE.search(line):
            end_paragraph()
            number = _read_table_in_markdown(lines, number, collector)
            continue
        if tagged := _HTML_HEADING.match(line.strip()):
            end_paragraph()
            collector.add_heading(int(tagged[1]), clean_markdown(line))
        elif heading := _HEADING.fullmatch(line.strip()):
            end_paragraph()
            title = _HEADING_ID.sub("", heading[2].strip().rstrip("#"))
            collector.add_heading(len(heading[1]), clean_markdown(title))
        elif _starts_table(lines, number):
            end_paragraph()
            number = _read_pipe_table(lines, number, text, collector)
            continue
        elif not line.strip() or _BREAK_LINE.fullmatch(line.strip()):
            end_paragraph()
        else:
            if line.lstrip()[:2] in ("* ", "- ", "+ "):
                end_paragraph()
            paragraph.append(line.strip())
        number += 1
    end_paragraph()


def _end_of_front_matter(lines: list[str]) -> int:
    if lines and lines[0].strip() == "---":
        for number in range(1, min(len(lines), 200)):
            if lines[number].strip() in ("---", "..."):
                return number + 1
    return 0


def _content_of(line: str) -> str:
    """Return the line without block quote marks and indentation."""
    return line.strip().lstrip("> \t")


def _end_of_fence(lines: list[str], number: int, mark: str) -> int:
    for following in range(number + 1, len(lines)):
        content = _content_of(lines[following])
        if content.startswith(mark) and not content.strip(mark[0]):
            return following + 1
    return len(lines)


def _starts_table(lines: list[str], number: int) -> bool:
    """Return whether a header row and its delimiter row begin at this line."""
    if number + 1 >= len(lines) or "|" not in lines[number]:
        return False
    delimiter = _content_of(lines[number + 1])
    if "-" not in delimiter or "|" not in delimiter:
        return False
    marks = [cell.replace(" ", "") for cell in _split_row(delimiter)]
    return all(_DELIMITER.fullmatch(mark) for mark in marks) and len(marks) == len(
        _split_row(_content_of(lines[number]))
    )


def _split_row(line: str) -> list[str]:
    """Return the raw cells of a pipe row; escaped pipes stay in their cell."""
    line = line.strip()
    cells: list[str] = []
    start = position = 0
    while position < len(line):
        if line[position] == "\\":
            position += 2
            continue
        if line[position] == "|":
            cells.append(line[start:position])
            start = position + 1
        position += 1
    cells.append(line[start:])
    if line.startswith("|"):
        cells = cells[1:]
    if len(cells) > 1 and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _read_pipe_table(lines: list[str], number: int, text: str, collector: _BlockCollector) -> int:
    """Read the table that begins at this line; return the number of the line after it."""
    header_line = _content_of(lines[number])
    header = [clean_markdown(cell) for cell in _split_row(header_line)]
    is_framed = header_line.endswith("|")
    rows: list[list[str]] = []
    number += 2
    while number < len(lines):
        line = _content_of(lines[number])
        is_row = line.startswith("|") if header_line.startswith("|") else "|" in line
        if not line or not is_row:
            break
        raw_cells = _split_row(line)
        is_last = all(not following.strip() for following in lines[number + 1 :])
        is_cut = (is_framed and not line.endswith("|")) or len(raw_cells) < len(header)
        if is_last and is_cut and (is_framed or not text.endswith("\n")):
            raise InvalidPayloadError(
                "The page ends in the middle of a table row, so it was cut off. The last good data "
                "is kept. The next poll tries again."
            )
        rows.append([clean_markdown(cell) for cell in raw_cells])
        number += 1
    collector.add_table(header, rows)
    return number


def _read_table_in_markdown(lines: list[str], number: int, collector: _BlockCollector) -> int:
    """Read the HTML table that begins in this line; return the number of the line after it."""
    part: list[str] = []
    depth = 0
    while number < len(lines):
        line = lines[number]
        part.append(line)
        depth += len(_HTML_TABLE.findall(line)) - len(_HTML_TABLE_END.findall(line))
        number += 1
        if depth <= 0:
            break
    else:
        raise InvalidPayloadError(
            "The page ends in the middle of a table, so it was cut off. The last good data is "
            "kept. The next poll tries again."
        )
    _read_html("\n".join(part), collector, is_part=True)
    return number


# --- HTML -----------------------------------------------------------------------------------------

_SKIPPED_TAGS = frozenset({"script", "style", "template", "svg", "noscript", "nav", "head"})
_BLOCK_TAGS = frozenset(
    {"p", "div", "li", "ul", "ol", "section", "article", "blockquote", "dd", "dt", "aside", "main"}
)
_STRUCK_TAGS = frozenset({"del", "s", "strike"})
_CODE_TAGS = frozenset({"code", "tt", "kbd", "samp"})
_VOID_TAGS = frozenset({"br", "img", "hr", "input", "meta", "link", "wbr", "col"})


def _read_html(text: str, collector: _BlockCollector, *, is_part: bool = False) -> None:
    parser = _TableParser(collector)
    parser.feed(text)
    parser.close()
    parser.end_text()
    if parser.is_in_table:
        raise InvalidPayloadError(
            "The page ends in the middle of a table, so it was cut off. The last good data is "
            "kept. The next poll tries again."
        )


@dataclass(slots=True)
class _OpenTable:
    """A table being read: cells of finished rows as (text, columns, rows, header cell)."""

    rows: list[list[tuple[str, int, int, bool]]] = field(default_factory=list)
    row: list[tuple[str, int, int, bool]] | None = None
    cell: list[str] | None = None
    spans: tuple[int, int] = (1, 1)
    is_header_cell: bool = False
    n_header_rows: int = 0
    in_head: bool = False
    size: int = 0


class _TableParser(HTMLParser):
    """Reads headings, sentences and tables. A table within a cell belongs to the text of the
    cell."""

    def __init__(self, collector: _BlockCollector) -> None:
        super().__init__(convert_charrefs=True)
        self._collector = collector
        self._skipped: list[str] = []
        self._text: list[str] = []
        self._heading: int = 0
        self._table: _OpenTable | None = None
        self._depth = 0
        self._in_code = 0
        self._in_footnote = 0

    @property
    def is_in_table(self) -> bool:
        return self._table is not None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skipped:
            if tag == self._skipped[-1] and tag not in _VOID_TAGS:
                self._skipped.append(tag)
            return
        if tag in _SKIPPED_TAGS:
            self._skipped.append(tag)
            return
        if tag == "sup":
            self._in_footnote += 1
        elif tag in _CODE_TAGS:
            self._in_code += 1
            if self._in_code == 1:
                self._add("`")
        elif tag in _STRUCK_TAGS:
            self._add("~~")
        elif tag == "br":
            self._add("\n")
        elif tag == "table":
            self._start_table()
        elif self._table is not None:
            self._start_in_table(self._table, tag, dict(attrs))
        elif tag in _BLOCK_TAGS or tag == "hr":
            self.end_text()
        elif len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            self.end_text()
            self._heading = int(tag[1])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._skipped:
            if tag == self._skipped[-1]:
                self._skipped.pop()
            return
        if tag == "sup":
            self._in_footnote = max(0, self._in_footnote - 1)
        elif tag in _CODE_TAGS:
            if self._in_code == 1:
                self._add("`")
            self._in_code = max(0, self._in_code - 1)
        elif tag in _STRUCK_TAGS:
            self._add("~~")
        elif tag == "table":
            self._end_table()
        elif self._table is not None:
            self._end_in_table(self._table, tag)
        elif tag in _BLOCK_TAGS or (len(tag) == 2 and tag[0] == "h" and tag[1] in "123456"):
            self.end_text()

    def handle_data(self, data: str) -> None:
        if self._skipped:
            return
        if self._in_footnote and len(data.strip()) <= 3:
            return
        # Line ends of the source are blanks.
        self._add(data.replace("\n", " "))

    def _add(self, text: str) -> None:
        table = self._table
        if table is None:
            self._text.append(text)
        elif table.cell is not None and table.size < MAX_CELL_LENGTH:
            table.cell.append(text)
            table.size += len(text)

    def end_text(self) -> None:
        text = clean_spaces("".join(self._text))
        self._text = []
        self._in_code = 0
        if self._heading:
            self._collector.add_heading(self._heading, text)
            self._heading = 0
        else:
            self._collector.add_sentence(text)

    def _start_table(self) -> None:
        self._depth += 1
        if self._depth == 1:
            self.end_text()
            self._table = _OpenTable()

    def _end_table(self) -> None:
        if self._depth == 0:
            return
        self._depth -= 1
        if self._depth or self._table is None:
            return
        table, self._table = self._table, None
        _end_row(table)
        header, rows = _grid_of(table)
        self._in_code = 0
        if header:
            self._collector.add_table(header, rows)

    def _start_in_table(self, table: _OpenTable, tag: str, attrs: dict[str, str | None]) -> None:
        if self._depth > 1:
            return
        if tag == "thead":
            table.in_head = True
        elif tag == "tr":
            _end_row(table)
            table.row = []
        elif tag in ("td", "th"):
            _end_cell(table)
            if table.row is None:
                table.row = []
            table.cell = []
            table.size = 0
            table.spans = (_span(attrs.get("colspan")), _span(attrs.get("rowspan")))
            table.is_header_cell = tag == "th"
            self._in_code = 0
        elif tag in _BLOCK_TAGS:
            self._add("\n")

    def _end_in_table(self, table: _OpenTable, tag: str) -> None:
        if self._depth > 1:
            return
        if tag == "thead":
            _end_row(table)
            table.in_head = False
            table.n_header_rows = len(table.rows)
        elif tag == "tr":
            _end_row(table)
        elif tag in ("td", "th"):
            _end_cell(table)
        elif tag in _BLOCK_TAGS:
            self._add("\n")


def _span(value: str | None) -> int:
    text = (value or "").strip()
    return min(MAX_SPAN, max(1, int(text))) if text.isdecimal() and len(text) < 6 else 1


def _end_cell(table: _OpenTable) -> None:
    if table.cell is not None and table.row is not None:
        text = clean_spaces(drop_struck("".join(table.cell)))
        table.row.append((text, *table.spans, table.is_header_cell))
    table.cell = None


def _end_row(table: _OpenTable) -> None:
    _end_cell(table)
    if table.row:
        table.rows.append(table.row)
    table.row = None


def _grid_of(table: _OpenTable) -> tuple[list[str], list[list[str]]]:
    """Return (header, rows) with spanned cells repeated in each place that they cover."""
    grid: list[list[str]] = []
    covered: dict[int, tuple[int, str]] = {}
    n_cells = 0
    for row in table.rows:
        cells: list[str] = []
        for text, n_columns, n_rows, _ in row:
            _fill_covered(cells, covered)
            for _ in range(n_columns):
                if n_rows > 1:
                    covered[len(cells)] = (n_rows - 1, text)
                cells.append(text)
            if n_cells + len(cells) > MAX_TABLE_CELLS:
                raise InvalidPayloadError(
                    f"A table of the page has more than {MAX_TABLE_CELLS:,} cells. Enter the "
                    "address of the lifecycle page itself."
                )
        _fill_covered(cells, covered)
        n_cells += len(cells)
        grid.append(cells)
    if not grid:
        return [], []
    n_header_rows = table.n_header_rows or (
        1 if all(is_header for *_, is_header in table.rows[0]) else 0
    )
    # Without header cells the first row is the header, as in tables pasted from a sheet.
    n_header_rows = max(1, n_header_rows)
    return _joined_header(grid[:n_header_rows]), grid[n_header_rows:]


def _joined_header(header_rows: list[list[str]]) -> list[str]:
    """Return the lowest header of each column, behind the one above where it stands twice."""
    width = max(len(row) for row in header_rows)
    columns = [[row[place] for row in header_rows if place < len(row)] for place in range(width)]
    lowest = [next((text for text in reversed(column) if text), "") for column in columns]
    return [
        " ".join(dict.fromkeys(text for text in column if text)) if lowest.count(name) > 1 else name
        for column, name in zip(columns, lowest, strict=True)
    ]


def _fill_covered(cells: list[str], covered: dict[int, tuple[int, str]]) -> None:
    """Append the cells that a row above covers, up to the next free place."""
    while (place := covered.get(len(cells))) is not None:
        n_left, text = place
        if n_left > 1:
            covered[len(cells)] = (n_left - 1, text)
        else:
            del covered[len(cells)]
        cells.append(text)


def iter_headings(table: Table) -> Iterator[str]:
    """Yield the headings above a table, nearest first, then their whole path."""
    yield from reversed(table.path)
    yield table.heading
