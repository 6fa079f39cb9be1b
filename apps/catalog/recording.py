"""Writes what observations bring: claims, then offerings (placing.py), the settled truth (settlement.py), events
(eventing.py) and footing.

Everything here is set-based: the number of statements does not grow with the number of rows. Callers hold the
catalogue's lock (`catalogue_lock`), so that two sources never settle the same offering at once.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.catalog.claims import FIRM, Row
from apps.catalog.eventing import insert_events, raise_events
from apps.catalog.footing import refresh_footing
from apps.catalog.models import Assertion, Lifecycle, Offering, ProviderEvent, Source
from apps.catalog.observing import (
    DEFAULT_RULES,
    IDENTITY,
    LIFECYCLE,
    Fact,
    Known,
    Observation,
    Rules,
    confirm,
    observe,
)
from apps.catalog.placing import ensure_offerings, offering_key
from apps.catalog.settlement import catalogue_lock, settle_offerings
from apps.catalog.values import retires_on
from apps.common.sql import update_rows
from apps.common.time import day_of, start_of


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one observation did. `events` are the rows really inserted, oldest first."""

    observation: Observation
    events: list[ProviderEvent] = field(default_factory=list)


@transaction.atomic
def record_observation(
    *,
    source: Source,
    rows: Sequence[Row],
    at: datetime,
    baseline: bool,
    host_names: Mapping[str, str] | None = None,
    set_aside: Collection[str] = (),
    last_seen: datetime | None = None,
    rules: Rules = DEFAULT_RULES,
) -> Recorded:
    """Take in one payload of `source`, observed `at`. The first payload of a source is news to nobody."""
    catalogue_lock()
    known = _known(source, Q())
    observation = observe(known, rows, at, baseline=baseline, set_aside=set_aside, last_seen=last_seen, rules=rules)
    return _record(source, known, observation, at, host_names or {})


@transaction.atomic
def record_unchanged(*, source: Source, at: datetime, rules: Rules = DEFAULT_RULES) -> Recorded:
    """The feed is what it was: let waiting values and absences that have stood long enough take effect."""
    waiting = Assertion.objects.filter(source=source, withdrawn_at__isnull=True).filter(
        Q(pending_since__isnull=False) | Q(missing_since__isnull=False)
    )
    ids = set(waiting.values_list("external_id", flat=True))
    if not ids:
        return Recorded(Observation())
    catalogue_lock()
    known = _known(source, Q(external_id__in=ids))
    observation = confirm(known, at, rules=rules)
    if not observation.updates:
        return Recorded(observation)
    return _record(source, known, observation, at, {})


@transaction.atomic
def apply_due_facts(*, at: datetime) -> list[ProviderEvent]:
    """What the clock alone has made true by `at`: firm retirement dates that have come.

    The event of a date is detected on the due day itself, whenever this runs. A date that its source has meanwhile
    changed or taken back, if only on trial, waits until that is settled. Safe to repeat.
    """
    today = day_of(at)
    due = Offering.objects.filter(date_kind=FIRM, retires_on__lte=today, lifecycle_claim__pending__isnull=True).exclude(
        lifecycle=Lifecycle.RETIRED
    )
    if not due.exists():
        return []
    catalogue_lock()
    offerings = {
        offering.pk: offering for offering in due.select_related("lifecycle_claim").select_for_update(of=("self",))
    }
    if not offerings:
        return []
    Offering.objects.filter(pk__in=offerings).update(lifecycle=Lifecycle.RETIRED)
    refresh_footing([pk for pk, offering in offerings.items() if offering.replacement_id], today=today)
    claims = (
        Assertion.objects.standing()
        .filter(topic=LIFECYCLE, offering__in=offerings)
        .select_related("source")
        .order_by("id")
    )
    facts: dict[Source, list[tuple[Fact, int, int]]] = defaultdict(list)
    for claim in claims:
        offering = offerings[claim.offering_id]  # type: ignore[index]
        day = offering.retires_on
        assert day is not None
        settled = offering.lifecycle_claim
        if settled is None or settled.source_id != claim.source_id or retires_on(claim.value) != day:
            continue
        if day <= day_of(claim.changed_at):
            # already past when it was claimed: back-fill, and no news
            continue
        iso = day.isoformat()
        fact = Fact("retired", claim.external_id, LIFECYCLE, iso, iso, day, start_of(day))
        facts[claim.source].append((fact, offering.pk, claim.pk))
    events: list[ProviderEvent] = []
    for source, of_source in facts.items():
        events += insert_events(source, of_source)
    return sorted(events, key=lambda event: (event.detected_at, event.pk))


def _known(source: Source, condition: Q) -> dict[tuple[str, str], Known]:
    columns = (
        "id", "external_id", "topic", "group", "value", "first_seen", "missing_since", "withdrawn_at", "pending",
        "pending_since", "held", "offering_id", "source_url",
    )  # fmt: skip
    rows = Assertion.objects.filter(condition, source=source).order_by().values_list(*columns)
    return {(row[1], row[2]): Known(*row) for row in rows.iterator(chunk_size=5000)}


def _record(
    source: Source,
    known: Mapping[tuple[str, str], Known],
    observation: Observation,
    at: datetime,
    host_names: Mapping[str, str],
) -> Recorded:
    offering_of, fresh = _offerings_of(known, observation, host_names)
    _insert_claims(source, observation, offering_of, at)
    update_rows(Assertion, _columns_to_write(known, observation, offering_of))
    by_id = {claim.id: claim for claim in known.values()}
    touched = {offering_of[claim.row.external_id] for claim in observation.new if claim.row.external_id in offering_of}
    touched |= {
        offering_of.get(by_id[update.id].external_id) or by_id[update.id].offering_id or 0
        for update in observation.updates
        if update.accepted or by_id[update.id].topic == LIFECYCLE
    }
    touched.discard(0)
    settle_offerings(touched, at=at, fresh=fresh)
    events = raise_events(source, known, observation, offering_of)
    return Recorded(observation, events)


def _offerings_of(
    known: Mapping[tuple[str, str], Known], observation: Observation, host_names: Mapping[str, str]
) -> tuple[dict[str, int], set[int]]:
    """({external id: offering id} for all rows known or new, ids of offerings that did not exist before)."""
    offering_of = {
        claim.external_id: claim.offering_id
        for (_, topic), claim in known.items()
        if topic == IDENTITY and claim.offering_id is not None
    }
    by_id = {claim.id: claim for claim in known.values()}
    wanted: dict[str, dict[str, Any]] = {
        claim.row.external_id: claim.value for claim in observation.new if claim.topic == IDENTITY
    }
    for update in observation.updates:
        claim = by_id[update.id]
        if claim.topic == IDENTITY and "value" in update.columns:
            wanted[claim.external_id] = update.columns["value"]
    if not wanted:
        return offering_of, set()
    found, fresh = ensure_offerings(wanted.values(), host_names)
    for external_id, value in wanted.items():
        offering_of[external_id] = found[offering_key(value)]
    return offering_of, fresh


def _insert_claims(source: Source, observation: Observation, offering_of: Mapping[str, int], at: datetime) -> None:
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
                excerpt=claim.row.excerpt if claim.topic != IDENTITY else {},
                source_url=claim.row.source_url,
                first_seen=at,
                changed_at=at,
            )
            for claim in observation.new
        ]
    )


def _columns_to_write(
    known: Mapping[tuple[str, str], Known], observation: Observation, offering_of: Mapping[str, int]
) -> dict[int, dict[str, Any]]:
    by_id = {claim.id: claim for claim in known.values()}
    columns: dict[int, dict[str, Any]] = defaultdict(dict)
    for update in observation.updates:
        columns[update.id] |= update.columns
        claim = by_id[update.id]
        if claim.topic == IDENTITY and "value" in update.columns:
            columns[update.id]["offering_id"] = offering_of[claim.external_id]
    return columns
