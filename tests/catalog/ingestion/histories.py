"""A source as the rules see it, without a database: payloads go in, facts come out."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.catalog.claims.feed_rows import FIRM, FeedRow, LifecycleClaim, PriceLine
from apps.catalog.claims.values import Value, next_start, split_price_key
from apps.catalog.ingestion.change_detection.comparison import (
    accept_pending_values,
    confirm_unchanged,
    detect_changes,
)
from apps.catalog.ingestion.change_detection.records import (
    DEFAULT_RULES,
    PRICE,
    Absence,
    CatalogueFact,
    DetectionRules,
    KnownClaim,
    Observation,
)
from apps.common.time import day_of

START = datetime(2026, 1, 10, 6, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class History:
    """Feed it payloads, read the facts. Nothing happens between two payloads: no sweep, no other
    source."""

    def __init__(self, *, absence: Absence = "news") -> None:
        self.known: dict[tuple[str, str], KnownClaim] = {}
        self.last = Observation()
        self.facts: list[CatalogueFact] = []
        self.polls = 0
        self.seen_at: datetime | None = None
        self.rules: DetectionRules = replace(DEFAULT_RULES, absence=absence)

    def see(
        self,
        rows: Sequence[FeedRow],
        at: datetime,
        *,
        identity_of: Mapping[str, Hashable] | None = None,
        set_aside: Collection[str] = (),
    ) -> Observation:
        self.last = detect_changes(
            self.known,
            rows,
            at,
            baseline=self.polls == 0,
            last_seen=self.seen_at,
            identify=lambda gone, fresh: identity_of or {},
            set_aside=set_aside,
            rules=self.rules,
        )
        self.seen_at = at
        return self._keep(at)

    def see_unchanged(self, at: datetime) -> Observation:
        self.last = confirm_unchanged(self.known, at, rules=self.rules)
        return self._keep(at)

    def accept(self, at: datetime) -> Observation:
        """A person believes everything that waits."""
        everything = {claim.id for claim in self.known.values()}
        self.last = accept_pending_values(self.known, everything, at, rules=self.rules)
        return self._keep(at)

    def refuse_price(self, external_id: str, **units: str) -> None:
        """A person has refused these amounts of a row, as `pending_changes.reject_pending` writes
        it."""
        claim = self.known[external_id, PRICE]
        claim.refused, claim.pending, claim.pending_since, claim.held = (
            {"units": units},
            None,
            None,
            False,
        )

    def kinds(self) -> list[str]:
        return [fact.kind for fact in self.facts]

    def steps(self) -> list[tuple[str, Any, Any]]:
        """(kind, old, new) of every fact so far."""
        return [(fact.kind, fact.old, fact.new) for fact in self.facts]

    def value(self, external_id: str, topic: str = PRICE) -> Value:
        """What the source is believed to say."""
        return self.known[external_id, topic].value

    def _keep(self, at: datetime) -> Observation:
        by_id = {claim.id: claim for claim in self.known.values()}
        for update in self.last.updates:
            for column, value in update.columns.items():
                if hasattr(by_id[update.id], column):
                    setattr(by_id[update.id], column, value)
        for new in self.last.new:
            key = (new.row.external_id, new.topic)
            claim = KnownClaim(len(self.known) + 1, *key, new.row.group, new.value, at)
            if new.topic == PRICE:
                claim.next_start_on = next_start(new.value, day_of(at))
            for column, value in new.columns.items():
                setattr(claim, column, value)
            self.known[key] = claim
        self.facts += self.last.facts
        self.polls += 1
        return self.last


def row(
    name: str,
    ends: str | None = None,
    *,
    kind: str = FIRM,
    price: str | None = None,
    prices: Mapping[str, str] | None = None,
    offer: bool = False,
    **fields: Any,
) -> FeedRow:
    """The row `provider/model`. `prices` is {price key: amount} as in claims/values.py; `price` the
    amount of input alone."""
    claim = LifecycleClaim(
        retires_on=date.fromisoformat(ends) if ends else None,
        date_kind=kind if ends else "",
        **fields,
    )
    group, _, api_id = name.partition("/")
    return FeedRow(
        external_id=name,
        group=group,
        host=group,
        api_id=api_id,
        lifecycle=claim,
        prices=lines(prices if prices is not None else {"input": price} if price else {}),
        price_is_offer=offer,
    )


def lines(prices: Mapping[str, str]) -> tuple[PriceLine, ...]:
    """{"input": "3", "input>200000": "6", "input@2026-05-01": "2"} as lines of a price list."""
    split = [(*split_price_key(key), amount) for key, amount in prices.items()]
    return tuple(
        PriceLine(unit, Decimal(amount), above, start) for unit, above, start, amount in split
    )


def filler(n: int, group: str = "acme", ends: str | None = None) -> list[FeedRow]:
    return [row(f"{group}/filler-{i}", ends) for i in range(n)]
