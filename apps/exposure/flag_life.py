"""The life of a flag as a pure reducer: one evaluation or one user decision per step, exact
numbers, no clock.

Rules of docs/exposure.md, section Policies and flags. The worked portfolios and the evaluation of
real flags use this same function.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Literal, get_args

type Standing = Literal["none", "open", "acknowledged", "accepted"]
type Event = Literal[
    "opened", "acknowledged", "accepted", "worsened", "acceptance_expired", "resolved"
]

# the order in which one step can raise them
EVENTS: tuple[str, ...] = get_args(Event.__value__)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Tolerance of a policy: a value equal to it is accepted; the release value is lower by
    `hysteresis` of it."""

    tolerance: Fraction
    hysteresis: Fraction = Fraction(1, 10)
    clear_days: int = 2

    @property
    def release(self) -> Fraction:
        return self.tolerance * (1 - self.hysteresis)

    def ceiling(self, value: Fraction) -> Fraction:
        """Return the highest value that an acceptance made at `value` covers."""
        return max(value, self.tolerance) * (1 + self.hysteresis)


@dataclass(frozen=True, slots=True)
class FlagLife:
    """State of the flag of one policy and node. `none` is before the first breach and after a
    resolution.

    `last` is the last measured value; `below_since` the first of the consecutive evaluation days,
    up to the last one, with a value at or under the release value. `accepted_until` (exclusive) and
    `ceiling` apply while accepted.
    """

    state: Standing = "none"
    last: Fraction | None = None
    below_since: date | None = None
    accepted_until: date | None = None
    ceiling: Fraction | None = None

    @property
    def live(self) -> bool:
        return self.state != "none"


@dataclass(frozen=True, slots=True)
class FlagDecision:
    """The decisions of a user on one day, applied in this order. Decisions that the state does not
    allow have no effect: only an open flag can be acknowledged, and an acceptance must end after
    the day it is made."""

    acknowledge: bool = False
    accept_until: date | None = None
    disable: bool = False


NO_DECISION = FlagDecision()


def advance_flag(
    life: FlagLife,
    tolerance: Tolerance,
    *,
    on: date,
    value: Fraction | None = None,
    decision: FlagDecision = NO_DECISION,
) -> tuple[FlagLife, tuple[Event, ...]]:
    """Return the life after one evaluation, one decision, or both; and the events, in order.

    `value` is the measurement on `on`, None without one; 0 for a deleted node. Several evaluations
    a day, or missed days, change nothing: the rules count calendar days.
    """
    events: list[Event] = []
    if value is not None:
        life = _apply_measurement(life, tolerance, on, value, events)
    if life.state == "accepted" and life.accepted_until is not None and on >= life.accepted_until:
        life = _reopen(life)
        events.append("acceptance_expired")
    return _apply_decision(life, tolerance, on, decision, events), tuple(events)


def replay_flag(
    tolerance: Tolerance, steps: Sequence[tuple[date, Fraction | None, FlagDecision]]
) -> list[tuple[FlagLife, tuple[Event, ...]]]:
    """Return the life and the events after each of the steps, starting from a flag that was never
    open."""
    life, results = FlagLife(), []
    for on, value, decision in steps:
        life, events = advance_flag(life, tolerance, on=on, value=value, decision=decision)
        results.append((life, events))
    return results


def _apply_measurement(
    life: FlagLife, tolerance: Tolerance, on: date, value: Fraction, events: list[Event]
) -> FlagLife:
    """Return the life of a flag after a measurement, and append what happened to `events`.

    A flag opens above the tolerance, resolves after `clear_days` at or below the release value, and
    worsens if an accepted value exceeds its ceiling.
    """
    life = replace(life, last=value)
    if not life.live:
        if value > tolerance.tolerance:
            events.append("opened")
            return FlagLife("open", last=value)
        return life
    below_since = (life.below_since or on) if value <= tolerance.release else None
    life = replace(life, below_since=below_since)
    if below_since is not None and (on - below_since).days >= tolerance.clear_days:
        events.append("resolved")
        return FlagLife(last=value)
    if life.state == "accepted" and life.ceiling is not None and value > life.ceiling:
        events.append("worsened")
        return _reopen(life)
    return life


def _reopen(life: FlagLife) -> FlagLife:
    return replace(life, state="open", accepted_until=None, ceiling=None)


def _apply_decision(
    life: FlagLife, tolerance: Tolerance, on: date, decision: FlagDecision, events: list[Event]
) -> FlagLife:
    """Return the life of a flag after a decision, and append what happened to `events`. A decision
    that does not fit the state changes nothing."""
    if decision.acknowledge and life.state == "open":
        life = replace(life, state="acknowledged")
        events.append("acknowledged")
    if decision.accept_until is not None and life.live and decision.accept_until > on:
        ceiling = tolerance.ceiling(life.last if life.last is not None else tolerance.tolerance)
        life = replace(
            life, state="accepted", accepted_until=decision.accept_until, ceiling=ceiling
        )
        events.append("accepted")
    if decision.disable and life.live:
        life = FlagLife(last=life.last)
        events.append("resolved")
    return life
