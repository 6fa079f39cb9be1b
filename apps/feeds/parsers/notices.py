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
from itertools import islice
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
# Markup of an item beyond this length is not read.
_MAX_MARKUP_LENGTH = 100_000
_SILENT = frozenset({"script", "style", "template", "noscript"})
_BREAKS = frozenset(
    {"p", "br", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table"}
)
CONTROL_CHARACTERS = re.compile(
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
    """Parse the items of a feed; an empty feed is valid. InvalidPayloadError if the body is in none
    of the formats."""
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if not start:
        raise InvalidPayloadError(
            "The feed sent an empty body. The last good data is kept. The next poll tries again."
        )
    raw_items = list(_read_json_items(body) if start == b"{" else _read_xml_items(body))
    if len(raw_items) > MAX_ITEMS:
        raise InvalidPayloadError(
            f"The feed contains more than {MAX_ITEMS:,} items. Check the URL."
        )
    items_by_published_id: dict[str, dict[NoticeItem, None]] = {}
    rejects = []
    for number, raw_item in enumerate(raw_items):
        item = _build_item(raw_item)
        if item is None:
            rejects.append(
                rejected_row(
                    f"item {number}", "The item has no title, text or URL.", repr(raw_item)[:500]
                )
            )
        else:
            items_by_published_id.setdefault(item.external_id, {})[item] = None
    unique_items: dict[str, NoticeItem] = {}
    for published_id, copies in items_by_published_id.items():
        for item in copies:
            # Some feeds use one ID for several items. Each gets an ID that depends on its content
            # only, whatever the order of the items.
            key = published_id if len(copies) == 1 else _build_hashed_id(published_id, item)
            unique_items[key] = replace(item, external_id=key)
    return ParsedNotices(tuple(unique_items.values()), tuple(rejects))


@dataclass(frozen=True, slots=True)
class _RawItem:
    id: str = ""
    title: str = ""
    link: str = ""
    published: str = ""
    markup: str = ""
    text: str = ""


def _build_item(raw: _RawItem) -> NoticeItem | None:
    """Return the notice as plain text; None if it has neither title, text nor link. An ID that is
    missing, too long or unusable is replaced by a hash of the content."""
    title = " ".join(html_to_text(raw.title).split())[:MAX_TITLE_LENGTH]
    text = raw.text or html_to_text(raw.markup)
    text = CONTROL_CHARACTERS.sub(" ", text).strip()[:MAX_TEXT_LENGTH]
    link = safe_url(raw.link)
    if not title:
        title = " ".join(text.split())[:120] or link[:MAX_TITLE_LENGTH]
    if not title:
        return None
    item_id = text_of(raw.id, MAX_EXTERNAL_ID_LENGTH + 1) or link
    item = NoticeItem(item_id, title, link, parse_time_of_feed(raw.published), text)
    fits = is_storable(item_id) and len(item_id) <= MAX_EXTERNAL_ID_LENGTH
    return (
        item
        if fits
        else NoticeItem(_build_hashed_id("", item), title, link, item.published_at, text)
    )


def _build_hashed_id(stem: str, item: NoticeItem) -> str:
    content = f"{item.external_id}\n{item.title}\n{item.link}\n{item.text}"
    return f"{stem[:360]}#{hashlib.sha256(content.encode(errors='replace')).hexdigest()[:24]}"


def parse_time_of_feed(text: str) -> datetime | None:
    """Parse a time in the format of RFC 822 or ISO 8601, as UTC if it has no time zone; None if it
    cannot be parsed or is not plausible."""
    for read_time in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read_time(text.strip()[:60])
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
        try:
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except OverflowError:
            return None
        return moment if 1990 <= moment.year < 2100 else None
    return None


# --- JSON Feed ------------------------------------------------------------------------------------


def _read_json_items(body: bytes) -> Iterator[_RawItem]:
    """Yield the raw items of a JSON Feed, one more than MAX_ITEMS at most, so that the caller
    notices too many. Raises InvalidPayloadError."""
    document = load_json(body)
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise InvalidPayloadError(
            'A JSON Feed must be one object with its items in a list under "items". Check the URL.'
        )
    for entry in items[: MAX_ITEMS + 1]:
        if not isinstance(entry, dict):
            yield _RawItem()
            continue
        yield _RawItem(
            id=_as_text(entry.get("id")),
            title=_as_text(entry.get("title")),
            link=_as_text(entry.get("url")) or _as_text(entry.get("external_url")),
            published=_as_text(entry.get("date_published")) or _as_text(entry.get("date_modified")),
            markup=_as_text(entry.get("content_html")) or _as_text(entry.get("summary")),
            text=_as_text(entry.get("content_text"))[:_MAX_MARKUP_LENGTH],
        )


def _as_text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


# --- RSS and Atom ---------------------------------------------------------------------------------


class _TooManyElementsError(Exception):
    """XML with more elements, or deeper nesting, than any feed has."""


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


def _read_xml_items(body: bytes) -> Iterator[_RawItem]:
    """Yield the raw items of an RSS or Atom feed, one more than MAX_ITEMS at most, so that the
    caller notices too many. Raises InvalidPayloadError as `read_xml` does."""
    root = read_xml(body)
    is_atom = local_name(root) == "feed"
    for element in list_items(root):
        yield _read_atom_entry(element) if is_atom else _read_rss_item(element)


def read_xml(body: bytes) -> Element:
    """Return the root of an RSS or Atom feed. Raises InvalidPayloadError for other XML, entities,
    or too many elements."""
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
    kind = local_name(root)
    if kind not in {"rss", "rdf", "feed"}:
        raise InvalidPayloadError(
            f"The feed is XML of the type '{kind[:40]}', not RSS or Atom. Check the URL."
        )
    return root


def list_items(root: Element) -> Iterator[Element]:
    """Yield the items or entries of a feed, one more than MAX_ITEMS at most."""
    name = "entry" if local_name(root) == "feed" else "item"
    return islice((child for child in root.iter() if local_name(child) == name), MAX_ITEMS + 1)


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace, in lower case."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def index_children(element: Element) -> dict[str, list[Element]]:
    """Return the children of an element by their names."""
    children: dict[str, list[Element]] = {}
    for child in element:
        children.setdefault(local_name(child), []).append(child)
    return children


def find_first_text(children: dict[str, list[Element]], *names: str) -> str:
    """Return the text of the first of the named children that has any, including the text of nested
    elements; "" if none has."""
    for name in names:
        for element in children.get(name, ()):
            if text := "".join(element.itertext())[:_MAX_MARKUP_LENGTH].strip():
                return text
    return ""


def _read_rss_item(element: Element) -> _RawItem:
    children = index_children(element)
    return _RawItem(
        id=find_first_text(children, "guid"),
        title=find_first_text(children, "title"),
        link=find_first_text(children, "link"),
        published=find_first_text(children, "pubdate", "date"),
        # content:encoded has the full text, description usually only its beginning.
        markup=find_first_text(children, "encoded", "description"),
    )


def _read_atom_entry(element: Element) -> _RawItem:
    children = index_children(element)
    links = children.get("link", [])
    best_link = next(
        (link for link in links if link.get("rel", "alternate") == "alternate"),
        links[0] if links else None,
    )
    return _RawItem(
        id=find_first_text(children, "id"),
        title=find_first_text(children, "title"),
        link=best_link.get("href", "") if best_link is not None else "",
        published=find_first_text(children, "published", "updated", "issued", "modified"),
        markup=find_first_text(children, "content", "summary"),
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
        return CONTROL_CHARACTERS.sub(" ", markup[:_MAX_MARKUP_LENGTH])
    parser = _TextExtractor()
    parser.feed(markup[:_MAX_MARKUP_LENGTH])
    parser.close()
    lines = ("".join(parser.parts)).splitlines()
    return CONTROL_CHARACTERS.sub(
        " ", "\n".join(line for line in (" ".join(raw_line.split()) for raw_line in lines) if line)
    )


__all__ = [
    "CONTROL_CHARACTERS",
    "KIND",
    "MAX_ITEMS",
    "MAX_TEXT_LENGTH",
    "NoticeItem",
    "ParsedNotices",
    "find_first_text",
    "html_to_text",
    "index_children",
    "list_items",
    "local_name",
    "parse",
    "parse_time_of_feed",
    "read_xml",
]
