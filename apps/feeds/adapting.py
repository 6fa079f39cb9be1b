"""The adapter of a source: one of those that come with the product, or one made from the source's
own mapping."""

from dataclasses import replace
from functools import partial

from apps.catalog.claims.feed_rows import ParsedFeed
from apps.catalog.ingestion.change_detection.records import DEFAULT_RULES, Absence, DetectionRules
from apps.catalog.models import Source
from apps.feeds.mapping import KIND, BadMapping, read_mapping
from apps.feeds.mapping.reading import parse
from apps.feeds.mapping.settings import ABSENCES
from apps.feeds.models import SourceMapping
from apps.feeds.parsers import ADAPTERS, MEBIBYTE, Adapter, notices
from apps.feeds.parsers.payload import PayloadRefused

# what a body that is read by a mapping may measure at most, inflated
CAP_BYTES = 32 * MEBIBYTE
# the kinds of source whose rows become claims
CLAIMING = (*ADAPTERS, KIND)
KIND_NAMES = {
    **{adapter.kind: adapter.name for adapter in ADAPTERS.values()},
    KIND: "JSON by mapping",
    notices.KIND: "Notices (RSS, Atom, JSON Feed)",
}


def _no_rows(body: bytes) -> ParsedFeed:
    raise PayloadRefused("A feed of notices has no rows.")


NOTICES = Adapter(
    kind=notices.KIND,
    name=KIND_NAMES[notices.KIND],
    parse=_no_rows,
    default_url="",
    topics=frozenset(),
    cap_bytes=8 * MEBIBYTE,
    read_notices=notices.parse,
    absence="nothing",
)


class NoAdapter(Exception):
    """A source that nobody can read; `str()` says why and what to do."""


def adapter_of(source: Source) -> Adapter:
    """How `source` is read. NoAdapter where its kind is unknown, or its mapping is missing or
    wrong."""
    if source.kind in ADAPTERS:
        return ADAPTERS[source.kind]
    if source.kind == notices.KIND:
        return NOTICES
    if source.kind != KIND:
        raise NoAdapter(f"No adapter reads sources of kind '{source.kind}'.")
    try:
        mapping = read_mapping(_settings(source))
    except BadMapping as bad:
        raise NoAdapter(
            f"The mapping of {source.name} cannot be used. {bad} Correct it on the source's page."
        ) from None
    return Adapter(
        kind=KIND,
        name=source.name,
        parse=partial(parse, mapping=mapping),
        default_url="",
        topics=mapping.topics,
        cap_bytes=CAP_BYTES,
        absence=mapping.absence,
    )


def _settings(source: Source) -> object:
    mapping: SourceMapping | None = getattr(source, "mapping", None)
    return mapping.settings if mapping else None


def absence_of(source: Source) -> Absence:
    """What it means that a row leaves `source` for good."""
    if source.kind in ADAPTERS:
        return ADAPTERS[source.kind].absence
    stored = _settings(source) if source.kind == KIND else None
    said = stored.get("absence") if isinstance(stored, dict) else None
    return next((absence for absence in ABSENCES if absence == said), "notices")


def rules_of(source: Source) -> DetectionRules:
    """How observations of a source are judged."""
    return replace(DEFAULT_RULES, absence=absence_of(source))


__all__ = [
    "CAP_BYTES",
    "CLAIMING",
    "KIND_NAMES",
    "NoAdapter",
    "absence_of",
    "adapter_of",
    "rules_of",
]
