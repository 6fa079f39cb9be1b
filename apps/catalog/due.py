"""Facts that the clock alone makes true: a firm day that has come, a price published in advance that has begun.

The event of such a fact is detected on the due day itself, whenever this runs. A day or price that its source has
meanwhile changed or taken back, if only on trial, waits until that is settled. Safe to repeat.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any

from apps.catalog.claims import FIRM
from apps.catalog.eventing import insert_events, is_spoken_over
from apps.catalog.footing import refresh_footing
from apps.catalog.models import Assertion, Lifecycle, Offering, ProviderEvent, Source
from apps.catalog.observing import LIFECYCLE, PRICE, Fact, started
from apps.catalog.settlement import catalogue_lock, voices_on
from apps.catalog.values import next_start, price_in_force, retires_on
from apps.common.sql import update_rows
from apps.common.time import day_of, start_of

type Found = dict[Source, list[tuple[Fact, int, int]]]


def due_dates(*, at: datetime) -> list[ProviderEvent]:
    """Retire every offering whose firm day has come by `at`; the events raised.

    A redirect that begins on that day moves the footing of what was built on the old model.
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
    claims = (
        Assertion.objects.standing()
        .filter(topic=LIFECYCLE, offering__in=offerings)
        .select_related("source")
        .order_by("id")
    )
    facts: Found = defaultdict(list)
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
    Offering.objects.filter(pk__in=offerings).update(lifecycle=Lifecycle.RETIRED)
    refresh_footing([pk for pk, offering in offerings.items() if offering.replacement_id], today=today)
    return _insert(facts)


def due_prices(*, at: datetime) -> list[ProviderEvent]:
    """Tell of every price published in advance that has begun by `at`, each on its first day; the events raised."""
    today = day_of(at)
    starting = Assertion.objects.standing().filter(topic=PRICE, next_start_on__lte=today, missing_since__isnull=True)
    if not starting.exists():
        return []
    catalogue_lock()
    claims = list(starting.select_related("source").order_by("id").select_for_update(of=("self",)))
    voices, _ = voices_on({claim.offering_id for claim in claims if claim.offering_id}, PRICE)
    facts: Found = defaultdict(list)
    columns: dict[int, dict[str, Any]] = {}
    for claim in claims:
        columns[claim.pk] = {"next_start_on": next_start(claim.value, today)}
        day = claim.next_start_on
        assert day is not None
        says_now = (claim.pending or {}).get("value", claim.value)
        step = started(claim.value, day, price_in_force(says_now, today))
        if step is None or claim.offering_id is None or claim.floating_since is not None:
            continue
        if not is_spoken_over(claim.source, voices.get(claim.offering_id, [])):
            fact = Fact("repriced", claim.external_id, PRICE, *step, day, start_of(day))
            facts[claim.source].append((fact, claim.offering_id, claim.pk))
    update_rows(Assertion, columns)
    return _insert(facts)


def _insert(facts: Found) -> list[ProviderEvent]:
    return [event for source, of_source in facts.items() for event in insert_events(source, of_source)]
