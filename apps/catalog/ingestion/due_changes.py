"""Changes that become effective with time: an announced date that has passed, a price published in
advance that has begun.

The event of such a change is detected on the due date itself, whenever this runs. A date or price
that its source has changed or withdrawn, even if that is on hold, waits until it is decided. Safe
to repeat.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, Subquery

from apps.catalog.claims.feed_rows import FIRM
from apps.catalog.claims.precedence import applicable_price_claims
from apps.catalog.claims.reconciliation import catalogue_lock, reconcile_offerings, standing_claims
from apps.catalog.claims.values import next_start, price_in_force, retires_on
from apps.catalog.footing import refresh_footing
from apps.catalog.ingestion.change_detection.dates import is_promise
from apps.catalog.ingestion.change_detection.prices import started_prices
from apps.catalog.ingestion.change_detection.records import (
    IDENTITY,
    LIFECYCLE,
    PRICE,
    CatalogueFact,
)
from apps.catalog.ingestion.events import (
    MIN_STANDING,
    claimed_value,
    insert_events,
    is_known_or_outranked,
)
from apps.catalog.models import (
    Assertion,
    Lifecycle,
    Offering,
    OfferingKind,
    OfferingStage,
    ProviderEvent,
    Source,
    Stage,
)
from apps.catalog.name_facts import refresh_name_facts
from apps.common.database.bulk_writes import update_rows
from apps.common.time import day_of, start_of

_LEGACY_STAGES = (Stage.LEGACY, Stage.DEPRECATED, Stage.CLOSED_TO_NEW, Stage.EXTENDED_ACCESS)

type DueFact = dict[Source, list[tuple[CatalogueFact, int, int]]]


def retire_due_offerings(*, at: datetime) -> list[ProviderEvent]:
    """Retire every offering whose announced date has come by `at`; return the events raised.

    A redirect that begins on that day changes the upstream dependencies of the retired offering.
    """
    today = day_of(at)
    due_offerings = Offering.objects.filter(
        date_kind=FIRM, retires_on__lte=today, lifecycle_claim__pending__isnull=True
    ).exclude(Q(lifecycle=Lifecycle.RETIRED) | Q(kind=OfferingKind.NAME))
    if not due_offerings.exists():
        return []
    catalogue_lock()
    offerings = {
        offering.pk: offering
        for offering in due_offerings.select_related("lifecycle_claim").select_for_update(
            of=("self",)
        )
    }
    if not offerings:
        return []
    withdrawn_identities = Assertion.objects.filter(
        source=OuterRef("source"),
        external_id=OuterRef("external_id"),
        topic=IDENTITY,
        withdrawn_at__isnull=False,
    )
    claims = (
        Assertion.objects.standing()
        .filter(topic=LIFECYCLE, offering__in=offerings)
        .annotate(left_at=Subquery(withdrawn_identities.values("withdrawn_at")[:1]))
        .select_related("source")
        .order_by("id")
    )
    facts: DueFact = defaultdict(list)
    for claim in claims:
        offering = offerings[claim.offering_id]  # type: ignore[index]
        day = offering.retires_on
        assert day is not None
        lifecycle_claim = offering.lifecycle_claim
        if (
            lifecycle_claim is None
            or lifecycle_claim.source_id != claim.source_id
            or retires_on(claim.value) != day
        ):
            continue
        left_at = getattr(claim, "left_at", None)
        if left_at is not None and day_of(left_at) < day:
            # the row was delisted or had another key on that day
            continue
        if day <= day_of(claim.changed_at):
            # the date had already passed when it was claimed: back-fill, which is not reported
            continue
        iso = day.isoformat()
        fact = CatalogueFact("retired", claim.external_id, LIFECYCLE, iso, iso, day, start_of(day))
        facts[claim.source].append((fact, offering.pk, claim.pk))
    Offering.objects.filter(pk__in=offerings).update(lifecycle=Lifecycle.RETIRED)
    refresh_footing(
        [pk for pk, offering in offerings.items() if offering.replacement_id], today=today
    )
    refresh_name_facts(offerings, today=today)
    return _insert_facts(facts)


def advance_due_stages(*, at: datetime) -> int:
    """Reconcile every offering without an announced date that reached a later stage by `at`; return
    the number that changed. A stage is no event: users are reminded of it beforehand."""
    begun = OfferingStage.objects.filter(
        offering=OuterRef("pk"), date_kind=FIRM, starts_on__lte=day_of(at)
    )
    due = (
        Offering.objects.exclude(date_kind=FIRM)
        .filter(stages__isnull=False)
        .filter(
            Q(
                Exists(begun.filter(stage__in=_LEGACY_STAGES)),
                lifecycle__in=[Lifecycle.PREVIEW, Lifecycle.ACTIVE, Lifecycle.UNKNOWN],
            )
            | Q(Exists(begun.filter(stage=Stage.DEPRECATED)), lifecycle=Lifecycle.LEGACY)
        )
    )
    ids = set(due.values_list("pk", flat=True))
    if not ids:
        return 0
    catalogue_lock()
    return reconcile_offerings(ids, at=at)


def create_due_price_events(*, at: datetime) -> list[ProviderEvent]:
    """Report every price published in advance that has begun by `at`, each on its first day; return
    the events raised."""
    today = day_of(at)
    missing_identities = Assertion.objects.filter(
        source=OuterRef("source"),
        external_id=OuterRef("external_id"),
        topic=IDENTITY,
        missing_since__isnull=False,
    )
    starting_prices = Assertion.objects.standing().filter(
        ~Exists(missing_identities), topic=PRICE, next_start_on__lte=today
    )
    if not starting_prices.exists():
        return []
    catalogue_lock()
    claims = list(
        starting_prices.select_related("source").order_by("id").select_for_update(of=("self",))
    )
    source_claims, _ = standing_claims(
        {claim.offering_id for claim in claims if claim.offering_id}, PRICE
    )
    facts: DueFact = defaultdict(list)
    columns: dict[int, dict[str, Any]] = {}
    for claim in claims:
        columns[claim.pk] = {"next_start_on": next_start(claim.value, today)}
        first_start_on = claim.next_start_on
        if first_start_on is None or claim.offering_id is None:
            continue
        applicable_claims = applicable_price_claims(source_claims.get(claim.offering_id, []))
        if claim.source.slug not in {winner.source for winner in applicable_claims}:
            continue
        feed_amounts = price_in_force((claim.pending or {}).get("value", claim.value), today)
        for day, old_prices, new_prices in started_prices(
            claim.value, first_start_on, today, feed_amounts
        ):
            fact = CatalogueFact(
                "repriced", claim.external_id, PRICE, old_prices, new_prices, day, start_of(day)
            )
            facts[claim.source].append((fact, claim.offering_id, claim.pk))
    update_rows(Assertion, columns)
    return _insert_facts(facts)


def create_due_corrections(*, at: datetime, source_ids: Collection[int]) -> list[ProviderEvent]:
    """Report a date that a source has had for a week and that differs from the last reported one;
    return the events raised. `source_ids` are the IDs of the polled sources: a feed that is not
    polled proves nothing.

    A date that flaps is reported once each way; without this correction users would be left with a
    wrong date if it returns to the first one.
    """
    today = day_of(at)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH reported AS (
                -- the last date event of each row; new is a JSON text or null
                SELECT DISTINCT ON (source_id, external_id) source_id, external_id, new
                FROM catalog_providerevent
                WHERE kind IN ('announced', 'moved_earlier', 'moved_later', 'withdrawn')
                    AND source_id = ANY (%s)
                ORDER BY source_id, external_id, detected_at DESC, id DESC
            )
            SELECT a.id, reported.new #>> '{}' FROM reported
            JOIN catalog_assertion a ON a.source_id = reported.source_id
                AND a.external_id = reported.external_id
            JOIN catalog_assertion i ON i.source_id = a.source_id AND i.external_id = a.external_id
            WHERE a.topic = 'lifecycle' AND i.topic = 'identity' AND i.missing_since IS NULL
                -- the feed gives no other value at the moment, and has given this one long enough
                AND a.pending IS NULL
              AND a.withdrawn_at IS NULL AND a.changed_at <= %s AND a.offering_id IS NOT NULL
              AND (a.value ->> 'retires_on') IS DISTINCT FROM (reported.new #>> '{}')
              -- a date that has passed is reported as a retirement, not corrected
              AND (a.value ->> 'retires_on')::date > %s
            ORDER BY a.id
            """,
            [list(source_ids), at - MIN_STANDING, today],
        )
        last_reported = dict(cursor.fetchall())
    if not last_reported:
        return []
    catalogue_lock()
    claims = list(
        Assertion.objects.filter(pk__in=last_reported).select_related("source").order_by("pk")
    )
    source_claims, _ = standing_claims(
        {claim.offering_id for claim in claims if claim.offering_id}, LIFECYCLE
    )
    events: list[ProviderEvent] = []
    for claim in claims:
        day, reported_day = retires_on(claim.value), last_reported[claim.pk]
        assert day is not None
        assert claim.offering_id is not None
        reported_on = date.fromisoformat(reported_day) if reported_day else None
        kind = (
            "announced"
            if reported_on is None
            else "moved_later"
            if day > reported_on
            else "moved_earlier"
        )
        fact = CatalogueFact(
            kind, claim.external_id, LIFECYCLE, reported_day, day.isoformat(), day, at
        )
        if not is_promise(claim.value) and not is_known_or_outranked(
            fact, claim.source, source_claims.get(claim.offering_id, [])
        ):
            accepted_facts = [(fact, claim.offering_id, claim.pk)]
            events += insert_events(
                claim.source,
                accepted_facts,
                repeats={claimed_value(fact): _count_earlier_events(claim, fact)},
            )
    return events


def _count_earlier_events(claim: Assertion, fact: CatalogueFact) -> int:
    return ProviderEvent.objects.filter(
        source=claim.source,
        external_id=fact.external_id,
        kind=fact.kind,
        old=fact.old,
        new=fact.new,
    ).count()


def _insert_facts(facts: DueFact) -> list[ProviderEvent]:
    return [
        event
        for source, source_facts in facts.items()
        for event in insert_events(source, source_facts)
    ]
