"""Deduplication of sightings: a model named several times in one document is one sighting with
several places."""

from collections.abc import Iterable
from dataclasses import replace

from apps.intake.documents.records import MAX_PLACES, Sighting


def merge_sightings(sightings: Iterable[Sighting]) -> list[Sighting]:
    """Merge duplicate sightings in the order of their first occurrence; the first one's facts stay,
    later ones add what it lacks."""
    found: dict[tuple[str, ...], Sighting] = {}
    for said in sightings:
        key = (
            said.alias,
            said.requested,
            said.served,
            said.provider.lower(),
            said.region,
            said.gateway.lower(),
            said.service,
            said.environment,
            said.role,
        )
        earlier = found.get(key)
        if earlier is None:
            found[key] = said
            continue
        found[key] = replace(
            earlier,
            confidence=max(earlier.confidence, said.confidence),
            places=tuple(dict.fromkeys((*earlier.places, *said.places)))[:MAX_PLACES],
            facts={**said.facts, **earlier.facts},
        )
    return list(found.values())
