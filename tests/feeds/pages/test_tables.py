"""Blocks of a page: the same from Markdown and HTML, and refusals of other bodies."""

import pytest

from apps.feeds.pages.tables import PageBlocks, read_blocks
from apps.feeds.parsers.payload import InvalidPayloadError
from tests.feeds.pages.invented import as_html

PAGE = """---
title: Page
---

# Models

Some sentence with [a link](https://example.org/a_(b)).

## [Old ones](#old-ones)

> | Model | Ends |
> | :--- | ---: |
> | `m-1` \\| `m-2` | **May 1, 2026** |

```
| Model | Ends |
|---|---|
| `not-read` | 2026-05-01 |
```

Model | Ends
--- | ---
m-3 | 2026-05-01

###### Note

The end.
"""


def blocks_of(text: str) -> PageBlocks:
    return read_blocks(text.encode())


def test_tables_of_markdown_with_their_headings() -> None:
    blocks = blocks_of(PAGE)
    assert [(table.heading, table.header, table.rows) for table in blocks.tables] == [
        ("Models > Old ones", ["Model", "Ends"], [["`m-1` | `m-2`", "May 1, 2026"]]),
        ("Models > Old ones", ["Model", "Ends"], [["m-3", "2026-05-01"]]),
    ]
    assert blocks.sentences[0] == (("Models",), "Some sentence with a link.")
    # a box divides no page
    assert blocks.sentences[-1] == (("Models", "Old ones"), "The end.")


def test_the_html_twin_has_the_same_blocks() -> None:
    page = "# A\n\nText.\n\n## B `c`\n\n| Model | Ends |\n|---|---|\n| `m-1`<br>m&amp;m | x < y |\n"
    markdown, html = blocks_of(page), blocks_of(as_html(page))
    assert [(t.path, t.header, t.rows, t.above) for t in markdown.tables] == [
        (t.path, t.header, t.rows, t.above) for t in html.tables
    ]
    assert markdown.sentences == html.sentences


def test_an_html_table_within_markdown() -> None:
    page = (
        "# A\n\n<Tabs>\n  <table><tr><th>Model</th></tr>\n  <tr><td><code>m-1</code></td></tr>\n"
        "  </table>\n</Tabs>\n\n<h2>B</h2>\n\n| Model |\n|---|\n"
    )
    assert [(table.heading, table.rows) for table in blocks_of(page).tables] == [
        ("A", [["`m-1`"]]),
        ("A > B", []),
    ]


def test_scripts_and_nested_tables_of_html() -> None:
    page = (
        "<!doctype html><html><head><script>var a = '<table>';</script></head><body>"
        "<nav><h1>Menu</h1></nav><h1>A</h1><table><tr><td>Model</td></tr><tr><td>m-1 "
        "<table><tr><td>inner</td></tr></table></td></tr></table></body></html>"
    )
    (table,) = blocks_of(page).tables
    assert (table.heading, table.header, table.rows) == ("A", ["Model"], [["m-1 inner"]])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty body"),
        (b"%PDF-1.7 x", "PDF"),
        (b"\x89PNG\x00\x00", "binary"),
        (b'{"models": []}', "JSON"),
        (b'[{"model": "m-1"}]', "JSON"),
        (b"<?xml version='1.0'?><rss/>", "XML"),
        (b"\xff\xfe", "UTF-8"),
        (
            b"| Model | Ends |\n|---|---|\n| m-1 | 2026-05-01 |\n| m-2 | 2026",
            "middle of a table row",
        ),
        (b"| Model | Ends |\n|---|---|\n| m-1 |", "middle of a table row"),
        (b"<html><body><table><tr><td>Model</td></tr><tr><td>m-1", "middle of a table"),
        (b"# A\n\n<table><tr><td>Model</td></tr>\n<tr><td>m-1\n", "middle of a table"),
        (b"x" * (20 * 1024 * 1024 + 1), "larger than"),
    ],
)
def test_other_bodies_are_refused(body: bytes, words: str) -> None:
    with pytest.raises(InvalidPayloadError, match=words):
        read_blocks(body)


def test_a_table_with_too_many_cells_is_refused() -> None:
    row = "<tr>" + "<td colspan='1000'>x</td>" * 50 + "</tr>"
    page = f"<html><body><table>{row * 10}</table></body></html>"
    with pytest.raises(InvalidPayloadError, match="cells"):
        blocks_of(page)
