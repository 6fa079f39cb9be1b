"""What the rules take and give: claims as known, and what one observation makes of them."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from apps.catalog.claims.feed_rows import FeedRow
from apps.catalog.claims.values import Value

IDENTITY, LIFECYCLE, PRICE = "identity", "lifecycle", "price"

# What it means that a row is gone for good: the host no longer serves the model ("news"); a notice
# was taken from a list of notices, which is news only where people still count on its day
# ("notices"); or somebody tidied a price list ("nothing").
type Absence = Literal["news", "notices", "nothing"]


@dataclass(frozen=True, slots=True)
class DetectionRules:
    """Durations before values are accepted, and limits beyond which a payload is doubted."""

    removal_hold: timedelta = timedelta(days=7)
    withdrawal_hold: timedelta = timedelta(days=7)
    price_hold: timedelta = timedelta(hours=72)
    # The guard doubts a provider's rows when more than this share of them vanishes or changes in
    # one run; below the minimum a share says nothing (one of three rows is a third).
    max_vanished_share: float = 0.2
    max_changed_share: float = 0.1
    min_vanished: int = 3
    min_changed: int = 5
    # Factor between two prices from which a mistake of units is likelier than a change.
    max_price_factor: int = 400
    # A fall by such a factor is believed, without a word, once it has stood for so long: mostly it
    # is the end of a mistake. A rise by such a factor is believed only by a person.
    unit_error_hold: timedelta = timedelta(days=7)
    # A price that moves more often than this in 90 days floats: single moves are no news. A price
    # that is the cheapest offer of the moment is known to float earlier: in 30 days.
    max_moves: int = 8
    max_offer_moves: int = 5
    absence: Absence = "news"


DEFAULT_RULES = DetectionRules()


@dataclass(slots=True)
class KnownClaim:
    """One stored claim of the source, as far as the rules need it; columns as in `Assertion`."""

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


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A new claim. `columns` are further ones that a row under a new key takes from the old."""

    row: FeedRow
    topic: str
    value: Value
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClaimUpdate:
    """Columns of one stored claim that become different; `accepted` when its value or standing
    changed."""

    id: int
    columns: dict[str, Any]
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class CatalogueFact:
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
    """What follows from one payload. `held` is {provider group: sentence} and non-empty for a
    suspect run.

    `backfilled` are [row, ISO day] of dates that were past when first seen; `floated` are [row,
    old, new] of floating prices, which move without being news; `rekeyed` is {new row: row it was
    before}.
    """

    new: list[NewClaim] = field(default_factory=list)
    updates: list[ClaimUpdate] = field(default_factory=list)
    facts: list[CatalogueFact] = field(default_factory=list)
    doubtful: list[tuple[str, str]] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)
    backfilled: list[list[str]] = field(default_factory=list)
    floated: list[list[Any]] = field(default_factory=list)
    rekeyed: dict[str, str] = field(default_factory=dict)
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
