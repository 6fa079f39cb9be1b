"""Pages without the whitespace that no browser shows: tests read what users do, however a template
is laid out."""

import re
from functools import lru_cache

from django.test import Client

from tools.template_format.nodes import BOX_ELEMENTS, INLINE_ELEMENTS, VOID_ELEMENTS

_PARTS = re.compile(
    r"(<!--.*?-->|<(pre|textarea|script|style)\b.*?</\2>|<[A-Za-z/!](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>)",
    re.DOTALL,
)
_NAME = re.compile(r"</?([A-Za-z][\w-]*)")
_QUOTED = re.compile(r"(\"[^\"]*\"|'[^']*')")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BLANK_BEFORE_END = re.compile(r" (/?>)$")
_INLINE_ENDS = frozenset(f"</{name}>" for name in INLINE_ELEMENTS)
_CELLS = frozenset({"td", "th"})


def seen_html(html: str) -> str:
    """Return `html` with one blank where a browser shows one, and one between attributes.

    A blank counts beside text and inline elements. It does not at the start or the end of a block,
    nor after another blank. In cells of tables `small` is a block, by app.css. `pre`, `textarea`,
    scripts and styles stay as they are.
    """
    out: list[str] = []
    is_after_blank = True
    is_in_cell = False
    place = 0
    for match in _PARTS.finditer(html):
        is_after_blank = _add_text(out, html[place : match.start()], is_after_blank)
        place = match.end()
        part = match[0]
        if match[2] or part.startswith("<!--"):
            out.append(part)
            is_after_blank = match[2] in {"pre", "script", "style"}
            continue
        name, is_end, is_cell, is_hidden, source = _tag(part)
        if name in _CELLS:
            is_in_cell = is_cell
        is_inline = name in INLINE_ELEMENTS and not (name == "small" and is_in_cell)
        if not is_inline and not (name in BOX_ELEMENTS and not is_end):
            _drop_blank(out)
        out.append(source)
        if is_hidden:
            continue
        if not is_inline:
            # inside the start of a box, and behind a block
            is_after_blank = not (name in BOX_ELEMENTS and is_end)
        elif name in VOID_ELEMENTS:
            is_after_blank = False
    _add_text(out, html[place:], is_after_blank)
    _drop_blank(out)
    return "".join(out)


def _add_text(out: list[str], text: str, is_after_blank: bool) -> bool:
    text = _SPACE.sub(" ", text)
    if is_after_blank:
        text = text.removeprefix(" ")
    if not text:
        return is_after_blank
    out.append(text)
    return text.endswith(" ")


def _drop_blank(out: list[str]) -> None:
    """Take the blank at the end away, also where only ends of inline elements follow it."""
    for place in range(len(out) - 1, -1, -1):
        if out[place] in _INLINE_ENDS:
            continue
        if not out[place].startswith("<"):
            out[place] = out[place].removesuffix(" ")
        return


@lru_cache(20_000)
def _tag(part: str) -> tuple[str, bool, bool, bool, str]:
    """Return the name of a tag, whether it is an end, begins a cell in which `small` is a block, is
    a hidden field, and its source with one blank between attributes. Most tags are on every
    page."""
    found = _NAME.match(part)
    name = found[1] if found else ""
    is_end = part.startswith("</")
    pieces = _QUOTED.split(part)
    pieces[::2] = [_SPACE.sub(" ", piece) for piece in pieces[::2]]
    source = _BLANK_BEFORE_END.sub(r"\1", "".join(pieces))
    is_cell = not is_end and (name == "td" or 'scope="row"' in part)
    return name, is_end, is_cell, 'type="hidden"' in part, source


_request = Client.request


def _request_as_seen(client: Client, **request: object) -> object:
    response = _request(client, **request)
    is_page = response.get("Content-Type", "").startswith("text/html")
    if is_page and not response.streaming and "Content-Encoding" not in response:
        response.content = seen_html(response.content.decode()).encode()
    return response


def read_pages_as_seen() -> None:
    """Have every test client answer with pages as they are seen."""
    Client.request = _request_as_seen  # type: ignore[method-assign,assignment]
