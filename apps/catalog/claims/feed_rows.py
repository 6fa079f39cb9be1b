"""The claims of one feed row in terms of the catalogue: the interface between parsers and rules.

A parser turns bytes into `FeedRow`s and `RejectedRow`s without the database; the change detection
takes them and does not depend on the feed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

FIRM = "firm"
NOT_BEFORE = "not_before"


# What a row of a source is about: `FeedRow.kind`.
ROW_KINDS: dict[str, str] = {
    "model": "model",
    "fine_tune": "fine-tuned model",
    "endpoint": "endpoint",
    "feature": "feature",
    "parameter": "parameter",
}

# Those that are no models: parts of a host's API that can retire by themselves.
FEATURE_ROW_KINDS = frozenset({"endpoint", "feature", "parameter"})

# The service tier of a model that was fine-tuned on the offering with the same model ID.
FINE_TUNED_TIER = "fine-tuned"

# Stages of an offering before its end, in the order in which they come: `StageClaim.stage`.
STAGES: dict[str, str] = {
    "preview": "Preview",
    "active": "Active",
    "legacy": "Legacy",
    "deprecated": "Deprecated",
    "closed_to_new": "Closed to new customers",
    "training_ended": "Training of fine-tuned models ended",
    "extended_access": "Extended access",
    "retired": "Retired",
}


@dataclass(frozen=True, slots=True)
class StageClaim:
    """A stage of an offering (a key of `STAGES`) as a source states it.

    `starts_on` is None if the source says that the stage holds, without its first day. `date_kind`
    is `firm` or `not_before` when `starts_on` is set, else empty.
    """

    stage: str
    starts_on: date | None = None
    date_kind: str = ""


@dataclass(frozen=True, slots=True)
class RegionalEnd:
    """The retirement of an offering in one region, where a source states it by region.

    `region` is the code of the host, such as us-west-2. `retires_on` is None if the source lists
    the region without a day; `date_kind` as in `LifecycleClaim`.
    """

    region: str
    retires_on: date | None = None
    date_kind: str = ""


@dataclass(frozen=True, slots=True)
class LifecycleClaim:
    """The retirement of an offering as a feed row states it.

    `date_kind` is `firm` or `not_before` when `retires_on` is set, else empty. `status` is the
    status in the feed mapped to a key of `STAGES`, or empty if it has none. `successor`
    is free text as published, with only its formatting cleaned. `retires_month` (`YYYY-MM`) is set
    if the source states no more than a month; `retires_on` is then its first day, and `date_kind`
    is `not_before`. `stages` are the stages that the source states beside the retirement, and
    `regions` its days by region; both are empty if the source has no such statement.
    """

    announced_on: date | None = None
    retires_on: date | None = None
    date_kind: str = ""
    status: str = ""
    successor: str = ""
    retires_month: str = ""
    stages: tuple[StageClaim, ...] = ()
    regions: tuple[RegionalEnd, ...] = ()


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

    external_id: the row's key in the feed, as in contracts.md section 2. group: the provider whose
    rows the guards count together. (host, api_id, region, tier) identify the offering. `lifecycle`
    or `prices` is None if the feed has no such topic; an empty tuple means that the topic exists
    and the row has no price. `alias_of` is set if the row points to another row of the feed.
    `price_is_offer` marks a price that is the cheapest current offer rather than a published list
    price (a router's price for open weights). `excerpt` is the raw row, reduced to what supports
    the claims. `released_on` is the release day that the row states, None unless known to the day.
    `capabilities` is {key of `CAPABILITY_FIELDS`: canonical value}; a field about which the row is
    silent is missing. None if the feed has no such topic.
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
    kind: str = "model"
    released_on: date | None = None
    capabilities: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A quarantined row: its position, the reason as a sentence, and the start of its content."""

    external_id: str
    reason: str
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """The result of parsing one payload; `rows` holds each external ID once.

    `host_names` gives a display name for host slugs that might be new to the catalogue. `as_of` is
    the time at which the feed was generated, if it states one: it can respond for months without
    being updated.
    """

    rows: tuple[FeedRow, ...]
    rejects: tuple[RejectedRow, ...] = ()
    ignored: int = 0
    host_names: dict[str, str] = field(default_factory=dict)
    as_of: datetime | None = None


# Units of prices, in the order in which pages list them. Amounts are always per million of the
# unit.
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
    "cache_read_batch": "cached input tokens read, batch",
    "cache_write_batch": "cached input tokens written, batch",
    "input_priority": "input tokens, priority",
    "output_priority": "output tokens, priority",
    "cache_read_priority": "cached input tokens read, priority",
    "cache_write_priority": "cached input tokens written, priority",
    "input_flex": "input tokens, flex",
    "output_flex": "output tokens, flex",
    "cache_read_flex": "cached input tokens read, flex",
    "cache_write_flex": "cached input tokens written, flex",
    "image": "images",
    "second": "seconds",
    "character": "characters",
    "page": "pages",
    "query": "queries",
    "request": "requests",
    "web_search": "web searches",
    "web_search_low": "web searches, small context",
    "web_search_high": "web searches, large context",
    "map_search": "map searches",
    "code_session": "code interpreter sessions",
    "pixel": "pixels",
    "video_second": "seconds of video",
}
