"""Changes that become effective with time: an announced date that has come, a price published in
advance that has begun.

A date that has come is a retirement once a poll of its source confirms it (domain.md rule 11);
until then the offering is due. The event of such a change is detected on the due date itself,
whenever this runs. A date or price that its source has changed or withdrawn, even if that is on
hold, waits until it is decided. Safe to repeat.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, Min, OuterRef, Q, Subquery

from apps.catalog.claims.feed_rows import FIRM
from apps.catalog.claims.precedence import CONFIRMATION_LIMIT, applicable_price_claims
from apps.catalog.claims.reconciliation import catalogue_lock, reconcile_offerings, standing_claims
from apps.catalog.claims.values import next_start, price_in_force, retires_on
from apps.catalog.footing import refresh_footing
from apps.catalog.ingestion.change_detection.dates import is_day_over, is_promise
from apps.catalog.ingestion.change_detection.prices import started_prices
from apps.catalog.ingestion.change_detection.records import (
    DEFAULT_RULES,
    IDENTITY,
    LIFECYCLE,
    PRICE,
    CatalogueFact,
    DetectionRules,
)
from apps.catalog.ingestion.events import (
    MIN_STANDING,
    claimed_value,
    insert_events,
    is_known_or_outranked,
)
from apps.catalog.models import (
    Assertion,
    DueStatus,
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


@dataclass(frozen=True, slots=True)
class SuccessfulPoll:
    """A poll that read its source: it confirms or contradicts the dates of that source that have
    come.

    `rules` are those of the source. `unreadable` are the IDs of rows that the payload has but
    that could not be read: it says nothing about them."""

    source_id: int
    rules: DetectionRules = DEFAULT_RULES
    unreadable: frozenset[str] = frozenset()


def retire_due_offerings(
    *, at: datetime, poll: SuccessfulPoll | None = None
) -> list[ProviderEvent]:
    """Retire the offerings whose announced date has come by `at` and is confirmed; mark the others
    as due. Return the events raised, detected on the date itself.

    A date is confirmed by a `poll` of its source on or after the day that still states it, or no
    longer has the row. A host's own list or page that still has the row confirms nothing before the
    day is over everywhere, because the host can extend the date on its day. A date that no poll
    confirms counts after `CONFIRMATION_LIMIT`, with a note (`Offering.due_status`). Values of users
    and of the built-in catalogue need no confirmation.

    A redirect that begins on that day changes the upstream dependencies of the due offering.
    """
    today = day_of(at)
    waits_for_nothing = (
        Q(due_status="")
        | Q(retires_on__lte=today - CONFIRMATION_LIMIT)
        | Q(lifecycle_claim__isnull=True)
        | Q(lifecycle_claim__source__kind__in=Source.UNPOLLED)
    )
    can_change = ~Q(lifecycle=Lifecycle.RETIRED) & waits_for_nothing
    if poll is not None:
        # a retirement with a note loses it once the source confirms it
        is_open = ~Q(lifecycle=Lifecycle.RETIRED) | ~Q(due_status="")
        can_change |= Q(lifecycle_claim__source=poll.source_id) & is_open
    due_offerings = Offering.objects.filter(
        can_change, date_kind=FIRM, retires_on__lte=today, lifecycle_claim__pending__isnull=True
    ).exclude(kind=OfferingKind.NAME)
    if not due_offerings.exists():
        return []
    catalogue_lock()
    offerings = {
        offering.pk: offering
        for offering in due_offerings.select_related("lifecycle_claim__source").select_for_update(
            of=("self",)
        )
    }
    if not offerings:
        return []
    listed_rows = _listed_rows(offerings.values())
    changes = {
        pk: columns
        for pk, offering in offerings.items()
        if (columns := _due_columns(offering, listed_rows, poll, at))
    }
    retired = {pk: offerings[pk] for pk, columns in changes.items() if "lifecycle" in columns}
    facts = _retirement_facts(retired) if retired else {}
    update_rows(Offering, changes)
    refresh_footing([pk for pk in changes if offerings[pk].replacement_id], today=today)
    refresh_name_facts(list(changes), today=today)
    return _insert_facts(facts)


def settle_new_retirements(
    offering_ids: Collection[int], *, source: Source, rules: DetectionRules, at: datetime
) -> None:
    """Settle offerings that got a date of `source` with this observation that has come already.

    They are retired, because the source stated the date on or after the day; its event, if any, is
    that of the change. One that the host still lists on the day itself is due."""
    today = day_of(at)
    new_offerings = list(
        Offering.objects.filter(
            pk__in=offering_ids,
            lifecycle_claim__source=source,
            lifecycle_claim__pending__isnull=True,
            date_kind=FIRM,
            retires_on__lte=today,
        )
        .exclude(due_status="")
        .exclude(Q(lifecycle=Lifecycle.RETIRED) | Q(kind=OfferingKind.NAME))
        .select_related("lifecycle_claim")
    )
    if not new_offerings:
        return
    listed_rows = _listed_rows(new_offerings) if rules.waits_for_end_of_day else set()
    due_status = DueStatus.STILL_LISTED if rules.lists_served else DueStatus.UNCONFIRMED
    changes: dict[int, dict[str, Any]] = {}
    for offering in new_offerings:
        claim = offering.lifecycle_claim
        assert claim is not None
        is_listed = (claim.source_id, claim.external_id) in listed_rows
        if is_listed and offering.retires_on == today:
            changes[offering.pk] = {"due_status": due_status}
        elif not is_listed or offering.due_status == DueStatus.UNCONFIRMED:
            changes[offering.pk] = {"lifecycle": Lifecycle.RETIRED, "due_status": ""}
    update_rows(Offering, changes)
    refresh_name_facts(list(changes), today=today)


def _due_columns(
    offering: Offering,
    listed_rows: Collection[tuple[int, str]],
    poll: SuccessfulPoll | None,
    at: datetime,
) -> dict[str, Any]:
    """Return the columns that change at an offering whose announced date has come."""
    columns = _settled_columns(offering, listed_rows, poll, at)
    return {name: value for name, value in columns.items() if getattr(offering, name) != value}


def _settled_columns(
    offering: Offering,
    listed_rows: Collection[tuple[int, str]],
    poll: SuccessfulPoll | None,
    at: datetime,
) -> dict[str, Any]:
    """Return `due_status` of an offering whose announced date has come, and its lifecycle if that
    is a retirement."""
    claim, day = offering.lifecycle_claim, offering.retires_on
    assert day is not None
    if claim is None or claim.source.kind in Source.UNPOLLED:
        return {"lifecycle": Lifecycle.RETIRED, "due_status": ""}
    status: str = offering.due_status or DueStatus.UNCONFIRMED
    if (
        poll is not None
        and poll.source_id == claim.source_id
        and claim.external_id not in poll.unreadable
    ):
        is_listed = (claim.source_id, claim.external_id) in listed_rows
        status = DueStatus.STILL_LISTED if is_listed and poll.rules.lists_served else ""
        is_confirmed = not (is_listed and poll.rules.waits_for_end_of_day) or is_day_over(day, at)
        if is_confirmed or claim.value.get("status") == "retired":
            return {"lifecycle": Lifecycle.RETIRED, "due_status": status}
        status = status or DueStatus.UNCONFIRMED
    if day + CONFIRMATION_LIMIT <= day_of(at):
        return {"lifecycle": Lifecycle.RETIRED, "due_status": status}
    return {"due_status": status}


def _listed_rows(offerings: Iterable[Offering]) -> set[tuple[int, str]]:
    """Return (source ID, external ID) of those rows behind the dates of `offerings` that their
    source still lists."""
    claims = [claim for offering in offerings if (claim := offering.lifecycle_claim) is not None]
    return set(
        Assertion.objects.filter(
            topic=IDENTITY,
            source__in={claim.source_id for claim in claims},
            external_id__in={claim.external_id for claim in claims},
            missing_since__isnull=True,
            withdrawn_at__isnull=True,
        ).values_list("source_id", "external_id")
    )


def _retirement_facts(offerings: Mapping[int, Offering]) -> DueFact:
    """Return the facts of the retirements of `offerings`, one for each row that states the date."""
    withdrawn_identities = Assertion.objects.filter(
        source=OuterRef("source"),
        external_id=OuterRef("external_id"),
        topic=IDENTITY,
        withdrawn_at__isnull=False,
    )
    claims = list(
        Assertion.objects.standing()
        .filter(topic=LIFECYCLE, offering__in=offerings)
        .annotate(left_at=Subquery(withdrawn_identities.values("withdrawn_at")[:1]))
        .select_related("source")
        .order_by("id")
    )
    baselines = _first_observations(
        {claim.source_id for claim in claims if _was_due_at_first(claim)}
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
        if day <= day_of(claim.changed_at) and not offering.due_status:
            # the date had already passed when it was claimed: back-fill, which is not reported
            continue
        if _was_due_at_first(claim) and claim.first_seen == baselines.get(claim.source_id):
            # so did a date that had come when its source was first observed
            continue
        iso = day.isoformat()
        fact = CatalogueFact("retired", claim.external_id, LIFECYCLE, iso, iso, day, start_of(day))
        facts[claim.source].append((fact, offering.pk, claim.pk))
    return facts


def _was_due_at_first(claim: Assertion) -> bool:
    day = retires_on(claim.value)
    return day is not None and day <= day_of(claim.first_seen)


def _first_observations(source_ids: Collection[int]) -> dict[int, datetime]:
    """Return {source ID: time of its first observation}."""
    if not source_ids:
        return {}
    first_seen = Assertion.objects.filter(source__in=source_ids).values("source").order_by()
    return dict(first_seen.annotate(first=Min("first_seen")).values_list("source", "first"))


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
    ids = set(due.order_by().values_list("pk", flat=True))
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
