"""Events for disagreements between sources. A contradiction is reported only after it has lasted
for `NEWS_HOLD`, because sources often follow each other's changes within days."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from apps.catalog.claims.disagreements import (
    DATE_TOLERANCE,
    DISAGREEMENT_KIND,
    NEWS_HOLD,
    SINCE_SQL,
    Disagreement,
    DisagreementSide,
    disagreements,
)
from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.ingestion.change_detection.records import LIFECYCLE, CatalogueFact
from apps.catalog.models import ProviderEvent, Source
from apps.common.database.statements import compose_statement, load_statement


@dataclass(frozen=True, slots=True)
class DueDisagreement:
    """A contradiction that is old enough to be reported. `claim_ids` holds both claims, that of
    `source` first."""

    source: Source
    fact: CatalogueFact
    offering_id: int
    claim_ids: tuple[int, int]
    key: str


def disagreement_key(offering_id: int, first: tuple[str, str], second: tuple[str, str]) -> str:
    """Return the key of the event from (source slug, ISO day) of both sides, independent of their
    order."""
    key_fields = [DISAGREEMENT_KIND, offering_id, *sorted([list(first), list(second)])]
    return hashlib.sha256(json.dumps(key_fields).encode()).hexdigest()


def due_disagreements(*, at: datetime, read_at: Mapping[int, datetime]) -> list[DueDisagreement]:
    """Return the contradictions that are due to be reported by `at`; one statement if there are
    none.

    `read_at` is {source ID: observation time of its last good poll}. A pair is due once both dates
    have been unchanged for `NEWS_HOLD` and both sources have been read after that: a feed that is
    not polled proves nothing. The event's source is the one whose date changed last, and its time
    is when the pair became old enough.

    Not reported: contradictions that a user has decided, those from the first observation of a
    source, dates that had both passed by then, and two dates of one offering that were reported
    before, from any source.
    """
    pairs = _due_pairs(at, read_at)
    if not pairs:
        return []
    due_by_key: dict[tuple[int, str, str], DueDisagreement] = {}
    for row in disagreements({offering_id for offering_id, _, _ in pairs}, at=at):
        due_pairs = {
            frozenset(pair) for offering_id, *pair in pairs if offering_id == row.offering.pk
        }
        for a, b in row.pairs:
            if frozenset((a.claim.pk, b.claim.pk)) in due_pairs:
                disagreement = _build_due(row, a, b)
                earlier_day, later_day = sorted((disagreement.fact.old, disagreement.fact.new))
                due_by_key.setdefault((row.offering.pk, earlier_day, later_day), disagreement)
    return sorted(
        due_by_key.values(),
        key=lambda disagreement: (disagreement.fact.detected_at, disagreement.offering_id),
    )


@transaction.atomic
def create_disagreement_events(
    *, at: datetime, read_at: Mapping[int, datetime]
) -> list[ProviderEvent]:
    """Insert the events that are due, with both claims as evidence. Safe to repeat and to run
    concurrently."""
    if not due_disagreements(at=at, read_at=read_at):
        return []
    catalogue_lock()
    due_by_key = {
        disagreement.key: disagreement for disagreement in due_disagreements(at=at, read_at=read_at)
    }
    for key in ProviderEvent.objects.filter(key__in=due_by_key).values_list("key", flat=True):
        del due_by_key[key]
    events = ProviderEvent.objects.bulk_create(
        [
            ProviderEvent(
                key=key,
                kind=disagreement.fact.kind,
                source=disagreement.source,
                external_id=disagreement.fact.external_id,
                offering_id=disagreement.offering_id,
                old=disagreement.fact.old,
                new=disagreement.fact.new,
                effective_on=disagreement.fact.effective_on,
                detected_at=disagreement.fact.detected_at,
            )
            for key, disagreement in due_by_key.items()
        ]
    )
    evidence = ProviderEvent.evidence.through
    evidence.objects.bulk_create(
        evidence(providerevent_id=event.pk, assertion_id=claim_id)
        for event, disagreement in zip(events, due_by_key.values(), strict=True)
        for claim_id in disagreement.claim_ids
    )
    return events


def _build_due(row: Disagreement, a: DisagreementSide, b: DisagreementSide) -> DueDisagreement:
    """Return the disagreement of two sides as an event to raise: from the value of the side that
    has claimed its value for longer to that of the other, NEWS_HOLD after the later of them."""
    earlier_side, later_side = sorted((a, b), key=lambda side: (side.since, side.claim.pk))
    fact = CatalogueFact(
        kind=DISAGREEMENT_KIND,
        external_id=later_side.claim.external_id,
        topic=LIFECYCLE,
        old=earlier_side.says[1],
        new=later_side.says[1],
        effective_on=row.offering.retires_on,
        detected_at=later_side.since + NEWS_HOLD,
    )
    return DueDisagreement(
        source=later_side.claim.source,
        fact=fact,
        offering_id=row.offering.pk,
        claim_ids=(later_side.claim.pk, earlier_side.claim.pk),
        key=disagreement_key(row.offering.pk, earlier_side.says, later_side.says),
    )


def _due_pairs(at: datetime, read_at: Mapping[int, datetime]) -> list[tuple[int, int, int]]:
    """Return (offering ID, claim ID, claim ID) of pairs that are old enough, read since and not
    reported yet. The caller still has to apply `is_contradiction` and the precedence within each
    source."""
    with connection.cursor() as cursor:
        cursor.execute(
            compose_statement(
                load_statement("catalog", "new_disagreements"),
                since_x=SINCE_SQL.format("x"),
                since_y=SINCE_SQL.format("y"),
            ),
            {
                "sources": list(read_at),
                "moments": list(read_at.values()),
                "tolerance": DATE_TOLERANCE.days,
                "hold_days": NEWS_HOLD.days,
                "at": at,
            },
        )
        return [
            (offering_id, claim_id, other_claim_id)
            for offering_id, claim_id, other_claim_id in cursor.fetchall()
        ]
