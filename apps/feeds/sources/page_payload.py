"""A lifecycle page as the poll pipeline takes it: its rows, and the form in which it states them."""

from apps.feeds.sources.page_form import PagePayload
from apps.feeds.sources.page_settings import PageSettings


def read_page_payload(body: bytes, *, settings: PageSettings, url: str) -> PagePayload:
    """Read a page. InvalidPayloadError if no row can be read."""
    raise NotImplementedError
