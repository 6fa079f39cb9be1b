"""Settings of a source that is a lifecycle page: the host that publishes the page, and its
mapping."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.feeds.mapping.definition import InvalidMappingError
from apps.feeds.pages.builtin import BUILT_IN, BuiltInPage
from apps.feeds.pages.definition import PageMapping, normalise_page_mapping, read_page_mapping
from apps.feeds.parsers.payload import host_of

MAX_HOST_LENGTH = 100


@dataclass(frozen=True, slots=True)
class PageSettings:
    """The host that publishes the page (a slug, and a display name for a host that is new), and the
    mapping of the page."""

    host: str
    host_name: str
    mapping: PageMapping


def read_page_settings(definition: object) -> PageSettings:
    """Parse the settings from their stored form; InvalidMappingError names every field that is
    wrong."""
    if not isinstance(definition, Mapping):
        raise InvalidMappingError(
            {"mapping": "The settings of a page must be a JSON object with host and tables."}
        )
    errors: dict[str, str] = {}
    mapping = PageMapping()
    try:
        mapping = read_page_mapping(
            {name: value for name, value in definition.items() if name != "host"}
        )
    except InvalidMappingError as error:
        errors |= error.errors
    text = definition.get("host")
    host, host_name = ("", "")
    if isinstance(text, str) and 0 < len(text.strip()) <= MAX_HOST_LENGTH:
        host, host_name = host_of(text.strip())
    if not host:
        errors["host"] = "Enter the provider that publishes the page and serves its models."
    if errors:
        raise InvalidMappingError(errors)
    return PageSettings(host, host_name, mapping)


def normalise_page_settings(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored form, with the host as a slug and without empty settings."""
    settings = read_page_settings(definition)
    mapping = {name: value for name, value in definition.items() if name != "host"}
    return {"host": settings.host} | normalise_page_mapping(mapping)


def builtin_page_settings(slug: str) -> dict[str, Any] | None:
    """Return the built-in settings of the page with this slug of a source; None if there are
    none."""
    page = builtin_page_of(slug)
    return None if page is None else {"host": page.host, **page.mapping}


def builtin_page_of(slug: str) -> BuiltInPage | None:
    """Return the built-in page that the source with this slug polls; None if there is none."""
    return next((page for page in BUILT_IN if page.source_url and page_slug(page) == slug), None)


def page_slug(page: BuiltInPage) -> str:
    return f"page-{page.host}"
