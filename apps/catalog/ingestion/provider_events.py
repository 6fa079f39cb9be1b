"""Events about a provider as a whole."""

import hashlib
import json
from datetime import datetime
from typing import Any

from apps.catalog.models import Provider, ProviderEvent, Source
from apps.common.time import day_of


def create_terms_event(
    *,
    source: Source,
    provider: Provider,
    old: dict[str, Any],
    new: dict[str, Any],
    at: datetime,
) -> ProviderEvent | None:
    """Insert the event that the terms of `provider` changed; None if it exists. `old` and `new`
    have the `digest` of the text, and `new` the difference."""
    kind = ProviderEvent.Kind.TERMS_CHANGED
    fields = [source.slug, provider.slug, kind, old["digest"], new["digest"]]
    key = hashlib.sha256(json.dumps(fields).encode()).hexdigest()
    event, is_new = ProviderEvent.objects.get_or_create(
        key=key,
        defaults={
            "kind": kind,
            "source": source,
            "external_id": source.url[:400] or source.slug,
            "provider": provider,
            "old": old,
            "new": new,
            "effective_on": day_of(at),
            "detected_at": at,
        },
    )
    return event if is_new else None


__all__ = ["create_terms_event"]
