"""Pages without the whitespace that no browser shows: tests read what users do, however a template
is laid out."""

import re

from django.test import Client

from tools.template_format.nodes import BOX_ELEMENTS, INLINE_ELEMENTS, VOID_ELEMENTS

_PARTS = re.compile(
    r"(<!--.*?-->|<(pre|textarea|script|style)\b.*?</\2>|<[A-Za-z/!](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>)",
    re.DOTALL,
)
_NAME = re.compile(r"</?([A-Za-z][\w-]*)")
_QUOTED = re.compile(r"(\"[^\"]*\"|'[^']*')")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BLANK_AT_END = re.compile(r" ((?:</[^>]*>)*)$")


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
        found = _NAME.match(part)
        name = found[1] if found else ""
        is_end = part.startswith("</")
        if name in {"td", "th"}:
            is_in_cell = not is_end and (name == "td" or 'scope="row"' in part)
        is_inline = name in INLINE_ELEMENTS and not (name == "small" and is_in_cell)
        if not is_inline and not (name in BOX_ELEMENTS and not is_end):
            _drop_blank(out)
        out.append(_tag(part))
        if 'type="hidden"' in part:
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
        if out[place].startswith("</") and _NAME.match(out[place])[1] in INLINE_ELEMENTS:  # type: ignore[index]
            continue
        if not out[place].startswith("<"):
            out[place] = out[place].removesuffix(" ")
        return


def _tag(source: str) -> str:
    pieces = _QUOTED.split(source)
    pieces[::2] = [_SPACE.sub(" ", piece) for piece in pieces[::2]]
    return re.sub(r" (/?>)$", r"\1", "".join(pieces))


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
