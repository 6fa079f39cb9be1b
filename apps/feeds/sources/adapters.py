"""Adapter of a source: a built-in one, or one made from the source's own mapping."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from apps.catalog.claims.feed_rows import ParsedFeed
from apps.catalog.ingestion.change_detection.records import (
    DEFAULT_RULES,
    Absence,
    DetectionRules,
)
from apps.catalog.models import Source
from apps.common.time import day_of, now
from apps.feeds.incidents.reader import read_status
from apps.feeds.mapping.definition import ABSENCE_MEANINGS, KIND, InvalidMappingError, read_mapping
from apps.feeds.mapping.reader import parse_body
from apps.feeds.model_lists.readers import KIND as MODEL_LIST
from apps.feeds.model_lists.readers import LIST_READERS
from apps.feeds.models import SourceMapping
from apps.feeds.pages.definition import KIND as PAGE
from apps.feeds.parsers import ADAPTERS, MEBIBYTE, Adapter, notices
from apps.feeds.parsers.payload import InvalidPayloadError, host_of
from apps.feeds.sources.page_form import FormChange, PageForm, compare_forms, read_form
from apps.feeds.sources.page_payload import read_page_payload
from apps.feeds.sources.page_settings import (
    builtin_page_of,
    builtin_page_settings,
    read_page_settings,
)
from apps.feeds.terms.text import KIND as TERMS
from apps.feeds.terms.text import read_terms

# Maximum size of a body that is read by a mapping, uncompressed.
MAX_MAPPED_BODY_BYTES = 32 * MEBIBYTE
# Maximum size of a lifecycle page, uncompressed: the largest known one has 0.5 MiB.
MAX_PAGE_BYTES = 8 * MEBIBYTE
# Maximum size of a provider's model list, uncompressed: that of one Azure region has 0.4 MiB.
MAX_LIST_BYTES = 16 * MEBIBYTE
# Hold of dates that many rows of a page move together.
BULK_DATE_HOLD = timedelta(days=1)
# Source kinds that are read by a mapping of their own.
MAPPED_KINDS = (KIND, PAGE)
# Source kinds whose rows become claims.
CLAIM_KINDS = (*ADAPTERS, *MAPPED_KINDS, MODEL_LIST)
KIND_NAMES = {
    **{adapter.kind: adapter.name for adapter in ADAPTERS.values()},
    KIND: "JSON by mapping",
    PAGE: "Lifecycle page of a provider",
    TERMS: "Terms of a provider",
    MODEL_LIST: "Model list of a provider",
    notices.KIND: "Provider notices (RSS, Atom, JSON Feed)",
    Source.STATUS: "Status page",
}


def _reject_rows(body: bytes) -> ParsedFeed:
    raise InvalidPayloadError(
        "A feed of provider notices and a status page have no rows. Poll them as what they are."
    )


NOTICES_ADAPTER = Adapter(
    kind=notices.KIND,
    name=KIND_NAMES[notices.KIND],
    parse=_reject_rows,
    default_url="",
    topics=frozenset(),
    cap_bytes=8 * MEBIBYTE,
    read_notices=notices.parse,
    absence="nothing",
)


STATUS_ADAPTER = Adapter(
    kind=Source.STATUS,
    name=KIND_NAMES[Source.STATUS],
    parse=_reject_rows,
    default_url="",
    topics=frozenset(),
    # AWS' current events had 226 KB on a day with two, Google Cloud's list of a year 1.3 MB.
    cap_bytes=16 * MEBIBYTE,
    read_incidents=read_status,
    absence="nothing",
)


def _reject_terms_rows(body: bytes) -> ParsedFeed:
    raise InvalidPayloadError("A page of terms has no rows. Poll it as a page of terms.")


TERMS_ADAPTER = Adapter(
    kind=TERMS,
    name=KIND_NAMES[TERMS],
    parse=_reject_terms_rows,
    default_url="",
    topics=frozenset(),
    cap_bytes=8 * MEBIBYTE,
    read_terms=read_terms,
    absence="nothing",
    accept="text/html, text/markdown;q=0.9, text/plain;q=0.8, */*;q=0.5",
)


class NoAdapterError(Exception):
    """A source without a usable adapter; `str()` is the reason and the correction."""


def adapter_of(source: Source) -> Adapter:
    """Return the adapter of `source`. NoAdapterError if its kind is unknown, or its mapping is
    missing or wrong."""
    if source.kind in ADAPTERS:
        return ADAPTERS[source.kind]
    if source.kind == notices.KIND:
        return NOTICES_ADAPTER
    if source.kind == TERMS:
        return TERMS_ADAPTER
    if source.kind == PAGE:
        return _build_page_adapter(source)
    if source.kind == Source.STATUS:
        return STATUS_ADAPTER
    if source.kind == MODEL_LIST:
        return _build_list_adapter(source)
    if source.kind != KIND:
        raise NoAdapterError(f"No adapter reads sources of the kind '{source.kind}'.")
    try:
        mapping = read_mapping(mapping_settings(source))
    except InvalidMappingError as error:
        raise _build_mapping_error(source, error) from None
    return Adapter(
        kind=KIND,
        name=source.name,
        parse=partial(parse_body, mapping=mapping),
        default_url="",
        topics=mapping.topics,
        cap_bytes=MAX_MAPPED_BODY_BYTES,
        absence=mapping.absence,
    )


def _build_list_adapter(source: Source) -> Adapter:
    reader = LIST_READERS.get(source.host.slug if source.host is not None else "")
    if reader is None:
        raise NoAdapterError(f"No adapter reads the model list of {source.host or 'no provider'}.")
    return Adapter(
        kind=MODEL_LIST,
        name=source.name,
        parse=reader.parse,
        default_url=reader.url,
        topics=frozenset({"capability"}),
        cap_bytes=MAX_LIST_BYTES,
        lists_served=True,
    )


def _build_page_adapter(source: Source) -> Adapter:
    try:
        settings = read_page_settings(mapping_settings(source))
    except InvalidMappingError as error:
        raise _build_mapping_error(source, error) from None
    builtin = builtin_page_of(source.slug)
    read_page = partial(
        read_page_payload, settings=settings, url=builtin.url if builtin else source.url
    )
    return Adapter(
        kind=PAGE,
        name=source.name,
        parse=lambda body: read_page(body, day_of(now())).feed,
        default_url="",
        topics=frozenset({"lifecycle"}),
        cap_bytes=MAX_PAGE_BYTES,
        absence=settings.mapping.absence,
        read_page=read_page,
        accept="text/markdown, text/html;q=0.9, text/plain;q=0.8, */*;q=0.5",
    )


def _build_mapping_error(source: Source, error: InvalidMappingError) -> NoAdapterError:
    return NoAdapterError(
        f"The mapping of {source.name} is not valid. {error} Correct the mapping on the page of "
        "the source."
    )


def mapping_settings(source: Source) -> dict[str, Any] | None:
    """Return the mapping of a source in its stored form: its own, otherwise the built-in one of its
    page; None if it has neither."""
    mapping: SourceMapping | None = getattr(source, "mapping", None)
    if mapping is not None:
        return dict(mapping.settings)
    return builtin_page_settings(source.slug) if source.kind == PAGE else None


def absence_of(source: Source) -> Absence:
    """Return the meaning of a row that disappears permanently from `source`."""
    if source.kind in ADAPTERS:
        return ADAPTERS[source.kind].absence
    if source.kind == MODEL_LIST:
        return "news"
    definition = mapping_settings(source) if source.kind in MAPPED_KINDS else None
    declared_absence = definition.get("absence") if isinstance(definition, dict) else None
    return next((absence for absence in ABSENCE_MEANINGS if absence == declared_absence), "notices")


def lists_served(source: Source) -> bool:
    """Return whether `source` is the host's own list of what it serves. A mapped source is one if a
    row that leaves it means that the host no longer serves the model."""
    if source.kind in ADAPTERS:
        return ADAPTERS[source.kind].lists_served
    if source.kind == MODEL_LIST:
        return True
    return source.kind == KIND and absence_of(source) == "news"


def change_rules_of(source: Source) -> DetectionRules:
    """Return the rules by which observations of a source are assessed.

    On the host's own page, a removed tenth of the rows means that the page changed its form, and
    stays on hold until a user decides or the rows return. Dates that many rows move together are
    mostly news, so they wait for a day at most."""
    rules = replace(DEFAULT_RULES, absence=absence_of(source), lists_served=lists_served(source))
    if source.kind != PAGE:
        return rules
    return replace(
        rules,
        # a tenth counts, which `>` would leave out
        max_vanished_share=0.0999,
        has_own_dates=True,
        doubts_expire=False,
        doubted_date_hold=BULK_DATE_HOLD,
    )


def compare_with_last_form(
    source: Source, stored: Mapping[str, Any], form: PageForm
) -> list[FormChange]:
    """Return what is missing in the form of a page, compared with its last good reading."""
    host = host_of(str((mapping_settings(source) or {}).get("host", "")))[0]
    return compare_forms(read_form(stored.get("tables")), form, group=host)


__all__ = [
    "CLAIM_KINDS",
    "KIND_NAMES",
    "MAPPED_KINDS",
    "MAX_MAPPED_BODY_BYTES",
    "MAX_PAGE_BYTES",
    "NoAdapterError",
    "absence_of",
    "adapter_of",
    "change_rules_of",
    "compare_with_last_form",
    "lists_served",
    "mapping_settings",
]
