"""What one row of a feed claims, in the catalogue's own words: the only thing parsers and rules share.

A parser turns bytes into `Row`s and `Reject`s and knows nothing of the database; the observation rules
take them and know nothing of feeds.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

FIRM = "firm"
NOT_BEFORE = "not_before"


@dataclass(frozen=True, slots=True)
class LifecycleClaim:
    """When a row says its offering ends.

    `date_kind` is `firm` or `not_before` when `retires_on` is set, else empty. `status` is the feed's own
    word mapped to active, deprecated or retired, or empty where it has none. `successor` is free text as
    published, tidied only so far that it reads.
    """

    announced_on: date | None = None
    retires_on: date | None = None
    date_kind: str = ""
    status: str = ""
    successor: str = ""


@dataclass(frozen=True, slots=True, order=True)
class PriceLine:
    """One list price: `amount` in `currency` per million units (tokens, images, seconds, requests, ...).

    `unit` is a word of `PRICE_UNITS`; `above_tokens` is the size of the request from which the line holds
    (0 for the base price); `starts_on` is set when the feed announces the price for a later day.
    """

    unit: str
    amount: Decimal
    above_tokens: int = 0
    starts_on: date | None = None
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Row:
    """One feed row about one offering.

    external_id: the feed's own key, as in contracts.md section 2. group: the provider the bulk guard counts
    it under. (host, api_id, region, tier) name the offering. `lifecycle` or `prices` is None when the feed
    has no such topic; an empty tuple means the topic exists and the row names no price. `alias_of` is set
    when the row is only a pointer. `excerpt` is the raw row, cut to what the claims rest on.
    """

    external_id: str
    group: str
    host: str
    api_id: str
    region: str = ""
    tier: str = ""
    gateway: str = ""
    name: str = ""
    category: str = ""
    lifecycle: LifecycleClaim | None = None
    prices: tuple[PriceLine, ...] | None = None
    alias_of: str = ""
    source_url: str = ""
    excerpt: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is set aside: where it stood, why in a sentence, and the start of what it said."""

    external_id: str
    reason: str
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """The result of one parse; `rows` holds each external id once.

    `host_names` gives a display name for host slugs that the catalogue may not know yet.
    """

    rows: tuple[Row, ...]
    rejects: tuple[Reject, ...] = ()
    ignored: int = 0
    host_names: dict[str, str] = field(default_factory=dict)


# What a price counts, in the order pages list it. Amounts are always per million of the unit.
PRICE_UNITS: dict[str, str] = {
    "input": "input tokens",
    "output": "output tokens",
    "cache_read": "cached input tokens read",
    "cache_write": "cached input tokens written",
    "cache_write_1h": "cached input tokens written, kept an hour",
    "reasoning": "reasoning tokens",
    "input_audio": "audio input tokens",
    "output_audio": "audio output tokens",
    "input_image": "image input tokens",
    "output_image": "image output tokens",
    "input_batch": "input tokens, batch",
    "output_batch": "output tokens, batch",
    "input_priority": "input tokens, priority",
    "output_priority": "output tokens, priority",
    "input_flex": "input tokens, flex",
    "output_flex": "output tokens, flex",
    "image": "images",
    "second": "seconds",
    "character": "characters",
    "page": "pages",
    "query": "queries",
    "request": "requests",
    "pixel": "pixels",
    "video_second": "seconds of video",
}
