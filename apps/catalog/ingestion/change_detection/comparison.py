"""Comparison of one observation with the stored claims of its source: new, unchanged, changed and
missing rows."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from apps.catalog.capabilities.fields import CAPABILITY
from apps.catalog.claims.feed_rows import FEATURE_ROW_KINDS, FeedRow
from apps.catalog.claims.values import Value, lifecycle_value, price_value, retires_on
from apps.catalog.ingestion.change_detection.capabilities import compare_capabilities
from apps.catalog.ingestion.change_detection.dates import DateRules, firm_day, is_promise
from apps.catalog.ingestion.change_detection.guards import (
    confirm_doubts,
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
    PayloadDoubt,
)
from apps.catalog.ingestion.change_detection.result_builder import ResultBuilder

REFUSED_ABSENCE: Value = {"absent": True}

# (missing rows, new rows) -> {external ID: its offering}, where known; rows with an equal value are
# one offering under two keys.
type Identify = Callable[[Sequence[KnownClaim], Sequence[FeedRow]], Mapping[str, Hashable]]


def _identify_none(
    vanished_claims: Sequence[KnownClaim], fresh: Sequence[FeedRow]
) -> Mapping[str, Hashable]:
    return {}


def identity_value(row: FeedRow) -> Value:
    """Return the identity of the row's offering, in canonical form."""
    fields = {
        "host": row.host,
        "api_id": row.api_id,
        "region": row.region,
        "tier": row.tier,
        "gateway": row.gateway,
        "name": row.name,
        "category": row.category,
        "alias_of": row.alias_of,
        # a model has none, so that the values of models stay as they are
        "kind": row.kind if row.kind in FEATURE_ROW_KINDS else "",
    }
    return {key: text for key, text in fields.items() if text}


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
    doubts: Collection[PayloadDoubt] = (),
) -> Observation:
    """Compare `rows`, observed `at`, with `claims_by_key` ({(external ID, topic): claim}).

    `baseline` marks the first observation of a source: everything is recorded and nothing is
    reported. `set_aside` are IDs of unreadable rows in the payload: they have no value and are not
    missing. `last_seen` is the time of the previous observation. `identify` is called only if rows
    both disappeared and appeared. `doubts` are reasons to doubt the whole payload. Takes time
    linear in the number of rows; an unchanged payload
    yields an empty observation.
    """
    by_id = {row.external_id: row for row in rows}
    builder = ResultBuilder(by_id, at, rules, baseline=baseline, last_seen=last_seen)
    return _Comparison(claims_by_key, builder).run(frozenset(set_aside), identify, doubts)


def confirm_unchanged(
    claims_by_key: Mapping[tuple[str, str], KnownClaim],
    at: datetime,
    *,
    last_seen: datetime | None = None,
    seen_again_by: datetime | None = None,
    rules: DetectionRules = DEFAULT_RULES,
) -> Observation:
    """Process an unchanged feed `at`: values that have been on hold long enough now apply.

    `seen_again_by` is set if `at` is not an observation: then only values first seen before it have
    been seen twice.
    """
    builder = ResultBuilder({}, at, rules, baseline=False, last_seen=last_seen)
    return _Comparison(claims_by_key, builder).confirm(seen_again_by or at)


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
    """One call of `detect_changes`, `confirm_unchanged` or `accept_pending_values`; all rules write
    into one builder."""

    def __init__(
        self, claims_by_key: Mapping[tuple[str, str], KnownClaim], builder: ResultBuilder
    ) -> None:
        self.claims_by_key, self.builder, self.rules = claims_by_key, builder, builder.rules
        self.identities = {
            claim.external_id: claim
            for (_, topic), claim in claims_by_key.items()
            if topic == IDENTITY
        }
        self.dates, self.prices = DateRules(builder), PriceRules(builder)
        self.predecessors: dict[str, str] = {}
        self.repeated_keys: set[tuple[str, str]] = set()
        self.set_aside: frozenset[str] = frozenset()

    def run(
        self, set_aside: frozenset[str], identify: Identify, doubts: Collection[PayloadDoubt]
    ) -> Observation:
        """Compare all rows of the payload with the stored claims: first which rows disappeared,
        appeared or changed their key, and which provider groups to doubt, because the comparison of
        each row depends on that."""
        builder = self.builder
        self.set_aside = set_aside
        vanished_claims = [
            claim
            for external_id, claim in self.identities.items()
            if external_id not in builder.rows and external_id not in set_aside
        ]
        newly_missing = [claim for claim in vanished_claims if claim.missing_since is None]
        leaving_claims = [claim for claim in vanished_claims if claim.withdrawn_at is None]
        new_rows = [row for external_id, row in builder.rows.items() if self._is_fresh(external_id)]
        new_id_by_old: dict[str, str] = {}
        if leaving_claims and new_rows and not builder.baseline:
            new_id_by_old = rekeyed_rows(
                self.claims_by_key, leaving_claims, new_rows, identify(leaving_claims, new_rows)
            )
        self.predecessors = builder.result.rekeyed = {
            new_id: old_id for old_id, new_id in new_id_by_old.items()
        }
        unexplained_claims = [
            claim
            for claim in newly_missing
            if claim.external_id not in new_id_by_old and not self._has_ended(claim.external_id)
        ]
        # rows that are away since an earlier payload of that form are still evidence against it
        missing_claims = [
            claim
            for claim in leaving_claims
            if claim.external_id not in new_id_by_old and not self._has_ended(claim.external_id)
        ]
        doubted_rows = confirm_doubts(builder, doubts, missing_claims)
        doubted_groups = doubt_removals(builder, self.identities.values(), unexplained_claims)
        doubted_changes = doubt_changes(builder, self.claims_by_key)
        for row in builder.rows.values():
            is_doubted = row.external_id in doubted_rows
            self._compare_row(
                row,
                is_doubtful=is_doubted or row.group in doubted_changes,
                keeps_known_values=is_doubted,
            )
        for claim in vanished_claims:
            self._process_missing_row(
                claim,
                is_doubtful=claim.group in doubted_groups or claim.external_id in doubted_rows,
                is_rekeyed=claim.external_id in new_id_by_old,
            )
        self._drop_unrepeated_values()
        builder.result.n_vanished = len(newly_missing)
        return self._finish_result()

    def _is_fresh(self, external_id: str) -> bool:
        """Return whether the row is new, or listed again after its removal was accepted."""
        identity = self.identities.get(external_id)
        return identity is None or identity.withdrawn_at is not None

    def _drop_unrepeated_values(self) -> None:
        """Drop values on hold that this payload did not repeat although it contains their row: such
        a value must be seen at every observation. While the row itself is missing, its value stays
        on hold, because nothing contradicts it."""
        for key, claim in self.claims_by_key.items():
            is_missing = key[0] not in self.builder.rows and key[0] not in self.set_aside
            if claim.pending is not None and key not in self.repeated_keys and not is_missing:
                self.builder.update(
                    claim, {"pending": None, "pending_since": None, "held": False}, accepted=False
                )

    def confirm(self, seen_again_by: datetime) -> Observation:
        for claim in self.claims_by_key.values():
            started_at = claim.missing_since if claim.topic == IDENTITY else claim.pending_since
            if started_at is not None and started_at >= seen_again_by:
                continue  # seen only once; for prices, each unit is checked separately
            identity = self.identities.get(claim.external_id)
            is_listed = identity is None or identity.missing_since is None
            if claim.topic == LIFECYCLE and is_listed:
                self.dates.confirm(claim)
            elif claim.topic == PRICE and is_listed:
                self.prices.confirm(claim, seen_again_by)
            elif claim.topic == IDENTITY and claim.missing_since is not None:
                self._process_missing_row(claim, is_doubtful=claim.held, is_rekeyed=False)
        return self._finish_result()

    def accept(self, ids: Collection[int]) -> Observation:
        """Accept the removals, dates and prices on hold of the claims `ids`."""
        for claim in self.claims_by_key.values():
            if claim.id not in ids:
                continue
            if (
                claim.topic == IDENTITY
                and claim.missing_since is not None
                and claim.withdrawn_at is None
            ):
                self._withdraw_row(claim)
            elif claim.topic == LIFECYCLE and claim.pending is not None:
                self.dates.accept(claim, claim.pending)
            elif claim.topic == PRICE and claim.pending is not None:
                self.prices.accept(claim)
        return self._finish_result()

    def _finish_result(self) -> Observation:
        self.builder.result.n_changed = len(self.builder.changed_rows)
        return self.builder.result

    # --- rows in the payload ----------------------------------------------------------------------

    def _compare_row(
        self, row: FeedRow, *, is_doubtful: bool, keeps_known_values: bool = False
    ) -> None:
        """Compare a row of the payload with its claims on each topic. A date of
        a provider group that `is_doubtful` is held for review instead of accepted. With
        `keeps_known_values`, what the payload says of the row is doubted: a date that it loses is
        held, and no other known value of its lifecycle changes."""
        identity = self.identities.get(row.external_id)
        identity_claim = identity_value(row)
        if identity is None:
            self.builder.result.new.append(NewClaim(row, IDENTITY, identity_claim))
        else:
            self._update_identity(identity, row, identity_claim)
        if row.lifecycle is not None:
            value = lifecycle_value(row.lifecycle)
            if keeps_known_values:
                value = self._keep_known_values(row.external_id, value)
            self._compare_lifecycle(row, value, is_doubtful=is_doubtful)
        if row.prices is not None:
            self._compare_price(row, price_value(row.prices))
        if row.capabilities is not None:
            earlier_key = self.predecessors.get(row.external_id, "")
            compare_capabilities(
                self.builder,
                row,
                self.claims_by_key.get((row.external_id, CAPABILITY)),
                self.claims_by_key.get((earlier_key, CAPABILITY)),
            )

    def _keep_known_values(self, external_id: str, value: Value) -> Value:
        """Return the known lifecycle of a row instead of `value`, unless `value` has lost its date,
        or has the first one."""
        claim = self.claims_by_key.get((external_id, LIFECYCLE))
        if claim is None:
            return value
        old_day, new_day = retires_on(claim.value), retires_on(value)
        if (old_day is None) != (new_day is None):
            return value
        return claim.value

    def _update_identity(self, identity: KnownClaim, row: FeedRow, value: Value) -> None:
        """Update the identity claim of a listed row, which is no longer missing; report an alias
        that points to another model. The other claims of the row follow it to another group."""
        columns: dict[str, Any] = {}
        if identity.missing_since is not None:
            columns |= {"missing_since": None, "withdrawn_at": None, "held": False}
            if identity.refused is not None:
                columns["refused"] = None
        if value != identity.value or row.group != identity.group:
            columns |= {"value": value, "group": row.group, "changed_at": self.builder.at}
            old_target, new_target = identity.value.get("alias_of"), value.get("alias_of")
            if old_target and new_target and old_target != new_target:
                self.builder.add_fact(
                    "alias_moved",
                    row.external_id,
                    IDENTITY,
                    old_target,
                    new_target,
                    self.builder.today,
                )
        if columns:
            self.builder.update(identity, columns)
        if row.group != identity.group:
            for topic in (LIFECYCLE, PRICE, CAPABILITY):
                claim = self.claims_by_key.get((row.external_id, topic))
                if claim is not None:
                    self.builder.update(claim, {"group": row.group}, accepted=False)

    def _compare_lifecycle(self, row: FeedRow, value: Value, *, is_doubtful: bool) -> None:
        """Compare the lifecycle of a row with its claim, or with that under its earlier key, and
        record a new claim if it has none. `is_doubtful` as in `_compare_row`."""
        claim = self.claims_by_key.get((row.external_id, LIFECYCLE))
        previous_claim = self.claims_by_key.get(
            (self.predecessors.get(row.external_id, ""), LIFECYCLE)
        )
        self.repeated_keys.add((row.external_id, LIFECYCLE))
        if claim is not None and previous_claim is not None:
            # the row is back under an earlier key: compare with the value under its other key
            self.dates.accept_under_earlier_key(claim, value, before=previous_claim.value)
        elif claim is not None and self._is_fresh(row.external_id) and is_promise(claim.value):
            # the row was delisted with an earliest date that was never reported, so there is
            # nothing to compare with
            self.dates.accept_under_earlier_key(claim, value, before={})
        elif claim is not None:
            self.dates.compare(claim, value, is_doubtful=is_doubtful)
        elif (
            previous_claim is not None
            and retires_on(previous_claim.value)
            and not retires_on(value)
        ):
            # the date was lost with the change of key: it is withdrawn only if it stays away
            pending_columns = {"pending": value, "pending_since": self.builder.at}
            self.builder.result.new.append(
                NewClaim(row, LIFECYCLE, previous_claim.value, pending_columns)
            )
        elif value:
            self.builder.result.new.append(NewClaim(row, LIFECYCLE, value))
            self.dates.report_first_values(
                row.external_id, value, before=previous_claim.value if previous_claim else None
            )

    def _compare_price(self, row: FeedRow, value: Value) -> None:
        """Compare the prices of a row with its claim, or record a new claim, which continues that
        under the row's earlier key. An empty value changes nothing."""
        claim = self.claims_by_key.get((row.external_id, PRICE))
        if value:
            self.repeated_keys.add((row.external_id, PRICE))
        if claim is not None:
            self.prices.compare(claim, row, value)
        elif value:
            previous_claim = self.claims_by_key.get(
                (self.predecessors.get(row.external_id, ""), PRICE)
            )
            new_claim = (
                NewClaim(row, PRICE, value)
                if previous_claim is None
                else self.prices.transfer_claim(previous_claim, row, value)
            )
            self.builder.result.new.append(new_claim)

    # --- missing rows -----------------------------------------------------------------------------

    def _process_missing_row(
        self, claim: KnownClaim, *, is_doubtful: bool, is_rekeyed: bool
    ) -> None:
        """Process a row that the payload does not contain: put its removal on hold when it is first
        missing, and accept the removal after the hold. `claim` is its identity.

        A removal that `is_doubtful` is held for review. A row that `is_rekeyed` continues under
        another key, so its removal is accepted immediately and never reported."""
        if is_rekeyed and claim.missing_since is not None and claim.withdrawn_at is None:
            self.builder.update(claim, {"withdrawn_at": self.builder.at, "held": False})
            return
        if claim.missing_since is None:
            is_doubtful = is_doubtful and not is_rekeyed and not self._has_ended(claim.external_id)
            columns: dict[str, Any] = {"missing_since": self.builder.at, "held": is_doubtful}
            if is_rekeyed:
                columns["withdrawn_at"] = self.builder.at
            self.builder.update(claim, columns)
            return
        if claim.withdrawn_at is not None or claim.refused == REFUSED_ABSENCE:
            return
        if claim.held and not self.rules.doubts_expire:
            return
        if self.builder.at - claim.missing_since >= self.rules.removal_hold:
            # many rows that leave the list of another than the host are tidied away: only the host
            # could say that it serves none of them any more
            is_tidied = claim.held and not self.rules.lists_served
            self._withdraw_row(claim, is_tidied=is_tidied)

    def _withdraw_row(self, claim: KnownClaim, *, is_tidied: bool = False) -> None:
        self.builder.update(claim, {"withdrawn_at": self.builder.at, "held": False})
        if self._is_removal_news(claim, is_tidied=is_tidied):
            lifecycle = self.claims_by_key.get((claim.external_id, LIFECYCLE))
            day = None if lifecycle is None else lifecycle.value.get("retires_on")
            self.builder.add_fact(
                "delisted", claim.external_id, IDENTITY, day, None, self.builder.today
            )

    def _is_removal_news(self, claim: KnownClaim, *, is_tidied: bool) -> bool:
        """Return whether the removal of a row is to be reported. Of a list of notices, and of rows
        that are tidied away, only one that takes an announced date with it is."""
        if (
            self.rules.absence == "nothing"
            or self._has_ended(claim.external_id)
            or self._is_listed_elsewhere(claim)
        ):
            return False
        if self.rules.absence == "news" and not is_tidied:
            return True
        lifecycle = self.claims_by_key.get((claim.external_id, LIFECYCLE))
        day = firm_day(lifecycle.value) if lifecycle else None
        return day is not None and day > self.builder.today

    def _is_listed_elsewhere(self, claim: KnownClaim) -> bool:
        """Return whether another listed row has the same provider, region and tier and, apart from
        spelling, the same name."""
        return place_and_name(claim.group, claim.value) in self._listed_names

    @cached_property
    def _listed_names(self) -> set[tuple[str, str, str, str]]:
        return {
            place_and_name(claim.group, claim.value)
            for claim in self.identities.values()
            if claim.missing_since is None
        }

    def _has_ended(self, external_id: str) -> bool:
        """Return whether the row's own announced date has come: its removal is then the retirement,
        which is reported separately."""
        lifecycle = self.claims_by_key.get((external_id, LIFECYCLE))
        day = firm_day(lifecycle.value) if lifecycle else None
        return day is not None and day <= self.builder.today


__all__ = [
    "REFUSED_ABSENCE",
    "accept_pending_values",
    "confirm_unchanged",
    "detect_changes",
    "identity_value",
]
