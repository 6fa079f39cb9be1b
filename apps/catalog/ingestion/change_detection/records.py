"""Input and output of change detection: stored claims, and the result of one observation."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from apps.catalog.claims.feed_rows import FeedRow
from apps.catalog.claims.values import Value

IDENTITY, LIFECYCLE, PRICE = "identity", "lifecycle", "price"

# Meaning of the final removal of a row: the host no longer serves the model ("news"); a notice was
# removed from a list of notices, which is reported only if its date is still ahead ("notices"); or
# a price list was tidied ("nothing").
type Absence = Literal["news", "notices", "nothing"]


@dataclass(frozen=True, slots=True)
class DetectionRules:
    """Durations before values are accepted, and limits beyond which a payload is doubted."""

    removal_hold: timedelta = timedelta(days=7)
    withdrawal_hold: timedelta = timedelta(days=7)
    price_hold: timedelta = timedelta(hours=72)
    # The guard doubts a provider's rows if more than this share of them disappears or changes in
    # one run; below the minimum number a share means nothing (one of three rows is a third).
    max_vanished_share: float = 0.2
    max_changed_share: float = 0.1
    min_vanished: int = 3
    min_changed: int = 5
    # Factor between two prices from which a mistake of units is more likely than a change.
    max_price_factor: int = 400
    # A fall by such a factor is accepted without a report after this time: mostly it corrects a
    # mistake. A rise by such a factor needs a user's decision.
    unit_error_hold: timedelta = timedelta(days=7)
    # A price that differs by less than this share from the last reported one is only rounded in
    # another way.
    min_price_change: Decimal = Decimal("0.01")
    # A price whose hold has ended waits this long for other units of its row that are still on
    # hold: publishers often change input one day and output the next.
    joint_price_wait: timedelta = timedelta(hours=72)
    # A price that changes more often than this in 90 days floats, and single changes are not
    # reported. A price that is the cheapest current offer floats sooner: its limit is for 30 days.
    max_moves: int = 8
    max_offer_moves: int = 5
    absence: Absence = "news"
    # The source is the host's own list of what it serves: a row that is still listed contradicts a
    # retirement date until the date has passed everywhere.
    lists_served: bool = False
    # The source has the dates of its own host, which can still extend one on its day: such a date
    # is confirmed when the day has passed everywhere.
    has_own_dates: bool = False
    # Duration for which a doubted change to another date is held; that of other doubted changes if
    # None.
    doubted_date_hold: timedelta | None = None
    # Whether a doubted removal, and a doubted loss of a date, applies without a decision after its
    # hold. A source that describes itself otherwise than before proves neither.
    doubts_expire: bool = True

    @property
    def waits_for_end_of_day(self) -> bool:
        """Whether a row that states a date confirms it only when the day is over everywhere."""
        return self.lists_served or self.has_own_dates


DEFAULT_RULES = DetectionRules()


@dataclass(frozen=True, slots=True)
class PayloadDoubt:
    """A reason to doubt what a payload says, or no longer says, of `rows`: their removal and the
    loss of their dates are held for review, and no other known value of them changes.

    `group` is the provider group, `sentence` the reason. With `needs_removal` the doubt is
    justified only if one of the rows has disappeared without a known reason."""

    group: str
    sentence: str
    rows: frozenset[str]
    needs_removal: bool = False


@dataclass(slots=True)
class KnownClaim:
    """One stored claim of the source, with the columns of `Assertion` that the rules need."""

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
    refused: Value | None = None
    price_moves: list[str] = field(default_factory=list)
    floating_since: date | None = None
    next_start_on: date | None = None
    changed_at: datetime | None = None
    drifted_from: Value = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A new claim. `columns` are further columns that a row under a new key takes from its old
    claim."""

    row: FeedRow
    topic: str
    value: Value
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClaimUpdate:
    """Changed columns of one stored claim; `accepted` is true if its value or validity changed."""

    id: int
    columns: dict[str, Any]
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class CatalogueFact:
    """A change that can become an event; `old` and `new` are JSON values as in contracts.md."""

    kind: str
    external_id: str
    topic: str
    old: Any
    new: Any
    effective_on: date | None
    detected_at: datetime


@dataclass(slots=True)
class Observation:
    """The result of one payload. `held` is {provider group: sentence}, and not empty if the run
    needs review.

    `backfilled` are [row, ISO day] of dates that had passed when first seen; `floated` are [row,
    old, new] of floating prices, whose changes are not reported; `rekeyed` is {new row: its earlier
    row}. `doubts` are those about the payload that are justified.
    """

    new: list[NewClaim] = field(default_factory=list)
    updates: list[ClaimUpdate] = field(default_factory=list)
    facts: list[CatalogueFact] = field(default_factory=list)
    doubtful: list[tuple[str, str]] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)
    backfilled: list[list[str]] = field(default_factory=list)
    floated: list[list[Any]] = field(default_factory=list)
    rekeyed: dict[str, str] = field(default_factory=dict)
    doubts: list[PayloadDoubt] = field(default_factory=list)
    n_rows: int = 0
    n_changed: int = 0
    n_vanished: int = 0

    @property
    def n_backfilled(self) -> int:
        return len(self.backfilled)

    @property
    def n_assertions_changed(self) -> int:
        return len(self.new) + len(self.updates)

    @property
    def changes_nothing(self) -> bool:
        return not (self.new or self.updates or self.facts)
