"""Changes of a terms page: one event for each new text, with the difference."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.catalog.ingestion.provider_events import create_terms_event
from apps.catalog.models import Provider, ProviderEvent, Source
from apps.feeds.models import FeedRun
from apps.feeds.parsers.payload import InvalidPayloadError
from apps.feeds.terms.difference import compare_texts, digest_text
from apps.feeds.terms.text import KIND, read_terms

# Texts that are remembered: a server that alternates between two of them changes nothing.
_MAX_REMEMBERED = 10
# Part of the words that must be left; a page that shrinks more is a fault.
_MIN_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class TermsObservation:
    """The effect of one reading of a terms page. `state` is what is stored; `is_new` if the text
    differs from the last one."""

    state: dict[str, Any]
    is_new: bool
    events: list[ProviderEvent] = field(default_factory=list)


def provider_of(source: Source) -> Provider | None:
    """Return the provider whose terms the source reads: its slug follows `terms-`."""
    return Provider.objects.filter(slug=source.slug.removeprefix(f"{KIND}-")).first()


def observe_terms(
    source: Source, text: str, stored: Mapping[str, Any], *, at: datetime
) -> TermsObservation:
    """Compare the text with the last one, and record an event if it is new. The first text of a
    source raises none. InvalidPayloadError if nearly all of the text is gone."""
    digest, n_words = digest_text(text), len(text.split())
    last = str(stored.get("digest", ""))
    remembered = [str(item) for item in stored.get("remembered", ())]
    if digest == last:
        return TermsObservation(dict(stored), is_new=False)
    if last and n_words < _MIN_SHARE * int(stored.get("words", 0)):
        raise InvalidPayloadError(
            f"The page has {n_words} words, {stored.get('words')} before. A page that lost nearly "
            "all of its text is not read as a change. Check the URL."
        )
    state = {
        "digest": digest,
        "words": n_words,
        "remembered": [digest, *(item for item in remembered if item != digest)][:_MAX_REMEMBERED],
    }
    provider = provider_of(source)
    if not last or digest in remembered or provider is None:
        return TermsObservation(state, is_new=True)
    difference = compare_texts(_load_last_text(source), text)
    event = create_terms_event(
        source=source,
        provider=provider,
        old={"digest": last},
        new={
            "digest": digest,
            "added": difference.n_added,
            "removed": difference.n_removed,
            "difference": difference.text,
        },
        at=at,
    )
    return TermsObservation(state, is_new=True, events=[event] if event is not None else [])


def _load_last_text(source: Source) -> str:
    """Return the text of the body of the last change; empty if it is no longer stored."""
    run = (
        FeedRun.objects.filter(source=source, status=FeedRun.Status.CHANGED, payload__isnull=False)
        .select_related("payload")
        .order_by("-queued_at", "-pk")
        .first()
    )
    if run is None or run.payload is None:
        return ""
    try:
        return read_terms(gzip.decompress(bytes(run.payload.body)))
    except InvalidPayloadError:
        return ""


__all__ = ["TermsObservation", "observe_terms", "provider_of"]
