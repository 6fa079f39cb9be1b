"""Writes observations: claims, then offerings (ingestion/offerings.py), reconciled values
(claims/reconciliation.py), events (ingestion/events.py) and footing; and the changes that become
due with time.

Everything here is set-based: the number of statements does not grow with the number of rows.
Callers hold the catalogue's lock (`catalogue_lock`), so that two sources never reconcile the same
offering concurrently.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.catalog.capabilities.fields import CAPABILITY
from apps.catalog.capabilities.settlement import settle_values
from apps.catalog.claims.feed_rows import NOT_BEFORE, FeedRow
from apps.catalog.claims.reconciliation import BUILT_IN, catalogue_lock, reconcile_offerings
from apps.catalog.claims.values import next_start
from apps.catalog.identity.resolution import resolve_identities
from apps.catalog.ingestion.capability_events import create_capability_events, settled_flags
from apps.catalog.ingestion.change_detection.comparison import (
    accept_pending_values,
    confirm_unchanged,
    detect_changes,
)
from apps.catalog.ingestion.change_detection.records import (
    DEFAULT_RULES,
    IDENTITY,
    LIFECYCLE,
    PRICE,
    DetectionRules,
    KnownClaim,
    Observation,
    PayloadDoubt,
)
from apps.catalog.ingestion.due_changes import (
    SuccessfulPoll,
    advance_due_stages,
    create_due_corrections,
    create_due_price_events,
    retire_due_offerings,
    settle_new_retirements,
)
from apps.catalog.ingestion.events import create_events
from apps.catalog.ingestion.offerings import ensure_features, ensure_offerings, offering_key
from apps.catalog.ingestion.release_events import create_release_events
from apps.catalog.models import Assertion, Offering, ProviderEvent, Source
from apps.common.database.bulk_writes import update_rows
from apps.common.time import day_of


@dataclass(frozen=True, slots=True)
class IngestResult:
    """The effect of one observation. `events` are the inserted rows, those that became due with
    time first."""

    observation: Observation
    events: list[ProviderEvent] = field(default_factory=list)


@transaction.atomic
def ingest_observation(
    *,
    source: Source,
    rows: Sequence[FeedRow],
    at: datetime,
    baseline: bool,
    host_names: Mapping[str, str] | None = None,
    set_aside: Collection[str] = (),
    last_seen: datetime | None = None,
    rules: DetectionRules = DEFAULT_RULES,
    doubts: Collection[PayloadDoubt] = (),
) -> IngestResult:
    """Write one payload of `source`, observed `at`. The first payload of a source, marked by
    `baseline`, raises no events. `doubts` are reasons to doubt the whole payload.

    Changes that are due by then are reported too, unless this payload differs: a date that the feed
    has moved or cleared does not become due."""
    catalogue_lock()
    claims_by_key = known_claims(source)
    observation = detect_changes(
        claims_by_key,
        rows,
        at,
        baseline=baseline,
        set_aside=set_aside,
        last_seen=last_seen,
        identify=row_identities,
        rules=rules,
        doubts=doubts,
    )
    # from its first observation on, the claims of a feed replace those that the built-in catalogue
    # has for it
    builtin_offering_ids = _builtin_offerings(source) if baseline else set()
    result = write_observation(
        source,
        claims_by_key,
        observation,
        at,
        host_names or {},
        rules=rules,
        poll=SuccessfulPoll(source.pk, rules, frozenset(set_aside)),
        also_reconcile=builtin_offering_ids,
    )
    if not baseline:
        result.events.extend(
            create_release_events(source, observation, at=at, is_own_list=rules.lists_served)
        )
    return result


@transaction.atomic
def ingest_unchanged(
    *,
    source: Source,
    at: datetime,
    last_seen: datetime | None = None,
    seen_again_by: datetime | None = None,
    rules: DetectionRules = DEFAULT_RULES,
) -> IngestResult:
    """Record an unchanged feed: values on hold and removals that have lasted long enough take
    effect.

    `seen_again_by` is the time of the last observation if this is not one itself: values first seen
    then have not been seen again yet, and stay on hold.
    """
    poll = SuccessfulPoll(source.pk, rules) if seen_again_by is None else None
    shortest_hold = min(
        rules.price_hold, rules.withdrawal_hold, rules.doubted_date_hold or rules.price_hold
    )
    is_due = Q(pending_since__lte=at - shortest_hold)
    is_due |= Q(missing_since__lte=at - rules.removal_hold)
    if not Assertion.objects.waiting().filter(is_due, source=source).exists():
        # no hold can have ended: the claims need not be read
        return IngestResult(
            Observation(),
            apply_due_facts(at=at, poll=poll)
            + create_due_corrections(at=at, source_ids=[source.pk]),
        )
    catalogue_lock()
    claims_by_key = known_claims(source)
    observation = confirm_unchanged(
        claims_by_key, at, last_seen=last_seen, seen_again_by=seen_again_by, rules=rules
    )
    return write_observation(source, claims_by_key, observation, at, {}, rules=rules, poll=poll)


@transaction.atomic
def apply_accepted(
    *, source: Source, claims: Collection[int], at: datetime, rules: DetectionRules = DEFAULT_RULES
) -> IngestResult:
    """Apply the values on hold of these claims from `at` on, as accepted by a user."""
    catalogue_lock()
    claims_by_key = known_claims(source)
    observation = accept_pending_values(claims_by_key, claims, at, rules=rules)
    return write_observation(source, claims_by_key, observation, at, {}, rules=rules)


@transaction.atomic(savepoint=False)
def apply_due_facts(*, at: datetime, poll: SuccessfulPoll | None = None) -> list[ProviderEvent]:
    """Apply changes that are due by `at`: announced dates that have come and that `poll` confirms
    or that waited long enough, prices published in advance that have begun, and stages that were
    reached. Safe to repeat; return the events, oldest first."""
    events = retire_due_offerings(at=at, poll=poll) + create_due_price_events(at=at)
    advance_due_stages(at=at)
    return sorted(events, key=lambda event: (event.detected_at, event.pk))


def known_claims(source: Source) -> dict[tuple[str, str], KnownClaim]:
    """Return {(external ID, topic): claim} of the stored claims of `source`."""
    columns = (
        "id",
        "external_id",
        "topic",
        "group",
        "value",
        "first_seen",
        "missing_since",
        "withdrawn_at",
        "pending",
        "pending_since",
        "held",
        "offering_id",
        "source_url",
        "refused",
        "price_moves",
        "floating_since",
        "next_start_on",
        "changed_at",
        "drifted_from",
    )
    rows = Assertion.objects.filter(source=source).order_by().values_list(*columns)
    return {(row[1], row[2]): KnownClaim(*row) for row in rows.iterator(chunk_size=5000)}


def row_identities(
    vanished_claims: Sequence[KnownClaim], fresh: Sequence[FeedRow]
) -> dict[str, Hashable]:
    """Return {external ID: identity of model and host} for missing and new rows."""
    strings = {(row.host, row.api_id) for row in fresh}
    strings |= {(str(claim.value["host"]), str(claim.value["api_id"])) for claim in vanished_claims}
    columns_by_string = resolve_identities(strings)
    locations: list[tuple[str, str, str, str, str]] = [
        *((row.external_id, row.host, row.api_id, row.region, row.tier) for row in fresh),
        *((claim.external_id, *offering_key(claim.value)) for claim in vanished_claims),
    ]
    identity_by_id: dict[str, Hashable] = {}
    for external_id, host, api_id, region, tier in locations:
        identity_columns = columns_by_string[host, api_id]
        if identity_columns["version_id"] or identity_columns["alias_id"]:
            model = identity_columns["version_id"] or ("name", identity_columns["alias_id"])
            identity_by_id[external_id] = host, model, region, tier
    return identity_by_id


def write_observation(
    source: Source,
    claims_by_key: Mapping[tuple[str, str], KnownClaim],
    observation: Observation,
    at: datetime,
    host_names: Mapping[str, str],
    *,
    rules: DetectionRules = DEFAULT_RULES,
    poll: SuccessfulPoll | None = None,
    also_reconcile: Collection[int] = (),
) -> IngestResult:
    """Write the result of an observation, or of a decision without a `poll`; the caller holds the
    catalogue's lock."""
    offering_of, fresh = _offerings_of(claims_by_key, observation, host_names)
    _insert_claims(source, observation, offering_of, at)
    update_rows(Assertion, _columns_to_write(claims_by_key, observation, offering_of))
    # After the claims, so that a date that the payload has moved or cleared does not become due;
    # before the reconciliation, which would count it as reported.
    due_facts = apply_due_facts(at=at, poll=poll)
    by_id = {claim.id: claim for claim in claims_by_key.values()}
    touched_ids = {
        offering_of[claim.row.external_id]
        for claim in observation.new
        if claim.row.external_id in offering_of and claim.topic != CAPABILITY
    }
    touched_ids |= {
        offering_of.get(by_id[update.id].external_id) or by_id[update.id].offering_id or 0
        for update in observation.updates
        if (update.accepted and by_id[update.id].topic != CAPABILITY)
        or by_id[update.id].topic == LIFECYCLE
    }
    touched_ids.discard(0)
    touched_ids |= _offerings_read_as_soft(claims_by_key, observation, offering_of)
    touched_ids |= set(also_reconcile)
    stated_ids = _offerings_with_new_capabilities(source, claims_by_key, observation, offering_of)
    # the first capabilities that a source states withdraw none
    has_stated = any(topic == CAPABILITY for _, topic in claims_by_key)
    flags = settled_flags(stated_ids if has_stated else ())
    reconcile_offerings(touched_ids, at=at, fresh=fresh)
    settle_values(stated_ids - touched_ids, at=at)
    settle_new_retirements(touched_ids, source=source, rules=rules, at=at)
    events = due_facts + create_events(
        source,
        claims_by_key,
        observation,
        offering_of,
        at=at,
        is_own_list=rules.lists_served,
    )
    events += create_capability_events(flags, source=source, at=at)
    return IngestResult(observation, events + create_due_corrections(at=at, source_ids=[source.pk]))


def _offerings_with_new_capabilities(
    source: Source,
    claims_by_key: Mapping[tuple[str, str], KnownClaim],
    observation: Observation,
    offering_of: Mapping[str, int],
) -> set[int]:
    """Return IDs of the offerings whose claims on capabilities the observation adds or changes. The
    first of a source also replace those that the built-in catalogue has in its place."""
    by_id = {claim.id: claim for claim in claims_by_key.values()}
    new_rows = [claim.row.external_id for claim in observation.new if claim.topic == CAPABILITY]
    offering_ids = {offering_of.get(external_id, 0) for external_id in new_rows}
    offering_ids |= {
        by_id[update.id].offering_id or 0
        for update in observation.updates
        if by_id[update.id].topic == CAPABILITY
    }
    if new_rows and all(topic != CAPABILITY for _, topic in claims_by_key):
        offering_ids |= _builtin_offerings(source, topic=CAPABILITY)
    return offering_ids - {0}


def _builtin_offerings(source: Source, topic: str = "") -> set[int]:
    """Return IDs of offerings with claims, on one topic or any, that the built-in catalogue has in
    place of `source`."""
    claims = Assertion.objects.filter(
        source__slug=BUILT_IN, external_id__startswith=f"{source.slug}:"
    )
    if topic:
        claims = claims.filter(topic=topic)
    return set(claims.filter(offering__isnull=False).values_list("offering_id", flat=True))


def _offerings_read_as_soft(
    claims_by_key: Mapping[tuple[str, str], KnownClaim],
    observation: Observation,
    offering_of: Mapping[str, int],
) -> set[int]:
    """Return IDs of offerings whose date was, or now is, read as an earliest date because this
    source gives it as the earliest for the same model."""
    by_id = {claim.id: claim for claim in claims_by_key.values()}
    offering_ids = {
        claim.offering_id or 0
        for update in observation.updates
        if (claim := by_id[update.id]).topic == LIFECYCLE and "value" in update.columns
        if NOT_BEFORE in (claim.value.get("date_kind"), update.columns["value"].get("date_kind"))
    }
    offering_ids |= {
        offering_of.get(claim.row.external_id, 0)
        for claim in observation.new
        if claim.topic == LIFECYCLE and claim.value.get("date_kind") == NOT_BEFORE
    }
    versions = Offering.objects.filter(pk__in=offering_ids, version__isnull=False).values("version")
    return (
        set(Offering.objects.filter(version__in=versions).values_list("pk", flat=True))
        if offering_ids
        else set()
    )


def _offerings_of(
    claims_by_key: Mapping[tuple[str, str], KnownClaim],
    observation: Observation,
    host_names: Mapping[str, str],
) -> tuple[dict[str, int], set[int]]:
    """Return ({external ID: offering ID} for all known or new rows, IDs of offerings that did not
    exist before)."""
    offering_of = {
        claim.external_id: claim.offering_id
        for (_, topic), claim in claims_by_key.items()
        if topic == IDENTITY and claim.offering_id is not None
    }
    by_id = {claim.id: claim for claim in claims_by_key.values()}
    identity_values: dict[str, dict[str, Any]] = {
        claim.row.external_id: claim.value for claim in observation.new if claim.topic == IDENTITY
    }
    for update in observation.updates:
        claim = by_id[update.id]
        if claim.topic == IDENTITY and "value" in update.columns:
            identity_values[claim.external_id] = update.columns["value"]
    if not identity_values:
        return offering_of, set()
    for external_id, before in observation.rekeyed.items():
        # a row whose key is now a display name still means the model ID that applications call
        value = identity_values.get(external_id, {})
        if " " in value.get("api_id", "") and "kind" not in value and before in offering_of:
            offering_of[external_id] = offering_of[before]
            del identity_values[external_id]
    models = {key: value for key, value in identity_values.items() if "kind" not in value}
    features = {key: value for key, value in identity_values.items() if "kind" in value}
    fresh: set[int] = set()
    for values, ensure in ((models, ensure_offerings), (features, ensure_features)):
        if not values:
            continue
        offering_ids, new_ids = ensure(values.values(), host_names)
        fresh |= new_ids
        for external_id, value in values.items():
            offering_of[external_id] = offering_ids[offering_key(value)]
    return offering_of, fresh


def _insert_claims(
    source: Source, observation: Observation, offering_of: Mapping[str, int], at: datetime
) -> None:
    """Insert the new claims of the observation. `offering_of` is {external ID: offering ID}. Claims
    on identity and capabilities have no excerpt; claims on prices get the day on which their next
    price begins."""
    if not observation.new:
        return
    Assertion.objects.bulk_create(
        [
            Assertion(
                source=source,
                external_id=claim.row.external_id,
                topic=claim.topic,
                group=claim.row.group,
                offering_id=offering_of.get(claim.row.external_id),
                value=claim.value,
                excerpt=claim.row.excerpt if claim.topic not in (IDENTITY, CAPABILITY) else {},
                source_url=claim.row.source_url,
                first_seen=at,
                changed_at=at,
                **{
                    "next_start_on": next_start(claim.value, day_of(at))
                    if claim.topic == PRICE
                    else None
                }
                | claim.columns,
            )
            for claim in observation.new
        ]
    )


def _columns_to_write(
    claims_by_key: Mapping[tuple[str, str], KnownClaim],
    observation: Observation,
    offering_of: Mapping[str, int],
) -> dict[int, dict[str, Any]]:
    by_id = {claim.id: claim for claim in claims_by_key.values()}
    columns: dict[int, dict[str, Any]] = defaultdict(dict)
    for update in observation.updates:
        columns[update.id] |= update.columns
        claim = by_id[update.id]
        if claim.topic == IDENTITY and "value" in update.columns:
            columns[update.id]["offering_id"] = offering_of[claim.external_id]
    return columns
