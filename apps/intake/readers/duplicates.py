"""Deduplication of sightings: a model that a document names several times is one sighting with
several places."""

from collections.abc import Iterable
from dataclasses import replace

from apps.intake.documents.records import MAX_PLACES, Sighting


def merge_sightings(sightings: Iterable[Sighting]) -> list[Sighting]:
    """Merge duplicate sightings, in the order of their first occurrence. The facts of the first one
    take precedence; later ones add what it lacks."""
    by_key: dict[tuple[str, ...], Sighting] = {}
    for sighting in sightings:
        key = (
            sighting.alias,
            sighting.requested,
            sighting.served,
            sighting.provider.lower(),
            sighting.region,
            sighting.gateway.lower(),
            sighting.service,
            sighting.environment,
            sighting.role,
        )
        existing = by_key.get(key)
        if existing is None:
            by_key[key] = sighting
            continue
        by_key[key] = replace(
            existing,
            confidence=max(existing.confidence, sighting.confidence),
            places=tuple(dict.fromkeys((*existing.places, *sighting.places)))[:MAX_PLACES],
            facts={**sighting.facts, **existing.facts},
        )
    return list(by_key.values())
