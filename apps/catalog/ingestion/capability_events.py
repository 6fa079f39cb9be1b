"""Events `capability_lost`: an offering no longer does what it did, such as tool calling.

A settled yes that becomes no is an event only if the provider says no itself, by its list or page,
if a user found or read it, or if two sources say no. Silence is none, and neither is one feed that
corrects itself. Limits, and facts of the version, raise no event.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.catalog.capabilities.fields import CAPABILITY, CAPABILITY_FIELDS, FLAG
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.capabilities.side_by_side import (
    FieldComparison,
    StatedValue,
    compare_sources,
)
from apps.catalog.capabilities.values import SettledValue
from apps.catalog.ingestion.change_detection.records import CatalogueFact
from apps.catalog.ingestion.events import insert_events
from apps.catalog.models import Assertion, ProviderEvent, Source
from apps.common.time import day_of

type SettledFlags = Mapping[int, Mapping[str, SettledValue]]

MIN_SOURCES = 2
_FLAGS = frozenset(
    key for key, field in CAPABILITY_FIELDS.items() if field.form == FLAG and not field.of_version
)


@dataclass(frozen=True, slots=True)
class _Loss:
    """A flag of an offering that is settled as no, with the claims that say so."""

    offering_id: int
    field: str
    witnesses: tuple[StatedValue, ...]


def settled_flags(offering_ids: Collection[int]) -> SettledFlags:
    """Return {offering ID: {flag: settled value}} before new claims are settled, also for offerings
    without any; one statement, and none without offerings."""
    if not offering_ids:
        return {}
    settled = settled_values(offering_ids)
    return {
        pk: {key: value for key, value in settled.get(pk, {}).items() if key in _FLAGS}
        for pk in offering_ids
    }


def create_capability_events(
    before: SettledFlags, *, source: Source, at: datetime
) -> list[ProviderEvent]:
    """Insert the events of what changed since `before` by claims of `source`, one for each
    offering, and return them. One statement without a change. The caller holds the catalogue's
    lock."""
    after = settled_flags(before.keys())
    candidates = {
        pk: fields
        for pk, flags in after.items()
        if (fields := [key for key, value in flags.items() if _is_loss(before[pk].get(key), value)])
    }
    if not candidates:
        return []
    losses = _proven_losses(candidates)
    contradicted = [loss for loss in losses if _was_contradicted(before, loss)]
    losses = [
        *(loss for loss in losses if not _was_contradicted(before, loss)),
        *_once_agreed(contradicted),
    ]
    by_offering: dict[int, list[_Loss]] = {}
    for loss in losses:
        by_offering.setdefault(loss.offering_id, []).append(loss)
    return insert_events(
        source,
        [_build_fact(lost, source, at) for _, lost in sorted(by_offering.items())],
    )


def _is_loss(before: SettledValue | None, after: SettledValue) -> bool:
    """Return whether a flag is no now and was yes before, or was contradicted: with two sources,
    the first that says no makes it unknown, and the second no."""
    return (
        after.value is False and before is not None and (before.value is True or _is_open(before))
    )


def _is_open(value: SettledValue) -> bool:
    return value.value is None and value.contradicted


def _was_contradicted(before: SettledFlags, loss: _Loss) -> bool:
    return _is_open(before[loss.offering_id][loss.field])


def _proven_losses(candidates: Mapping[int, Sequence[str]]) -> list[_Loss]:
    """Return the candidates that the provider, a user or two sources state."""
    losses = []
    for pk, comparisons in compare_sources(candidates.keys(), CAPABILITY).items():
        for comparison in comparisons:
            if comparison.field.key not in candidates[pk]:
                continue
            witnesses = _witnesses(comparison)
            n_sources = len({entry.source for entry in witnesses})
            if n_sources >= MIN_SOURCES or any(
                entry.is_own or entry.is_manual for entry in witnesses
            ):
                losses.append(_Loss(pk, comparison.field.key, witnesses))
    return losses


def _witnesses(comparison: FieldComparison) -> tuple[StatedValue, ...]:
    """Return the claims that say no today; one that is silent says nothing."""
    return tuple(
        entry for entry in comparison.stated if entry.value is False and not entry.is_silent
    )


def _once_agreed(losses: Sequence[_Loss]) -> list[_Loss]:
    """Return the losses of which two of the sources, or the provider or user, once said yes
    themselves. Otherwise the sources contradicted each other from the start, and one has corrected
    itself."""
    if not losses:
        return []
    claim_ids = {entry.claim_id for loss in losses for entry in loss.witnesses}
    history = Assertion.history.rel.related_model._default_manager  # type: ignore[attr-defined]
    once_yes: set[tuple[int, str]] = set()
    for claim_id, value in history.filter(pgh_obj_id__in=claim_ids, topic=CAPABILITY).values_list(
        "pgh_obj_id", "value"
    ):
        once_yes |= {(claim_id, key) for key, fact in value.items() if _states(fact, True)}
    return [
        loss
        for loss in losses
        if len(
            {entry.source for entry in loss.witnesses if (entry.claim_id, loss.field) in once_yes}
        )
        >= MIN_SOURCES
        or any(
            (entry.is_own or entry.is_manual) and (entry.claim_id, loss.field) in once_yes
            for entry in loss.witnesses
        )
    ]


def _states(fact: Any, value: object) -> bool:
    return isinstance(fact, Mapping) and fact.get("value") is value


def _build_fact(
    losses: Sequence[_Loss], source: Source, at: datetime
) -> tuple[CatalogueFact, int, int | None]:
    """Return the fact about one offering, with the claim of `source` as evidence if it says no."""
    own = next(
        (entry for loss in losses for entry in loss.witnesses if entry.source == source.slug),
        losses[0].witnesses[0],
    )
    fields = sorted(loss.field for loss in losses)
    fact = CatalogueFact(
        "capability_lost",
        own.external_id,
        CAPABILITY,
        dict.fromkeys(fields, True),
        dict.fromkeys(fields, False),
        day_of(at),
        at,
    )
    return fact, losses[0].offering_id, own.claim_id
