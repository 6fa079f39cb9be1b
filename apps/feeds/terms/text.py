"""The visible text of a terms page: without mark-up, navigation and parts that change by
themselves."""

import re
from html.parser import HTMLParser

from apps.common.processes.child_process import child_function
from apps.feeds.parsers.payload import InvalidPayloadError, decode_text

# The kind of a source that is a terms page.
KIND = "terms"
# A page of terms has at least so many words; a login form or an error page has fewer.
MIN_WORDS = 150
# Below so many words, a password field or a title of an error tells what the page is.
_MAX_ODD_WORDS = 600
_MAX_LINE_LENGTH = 4000
_MAX_LINES = 20_000

# Elements whose content nobody reads, or that frame every page of a site.
_HIDDEN = frozenset(
    {
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "nav",
        "header",
        "footer",
        "aside",
        "select",
        "button",
        "iframe",
        "head",
        "dialog",
    }
)
_BLOCKS = frozenset(
    {
        "p",
        "div",
        "li",
        "ul",
        "ol",
        "tr",
        "td",
        "th",
        "table",
        "section",
        "article",
        "main",
        "br",
        "hr",
        "blockquote",
        "pre",
        "dt",
        "dd",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
    }
)
_VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "wbr", "source", "area", "col"})
_SPACES = re.compile(r"\s+")
_WORD = re.compile(r"\w+")
_ODD_TITLE = re.compile(
    r"\b(?:40[0-9]|50[0-9]|not found|access denied|forbidden|just a moment|attention required"
    r"|sign in|log in|login|error)\b",
    re.IGNORECASE,
)
# Lines that change with the day on which the page is sent, and say nothing about the terms.
_DAY_OF_SENDING = re.compile(
    r"^(?:(?:today|now|current (?:date|time)|generated|rendered|retrieved|accessed|printed)\b"
    r".{0,60}\d|(?:©|\(c\)|copyright)\s?.{0,80}\d{4}.{0,80}|.{0,20}\d{1,2}:\d{2}(?::\d{2})?.{0,30})$",
    re.IGNORECASE,
)


class _TextReader(HTMLParser):
    """Collects the lines of the visible text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.title = ""
        self.has_password = False
        self._parts: list[str] = []
        self._hidden: list[str] = []
        self._is_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title":
            self._is_title = True
        elif tag == "input" and dict(attrs).get("type") == "password":
            self.has_password = True
        elif tag in _HIDDEN and tag not in _VOID:
            self._end_line()
            self._hidden.append(tag)
        elif tag in _BLOCKS:
            self._end_line()

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._is_title = False
        elif tag in self._hidden:
            # an element that was never closed ends with the one around it
            while self._hidden.pop() != tag:
                continue
        elif tag in _BLOCKS:
            self._end_line()

    def handle_data(self, data: str) -> None:
        if self._is_title:
            self.title = (self.title + data)[:300]
        elif not self._hidden:
            self._parts.append(data)

    def finish(self) -> list[str]:
        self._end_line()
        return self.lines

    def _end_line(self) -> None:
        line = _SPACES.sub(" ", "".join(self._parts)).strip()
        self._parts = []
        if line and len(self.lines) < _MAX_LINES:
            self.lines.append(line[:_MAX_LINE_LENGTH])


@child_function(classes=(), errors=(InvalidPayloadError,), refusal=InvalidPayloadError)
def read_terms(body: bytes) -> str:
    """Return the visible text of a terms page, one line for each block. InvalidPayloadError if the
    body is a login form, an error or nearly nothing."""
    text = decode_text(body)
    start = text.lstrip()[:1]
    if start in ("{", "["):
        raise InvalidPayloadError(
            "The body is JSON, not a page of terms. Check the URL of the source."
        )
    reader = _TextReader()
    reader.feed(text)
    reader.close()
    lines = reader.finish()
    n_words = sum(len(_WORD.findall(line)) for line in lines)
    is_odd = n_words < _MAX_ODD_WORDS
    if is_odd and reader.has_password:
        raise InvalidPayloadError(
            "The server answered with a login form instead of the terms. Check the URL."
        )
    if is_odd and _ODD_TITLE.search(reader.title):
        title = _SPACES.sub(" ", reader.title).strip()[:100]
        raise InvalidPayloadError(
            f'The server answered with the page "{title}" instead of the terms. Check the URL.'
        )
    if n_words < MIN_WORDS:
        raise InvalidPayloadError(
            f"The page has {n_words} words of visible text, too few for terms. Check the URL; the "
            "page might need JavaScript."
        )
    return "\n".join(line for line in lines if not _DAY_OF_SENDING.fullmatch(line))


__all__ = ["KIND", "MIN_WORDS", "read_terms"]
