"""Turns facts into provider events: decides which are reported, and reports each once."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from apps.catalog.claims.precedence import (
    MANUAL,
    OWN_PAGE,
    SourceClaim,
    applicable_price_claims,
    is_soft_by_others,
    source_rank,
    strongest_claim,
)
from apps.catalog.claims.reconciliation import BUILT_IN, standing_claims
from apps.catalog.claims.values import retires_on, unit_of_key
from apps.catalog.ingestion.change_detection.records import (
    IDENTITY,
    LIFECYCLE,
    PRICE,
    CatalogueFact,
    KnownClaim,
    Observation,
)
from apps.catalog.models import Assertion, ProviderEvent, Source
from apps.common.time import day_of

type Repeats = Mapping[tuple[str, str, Any, Any], int]

# Kinds of facts about dates; those in the second tuple have had a hold, or undo one that has.
_DATE_KINDS = ("announced", "moved_earlier", "moved_later", "withdrawn", "delisted")
_HELD_KINDS = ("announced", "withdrawn", "delisted")
# A value that lasted for less is flapping.
MIN_STANDING = timedelta(days=7)
_SAME_END = timedelta(days=30)


def create_events(
    source: Source,
    claims_by_key: Mapping[tuple[str, str], KnownClaim],
    observation: Observation,
    offering_of: Mapping[str, int],
    *,
    at: datetime,
    is_own_list: bool = False,
) -> list[ProviderEvent]:
    """Insert the facts of the observation that are to be reported; return the events in the order
    of their facts. `is_own_list`: the source is the host's own list of what it serves."""
    if not observation.facts:
        return []
    offerings = {
        offering_of[fact.external_id]
        for fact in observation.facts
        if fact.external_id in offering_of
    }
    lifecycle_claims, _ = standing_claims(offerings, LIFECYCLE)
    price_claims, _ = standing_claims(offerings, PRICE)
    decided_elsewhere = (
        set() if is_own_list else _removals_decided_elsewhere(source, observation.facts, offerings)
    )
    repeats = _count_repeats(source, claims_by_key, observation.facts, offerings, at)
    claim_ids = {(claim.external_id, claim.topic): claim.id for claim in claims_by_key.values()} | {
        (external_id, topic): pk
        for pk, external_id, topic in Assertion.objects.filter(
            source=source, external_id__in={fact.external_id for fact in observation.facts}
        ).values_list("pk", "external_id", "topic")
    }
    recently_retired_ids = _recently_retired(source, observation.facts, offerings, at)
    accepted_facts: list[tuple[CatalogueFact, int, int]] = []
    for fact in observation.facts:
        offering_id = offering_of.get(fact.external_id)
        claim_id = claim_ids.get((fact.external_id, fact.topic))
        if offering_id is None or claim_id is None:
            continue
        if fact.topic == LIFECYCLE and is_known_or_outranked(
            fact, source, lifecycle_claims.get(offering_id, [])
        ):
            continue
        if fact.topic == PRICE and is_price_outranked(
            fact, source, price_claims.get(offering_id, [])
        ):
            continue
        if (
            fact.kind == "delisted"
            and offering_id in decided_elsewhere
            and not _takes_date_away(fact, lifecycle_claims.get(offering_id, []), at)
        ):
            continue
        if fact.kind == "retired" and (
            fact.external_id in recently_retired_ids
            or _is_soft(claim_id, lifecycle_claims.get(offering_id, []))
        ):
            continue
        accepted_facts.append((fact, offering_id, claim_id))
    return insert_events(source, accepted_facts, repeats=repeats)


def _takes_date_away(
    fact: CatalogueFact, source_claims: Iterable[SourceClaim], at: datetime
) -> bool:
    """Return whether a removed row had a date ahead that no other source states: the offering goes
    on without it, which is news though others list the offering."""
    return (
        fact.old is not None
        and date.fromisoformat(fact.old) > day_of(at)
        and all(retires_on(source_claim.value) is None for source_claim in source_claims)
    )


def _removals_decided_elsewhere(
    source: Source, facts: Sequence[CatalogueFact], offerings: Iterable[int]
) -> set[int]:
    """Return the IDs of offerings whose removal from a list of another than the host is no news:
    another source still lists them, or has reported the removal."""
    if all(fact.kind != "delisted" for fact in facts):
        return set()
    identities = Assertion.objects.filter(
        topic=IDENTITY,
        offering__in=offerings,
        missing_since__isnull=True,
        withdrawn_at__isnull=True,
    ).exclude(source=source)
    listed = identities.exclude(source__slug__in=[MANUAL, BUILT_IN])
    delisted = ProviderEvent.objects.filter(kind="delisted", offering__in=offerings).exclude(
        source=source
    )
    return set(listed.order_by().values_list("offering_id", flat=True)) | set(
        delisted.order_by().values_list("offering_id", flat=True)
    )


def _count_repeats(
    source: Source,
    claims_by_key: Mapping[tuple[str, str], KnownClaim],
    facts: Sequence[CatalogueFact],
    offerings: Iterable[int],
    at: datetime,
) -> Repeats:
    """Return {fact about a date: number of its earlier reports} for facts that may be reported
    again.

    A date that flaps between two values is reported once each way. One that applies again is
    reported again if the value in between has lasted for a while; otherwise
    ingestion/due_changes.py reports it once it has lasted itself.
    """
    date_facts = [fact for fact in facts if fact.kind in _DATE_KINDS]
    if not date_facts:
        return {}
    reported_at: dict[tuple[Any, ...], list[datetime]] = defaultdict(list)
    events = ProviderEvent.objects.filter(
        source=source, offering__in=offerings, kind__in=_DATE_KINDS
    )
    for external_id, kind, old, new, moment in events.values_list(
        "external_id", "kind", "old", "new", "detected_at"
    ):
        reported_at[external_id, kind, old, new].append(moment)
    repeats = {}
    for fact in date_facts:
        claim = claims_by_key.get((fact.external_id, LIFECYCLE))
        has_lasted = (
            claim is not None
            and claim.changed_at is not None
            and at - claim.changed_at >= MIN_STANDING
        )
        earlier_reports = reported_at.get(claimed_value(fact))
        if (
            earlier_reports
            and at - max(earlier_reports) > MIN_STANDING
            and (has_lasted or fact.kind in _HELD_KINDS)
        ):
            repeats[claimed_value(fact)] = len(earlier_reports)
    return repeats


def _is_soft(claim_id: int, source_claims: Sequence[SourceClaim]) -> bool:
    """Return whether the claim's date, announced according to its own source, is an earliest date
    according to others."""
    return any(
        source_claim.claim_id == claim_id and is_soft_by_others(source_claim, source_claims)
        for source_claim in source_claims
    )


def _recently_retired(
    source: Source, facts: Sequence[CatalogueFact], offerings: Iterable[int], at: datetime
) -> set[str]:
    """Return external IDs of rows whose retirement was reported recently: a correction of the date
    by a few days is no second retirement."""
    if all(fact.kind != "retired" for fact in facts):
        return set()
    retired_events = ProviderEvent.objects.filter(
        source=source, offering__in=offerings, kind="retired", detected_at__gt=at - _SAME_END
    )
    return set(retired_events.values_list("external_id", flat=True))


def claimed_value(fact: CatalogueFact) -> tuple[str, str, Any, Any]:
    return fact.external_id, fact.kind, fact.old, fact.new


def is_known_or_outranked(
    fact: CatalogueFact, source: Source, source_claims: Iterable[SourceClaim]
) -> bool:
    """Return whether another source stated this before, or a source with higher priority
    contradicts it."""
    source_claims = list(source_claims)
    other_claims = [
        source_claim
        for source_claim in source_claims
        if source_claim.source not in (source.slug, BUILT_IN)
    ]
    days = {source_claim.value.get("retires_on") for source_claim in other_claims}
    if fact.kind == "withdrawn":
        return any(days - {None})
    if fact.new in days:
        return True
    winner = strongest_claim(source_claims)
    return (
        winner is not None
        and winner.source not in (source.slug, BUILT_IN)
        and source_rank(winner.trust_rank, own_page=winner.own_page)
        < source_rank(source.trust_rank, own_page=source.kind == OWN_PAGE)
    )


def is_price_outranked(
    fact: CatalogueFact, source: Source, source_claims: Iterable[SourceClaim]
) -> bool:
    """Return whether all prices of the fact come from another source."""
    applicable_claims = applicable_price_claims(source_claims)
    manual_units = {
        unit_of_key(key)
        for claim in applicable_claims
        if claim.source == MANUAL
        for key in claim.value
    }
    if isinstance(fact.new, Mapping) and fact.new and set(fact.new) <= manual_units:
        return True
    winner = next((claim for claim in applicable_claims if claim.source != MANUAL), None)
    return winner is not None and winner.source not in (source.slug, BUILT_IN)


def event_key(source: str, fact: CatalogueFact, repeat: int = 0) -> str:
    """Return the key of a fact: the same fact, seen again or flapping back, has the same key. A
    price can return to an earlier value, an alias to an earlier target, and a capability can be
    offered again, so their key includes the day. `repeat` is the number of earlier reports of a
    fact about a date that applies again."""
    key_fields: list[Any] = [source, fact.external_id, fact.kind, fact.new]
    if repeat:
        key_fields += ["again", repeat]
    if fact.kind in {"moved_earlier", "moved_later", "withdrawn", "delisted"} or (
        fact.kind == "announced" and fact.old is not None
    ):
        key_fields.append(fact.old)
    elif fact.kind in {"repriced", "alias_moved", "capability_lost"}:
        key_fields += [fact.old, day_of(fact.detected_at).isoformat()]
    return hashlib.sha256(json.dumps(key_fields, sort_keys=True).encode()).hexdigest()


def insert_events(
    source: Source,
    accepted_facts: Sequence[tuple[CatalogueFact, int, int | None]],
    *,
    repeats: Repeats | None = None,
) -> list[ProviderEvent]:
    """Insert the facts (with offering and claim IDs) whose key is new, with their evidence; the
    caller holds the catalogue's lock. The claim is None for a fact that is the record itself, such
    as an alias."""
    repeats = repeats or {}
    by_key = {
        event_key(
            source.slug,
            fact,
            repeats.get(claimed_value(fact), 0) if fact.kind in _DATE_KINDS else 0,
        ): (
            fact,
            offering,
            claim,
        )
        for fact, offering, claim in accepted_facts
    }
    for key in ProviderEvent.objects.filter(key__in=by_key).values_list("key", flat=True):
        del by_key[key]
    if not by_key:
        return []
    events = ProviderEvent.objects.bulk_create(
        [
            ProviderEvent(
                key=key,
                kind=fact.kind,
                source=source,
                external_id=fact.external_id,
                offering_id=offering_id,
                old=fact.old,
                new=fact.new,
                effective_on=fact.effective_on,
                detected_at=fact.detected_at,
            )
            for key, (fact, offering_id, _) in by_key.items()
        ]
    )
    evidence = ProviderEvent.evidence.through
    evidence.objects.bulk_create(
        [
            evidence(providerevent_id=event.pk, assertion_id=claim_id)
            for event, (_, _, claim_id) in zip(events, by_key.values(), strict=True)
            if claim_id is not None
        ]
    )
    return events
