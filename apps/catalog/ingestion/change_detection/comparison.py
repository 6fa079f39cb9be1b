"""One observation compared with what its source is known to say: which rows came, stayed, changed
and went."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from apps.catalog.claims.feed_rows import FeedRow
from apps.catalog.claims.values import Value, lifecycle_value, price_value, retires_on
from apps.catalog.ingestion.change_detection.dates import DateRules, firm_day, is_promise
from apps.catalog.ingestion.change_detection.guards import (
    doubt_changes,
    doubt_removals,
    place_and_name,
    rekeyed_rows,
)
from apps.catalog.ingestion.change_detection.prices import PriceRules
from apps.catalog.ingestion.change_detection.records import (
    DEFAULT_RULES,
    IDENTITY,
    LIFECYCLE,
    PRICE,
    DetectionRules,
    KnownClaim,
    NewClaim,
    Observation,
)
from apps.catalog.ingestion.change_detection.result_builder import ResultBuilder

REFUSED_ABSENCE: Value = {"absent": True}

# (vanished rows, new rows) -> {external id: the offering behind it}, where known; equal ones are
# one offering under two keys.
type Identify = Callable[[Sequence[KnownClaim], Sequence[FeedRow]], Mapping[str, Hashable]]


def _identify_none(
    vanished_claims: Sequence[KnownClaim], fresh: Sequence[FeedRow]
) -> Mapping[str, Hashable]:
    return {}


def identity_value(row: FeedRow) -> Value:
    """Return which offering the row is about, in canonical form."""
    parts = {
        "host": row.host,
        "api_id": row.api_id,
        "region": row.region,
        "tier": row.tier,
        "gateway": row.gateway,
        "name": row.name,
        "category": row.category,
        "alias_of": row.alias_of,
    }
    return {key: text for key, text in parts.items() if text}


def detect_changes(
    claims_by_key: Mapping[tuple[str, str], KnownClaim],
    rows: Sequence[FeedRow],
    at: datetime,
    *,
    baseline: bool,
    set_aside: Collection[str] = (),
    last_seen: datetime | None = None,
    identify: Identify = _identify_none,
    rules: DetectionRules = DEFAULT_RULES,
) -> Observation:
    """Compare `rows`, observed `at`, with `claims_by_key` ({(external ID, topic): claim}).

    `baseline` marks the first observation of a source: everything is recorded and nothing is news.
    `set_aside` are IDs of unreadable rows in the payload: they have no value and have not
    disappeared. `last_seen` is the observation before this one. `identify` is called only if rows
    both disappeared and appeared. Cost is linear in rows; an unchanged payload yields an empty
    observation.
    """
    by_id = {row.external_id: row for row in rows}
    ledger = ResultBuilder(by_id, at, rules, baseline=baseline, last_seen=last_seen)
    return _Comparison(claims_by_key, ledger).run(frozenset(set_aside), identify)


def confirm_unchanged(
    claims_by_key: Mapping[tuple[str, str], KnownClaim],
    at: datetime,
    *,
    last_seen: datetime | None = None,
    seen_again_by: datetime | None = None,
    rules: DetectionRules = DEFAULT_RULES,
) -> Observation:
    """Record that the feed was unchanged `at`: values that have waited long enough now apply.

    `seen_again_by` is set if `at` is not an observation: then only what was first seen before it
    has been seen twice.
    """
    ledger = ResultBuilder({}, at, rules, baseline=False, last_seen=last_seen)
    return _Comparison(claims_by_key, ledger).confirm(seen_again_by or at)


def accept_pending_values(
    claims_by_key: Mapping[tuple[str, str], KnownClaim],
    ids: Collection[int],
    at: datetime,
    *,
    rules: DetectionRules = DEFAULT_RULES,
) -> Observation:
    """Accept the values on hold of the claims `ids`: they apply from `at`, before the end of their
    hold."""
    return _Comparison(
        claims_by_key, ResultBuilder({}, at, rules, baseline=False, last_seen=None)
    ).accept(ids)


class _Comparison:
    """One call of `detect_changes`, `confirm` or `accept`; its rules write into one ledger."""

    def __init__(
        self, claims_by_key: Mapping[tuple[str, str], KnownClaim], ledger: ResultBuilder
    ) -> None:
        self.claims_by_key, self.ledger, self.rules = claims_by_key, ledger, ledger.rules
        self.identities = {
            claim.external_id: claim
            for (_, topic), claim in claims_by_key.items()
            if topic == IDENTITY
        }
        self.dates, self.prices = DateRules(ledger), PriceRules(ledger)
        self.predecessors: dict[str, str] = {}
        self.spoken: set[tuple[str, str]] = set()
        self.set_aside: frozenset[str] = frozenset()

    def run(self, set_aside: frozenset[str], identify: Identify) -> Observation:
        ledger = self.ledger
        self.set_aside = set_aside
        vanished_claims = [
            claim
            for external_id, claim in self.identities.items()
            if external_id not in ledger.rows and external_id not in set_aside
        ]
        newly_gone = [claim for claim in vanished_claims if claim.missing_since is None]
        leaving_claims = [claim for claim in vanished_claims if claim.withdrawn_at is None]
        fresh = [row for external_id, row in ledger.rows.items() if self._is_fresh(external_id)]
        new_id_by_old: dict[str, str] = {}
        if leaving_claims and fresh and not ledger.baseline:
            new_id_by_old = rekeyed_rows(
                self.claims_by_key, leaving_claims, fresh, identify(leaving_claims, fresh)
            )
        self.predecessors = ledger.result.rekeyed = {new: old for old, new in new_id_by_old.items()}
        without_reason = [
            claim
            for claim in newly_gone
            if claim.external_id not in new_id_by_old and not self._has_ended(claim.external_id)
        ]
        doubted_groups = doubt_removals(ledger, self.identities.values(), without_reason)
        doubted_changes = doubt_changes(ledger, self.claims_by_key)
        for row in ledger.rows.values():
            self._row(row, is_doubtful=row.group in doubted_changes)
        for claim in vanished_claims:
            self._absent(
                claim,
                is_doubtful=claim.group in doubted_groups,
                is_rekeyed=claim.external_id in new_id_by_old,
            )
        self._forget_unspoken()
        ledger.result.n_vanished = len(newly_gone)
        return self._result()

    def _is_fresh(self, external_id: str) -> bool:
        """Return whether the row is new, or back after it had left for good."""
        identity = self.identities.get(external_id)
        return identity is None or identity.withdrawn_at is not None

    def _forget_unspoken(self) -> None:
        """A value that waits must be seen at every observation of its row; what this payload did
        not repeat, though the row was there, has not stood. While the row is away its value waits
        on: it was not contradicted.
        """
        for key, claim in self.claims_by_key.items():
            absent = key[0] not in self.ledger.rows and key[0] not in self.set_aside
            if claim.pending is not None and key not in self.spoken and not absent:
                self.ledger.update(
                    claim, {"pending": None, "pending_since": None, "held": False}, accepted=False
                )

    def confirm(self, seen_again_by: datetime) -> Observation:
        for claim in self.claims_by_key.values():
            started_at = claim.missing_since if claim.topic == IDENTITY else claim.pending_since
            if started_at is not None and started_at >= seen_again_by:
                continue  # seen once only; of prices each unit is asked on its own
            identity = self.identities.get(claim.external_id)
            is_there = identity is None or identity.missing_since is None
            if claim.topic == LIFECYCLE and is_there:
                self.dates.confirm(claim)
            elif claim.topic == PRICE and is_there:
                self.prices.confirm(claim, seen_again_by)
            elif claim.topic == IDENTITY and claim.missing_since is not None:
                self._absent(claim, is_doubtful=claim.held, is_rekeyed=False)
        return self._result()

    def accept(self, ids: Collection[int]) -> Observation:
        for claim in self.claims_by_key.values():
            if claim.id not in ids:
                continue
            if (
                claim.topic == IDENTITY
                and claim.missing_since is not None
                and claim.withdrawn_at is None
            ):
                self._gone_for_good(claim)
            elif claim.topic == LIFECYCLE and claim.pending is not None:
                self.dates.accept(claim, claim.pending)
            elif claim.topic == PRICE and claim.pending is not None:
                self.prices.accept(claim)
        return self._result()

    def _result(self) -> Observation:
        self.ledger.result.n_changed = len(self.ledger.changed_rows)
        return self.ledger.result

    # --- rows that are there ----------------------------------------------------------------------

    def _row(self, row: FeedRow, *, is_doubtful: bool) -> None:
        identity = self.identities.get(row.external_id)
        value = identity_value(row)
        if identity is None:
            self.ledger.result.new.append(NewClaim(row, IDENTITY, value))
        else:
            self._returned(identity, row, value)
        if row.lifecycle is not None:
            self._lifecycle(row, lifecycle_value(row.lifecycle), is_doubtful=is_doubtful)
        if row.prices is not None:
            self._price(row, price_value(row.prices))

    def _returned(self, identity: KnownClaim, row: FeedRow, value: Value) -> None:
        columns: dict[str, Any] = {}
        if identity.missing_since is not None:
            columns |= {"missing_since": None, "withdrawn_at": None, "held": False}
            if identity.refused is not None:
                columns["refused"] = None
        if value != identity.value or row.group != identity.group:
            columns |= {"value": value, "group": row.group, "changed_at": self.ledger.at}
            old, new = identity.value.get("alias_of"), value.get("alias_of")
            if old and new and old != new:
                self.ledger.fact(
                    "alias_moved", row.external_id, IDENTITY, old, new, self.ledger.today
                )
        if columns:
            self.ledger.update(identity, columns)
        if row.group != identity.group:
            for topic in (LIFECYCLE, PRICE):
                claim = self.claims_by_key.get((row.external_id, topic))
                if claim is not None:
                    self.ledger.update(claim, {"group": row.group}, accepted=False)

    def _lifecycle(self, row: FeedRow, value: Value, *, is_doubtful: bool) -> None:
        claim = self.claims_by_key.get((row.external_id, LIFECYCLE))
        before = self.claims_by_key.get((self.predecessors.get(row.external_id, ""), LIFECYCLE))
        self.spoken.add((row.external_id, LIFECYCLE))
        if claim is not None and before is not None:
            # a key that returns: what counts is what was said under the other one since
            self.dates.back_under_its_key(claim, value, before=before.value)
        elif claim is not None and self._is_fresh(row.external_id) and is_promise(claim.value):
            # what had been promised, and told to nobody, left with the row
            self.dates.back_under_its_key(claim, value, before={})
        elif claim is not None:
            self.dates.compare(claim, value, is_doubtful=is_doubtful)
        elif before is not None and retires_on(before.value) and not retires_on(value):
            # the date got lost with the key: it is taken back only if it stays away
            pending_columns = {"pending": value, "pending_since": self.ledger.at}
            self.ledger.result.new.append(NewClaim(row, LIFECYCLE, before.value, pending_columns))
        elif value:
            self.ledger.result.new.append(NewClaim(row, LIFECYCLE, value))
            self.dates.first_said(row.external_id, value, before=before.value if before else None)

    def _price(self, row: FeedRow, value: Value) -> None:
        claim = self.claims_by_key.get((row.external_id, PRICE))
        if value:
            self.spoken.add((row.external_id, PRICE))
        if claim is not None:
            self.prices.compare(claim, row, value)
        elif value:
            before = self.claims_by_key.get((self.predecessors.get(row.external_id, ""), PRICE))
            new = (
                NewClaim(row, PRICE, value)
                if before is None
                else self.prices.taken_over(before, row, value)
            )
            self.ledger.result.new.append(new)

    # --- rows that are gone -----------------------------------------------------------------------

    def _absent(self, claim: KnownClaim, *, is_doubtful: bool, is_rekeyed: bool) -> None:
        if is_rekeyed and claim.missing_since is not None and claim.withdrawn_at is None:
            self.ledger.update(claim, {"withdrawn_at": self.ledger.at, "held": False})
            return
        if claim.missing_since is None:
            is_doubtful = is_doubtful and not is_rekeyed and not self._has_ended(claim.external_id)
            columns: dict[str, Any] = {"missing_since": self.ledger.at, "held": is_doubtful}
            if is_rekeyed:
                columns["withdrawn_at"] = self.ledger.at
            self.ledger.update(claim, columns)
            return
        if claim.withdrawn_at is not None or claim.refused == REFUSED_ABSENCE:
            return
        if self.ledger.at - claim.missing_since >= self.rules.removal_hold:
            self._gone_for_good(claim)

    def _gone_for_good(self, claim: KnownClaim) -> None:
        self.ledger.update(claim, {"withdrawn_at": self.ledger.at, "held": False})
        if self._is_missed(claim):
            lifecycle = self.claims_by_key.get((claim.external_id, LIFECYCLE))
            day = None if lifecycle is None else lifecycle.value.get("retires_on")
            self.ledger.fact("delisted", claim.external_id, IDENTITY, day, None, self.ledger.today)

    def _is_missed(self, claim: KnownClaim) -> bool:
        """Return whether it is news that a row has left for good."""
        if (
            self.rules.absence == "nothing"
            or self._has_ended(claim.external_id)
            or self._stands_elsewhere(claim)
        ):
            return False
        if self.rules.absence == "news":
            return True
        lifecycle = self.claims_by_key.get((claim.external_id, LIFECYCLE))
        day = firm_day(lifecycle.value) if lifecycle else None
        return day is not None and day > self.ledger.today

    def _stands_elsewhere(self, claim: KnownClaim) -> bool:
        """Return whether a row that is there has the same place and, spelling aside, the same
        name."""
        return place_and_name(claim.group, claim.value) in self._names_there

    @cached_property
    def _names_there(self) -> set[tuple[str, str, str, str]]:
        return {
            place_and_name(claim.group, claim.value)
            for claim in self.identities.values()
            if claim.missing_since is None
        }

    def _has_ended(self, external_id: str) -> bool:
        """Return whether the row's own firm date has come: its leaving is then the retirement, told
        by the clock."""
        lifecycle = self.claims_by_key.get((external_id, LIFECYCLE))
        day = firm_day(lifecycle.value) if lifecycle else None
        return day is not None and day <= self.ledger.today


__all__ = [
    "REFUSED_ABSENCE",
    "accept_pending_values",
    "confirm_unchanged",
    "detect_changes",
    "identity_value",
]
