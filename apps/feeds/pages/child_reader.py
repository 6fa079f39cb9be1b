"""Reading and proposals in a child process, for processes that serve pages: the bytes of a page are
foreign."""

from datetime import date
from typing import Any

from apps.common.processes.child_process import child_function
from apps.feeds.mapping.definition import InvalidMappingError
from apps.feeds.pages.definition import read_page_mapping
from apps.feeds.pages.proposal import propose_mapping
from apps.feeds.pages.reader import read_page
from apps.feeds.pages.records import PageReading, PageRow, SkippedRow, TableReading
from apps.feeds.parsers.payload import InvalidPayloadError


@child_function(
    classes=(PageReading, PageRow, SkippedRow, TableReading),
    errors=(InvalidMappingError, InvalidPayloadError),
    refusal=InvalidPayloadError,
)
def read_page_by_definition(
    body: bytes, definition: object, host: str, on: date | None = None
) -> PageReading:
    """Read a page by the stored form of a mapping. InvalidMappingError or InvalidPayloadError, each
    with a sentence."""
    return read_page(body, read_page_mapping(definition), host=host, on=on)


@child_function(errors=(InvalidPayloadError,), refusal=InvalidPayloadError)
def propose_page_mapping(body: bytes, host: str) -> dict[str, Any]:
    """Return the stored form of a mapping for a page; InvalidPayloadError if no table fits."""
    return propose_mapping(body, host=host)
