"""Rules for prices: prices in force are compared unit by unit, and each must last before it is
accepted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.catalog.claims.feed_rows import FeedRow
from apps.catalog.claims.values import (
    Value,
    next_start,
    price_in_force,
    split_price_key,
    unit_of_key,
)
from apps.catalog.ingestion.change_detection.records import (
    DEFAULT_RULES,
    PRICE,
    DetectionRules,
    KnownClaim,
    NewClaim,
)
from apps.catalog.ingestion.change_detection.result_builder import ResultBuilder
from apps.common.time import start_of

_MAX_MOVES = 30
_MOVES_WINDOW = timedelta(days=90)
_OFFER_WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PriceStep:
    """One unit for which the feed has had another price than the accepted one, or none, since the
    time `since`."""

    unit: str
    old: str
    new: str | None
    since: datetime
    rules: DetectionRules

    @property
    def hold(self) -> timedelta | None:
        """How long the step must last before it is accepted; None if it needs a user's decision."""
        if self.factor >= self.rules.max_price_factor:
            return None
        return self.rules.unit_error_hold if self.is_unit_error else self.rules.price_hold

    @property
    def factor(self) -> Decimal:
        """New price divided by old; 1 if either is unknown or zero."""
        if self.new is None or Decimal(self.old) == 0 or Decimal(self.new) == 0:
            return Decimal(1)
        return Decimal(self.new) / Decimal(self.old)

    @property
    def is_rounding(self) -> bool:
        """Whether the difference is too small to be a change of the price."""
        return self.new is not None and is_rounding(self.old, self.new, self.rules)

    @property
    def is_unit_error(self) -> bool:
        limit = self.rules.max_price_factor
        return self.factor >= limit or self.factor * limit <= 1

    @property
    def is_move(self) -> bool:
        """Whether both prices are known, and it is no mistake of units."""
        has_both_prices = self.new is not None and Decimal(self.old) != 0 and Decimal(self.new) != 0
        return has_both_prices and not self.is_unit_error


def is_rounding(old: str, new: str, rules: DetectionRules) -> bool:
    """Return whether two amounts are equal, or differ by so little that no price changed: the same
    difference counts up and down."""
    if "0" in (old, new):
        return old == new
    first, second = Decimal(old), Decimal(new)
    return abs(second - first) < rules.min_price_change * min(first, second)


def units_needing_review(
    value: Value, pending: Value | None, day: date, rules: DetectionRules
) -> set[str]:
    """Return the units on hold at a price claim that rise by so much that they need a user's
    decision."""
    accepted_prices = price_in_force(value, day)
    lines = (pending or {}).get("since", [])
    steps = [
        PriceStep(unit, accepted_prices[unit], new_price, start_of(day), rules)
        for unit, new_price, _ in lines
        if unit in accepted_prices
    ]
    return {step.unit for step in steps if step.hold is None}


def pending_since(claim: KnownClaim) -> dict[str, tuple[str | None, datetime]]:
    """Return {unit: (amount, first seen)} of the prices on hold at a claim."""
    lines = (claim.pending or {}).get("since", [])
    return {unit: (amount, datetime.fromisoformat(moment)) for unit, amount, moment in lines}


def merge_prices(new: Value, old: Value, units: Collection[str]) -> Value:
    """Return `new` with the prices of these units (`unit[>tokens]`) replaced by those in `old`."""
    old_lines = {key: amount for key, amount in old.items() if unit_of_key(key) in units}
    return {key: amount for key, amount in new.items() if unit_of_key(key) not in units} | old_lines


def started_prices(
    value: Value, first: date, last: date, feed_amounts: Mapping[str, str]
) -> list[tuple[date, Value, Value]]:
    """Return (day, old prices, new prices) for each day from `first` to `last`, inclusive, on which
    prices of `value` begin.

    Only includes units for which `feed_amounts` has the price in force on `last`: others were
    postponed. Zero means unknown, and is no step, and neither is a rounded amount.
    """
    last_prices = price_in_force(value, last)
    steps = []
    for day in _starting_days(value, first, last):
        old_prices, new_prices = (
            price_in_force(value, day - timedelta(days=1)),
            price_in_force(value, day),
        )
        units = [
            unit
            for unit, amount in old_prices.items()
            if not is_rounding(amount, new_prices[unit], DEFAULT_RULES)
            and "0" not in (amount, new_prices[unit])
            and feed_amounts.get(unit) == last_prices[unit]
        ]
        if units:
            steps.append(
                (
                    day,
                    {unit: old_prices[unit] for unit in units},
                    {unit: new_prices[unit] for unit in units},
                )
            )
    return steps


def without_postponed(
    value: Value, first: date, last: date, feed_amounts: Mapping[str, str]
) -> Value:
    """Return `value` without the prices that should have begun by `last` but for which the feed has
    another amount."""
    last_prices = price_in_force(value, last)
    postponed_units = {
        unit
        for unit, amount in last_prices.items()
        if unit in feed_amounts and feed_amounts[unit] != amount
    }
    days = set(_starting_days(value, first, last))
    return {
        key: amount
        for key, amount in value.items()
        if key == "currency"
        or unit_of_key(key) not in postponed_units
        or split_price_key(key)[2] not in days
    }


def _starting_days(value: Value, first: date, last: date) -> list[date]:
    starts = {split_price_key(key)[2] for key in value if key != "currency"}
    return sorted(start for start in starts if start is not None and first <= start <= last)


class PriceRules:
    """Rules for the prices of a row.

    A missing price, or one of zero, is unknown and never a change. A row whose price changes too
    often is floating: its prices are updated, and its changes are listed but not reported.
    """

    def __init__(self, builder: ResultBuilder) -> None:
        self.builder, self.rules, self.today = builder, builder.rules, builder.today

    def compare(self, claim: KnownClaim, row: FeedRow, value: Value) -> None:
        if not value:
            # a missing price is unknown, not free: the last known price still applies
            return
        accepted_value = self._apply_started(claim, value)
        if (
            value == claim.value == accepted_value
            and claim.pending is None
            and claim.refused is None
        ):
            return
        moves = self._count_move(claim, accepted_value, value)
        self._apply_steps(claim, accepted_value, value, moves, is_offer=row.price_is_offer)

    def transfer_claim(self, before: KnownClaim, row: FeedRow, value: Value) -> NewClaim:
        """Return the claim of a row under a new key, with the accepted prices, those on hold and
        the counted moves of the old claim."""
        updates = self.builder.result.updates
        n_others = len(updates)
        self.compare(replace(before, external_id=row.external_id), row, value)
        columns: dict[str, Any] = {
            "price_moves": before.price_moves,
            "floating_since": before.floating_since,
        }
        columns |= {
            "pending": before.pending,
            "pending_since": before.pending_since,
            "refused": before.refused,
        }
        columns |= {
            "next_start_on": before.next_start_on,
            "value": before.value,
            "held": before.held,
            "drifted_from": before.drifted_from,
        }
        for update in updates[n_others:]:
            columns |= update.columns
        del updates[n_others:]
        about_the_row = {"excerpt", "source_url", "changed_at"}
        transferred_columns = {
            name: value_of_column
            for name, value_of_column in columns.items()
            if name not in about_the_row
        }
        return NewClaim(row, PRICE, transferred_columns.pop("value"), transferred_columns)

    def confirm(self, claim: KnownClaim, seen_again_by: datetime) -> None:
        """Process prices on hold that the feed still repeats; units first seen at `seen_again_by`
        or later have been seen only once."""
        if claim.pending is not None:
            value = claim.pending["value"]
            accepted_value = self._apply_started(claim, value)
            self._apply_steps(
                claim, accepted_value, value, {}, is_offer=None, seen_again_by=seen_again_by
            )

    def accept(self, claim: KnownClaim) -> None:
        """Accept the values on hold for a user; a corrected mistake of units is not reported."""
        if claim.pending is None:
            return
        value, ignored_units = (
            claim.pending["value"],
            self._ignored_units(claim, claim.pending["value"]),
        )
        steps = self._find_steps(claim, claim.value, value, ignored_units)
        reported_steps, drifted_from = self._split_drift(claim, steps)
        columns = {"drifted_from": drifted_from} if drifted_from != claim.drifted_from else {}
        self._update_claim(claim, claim.value, value, [], ignored_units, columns)
        self._report_steps(claim, reported_steps, is_floating=claim.floating_since is not None)

    # --- prices published in advance --------------------------------------------------------------

    def _apply_started(self, claim: KnownClaim, value: Value) -> Value:
        """Report prices published in advance that have begun, on their own day, if the feed still
        has them. Return the value without postponed prices, which have not begun and were never
        accepted."""
        first_start_on = claim.next_start_on
        if first_start_on is None or first_start_on > self.today:
            return claim.value
        feed_amounts = price_in_force(value, self.today)
        for day, old_prices, new_prices in started_prices(
            claim.value, first_start_on, self.today, feed_amounts
        ):
            self.builder.add_fact(
                "repriced",
                claim.external_id,
                PRICE,
                old_prices,
                new_prices,
                day,
                detected_at=start_of(day),
            )
        self.builder.update(
            claim, {"next_start_on": next_start(claim.value, self.today)}, accepted=False
        )
        return without_postponed(claim.value, first_start_on, self.today, feed_amounts)

    # --- units that differ ------------------------------------------------------------------------

    def _apply_steps(
        self,
        claim: KnownClaim,
        accepted_value: Value,
        value: Value,
        move_columns: dict[str, Any],
        *,
        is_offer: bool | None,
        seen_again_by: datetime | None = None,
    ) -> None:
        """Accept the steps from `accepted_value` to `value` that have lasted long enough, put the
        others on hold, and accept everything else in `value`.

        `move_columns` are the columns of a newly counted move, empty if none was counted.
        `is_offer`: the price is the cheapest current offer, None if there is no row to tell.
        `seen_again_by` as in `confirm`."""
        ignored_units = self._ignored_units(claim, value)
        steps = self._find_steps(claim, accepted_value, value, ignored_units)
        due_steps = [
            step
            for step in steps
            if step.hold is not None
            and self.builder.at - step.since >= step.hold
            and (seen_again_by is None or step.since < seen_again_by)
        ]
        due_steps = self._without_waiting(claim, steps, due_steps)
        pending_steps = [step for step in steps if step not in due_steps]
        self._report_doubts(claim, [step for step in pending_steps if step.is_unit_error])
        columns = dict(move_columns)
        is_floating = self._is_floating(
            columns.get("price_moves", claim.price_moves), is_offer, claim
        )
        if move_columns and is_floating != (claim.floating_since is not None):
            columns["floating_since"] = self.today if is_floating else None
        if claim.refused is not None and not ignored_units:
            columns["refused"] = None
        reported_steps, drifted_from = self._split_drift(claim, due_steps)
        if drifted_from != claim.drifted_from:
            columns["drifted_from"] = drifted_from
        self._update_claim(claim, accepted_value, value, pending_steps, ignored_units, columns)
        self._report_steps(claim, reported_steps, is_floating=is_floating)

    def _without_waiting(
        self, claim: KnownClaim, steps: list["PriceStep"], due_steps: list["PriceStep"]
    ) -> list["PriceStep"]:
        """Return the due steps that do not wait for another unit of the row to come to rest: the
        parts of one change are reported together. A change without any report waits for none."""
        is_price_moving = any(
            step not in due_steps
            and step.is_move
            and not self._from_last_report(claim, step).is_rounding
            for step in steps
        )
        if not is_price_moving:
            return due_steps
        limit = self.rules.price_hold + self.rules.joint_price_wait
        return [
            step
            for step in due_steps
            if not step.is_move
            or self._from_last_report(claim, step).is_rounding
            or self.builder.at - step.since >= limit
        ]

    @staticmethod
    def _from_last_report(claim: KnownClaim, step: "PriceStep") -> "PriceStep":
        """Return the step from the price that was last reported, where small changes since were
        not."""
        return replace(step, old=claim.drifted_from.get(step.unit, step.old))

    def _split_drift(
        self, claim: KnownClaim, accepted_steps: list["PriceStep"]
    ) -> tuple[list["PriceStep"], Value]:
        """Return (steps to report, from the last reported price each; the new `drifted_from`)."""
        drifted_from = dict(claim.drifted_from)
        reported_steps = []
        for step in accepted_steps:
            drifted_from.pop(step.unit, None)
            if not step.is_move:
                continue
            change = self._from_last_report(claim, step)
            if not change.is_rounding:
                reported_steps.append(change)
            elif change.new != change.old:
                drifted_from[step.unit] = change.old
        return reported_steps, drifted_from

    def _ignored_units(self, claim: KnownClaim, value: Value) -> set[str]:
        """Return units for which the feed repeats an amount that a user has rejected."""
        rejected_units = (claim.refused or {}).get("units", {})
        feed_amounts = price_in_force(value, self.today) if rejected_units else {}
        return {
            unit
            for unit, amount in rejected_units.items()
            if unit in feed_amounts and feed_amounts[unit] == amount
        }

    def _find_steps(
        self, claim: KnownClaim, accepted_value: Value, value: Value, ignored_units: set[str]
    ) -> list["PriceStep"]:
        """Return a step for each unit whose price in force differs, except for ignored ones. A step
        that repeats a price on hold dates from when that was first seen, any other from now."""
        old_prices, new_prices = (
            price_in_force(accepted_value, self.today),
            price_in_force(value, self.today),
        )
        first_seen = pending_since(claim)
        steps = []
        for unit, old_price in old_prices.items():
            new_price = new_prices.get(unit)
            if new_price == old_price or unit in ignored_units:
                continue
            amount, since = first_seen.get(unit, (None, self.builder.at))
            steps.append(
                PriceStep(
                    unit,
                    old_price,
                    new_price,
                    since if amount == new_price else self.builder.at,
                    self.rules,
                )
            )
        return steps

    def _report_doubts(self, claim: KnownClaim, steps: list["PriceStep"]) -> None:
        if steps:
            steps_text = ", ".join(f"{step.unit} {step.old} to {step.new}" for step in steps)
            factor = self.rules.max_price_factor
            sentence = (
                f"The price changes by a factor of {factor} or more ({steps_text}). The unit "
                "might be wrong."
            )
            self.builder.result.doubtful.append((claim.external_id, sentence))

    def _update_claim(
        self,
        claim: KnownClaim,
        accepted_value: Value,
        value: Value,
        pending_steps: list["PriceStep"],
        ignored_units: set[str],
        columns: dict[str, Any],
    ) -> None:
        """Update the claim to `value`, with the accepted prices where a step is pending or the unit
        is ignored, and store the pending steps. `columns` are further changes; nothing is written
        if nothing differs."""
        pending: Value | None = None
        if pending_steps:
            lines = [
                [step.unit, step.new, step.since.isoformat()]
                for step in sorted(pending_steps, key=lambda s: s.unit)
            ]
            pending = {"value": value, "since": lines}
        if pending != claim.pending:
            columns["pending"] = pending
            columns["pending_since"] = (
                min(step.since for step in pending_steps) if pending_steps else None
            )
            columns["held"] = any(step.hold is None for step in pending_steps)
        new_value = merge_prices(
            value, accepted_value, {step.unit for step in pending_steps} | ignored_units
        )
        if new_value != claim.value:
            unchanged_columns = {
                "pending": claim.pending,
                "pending_since": claim.pending_since,
                "held": claim.held,
            }
            columns = (
                unchanged_columns | columns | {"next_start_on": next_start(new_value, self.today)}
            )
            self.builder.accept(claim, new_value, **columns)
        elif columns:
            self.builder.update(claim, columns, accepted=False)

    def _report_steps(
        self, claim: KnownClaim, steps: list["PriceStep"], *, is_floating: bool
    ) -> None:
        """Report the accepted steps as one event; if the price `is_floating`, list them without an
        event."""
        if not steps:
            return
        old_prices, new_prices = (
            {step.unit: step.old for step in steps},
            {step.unit: step.new for step in steps},
        )
        if is_floating:
            self.builder.result.floated.append([claim.external_id, old_prices, new_prices])
        else:
            self.builder.add_fact(
                "repriced", claim.external_id, PRICE, old_prices, new_prices, self.today
            )

    # --- floating ---------------------------------------------------------------------------------

    def _count_move(self, claim: KnownClaim, accepted_value: Value, value: Value) -> dict[str, Any]:
        """Return the columns that change if the price in force differs from that of the previous
        observation."""
        previous_value = (claim.pending or {}).get("value", accepted_value)
        old_prices, new_prices = (
            price_in_force(previous_value, self.today),
            price_in_force(value, self.today),
        )
        old_prices |= (claim.refused or {}).get("units", {})
        if not any(
            unit in new_prices and not is_rounding(amount, new_prices[unit], self.rules)
            for unit, amount in old_prices.items()
        ):
            return {}
        oldest = (self.today - _MOVES_WINDOW).isoformat()
        recent_days = [day for day in claim.price_moves if day >= oldest]
        return {"price_moves": [*recent_days, self.today.isoformat()][-_MAX_MOVES:]}

    def _is_floating(self, moves: list[str], is_offer: bool | None, claim: KnownClaim) -> bool:
        """Return whether the price floats. `is_offer` is None if the row is not available; then the
        stored result applies."""
        if is_offer is None:
            return claim.floating_since is not None
        oldest = (self.today - _MOVES_WINDOW).isoformat()
        recent = (self.today - _OFFER_WINDOW).isoformat()
        moves_often = sum(day >= oldest for day in moves) > self.rules.max_moves
        return moves_often or (
            is_offer and sum(day >= recent for day in moves) > self.rules.max_offer_moves
        )
