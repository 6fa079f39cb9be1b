"""Manual values of the lifecycle: claims of the source `manual`, and the events that they raise.

A manual value outranks every feed, so what it changes of the accepted dates is news like a change
of a feed.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.accounts.models import User
from apps.catalog.claims.precedence import MANUAL
from apps.catalog.claims.reconciliation import reconcile_offerings
from apps.catalog.claims.values import Value
from apps.catalog.ingestion.change_detection.dates import DateRules
from apps.catalog.ingestion.change_detection.records import (
    DEFAULT_RULES,
    CatalogueFact,
)
from apps.catalog.ingestion.change_detection.result_builder import ResultBuilder
from apps.catalog.ingestion.events import claimed_value, insert_events
from apps.catalog.models import Assertion, Offering, ProviderEvent, Source
from apps.catalog.models.claims import Topic

BATCH_SIZE = 500


@dataclass(frozen=True, slots=True)
class ManualClaim:
    """What a user says about one offering. `value` is canonical (claims/values.py)."""

    offering_id: int
    value: Value
    source_url: str
    reason: str
    by: User | None


def manual_source() -> Source:
    source, _ = Source.objects.get_or_create(
        slug=MANUAL, defaults={"name": "Entered by hand", "kind": MANUAL, "trust_rank": 0}
    )
    return source


def manual_row(offering_id: int) -> str:
    """Return the key of the manual row about an offering."""
    return f"offering:{offering_id}"


def record_manual_claims(
    claims: Sequence[ManualClaim], *, at: datetime
) -> tuple[dict[int, Assertion], dict[int, ProviderEvent]]:
    """Store the claims and raise the events of what they change; return both by offering.

    The caller holds the catalogue's lock. An earlier manual value of an offering is replaced; the
    history keeps it.
    """
    source = manual_source()
    before = accepted_values(claim.offering_id for claim in claims)
    stored = Assertion.objects.bulk_create(
        [
            Assertion(
                source=source,
                external_id=manual_row(claim.offering_id),
                topic=Topic.LIFECYCLE,
                offering_id=claim.offering_id,
                value=claim.value,
                source_url=claim.source_url,
                first_seen=at,
                changed_at=at,
                withdrawn_at=None,
                asserted_by=claim.by,
                reason=claim.reason,
            )
            for claim in claims
        ],
        batch_size=BATCH_SIZE,
        update_conflicts=True,
        unique_fields=["source", "external_id", "topic"],
        update_fields=[
            "offering",
            "value",
            "source_url",
            "changed_at",
            "withdrawn_at",
            "asserted_by",
            "reason",
        ],
    )
    assertions = {row.offering_id: row for row in stored if row.offering_id is not None}
    return assertions, _reconcile_and_raise(before, assertions, at=at)


def withdraw_manual_claims(
    assertions: Collection[Assertion], *, at: datetime
) -> dict[int, ProviderEvent]:
    """Withdraw these manual claims, so that feeds apply again; return the events by offering.

    The caller holds the catalogue's lock.
    """
    by_offering = {row.offering_id: row for row in assertions if row.offering_id is not None}
    before = accepted_values(by_offering)
    for offering_id, row in by_offering.items():
        # a link that only this value made; without it, the text of a feed decides again
        if successor_id := row.value.get("successor_id"):
            Offering.objects.filter(pk=offering_id, replacement=successor_id).update(
                replacement=None
            )
    Assertion.objects.filter(
        pk__in=[row.pk for row in assertions], withdrawn_at__isnull=True
    ).update(withdrawn_at=at)
    return _reconcile_and_raise(before, by_offering, at=at)


def accepted_values(offering_ids: Any) -> dict[int, Value]:
    """Return the accepted lifecycle of the offerings as a canonical value."""
    values = {}
    for offering in Offering.objects.filter(pk__in=list(offering_ids)).only(
        "lifecycle", "announced_on", "retires_on", "date_kind"
    ):
        value: Value = {"status": offering.lifecycle}
        if offering.announced_on:
            value["announced_on"] = offering.announced_on.isoformat()
        if offering.retires_on:
            value["retires_on"] = offering.retires_on.isoformat()
            value["date_kind"] = offering.date_kind
        values[offering.pk] = value
    return values


def _reconcile_and_raise(
    before: Mapping[int, Value], assertions: Mapping[int, Assertion], *, at: datetime
) -> dict[int, ProviderEvent]:
    reconcile_offerings(assertions.keys(), at=at)
    after = accepted_values(assertions)
    # the rules of feeds decide what is news: a past date is not, an earliest date without an
    # announcement is not
    builder = ResultBuilder({}, at, DEFAULT_RULES, baseline=False, last_seen=None)
    rules = DateRules(builder)
    for offering_id in assertions:
        rules.report_first_values(
            manual_row(offering_id), after[offering_id], before=before.get(offering_id)
        )
    offering_by_row = {manual_row(offering_id): offering_id for offering_id in assertions}
    facts = [
        (fact, offering_by_row[fact.external_id], assertions[offering_by_row[fact.external_id]].pk)
        for fact in builder.result.facts
    ]
    source = manual_source()
    events = insert_events(source, facts, repeats=_earlier_events(source, builder.result.facts))
    # a retirement on the day of the change raises two events; the one about the date counts
    by_offering: dict[int, ProviderEvent] = {}
    for event in events:
        if event.offering_id is not None:
            by_offering.setdefault(event.offering_id, event)
    return by_offering


def _earlier_events(
    source: Source, facts: Sequence[CatalogueFact]
) -> dict[tuple[str, str, Any, Any], int]:
    """Return how often each fact was raised before: a user who enters it again means it."""
    rows = ProviderEvent.objects.filter(
        source=source, external_id__in={fact.external_id for fact in facts}
    ).values_list("external_id", "kind", "old", "new")
    counts = Counter((external_id, kind, old, new) for external_id, kind, old, new in rows)
    return {claimed_value(fact): counts[claimed_value(fact)] for fact in facts}
