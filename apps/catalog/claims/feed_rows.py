"""What one row of a feed claims, in the catalogue's own words: the only thing parsers and rules
share.

A parser turns bytes into `FeedRow`s and `RejectedRow`s and knows nothing of the database; the
observation rules take them and know nothing of feeds.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

FIRM = "firm"
NOT_BEFORE = "not_before"


@dataclass(frozen=True, slots=True)
class LifecycleClaim:
    """When a row says its offering ends.

    `date_kind` is `firm` or `not_before` when `retires_on` is set, else empty. `status` is the
    feed's own word mapped to active, deprecated or retired, or empty where it has none. `successor`
    is free text as published, tidied only so far that it reads.
    """

    announced_on: date | None = None
    retires_on: date | None = None
    date_kind: str = ""
    status: str = ""
    successor: str = ""


@dataclass(frozen=True, slots=True, order=True)
class PriceLine:
    """One list price: `amount` in `currency` per million units (tokens, images, seconds, requests,
    ...).

    `unit` is a key of `PRICE_UNITS`; `above_tokens` is the size of the request from which the line
    applies (0 for the base price); `starts_on` is set if the feed gives the first day of the price.
    An amount of 0 means that the use is free, as published by the feed; an unknown price has no
    line. If a price depends on the hour, the unit itself has the highest of the day and
    `<unit>_off_peak` the lowest.
    """

    unit: str
    amount: Decimal
    above_tokens: int = 0
    starts_on: date | None = None
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One feed row about one offering.

    external_id: the feed's own key, as in contracts.md section 2. group: the provider the bulk
    guard counts it under. (host, api_id, region, tier) name the offering. `lifecycle` or `prices`
    is None when the feed has no such topic; an empty tuple means the topic exists and the row names
    no price. `alias_of` is set when the row points to another one of the feed. `price_is_offer`
    marks a price that is the cheapest offer of the moment rather than a published list price (a
    router's price for open weights). `excerpt` is the raw row, cut to what the claims rest on.
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
    price_is_offer: bool = False
    source_url: str = ""
    excerpt: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that is set aside: where it stood, why in a sentence, and the start of what it said."""

    external_id: str
    reason: str
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """The result of one parse; `rows` holds each external ID once.

    `host_names` gives a display name for host slugs that might be new to the catalogue. `as_of` is
    the time at which the feed was made, if it says so: it can respond for months without being
    updated.
    """

    rows: tuple[FeedRow, ...]
    rejects: tuple[RejectedRow, ...] = ()
    ignored: int = 0
    host_names: dict[str, str] = field(default_factory=dict)
    as_of: datetime | None = None


# What a price counts, in the order pages list it. Amounts are always per million of the unit.
PRICE_UNITS: dict[str, str] = {
    "input": "input tokens",
    "output": "output tokens",
    "cache_read": "cached input tokens read",
    "cache_write": "cached input tokens written",
    "cache_write_1h": "cached input tokens written, kept an hour",
    "reasoning": "reasoning tokens",
    "input_off_peak": "input tokens, off peak",
    "output_off_peak": "output tokens, off peak",
    "cache_read_off_peak": "cached input tokens read, off peak",
    "cache_write_off_peak": "cached input tokens written, off peak",
    "input_audio": "audio input tokens",
    "output_audio": "audio output tokens",
    "cache_read_audio": "cached audio tokens read",
    "cache_write_audio": "cached audio tokens written",
    "input_image": "image input tokens",
    "output_image": "image output tokens",
    "cache_read_image": "cached image tokens read",
    "input_video": "video input tokens",
    "output_video": "video output tokens",
    "cache_read_video": "cached video tokens read",
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
    "web_search": "web searches",
    "pixel": "pixels",
    "video_second": "seconds of video",
}
