"""Adapter of a source: a built-in one, or one made from the source's own mapping."""

from dataclasses import replace
from functools import partial

from apps.catalog.claims.feed_rows import ParsedFeed
from apps.catalog.ingestion.change_detection.records import DEFAULT_RULES, Absence, DetectionRules
from apps.catalog.models import Source
from apps.feeds.incidents.reader import read_status
from apps.feeds.mapping.definition import ABSENCE_MEANINGS, KIND, InvalidMappingError, read_mapping
from apps.feeds.mapping.reader import parse_body
from apps.feeds.models import SourceMapping
from apps.feeds.parsers import ADAPTERS, MEBIBYTE, Adapter, notices
from apps.feeds.parsers.payload import InvalidPayloadError

# Maximum size of a body that is read by a mapping, uncompressed.
MAX_MAPPED_BODY_BYTES = 32 * MEBIBYTE
# Source kinds whose rows become claims.
CLAIM_KINDS = (*ADAPTERS, KIND)
KIND_NAMES = {
    **{adapter.kind: adapter.name for adapter in ADAPTERS.values()},
    KIND: "JSON by mapping",
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


class NoAdapterError(Exception):
    """A source without a usable adapter; `str()` is the reason and the correction."""


def adapter_of(source: Source) -> Adapter:
    """Return the adapter of `source`. NoAdapterError if its kind is unknown, or its mapping is
    missing or wrong."""
    if source.kind in ADAPTERS:
        return ADAPTERS[source.kind]
    if source.kind == notices.KIND:
        return NOTICES_ADAPTER
    if source.kind == Source.STATUS:
        return STATUS_ADAPTER
    if source.kind != KIND:
        raise NoAdapterError(f"No adapter reads sources of the kind '{source.kind}'.")
    try:
        mapping = read_mapping(_load_mapping(source))
    except InvalidMappingError as error:
        raise NoAdapterError(
            f"The mapping of {source.name} is not valid. {error} Correct the mapping on the page "
            "of the source."
        ) from None
    return Adapter(
        kind=KIND,
        name=source.name,
        parse=partial(parse_body, mapping=mapping),
        default_url="",
        topics=mapping.topics,
        cap_bytes=MAX_MAPPED_BODY_BYTES,
        absence=mapping.absence,
    )


def _load_mapping(source: Source) -> object:
    mapping: SourceMapping | None = getattr(source, "mapping", None)
    return mapping.settings if mapping else None


def absence_of(source: Source) -> Absence:
    """Return the meaning of a row that disappears permanently from `source`."""
    if source.kind in ADAPTERS:
        return ADAPTERS[source.kind].absence
    definition = _load_mapping(source) if source.kind == KIND else None
    declared_absence = definition.get("absence") if isinstance(definition, dict) else None
    return next((absence for absence in ABSENCE_MEANINGS if absence == declared_absence), "notices")


def lists_served(source: Source) -> bool:
    """Return whether `source` is the host's own list of what it serves. A mapped source is one if a
    row that leaves it means that the host no longer serves the model."""
    if source.kind in ADAPTERS:
        return ADAPTERS[source.kind].lists_served
    return source.kind == KIND and absence_of(source) == "news"


def change_rules_of(source: Source) -> DetectionRules:
    """Return the rules by which observations of a source are assessed."""
    return replace(DEFAULT_RULES, absence=absence_of(source), lists_served=lists_served(source))


__all__ = [
    "CLAIM_KINDS",
    "KIND_NAMES",
    "MAX_MAPPED_BODY_BYTES",
    "NoAdapterError",
    "absence_of",
    "adapter_of",
    "change_rules_of",
    "lists_served",
]
