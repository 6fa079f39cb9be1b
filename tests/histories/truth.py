"""What an ideal reader of a history would tell, and when: derived from what was true and what could
be seen.

The rules are those of a governance team: tell each real announcement, move, withdrawal, retirement,
delisting and change of a list price once, on the first observation where it can be known
(withdrawals and delistings may take a week and a poll, prices 72 hours and a poll); tell nothing
else. Rows that a fault distorts or hides prove nothing. Where either answer is defensible an event
is neutral: it may be told and need not be.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from tests.histories.history import History, Observation, Sight
from tests.histories.invented_models import DAY, Model

WEEK = timedelta(days=7)
THREE_DAYS = timedelta(hours=72)
# a day of the calendar, from its start in UTC to its end in the last time zone
DAY_EVERYWHERE = timedelta(hours=36)
# a jump by this factor or more is a mistake of units
IMPLAUSIBLE = 400


@dataclass(frozen=True, slots=True)
class Wanted:
    """One event of the truth. `new` is an ISO day, {unit: amount}, an id or None; None matches
    anything for kinds whose new value is no news. `neutral` may be raised and need not be."""

    kind: str
    external_ids: frozenset[str]
    new: Any
    earliest: datetime
    latest: datetime
    neutral: bool = False
    why: str = ""
    old: Any = None
    # any number of events of this kind and row may be raised, whatever they say
    many: bool = False

    @property
    def external_id(self) -> str:
        return min(self.external_ids)


def truth_of(history: History) -> list[Wanted]:
    """Everything that should or may be told, oldest first."""
    readable = [seen for seen in history.observations if seen.readable]
    crowds = _crowds(readable)
    wanted: list[Wanted] = []
    for model in history.world.models:
        names = frozenset(
            seen.sights[model.number].external_id
            for seen in readable
            if model.number in seen.sights
        )
        if not names:
            continue
        reader = _Reader(model, history, readable, crowds, names)
        wanted += reader.read()
        if model.floating and history.feed.prices:
            wanted += reader.before_it_floats()
    return sorted(wanted, key=lambda event: (event.earliest, event.external_id, event.kind))


def _crowds(readable: Sequence[Observation]) -> list[set[str]]:
    """Per observation, the providers of whom so many rows changed or went that a careful reader
    waits."""
    crowds: list[set[str]] = [set()]
    for before, after in pairwise(readable):
        total, gone, changed = Counter[str](), Counter[str](), Counter[str]()
        for number, old in before.sights.items():
            total[old.provider] += 1
            new = after.sights.get(number)
            if new is None or new.provider != old.provider:
                gone[old.provider] += 1
            elif (new.retires_on, new.prices) != (old.retires_on, old.prices):
                changed[old.provider] += 1
        crowds.append(
            {
                provider
                for provider, n in total.items()
                if (gone[provider] >= 3 and gone[provider] > 0.2 * n)
                or (changed[provider] >= 5 and changed[provider] > 0.1 * n)
            }
        )
    return crowds


@dataclass(slots=True)
class _Claim:
    on: date
    soft: bool
    told: bool


@dataclass(slots=True)
class _Change:
    """A price that was seen to differ and has to stand for a while."""

    units: Mapping[str, Decimal]
    since: datetime
    crowded: bool
    neutral: str = ""
    disturbed: bool = False
    stands_since: datetime | None = None


@dataclass
class _Reader:
    """Follows one model through the readable observations."""

    model: Model
    history: History
    readable: Sequence[Observation]
    crowds: Sequence[set[str]]
    names: frozenset[str]
    wanted: list[Wanted] = field(default_factory=list)
    # dates
    claim: _Claim | None = None
    retired: bool = False
    cleared_at: datetime | None = None
    absent_at: datetime | None = None
    hidden_at: datetime | None = None
    shown_on: date | None = None
    wrong_first: date | None = None
    maybe_delisted: bool = False
    delisted: bool = False
    known: bool = False
    # prices
    price: dict[str, Decimal] = field(default_factory=dict)
    gaps: set[str] = field(default_factory=set)
    change: _Change | None = None
    coming: tuple[date, Mapping[str, Decimal]] | None = None
    pointer: str | None = None

    def __post_init__(self) -> None:
        number = self.model.number
        self.times = [seen.at for seen in self.readable]
        self.sound_prices = [
            seen.at
            for seen in self.readable
            if number in seen.sights and seen.sights[number].true_prices
        ]
        self.sound_dates = [
            seen.at
            for seen in self.readable
            if number not in seen.hidden
            and not seen.doubted
            and (number not in seen.sights or seen.sights[number].true_dates)
        ]
        self.moves: list[datetime] = []
        last: Mapping[str, Decimal] | None = None
        for seen in self.readable:
            sight = seen.sights.get(number)
            if sight is not None:
                if last is not None and sight.prices != last:
                    self.moves.append(seen.at)
                last = sight.prices

    def read(self) -> list[Wanted]:
        for place, seen in enumerate(self.readable):
            sight = seen.sights.get(self.model.number)
            self._dates(place, seen, sight)
            if self.history.feed.prices and sight is not None:
                self._prices(place, seen, sight)
            if self.history.feed.pointers and sight is not None and sight.points_to:
                if self.pointer not in (None, sight.points_to):
                    self._tell("alias_moved", sight.points_to, seen.at, seen.at, old=self.pointer)
                self.pointer = sight.points_to
            if sight is not None:
                self.known = True
        return self.wanted

    def _tell(
        self,
        kind: str,
        new: Any,
        earliest: datetime,
        latest: datetime | None,
        *,
        neutral: bool = False,
        why: str = "",
        old: Any = None,
    ) -> None:
        if latest is None:
            # the history ends before the last moment at which it had to be told
            neutral, why, latest = True, why or "the history ends first", self.times[-1]
        if isinstance(new, date):
            new = new.isoformat()
        if isinstance(old, date):
            old = old.isoformat()
        self.wanted.append(Wanted(kind, self.names, new, earliest, latest, neutral, why, old))

    # --- dates ------------------------------------------------------------------------------------

    def _dates(self, place: int, seen: Observation, sight: Sight | None) -> None:
        number, day = self.model.number, seen.at.date()
        if sight is None and not self.known:
            return
        if number in seen.hidden:
            self._hidden(seen)
            return
        self.hidden_at = None
        if sight is None:
            self._absent(place, seen)
            return
        self.absent_at = None
        self.shown_on = sight.retires_on
        if not sight.true_dates:
            self._due(seen, neutral=sight.retires_on != (self.claim.on if self.claim else None))
            if self.claim is None and sight.retires_on is not None:
                # nobody can tell that the first date of a row is a wrong one
                self._tell(
                    "announced",
                    sight.retires_on,
                    seen.at,
                    seen.at,
                    neutral=True,
                    why="a wrong first date",
                )
                self.wrong_first = sight.retires_on
            return
        if self.delisted:
            # came back for good: what it says now is new
            self.delisted, self.claim, self.retired = False, None, False
        if place == 0:
            self._baseline(sight, day)
            return
        says = sight.retires_on
        if (
            self.claim is not None
            and says == self.claim.on
            and not sight.soft
            and not self.claim.soft
        ):
            self.cleared_at = None
            self._due(seen)
            return
        if says is None:
            self._dateless(seen)
        elif self.claim is None:
            self._appears(seen, sight, says)
        else:
            self._differs(place, seen, sight, says)

    def _baseline(self, sight: Sight, day: date) -> None:
        if sight.retires_on:
            self.claim = _Claim(sight.retires_on, sight.soft, told=not _is_promise(sight))
            self.retired = sight.retires_on <= day and not sight.soft

    def _due(self, seen: Observation, *, neutral: bool = False) -> None:
        """A firm day that has come, with an observation that does not contradict it: what a host's
        own list still has on its day has not ended before the day is over everywhere."""
        claim = self.claim
        if claim is None or claim.soft or self.retired or claim.on > seen.at.date():
            return
        if self.model.number in seen.sights and self._is_served_yet(claim.on, seen.at):
            return
        why = "the payload of that day is not to be trusted" if neutral else ""
        if self.shown_on != claim.on:
            neutral, why = True, "the last payload that showed the row gave another date"
            self._tell("withdrawn", None, seen.at, self.times[-1], neutral=True, why=why)
        if self.cleared_at is not None:
            neutral, why = True, "the date was taken back, then the row went"
        if self.maybe_delisted:
            neutral, why = True, "it may count as delisted already"
        midnight = _start(claim.on)
        self._tell("retired", None, midnight, midnight, neutral=neutral, why=why, old=claim.on)
        self.retired = True

    def _is_served_yet(self, on: date, at: datetime) -> bool:
        return self.history.feed.lists_served and at < _start(on) + DAY_EVERYWHERE

    def _hidden(self, seen: Observation) -> None:
        if self.hidden_at is None:
            self.hidden_at = seen.at
        self._due(seen)
        if seen.at - self.hidden_at >= WEEK and not self.maybe_delisted and not self.retired:
            back = next((t for t in self.sound_dates if t > seen.at), self.times[-1])
            self._tell(
                "delisted", None, seen.at, back, neutral=True, why="hidden for longer than the hold"
            )
            if self.claim is not None:
                self._tell(
                    "announced",
                    self.claim.on,
                    seen.at,
                    self.times[-1],
                    neutral=True,
                    why="back after the hold",
                )
            self.maybe_delisted = True

    def _absent(self, place: int, seen: Observation) -> None:
        self._due(seen)
        if self.retired or self.delisted:
            return
        if self.absent_at is None:
            self.absent_at = seen.at
        elif seen.at - self.absent_at >= WEEK:
            firm = self.claim is not None and not self.claim.soft
            neutral = not (self.history.feed.lists_all or firm)
            self._tell(
                "delisted",
                None,
                self.absent_at,
                self._following(self.sound_dates, seen.at),
                neutral=neutral,
                why="a catalogue kept by people dropped a row without a firm date"
                if neutral
                else "",
                old=self.claim.on if self.claim else None,
            )
            self.delisted = True

    def _dateless(self, seen: Observation) -> None:
        claim = self.claim
        if claim is None or self.retired:
            return
        if self.cleared_at is None:
            self.cleared_at = seen.at
        elif seen.at - self.cleared_at >= WEEK:
            self._tell(
                "withdrawn",
                None,
                self.cleared_at,
                self._following(self.sound_dates, seen.at),
                neutral=not claim.told,
                why="" if claim.told else "a soft day that was never told is taken back",
                old=claim.on,
            )
            self.claim = self.cleared_at = None

    def _appears(self, seen: Observation, sight: Sight, says: date) -> None:
        day = seen.at.date()
        promise = _is_promise(sight)
        self.claim = _Claim(says, sight.soft, told=not promise)
        self.retired = False
        if promise:
            return
        if says < day:
            # back-fill
            self.retired = not sight.soft
            return
        if self.wrong_first is not None:
            why = "after a wrong first date"
            kind = "moved_later" if says > self.wrong_first else "moved_earlier"
            self._tell(kind, says, seen.at, seen.at, neutral=True, why=why)
            self._tell("announced", says, seen.at, seen.at, neutral=True, why=why)
        else:
            self._tell("announced", says, seen.at, seen.at)
        self.wrong_first = None
        if says == day and not sight.soft and not self._is_served_yet(says, seen.at):
            self._tell(
                "retired", None, _start(day), seen.at, neutral=True, why="announced on its own day"
            )
            self.retired = True

    def _differs(self, place: int, seen: Observation, sight: Sight, says: date) -> None:
        """A day stands where one stood: the same of another kind, or another one."""
        assert self.claim is not None
        old, day = self.claim, seen.at.date()
        promise = _is_promise(sight)
        self.cleared_at = None
        self.claim = _Claim(says, sight.soft, told=old.told or not promise)
        if says == old.on:
            if old.soft and not sight.soft:
                if says >= day:
                    self._tell("announced", says, seen.at, seen.at, old=old.on)
                self.retired = says <= day
            elif old.soft and not old.told and not promise:
                self._tell("announced", says, seen.at, seen.at, old=old.on)
            elif not old.soft and sight.soft:
                self._tell(
                    "announced", says, seen.at, seen.at, neutral=True, why="a firm day turned soft"
                )
            return
        kind = "moved_later" if says > old.on else "moved_earlier"
        latest: datetime | None = seen.at
        if sight.provider in self.crowds[place]:
            latest = self._following(self.sound_dates, seen.at + WEEK)
        elif seen.doubted:
            latest = self._following(self.sound_dates, seen.at)
        if self.retired:
            if says >= day:
                self._tell(
                    kind, says, seen.at, seen.at, neutral=True, why="an end that had come is moved"
                )
                self.retired = False
            return
        why = ""
        if promise:
            why = "a promise to an active model changed"
        elif not old.soft and sight.soft:
            why = "a firm day turned soft"
        self._tell(kind, says, seen.at, latest, neutral=bool(why), why=why, old=old.on)
        if (
            says <= day
            and not sight.soft
            and not (says == day and self._is_served_yet(says, seen.at))
        ):
            self._tell(
                "retired", None, _start(says), seen.at, neutral=True, why="moved into the past"
            )
            self.retired = True

    def _following(self, times: Sequence[datetime], moment: datetime) -> datetime | None:
        """One poll after the first sound one at or after `moment`; None where the history ends
        before that."""
        place = bisect_left(times, moment)
        return times[place + 1] if place + 1 < len(times) else None

    # --- prices -----------------------------------------------------------------------------------

    def _prices(self, place: int, seen: Observation, sight: Sight) -> None:
        if not sight.true_prices:
            if self.change is not None:
                self.change.disturbed = True
            self._scheduled_start(seen, neutral=True)
            return
        shown = {unit: amount for unit, amount in sight.prices.items() if amount > 0}
        self._scheduled_start(seen, neutral=False)
        later = sight.scheduled is not None and sight.scheduled[0] > seen.at.date()
        self.coming = sight.scheduled if later else None
        if not self.known or place == 0:
            self.price = dict(shown)
            return
        self.gaps |= {unit for unit in self.price if unit not in shown}
        differs = {
            unit: amount
            for unit, amount in shown.items()
            if unit in self.price
            and amount != self.price[unit]
            and _plausible(amount, self.price[unit])
        }
        for unit, amount in shown.items():
            self.price.setdefault(unit, amount)
            if amount == self.price[unit]:
                self.gaps.discard(unit)
        self._stands(place, seen, sight, differs)

    def _stands(
        self, place: int, seen: Observation, sight: Sight, differs: Mapping[str, Decimal]
    ) -> None:
        change = self.change
        if change is not None and change.units != differs:
            if seen.at - change.since >= THREE_DAYS:
                # stood for about as long as it has to: it may be told, and then its end too
                self._many(
                    change.since,
                    seen.at + WEEK + 2 * DAY,
                    "stood for about as long as a price has to",
                )
            change = None
        if not differs:
            self.change = None
            return
        if change is None:
            why = "the price was unknown in between" if self.gaps & set(differs) else ""
            crowded = sight.provider in self.crowds[place]
            change = _Change(differs, seen.at, crowded, neutral=why or self._floats(seen.at))
        elif change.disturbed:
            # whoever reads carefully counts anew once the row is itself again
            change.disturbed, change.stands_since = False, seen.at
        self.change = change
        hold = WEEK if change.crowded else THREE_DAYS
        stands_since = change.stands_since or change.since
        if seen.at - stands_since < hold:
            return
        latest = self._following(self.sound_prices, stands_since + hold)
        why = change.neutral or self._floats(seen.at)
        if why != "silent":
            old = {unit: self.price[unit] for unit in differs}
            self._tell(
                "repriced", dict(differs), change.since, latest, neutral=bool(why), why=why, old=old
            )
        self.price |= differs
        self.gaps -= set(differs)
        self.change = None

    def _scheduled_start(self, seen: Observation, *, neutral: bool) -> None:
        """A price announced for a day takes force on that day, whatever the payload does."""
        if self.coming is None or self.coming[0] > seen.at.date():
            return
        on, prices = self.coming
        differs = {
            unit: amount
            for unit, amount in prices.items()
            if unit in self.price
            and amount != self.price[unit]
            and _plausible(amount, self.price[unit])
        }
        if differs:
            self._tell(
                "repriced",
                differs,
                _start(on),
                _start(on),
                neutral=neutral,
                why="not to be trusted" if neutral else "",
            )
        self.price |= prices
        self.coming = self.change = None

    def before_it_floats(self) -> list[Wanted]:
        """What is told of a floating price before it can be known to float is neither wanted nor
        false."""
        known = next((at for at in self.times if self._floats(at) == "silent"), self.times[-1])
        self.wanted = []
        self._many(self.times[0], known, "a floating price before it is known to float")
        return self.wanted

    def _many(self, earliest: datetime, latest: datetime, why: str) -> None:
        self.wanted.append(
            Wanted("repriced", self.names, None, earliest, latest, neutral=True, why=why, many=True)
        )

    def _floats(self, at: datetime) -> str:
        """Why a change of this model's price at `at` is no list-price change; "silent" where it
        must not be told."""
        if self.model.first.points_to:
            return "the price of whatever the pointer points to"
        recent = sum(at - timedelta(days=90) < move <= at for move in self.moves)
        month = sum(at - timedelta(days=30) < move <= at for move in self.moves)
        offer = self.model.open_weights and self.history.feed.slug == "openrouter"
        moving = recent > 8 or (offer and month > 3)
        if self.model.floating:
            settled = recent > 8 or (offer and month > 5)
            return "silent" if settled else "a floating price before it is known to float"
        return "moved so often that it passes for floating" if moving else ""


def _is_promise(sight: Sight) -> bool:
    """Whether the row speaks of an active model that will not end before a day."""
    return sight.soft and sight.announced_on is None and sight.status == "active"


def _plausible(new: Decimal, old: Decimal) -> bool:
    return max(new, old) < IMPLAUSIBLE * min(new, old)


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def must_be_told(truth: Iterable[Wanted]) -> list[Wanted]:
    return [event for event in truth if not event.neutral]


__all__ = ["Wanted", "must_be_told", "replace", "truth_of"]
