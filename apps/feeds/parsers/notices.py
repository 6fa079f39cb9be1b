"""RSS 2.0 and 1.0, Atom 1.0 and JSON Feed parser: items of news and deprecation pages, for users to
read.

The items are prose, so they never become claims. XML is parsed without entities and external parts,
HTML becomes plain text, and no URL in them is ever fetched."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from apps.catalog.claims.feed_rows import RejectedRow
from apps.feeds.parsers.payload import (
    MAX_EXTERNAL_ID_LENGTH,
    InvalidPayloadError,
    is_storable,
    load_json,
    rejected_row,
    safe_url,
    text_of,
)

KIND = "notices"
MAX_ITEMS = 10_000
MAX_TITLE_LENGTH = 300
MAX_TEXT_LENGTH = 4000
_MAX_ELEMENTS = 500_000
_MAX_DEPTH = 60
# of an item's markup only so much is read
_MAX_MARKUP_LENGTH = 100_000
_SILENT = frozenset({"script", "style", "template", "noscript"})
_BREAKS = frozenset(
    {"p", "br", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table"}
)
_CONTROL = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class NoticeItem:
    """One item. `text` is plain, with line breaks at the end of paragraphs; `published_at` is None
    if it cannot be parsed."""

    external_id: str
    title: str
    link: str = ""
    published_at: datetime | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class ParsedNotices:
    """The items in the feed's order, each ID once, and what could not be parsed."""

    items: tuple[NoticeItem, ...]
    rejects: tuple[RejectedRow, ...] = ()


def parse(body: bytes) -> ParsedNotices:
    """Parse the items of a feed; an empty feed is valid, for a page without news is no error.
    InvalidPayloadError if the body is in none of the formats."""
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if not start:
        raise InvalidPayloadError(
            "The feed sent an empty body. The last good data is kept. The next poll tries again."
        )
    raw = list(_json_items(body) if start == b"{" else _xml_items(body))
    if len(raw) > MAX_ITEMS:
        raise InvalidPayloadError(
            f"The feed contains more than {MAX_ITEMS:,} items. Check the URL."
        )
    items: dict[str, dict[NoticeItem, None]] = {}
    rejects = []
    for number, each in enumerate(raw):
        item = _item(each)
        if item is None:
            rejects.append(
                rejected_row(
                    f"item {number}", "The item has no title, text or URL.", repr(each)[:500]
                )
            )
        else:
            items.setdefault(item.external_id, {})[item] = None
    found: dict[str, NoticeItem] = {}
    for own, same in items.items():
        for item in same:
            # some feeds give several items one id; in whichever order they come, each keeps its own
            key = own if len(same) == 1 else _hashed(own, item)
            found[key] = replace(item, external_id=key)
    return ParsedNotices(tuple(found.values()), tuple(rejects))


@dataclass(frozen=True, slots=True)
class _RawItem:
    id: str = ""
    title: str = ""
    link: str = ""
    published: str = ""
    markup: str = ""
    text: str = ""


def _item(raw: _RawItem) -> NoticeItem | None:
    title = " ".join(html_to_text(raw.title).split())[:MAX_TITLE_LENGTH]
    text = raw.text or html_to_text(raw.markup)
    text = _CONTROL.sub(" ", text).strip()[:MAX_TEXT_LENGTH]
    link = safe_url(raw.link)
    if not title:
        title = " ".join(text.split())[:120] or link[:MAX_TITLE_LENGTH]
    if not title:
        return None
    own = text_of(raw.id, MAX_EXTERNAL_ID_LENGTH + 1) or link
    item = NoticeItem(own, title, link, _moment(raw.published), text)
    fits = is_storable(own) and len(own) <= MAX_EXTERNAL_ID_LENGTH
    return item if fits else NoticeItem(_hashed("", item), title, link, item.published_at, text)


def _hashed(stem: str, item: NoticeItem) -> str:
    said = f"{item.external_id}\n{item.title}\n{item.link}\n{item.text}"
    return f"{stem[:360]}#{hashlib.sha256(said.encode(errors='replace')).hexdigest()[:24]}"


def _moment(text: str) -> datetime | None:
    """A moment of RFC 822 or ISO 8601; without a zone it counts as UTC."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text.strip()[:60])
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
        try:
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except OverflowError:
            return None
        return moment if 1990 <= moment.year < 2100 else None
    return None


# --- JSON Feed ------------------------------------------------------------------------------------


def _json_items(body: bytes) -> Iterator[_RawItem]:
    document = load_json(body)
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise InvalidPayloadError(
            'A JSON Feed must be one object with its items in a list under "items". Check the URL.'
        )
    for each in items[: MAX_ITEMS + 1]:
        if not isinstance(each, dict):
            yield _RawItem()
            continue
        yield _RawItem(
            id=_text(each.get("id")),
            title=_text(each.get("title")),
            link=_text(each.get("url")) or _text(each.get("external_url")),
            published=_text(each.get("date_published")) or _text(each.get("date_modified")),
            markup=_text(each.get("content_html")) or _text(each.get("summary")),
            text=_text(each.get("content_text"))[:_MAX_MARKUP_LENGTH],
        )


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


# --- RSS and Atom ---------------------------------------------------------------------------------


class _TooManyElementsError(Exception):
    """More elements, or deeper ones, than a feed has."""


class _CappedBuilder(TreeBuilder):
    def __init__(self) -> None:
        super().__init__()
        self.n = self.depth = 0

    def start(self, tag: Any, attrs: Any, /) -> Element:
        self.n += 1
        self.depth += 1
        if self.n > _MAX_ELEMENTS or self.depth > _MAX_DEPTH:
            raise _TooManyElementsError
        return super().start(tag, attrs)

    def end(self, tag: Any, /) -> Element:
        self.depth -= 1
        return super().end(tag)


def _xml_items(body: bytes) -> Iterator[_RawItem]:
    parser = DefusedXMLParser(
        target=_CappedBuilder(), forbid_dtd=False, forbid_entities=True, forbid_external=True
    )
    try:
        parser.feed(body)
        root: Element = parser.close()
    except DefusedXmlException:
        raise InvalidPayloadError(
            "The XML of the feed defines entities or external parts, which are not read for "
            "security reasons. Contact the publisher."
        ) from None
    except _TooManyElementsError:
        raise InvalidPayloadError(
            "The XML of the feed is too large or nested too deeply. Check the URL."
        ) from None
    except (ParseError, ValueError, LookupError, AssertionError) as error:
        raise InvalidPayloadError(
            f"The feed is not RSS, Atom or JSON Feed ({str(error)[:120]}). Check the URL."
        ) from None
    kind = _local(root)
    if kind not in {"rss", "rdf", "feed"}:
        raise InvalidPayloadError(
            f"The feed is XML of the type '{kind[:40]}', not RSS or Atom. Check the URL."
        )
    name = "entry" if kind == "feed" else "item"
    for number, element in enumerate(each for each in root.iter() if _local(each) == name):
        if number > MAX_ITEMS:
            return
        yield _atom(element) if kind == "feed" else _rss(element)


def _local(element: Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _children(element: Element) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = {}
    for child in element:
        found.setdefault(_local(child), []).append(child)
    return found


def _first_text(found: dict[str, list[Element]], *names: str) -> str:
    """The text of the first of these that has any, markup inside it included as text."""
    for name in names:
        for element in found.get(name, ()):
            if text := "".join(element.itertext())[:_MAX_MARKUP_LENGTH].strip():
                return text
    return ""


def _rss(element: Element) -> _RawItem:
    found = _children(element)
    return _RawItem(
        id=_first_text(found, "guid"),
        title=_first_text(found, "title"),
        link=_first_text(found, "link"),
        published=_first_text(found, "pubdate", "date"),
        # content:encoded is the whole, description mostly its beginning
        markup=_first_text(found, "encoded", "description"),
    )


def _atom(element: Element) -> _RawItem:
    found = _children(element)
    links = found.get("link", [])
    best = next(
        (link for link in links if link.get("rel", "alternate") == "alternate"),
        links[0] if links else None,
    )
    return _RawItem(
        id=_first_text(found, "id"),
        title=_first_text(found, "title"),
        link=best.get("href", "") if best is not None else "",
        published=_first_text(found, "published", "updated", "issued", "modified"),
        markup=_first_text(found, "content", "summary"),
    )


# --- markup ---------------------------------------------------------------------------------------


class _TextExtractor(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.silent += tag in _SILENT
        if tag in _BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.silent = max(0, self.silent - (tag in _SILENT))
        if tag in _BREAKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(data)


def html_to_text(markup: str) -> str:
    """Convert HTML to plain text: no tags, scripts or styles; a line break at the end of a
    paragraph. Plain text stays unchanged."""
    if "<" not in markup and "&" not in markup:
        return _CONTROL.sub(" ", markup[:_MAX_MARKUP_LENGTH])
    parser = _TextExtractor()
    parser.feed(markup[:_MAX_MARKUP_LENGTH])
    parser.close()
    lines = ("".join(parser.parts)).splitlines()
    return _CONTROL.sub(
        " ", "\n".join(line for line in (" ".join(each.split()) for each in lines) if line)
    )


__all__ = [
    "KIND",
    "MAX_ITEMS",
    "MAX_TEXT_LENGTH",
    "NoticeItem",
    "ParsedNotices",
    "html_to_text",
    "parse",
]
