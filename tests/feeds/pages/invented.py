"""Lifecycle pages that no provider has, and their HTML twins."""

import re
from html import escape

from apps.feeds.pages.definition import read_page_mapping
from apps.feeds.pages.reader import read_page
from apps.feeds.pages.records import PageReading, PageRow

_ROW = re.compile(r"\s*\|(.*)\|\s*")
_CODE = re.compile(r"`([^`]*)`")
_HEADING = re.compile(r"(#{1,6}) (.*)")


def page_of(header: str, *rows: str, above: str = "## Deprecations") -> bytes:
    """A Markdown page with one table; `header` and `rows` are the cells, parted by " | "."""
    delimiter = "|".join("---" for _ in header.split(" | "))
    lines = [above, "", f"| {header} |", f"|{delimiter}|", *(f"| {row} |" for row in rows), ""]
    return "\n".join(lines).encode()


def read(body: bytes, host: str = "acme", **mapping: object) -> PageReading:
    """What a page says by a mapping; without one all tables with an ID and an end are read."""
    return read_page(body, read_page_mapping(mapping), host=host)


def read_row(body: bytes, **mapping: object) -> PageRow:
    """The only row of a page."""
    reading = read(body, **mapping)
    assert len(reading.rows) == 1, reading
    return reading.rows[0]


def as_html(markdown: str) -> str:
    """The page as a server would render it: headings, paragraphs and tables."""
    parts = ["<!doctype html><html><head><title>t</title></head><body>"]
    in_table = False
    lines = markdown.split("\n")
    if lines[0] == "---":
        lines = lines[lines.index("---", 1) + 1 :]
    for line in lines:
        row = _ROW.fullmatch(line)
        if row is None and in_table:
            parts.append("</tbody></table>")
            in_table = False
        if row is not None and set(row[1]) <= set("-| :"):
            continue
        if row is not None:
            cells = [_inline(cell) for cell in re.split(r"(?<!\\)\|", row[1])]
            if not in_table:
                names = "".join(f"<th>{cell}</th>" for cell in cells)
                parts.append(f"<table><thead><tr>{names}</tr></thead><tbody>")
                in_table = True
            else:
                texts = "".join(f'<td tabindex="-1">{cell}</td>' for cell in cells)
                parts.append(f"<tr>{texts}</tr>")
        elif heading := _HEADING.fullmatch(line.strip()):
            level = len(heading[1])
            parts.append(f"<div><h{level}>{_inline(heading[2])}</h{level}></div>")
        elif line.strip():
            parts.append(f"<p>{_inline(line)}</p>")
    if in_table:
        parts.append("</tbody></table>")
    return "\n".join([*parts, "</body></html>"])


def _inline(text: str) -> str:
    text = text.strip().replace("\\|", "|").replace("\\", "")
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\*\*([^*]*)\*\*", r"<strong>\1</strong>", text)
    kept: list[str] = re.split(r"(<[^>]+>)", text)
    plain = "".join(
        part if part.startswith("<") else escape(part, quote=False).replace("&amp;", "&")
        for part in kept
    )
    return _CODE.sub(r"<code>\1</code>", plain)
