"""The rules by which one observation of one feed changes what its source is known to say. Plain Python.

Input: what the source is known to say, and the rows of a payload. Output: what to store and which facts follow.
No database, no clock: the moment of the observation is an argument. domain.md section 2 is the requirement,
docs/feeds.md tells users about it.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.catalog.claims import FIRM, Row
from apps.catalog.values import Value, lifecycle_value, price_in_force, price_value, retires_on
from apps.common.time import day_of, start_of

IDENTITY, LIFECYCLE, PRICE = "identity", "lifecycle", "price"


@dataclass(frozen=True, slots=True)
class Rules:
    """How long something must stand before it is believed, and when a payload is doubted."""

    removal_hold: timedelta = timedelta(days=7)
    withdrawal_hold: timedelta = timedelta(days=7)
    price_hold: timedelta = timedelta(hours=72)
    # The guard doubts a provider's rows when more than this share of them vanishes or changes in one run; below
    # the minimum a share says nothing (one of three rows is a third).
    max_vanished_share: float = 0.2
    max_changed_share: float = 0.1
    min_vanished: int = 3
    min_changed: int = 5
    # Factor between two prices from which a mistake of units is likelier than a change.
    max_price_factor: int = 400


DEFAULT_RULES = Rules()


@dataclass(slots=True)
class Known:
    """One stored claim of the source, as far as the rules need it."""

    id: int
    external_id: str
    topic: str
    group: str
    value: Value
    first_seen: datetime
    missing_since: datetime | None = None
    withdrawn_at: datetime | None = None
    pending: Value | None = None
    pending_since: datetime | None = None
    held: bool = False
    offering_id: int | None = None
    source_url: str = ""


@dataclass(frozen=True, slots=True)
class NewClaim:
    row: Row
    topic: str
    value: Value


@dataclass(frozen=True, slots=True)
class Update:
    """Columns of one stored claim that become different; `accepted` when its value or standing changed."""

    id: int
    columns: dict[str, Any]
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """A change worth an event; `old` and `new` are as in contracts.md, JSON values."""

    kind: str
    external_id: str
    topic: str
    old: Any
    new: Any
    effective_on: date | None
    detected_at: datetime


@dataclass(slots=True)
class Observation:
    """What follows from one payload. `held` is {provider group: sentence} and non-empty for a suspect run."""

    new: list[NewClaim] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    doubtful: list[tuple[str, str]] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)
    n_rows: int = 0
    n_changed: int = 0
    n_vanished: int = 0
    n_backfilled: int = 0

    @property
    def n_assertions_changed(self) -> int:
        return len(self.new) + len(self.updates)


def identity_value(row: Row) -> Value:
    """Which offering the row is about, in canonical form."""
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


def observe(
    known: Mapping[tuple[str, str], Known],
    rows: Sequence[Row],
    at: datetime,
    *,
    baseline: bool,
    set_aside: Collection[str] = (),
    last_seen: datetime | None = None,
    rules: Rules = DEFAULT_RULES,
) -> Observation:
    """Compare `rows`, observed `at`, with `known` ({(external id, topic): claim}).

    `baseline` marks the first observation of a source: everything is recorded and nothing is news. `set_aside`
    are ids the payload held but nobody could read: they say nothing, and are not gone. `last_seen` is the
    observation before this one. Cost is linear in rows; a payload equal to what is known yields an empty
    observation.
    """
    comparison = _Comparison(known, rows, at, baseline, rules, frozenset(set_aside))
    comparison.long_unseen = last_seen is not None and at - last_seen > rules.withdrawal_hold
    return comparison.run()


def confirm(known: Mapping[tuple[str, str], Known], at: datetime, *, rules: Rules = DEFAULT_RULES) -> Observation:
    """The feed answered `at` that nothing changed: what has waited long enough now holds.

    `known` needs only the claims of rows that are missing or have a value waiting.
    """
    return _Comparison(known, (), at, False, rules).confirm()


class _Comparison:
    """One call of `observe`: the inputs, the running result, and one method per rule."""

    def __init__(
        self,
        known: Mapping[tuple[str, str], Known],
        rows: Sequence[Row],
        at: datetime,
        baseline: bool,
        rules: Rules,
        set_aside: frozenset[str] = frozenset(),
    ) -> None:
        self.known, self.at, self.baseline, self.rules = known, at, baseline, rules
        self.set_aside = set_aside
        self.long_unseen = False
        self.today = day_of(at)
        self.rows = {row.external_id: row for row in rows}
        self.identities = {claim.external_id: claim for (_, topic), claim in known.items() if topic == IDENTITY}
        self.result = Observation(n_rows=len(self.rows))
        self.changed_rows: set[str] = set()

    def run(self) -> Observation:
        gone = [
            claim
            for external_id, claim in self.identities.items()
            if external_id not in self.rows and external_id not in self.set_aside
        ]
        newly_gone = [claim for claim in gone if claim.missing_since is None]
        rekeyed = self._rekeyed(newly_gone)
        doubted_groups = self._doubt_removals(newly_gone, rekeyed)
        doubted_changes = self._doubt_changes()
        for row in self.rows.values():
            self._row(row, is_rekeyed=row.external_id in rekeyed.values(), doubted=row.group in doubted_changes)
        for claim in gone:
            self._absent(claim, doubted=claim.group in doubted_groups, is_rekeyed=claim.external_id in rekeyed)
        self.result.n_vanished = len(newly_gone)
        self.result.n_changed = len(self.changed_rows)
        return self.result

    def confirm(self) -> Observation:
        for claim in self.known.values():
            identity = self.identities.get(claim.external_id)
            if claim.pending is not None and (identity is None or identity.missing_since is None):
                hold = self.rules.price_hold if claim.topic == PRICE else self.rules.withdrawal_hold
                self._wait(claim, claim.pending, hold)
            if claim.topic == IDENTITY and claim.missing_since is not None:
                self._absent(claim, doubted=claim.held, is_rekeyed=False)
        self.result.n_changed = len(self.changed_rows)
        return self.result

    # --- guards -------------------------------------------------------------------------------------------------

    def _rekeyed(self, newly_gone: Iterable[Known]) -> dict[str, str]:
        """{vanished id: new id} of rows that only changed their key: gone and new in one observation, with the
        same date and either the same provider or the same model name. Nothing happened to such an offering."""
        if self.baseline:
            return {}
        gone_by_group: dict[tuple[str, str], list[str]] = defaultdict(list)
        gone_by_name: dict[tuple[str, str], list[str]] = defaultdict(list)
        for claim in newly_gone:
            lifecycle = self.known.get((claim.external_id, LIFECYCLE))
            if lifecycle is not None and lifecycle.value.get("retires_on"):
                day = lifecycle.value["retires_on"]
                gone_by_group[claim.group, day].append(claim.external_id)
                gone_by_name[_tail(claim.external_id), day].append(claim.external_id)
        pairs: dict[str, str] = {}
        for external_id, row in self.rows.items():
            if external_id in self.identities or row.lifecycle is None or row.lifecycle.retires_on is None:
                continue
            day = row.lifecycle.retires_on.isoformat()
            for candidates in (gone_by_name[_tail(external_id), day], gone_by_group[row.group, day]):
                free = [candidate for candidate in candidates if candidate not in pairs]
                if free:
                    pairs[free[0]] = external_id
                    break
        return pairs

    def _doubt_removals(self, newly_gone: Iterable[Known], rekeyed: Mapping[str, str]) -> set[str]:
        """Provider groups of which too much vanished at once; rows that left on their own day do not count."""
        present = Counter(claim.group for claim in self.identities.values() if claim.missing_since is None)
        gone = Counter(
            claim.group
            for claim in newly_gone
            if claim.external_id not in rekeyed and not self._has_ended(claim.external_id)
        )
        doubted = set()
        for group, n_gone in gone.items():
            if n_gone >= self.rules.min_vanished and n_gone > self.rules.max_vanished_share * present[group]:
                doubted.add(group)
                self.result.held[group] = f"{n_gone} of {present[group]} rows vanished at once; removals are held."
        return doubted

    def _doubt_changes(self) -> set[str]:
        """Provider groups of which too many rows lose or change a date or change a price at once.

        A date that appears does not count and is never held: late news is worse than an odd payload. After a long
        silence a tenth of the rows may honestly have changed, so a feed not seen for longer than the hold is not
        doubted for that."""
        if self.baseline or self.long_unseen:
            return set()
        present: Counter[str] = Counter()
        changed: Counter[str] = Counter()
        for external_id, row in self.rows.items():
            if external_id not in self.identities:
                continue
            present[row.group] += 1
            lifecycle = self.known.get((external_id, LIFECYCLE))
            old_day = None if lifecycle is None else retires_on(lifecycle.value)
            new_day = None if row.lifecycle is None else row.lifecycle.retires_on
            changed[row.group] += old_day is not None and new_day != old_day
        doubted = set()
        for group, n_changed in changed.items():
            if n_changed >= self.rules.min_changed and n_changed > self.rules.max_changed_share * present[group]:
                doubted.add(group)
                sentence = (
                    f"{n_changed} of {present[group]} rows changed or lost their date at once; those changes are held."
                )
                self.result.held[group] = f"{self.result.held.get(group, '')} {sentence}".strip()
        return doubted

    # --- rows that are there ------------------------------------------------------------------------------------

    def _row(self, row: Row, *, is_rekeyed: bool, doubted: bool) -> None:
        identity = self.identities.get(row.external_id)
        value = identity_value(row)
        if identity is None:
            self.result.new.append(NewClaim(row, IDENTITY, value))
        else:
            self._returned(identity, row, value)
        if row.lifecycle is not None:
            self._lifecycle(row, lifecycle_value(row.lifecycle), is_rekeyed=is_rekeyed, doubted=doubted)
        if row.prices is not None:
            self._price(row, price_value(row.prices))

    def _returned(self, identity: Known, row: Row, value: Value) -> None:
        columns: dict[str, Any] = {}
        if identity.missing_since is not None:
            columns |= {"missing_since": None, "withdrawn_at": None, "held": False}
        if value != identity.value or row.group != identity.group:
            columns |= {"value": value, "group": row.group, "changed_at": self.at}
            old, new = identity.value.get("alias_of"), value.get("alias_of")
            if old and new and old != new:
                self._fact("alias_moved", row.external_id, IDENTITY, old, new, self.today)
        if columns:
            self._update(identity, columns)

    def _lifecycle(self, row: Row, value: Value, *, is_rekeyed: bool, doubted: bool) -> None:
        claim = self.known.get((row.external_id, LIFECYCLE))
        new_day = retires_on(value)
        if claim is None:
            if not value:
                return
            self.result.new.append(NewClaim(row, LIFECYCLE, value))
            if new_day is not None and not self.baseline and not is_rekeyed:
                self._announced(row.external_id, None, new_day)
            return
        old_day = retires_on(claim.value)
        if value == claim.value:
            if claim.pending is not None:
                self._came_while_in_doubt(claim, new_day)
                self._update(claim, {"pending": None, "pending_since": None, "held": False})
        elif old_day is not None and (new_day is None or (doubted and new_day != old_day)):
            self._wait(claim, value, self.rules.withdrawal_hold, held=doubted)
        else:
            self._accept_lifecycle(claim, value)

    def _accept_lifecycle(self, claim: Known, value: Value) -> None:
        old_day, new_day = retires_on(claim.value), retires_on(value)
        self._accept(claim, value)
        if new_day is not None and old_day != new_day:
            if old_day is None:
                self._announced(claim.external_id, None, new_day)
            elif new_day <= self.today and old_day <= self.today:
                self.result.n_backfilled += 1
            else:
                kind = "moved_later" if new_day > old_day else "moved_earlier"
                self._fact(kind, claim.external_id, LIFECYCLE, old_day.isoformat(), new_day.isoformat(), new_day)
                self._retired_if_due(claim.external_id, value, new_day)
        elif new_day is None and old_day is not None:
            self._fact("withdrawn", claim.external_id, LIFECYCLE, old_day.isoformat(), None, None)
        elif new_day is not None and claim.value.get("date_kind") != FIRM and value.get("date_kind") == FIRM:
            # the day stays and becomes a commitment
            self._announced(claim.external_id, new_day, new_day)

    def _announced(self, external_id: str, old: date | None, new: date) -> None:
        """A date appears; one already past is back-fill: recorded, and no news."""
        if new <= self.today:
            self.result.n_backfilled += 1
        else:
            old_text = old.isoformat() if old else None
            self._fact("announced", external_id, LIFECYCLE, old_text, new.isoformat(), new)

    def _retired_if_due(self, external_id: str, value: Value, day: date) -> None:
        if day <= self.today and value.get("date_kind") == FIRM:
            self._fact("retired", external_id, LIFECYCLE, day.isoformat(), day.isoformat(), day)

    def _came_while_in_doubt(self, claim: Known, day: date | None) -> None:
        """The clock passed over a day that was in doubt; it stands after all, so it is told now, for its day."""
        began = claim.pending_since
        if day is None or began is None or claim.value.get("date_kind") != FIRM:
            return
        if day_of(began) < day <= self.today:
            iso = day.isoformat()
            fact = Fact("retired", claim.external_id, LIFECYCLE, iso, iso, day, start_of(day))
            self.result.facts.append(fact)

    def _price(self, row: Row, value: Value) -> None:
        claim = self.known.get((row.external_id, PRICE))
        if claim is None:
            if value:
                self.result.new.append(NewClaim(row, PRICE, value))
            return
        if value == claim.value:
            if claim.pending is not None:
                self._update(claim, {"pending": None, "pending_since": None, "held": False})
            return
        if not value:
            # no price named is "unknown", never "free": the last known price stands
            return
        old, new = self._changed_units(claim.value, value)
        if not old:
            self._accept(claim, value)
        elif self._is_unit_error(old, new):
            sentence = (
                f"Price jumps by {self.rules.max_price_factor} times or more ({_show(old)} to {_show(new)}); "
                "likely a mistake of units."
            )
            self.result.doubtful.append((row.external_id, sentence))
        else:
            self._wait(claim, value, self.rules.price_hold)

    def _changed_units(self, old: Value, new: Value) -> tuple[dict[str, str], dict[str, str]]:
        """The prices in force today that both name and that differ; zero counts as unknown."""
        before, after = price_in_force(old, self.today), price_in_force(new, self.today)
        units = [
            unit for unit in before
            if unit in after and before[unit] != after[unit] and before[unit] != "0" and after[unit] != "0"
        ]  # fmt: skip
        return {unit: before[unit] for unit in units}, {unit: after[unit] for unit in units}

    def _is_unit_error(self, old: dict[str, str], new: dict[str, str]) -> bool:
        factors = [Decimal(new[unit]) / Decimal(old[unit]) for unit in old]
        limit = Decimal(self.rules.max_price_factor)
        return any(factor >= limit or factor * limit <= 1 for factor in factors)

    def _accept_price(self, claim: Known, value: Value) -> None:
        old, new = self._changed_units(claim.value, value)
        self._accept(claim, value)
        if old:
            self._fact("repriced", claim.external_id, PRICE, old, new, self.today)

    # --- values that must stand for a while -----------------------------------------------------------------------

    def _wait(self, claim: Known, value: Value, hold: timedelta, *, held: bool = False) -> None:
        """Believe `value` once it has been seen unchanged for `hold`; only an observation can confirm it."""
        if claim.pending != value or claim.pending_since is None:
            self._update(claim, {"pending": value, "pending_since": self.at, "held": held}, accepted=False)
        elif self.at - claim.pending_since >= max(hold, self.rules.removal_hold if claim.held else hold):
            if claim.topic == LIFECYCLE:
                self._accept_lifecycle(claim, value)
            else:
                self._accept_price(claim, value)

    # --- rows that are gone ---------------------------------------------------------------------------------------

    def _absent(self, claim: Known, *, doubted: bool, is_rekeyed: bool) -> None:
        if claim.missing_since is None:
            columns: dict[str, Any] = {"missing_since": self.at, "held": doubted}
            if is_rekeyed:
                columns["withdrawn_at"] = self.at
            self._update(claim, columns)
            return
        if claim.withdrawn_at is not None or self.at - claim.missing_since < self.rules.removal_hold:
            return
        self._update(claim, {"withdrawn_at": self.at, "held": False})
        if not self._has_ended(claim.external_id):
            lifecycle = self.known.get((claim.external_id, LIFECYCLE))
            day = None if lifecycle is None else lifecycle.value.get("retires_on")
            self._fact("delisted", claim.external_id, IDENTITY, day, None, self.today)

    def _has_ended(self, external_id: str) -> bool:
        """Whether the row's own firm date has come: its leaving is then the retirement, told by the clock."""
        lifecycle = self.known.get((external_id, LIFECYCLE))
        if lifecycle is None or lifecycle.value.get("date_kind") != FIRM:
            return False
        day = retires_on(lifecycle.value)
        return day is not None and day <= self.today

    # --- writing down ---------------------------------------------------------------------------------------------

    def _accept(self, claim: Known, value: Value) -> None:
        columns: dict[str, Any] = {
            "value": value,
            "changed_at": self.at,
            "pending": None,
            "pending_since": None,
            "held": False,
        }
        row = self.rows.get(claim.external_id)
        if row is not None:
            columns |= {"excerpt": row.excerpt, "source_url": row.source_url}
        self._update(claim, columns)

    def _update(self, claim: Known, columns: dict[str, Any], *, accepted: bool = True) -> None:
        self.result.updates.append(Update(claim.id, columns, accepted))
        self.changed_rows.add(claim.external_id)

    def _fact(self, kind: str, external_id: str, topic: str, old: Any, new: Any, effective_on: date | None) -> None:
        self.result.facts.append(Fact(kind, external_id, topic, old, new, effective_on, self.at))


def _tail(external_id: str) -> str:
    """The model's own name in a row key, folded: providers and prefixes come and go around it."""
    return external_id.rsplit("/", 1)[-1].strip().lower().replace(" ", "-")


def _show(prices: Mapping[str, str]) -> str:
    return ", ".join(f"{unit} {amount}" for unit, amount in prices.items())
