"""Tariffs in genai-prices: the prices of one model by date, request size and time of day.

`prices` is one object of fields, or a list of such objects with conditions, of which the last that
applies counts. `price_variants` are further prices for a kind of processing, of which the first
that applies counts. A field is a number or `{base, tiers}`, where the whole request is paid at the
price of the tier it reaches.

The result is what a request costs, not how the feed writes it: a price that overwrites the old one
and the same price added as history are equal from the day on which it starts. Fields without a unit
in `PRICE_UNITS` (citations, searches of a store, annotated pages, text messages, tools) are left
out and counted."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any, TypeGuard

from apps.catalog.claims.feed_rows import PRICE_UNITS, PriceLine
from apps.feeds.parsers.amounts import Per, UnclearPriceError, per_million
from apps.feeds.parsers.dates import UnclearDateError, read_iso_day
from apps.feeds.parsers.payload import duplicate_keys, quote

# Field: (unit, what it counts). Of two fields for one unit the earlier is the price.
_FIELDS: dict[str, tuple[str, Per]] = {
    "input_mtok": ("input", "million"),
    "output_mtok": ("output", "million"),
    "cache_read_mtok": ("cache_read", "million"),
    "cache_write_mtok": ("cache_write", "million"),
    "cache_write_5m_mtok": ("cache_write", "million"),
    "cache_write_1h_mtok": ("cache_write_1h", "million"),
    "output_reasoning_mtok": ("reasoning", "million"),
    "input_audio_mtok": ("input_audio", "million"),
    "output_audio_mtok": ("output_audio", "million"),
    "cache_audio_read_mtok": ("cache_read_audio", "million"),
    "cache_audio_write_mtok": ("cache_write_audio", "million"),
    "input_image_mtok": ("input_image", "million"),
    "output_image_mtok": ("output_image", "million"),
    "cache_image_read_mtok": ("cache_read_image", "million"),
    "input_video_mtok": ("input_video", "million"),
    "output_video_mtok": ("output_video", "million"),
    "cache_video_read_mtok": ("cache_read_video", "million"),
    "input_mchars": ("character", "million"),
    "audio_hours": ("second", "unit"),
    "input_audio_hours": ("second", "unit"),
    "input_document_kpages": ("page", "thousand"),
    "requests_kcount": ("request", "thousand"),
    "web_searches_kcount": ("web_search", "thousand"),
}
_HOURLY = frozenset({"audio_hours", "input_audio_hours"})
_SECONDS_AN_HOUR = 3600
# What a variant may be chosen by, and the levels we have words for. OpenAI's "fast" is its
# "priority" again.
_LEVEL_KEYS = ("processing", "service_tier")
_LEVELS = ("batch", "priority", "flex")
_CONDITIONS = frozenset({"start_date", "start_time", "end_time"})
_MAX_REQUEST_TOKENS = 100_000_000
_ALWAYS = date.min
_MAX_PUBLISHED_LENGTH = 200

# {unit: {size of request from which it holds: amount}}; the size 0 is there unless only larger ones
# have a price.
type Tariff = dict[str, dict[int, Decimal]]


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """The prices of one model. `said` is the fields as published, in text; `unmapped` the price
    fields left out."""

    lines: tuple[PriceLine, ...]
    said: dict[str, str]
    unmapped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TariffCondition:
    """A period of validity: from `start` on, and daily from `opens` until `closes` (exclusive, UTC,
    past midnight if it is the earlier)."""

    start: date = _ALWAYS
    opens: time | None = None
    closes: time | None = None

    def holds(self, day: date, hour: time) -> bool:
        if day < self.start:
            return False
        if self.opens is None or self.closes is None:
            return True
        if self.closes < self.opens:
            return hour >= self.opens or hour < self.closes
        return self.opens <= hour < self.closes

    def __str__(self) -> str:
        start = f" from {self.start}" if self.start != _ALWAYS else ""
        return start + (
            f" {self.opens:%H:%M}-{self.closes:%H:%M} UTC" if self.opens and self.closes else ""
        )


@dataclass(frozen=True, slots=True)
class TariffEntry:
    condition: TariffCondition
    tariff: Tariff


def read_prices(raw: dict[str, Any]) -> ModelPrices:
    """Parse all price lines of a model, sorted; none if the feed has no price.

    0 does not occur, and would not tell whether the use is free or the price unknown: it is not
    read as a price. Lines that start on a day are listed beside those they replace; a line that
    changes nothing is left out. Raises UnclearPriceError if a relevant field, a tier or a condition
    is not plausible or not understood."""
    reading = _PriceReader()
    standard = reading.entries(raw.get("prices"))
    lines = _lines_by_day(standard, _last_entry)
    variants = reading.variants(raw.get("price_variants"))
    for level in _LEVELS:
        lines += _lines_by_day(
            [entry for named, entry in variants if named == level], _merge_variants
        )
    lines.sort(key=lambda line: (line.unit, line.above_tokens, line.starts_on or _ALWAYS))
    return ModelPrices(tuple(lines), reading.said, tuple(reading.unmapped))


class _PriceReader:
    """A reader of one model's price fields that stores their published values."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}
        self.unmapped: list[str] = []

    def entries(self, prices: object) -> list[TariffEntry]:
        if isinstance(prices, list):
            return [self._entry(each) for each in prices]
        return [TariffEntry(TariffCondition(), self._tariff(prices, ""))]

    def variants(self, value: object) -> list[tuple[str, TariffEntry]]:
        """Return (level, entry) of the variants with a supported service level, in their order."""
        if value is None:
            return []
        if not isinstance(value, list):
            raise UnclearPriceError(
                "The price variants are not a list. The prices of the row are not used."
            )
        found = []
        for variant in value:
            level = _level(variant)
            if level:
                found.append((level, self._entry(variant, level)))
        return found

    def _entry(self, value: object, level: str = "") -> TariffEntry:
        if not isinstance(value, dict) or duplicate_keys(value):
            raise UnclearPriceError(
                "An entry of the prices cannot be read. The prices of the row are not used."
            )
        condition = _condition(value.get("constraint"))
        return TariffEntry(condition, self._tariff(value.get("prices"), f"{condition}", level))

    def _tariff(self, fields: object, when: str, level: str = "") -> Tariff:
        if fields is None:
            return {}
        if not isinstance(fields, dict):
            raise UnclearPriceError(
                f"The prices are {quote(fields)}, which is not an object. The prices of the row "
                "are not used."
            )
        if doubled := duplicate_keys(fields):
            names = ", ".join(sorted(doubled))
            raise UnclearPriceError(
                f"The prices contain {names} twice. The prices of the row are not used."
            )
        tariff: Tariff = {}
        self.unmapped += [
            field for field, value in fields.items() if field not in _FIELDS and value is not None
        ]
        for field, (unit, _) in _FIELDS.items():
            value = fields.get(field)
            word = f"{unit}_{level}" if level else unit
            if value is None or word not in PRICE_UNITS:
                continue
            steps = {}
            for above, published in _steps(field, value):
                amount = _amount(field, published)
                self._say(
                    field
                    + (f" above {above}" if above else "")
                    + when
                    + (f", {level}" * bool(level)),
                    published,
                )
                if amount > 0:
                    steps[above] = amount
            if steps:
                tariff.setdefault(word, steps)
        return tariff

    def _say(self, what: str, published: object) -> None:
        if len(self.said) < _MAX_PUBLISHED_LENGTH:
            self.said[what] = str(published)[:40]


def _level(variant: object) -> str:
    """Return the service level by which a variant is selected; "" if it is selected by something
    else or by more."""
    when = variant.get("when") if isinstance(variant, dict) else None
    if not isinstance(when, dict) or len(when) != 1:
        return ""
    return next((when[key] for key in _LEVEL_KEYS if when.get(key) in _LEVELS), "")


def _condition(value: object) -> TariffCondition:
    if value is None:
        return TariffCondition()
    named = (
        {key: each for key, each in value.items() if each is not None}
        if isinstance(value, dict)
        else {}
    )
    if not isinstance(value, dict) or not named.keys() <= _CONDITIONS or duplicate_keys(value):
        raise UnclearPriceError(
            f"The condition {quote(value)} of a price cannot be read. The prices of the row are "
            "not used."
        )
    try:
        start = read_iso_day(named.get("start_date"))
        opens, closes = (_time(named.get(key)) for key in ("start_time", "end_time"))
    except (UnclearDateError, ValueError):
        raise UnclearPriceError(
            f"The condition {quote(value)} of a price cannot be read. The prices of the row are "
            "not used."
        ) from None
    if (opens is None) != (closes is None) or (opens is not None and opens == closes):
        raise UnclearPriceError(
            "A price for a time of day has no start or end. The prices of the row are not used."
        )
    return TariffCondition(start or _ALWAYS, opens, closes)


def _time(value: object) -> time | None:
    """Parse a time of day in UTC, written with Z or without a zone; ValueError for anything
    else."""
    if value is None:
        return None
    read = time.fromisoformat(value if isinstance(value, str) else "")
    if read.utcoffset():
        raise ValueError(f"{value} is not in UTC")
    return read.replace(tzinfo=None)


def _steps(field: str, value: object) -> list[tuple[int, object]]:
    """Return (request size from which it applies, published price) of a field, smallest size
    first."""
    if not isinstance(value, dict):
        return [(0, value)]
    tiers = value.get("tiers")
    if duplicate_keys(value) or not isinstance(tiers, list) or "base" not in value:
        raise UnclearPriceError(
            f"The tiers of the price {field} cannot be read. The prices of the row are not used."
        )
    steps: dict[int, object] = {0: value["base"]}
    for tier in tiers:
        start = tier.get("start") if isinstance(tier, dict) else None
        if not _is_size(start) or start in steps:
            raise UnclearPriceError(
                f"The tiers of the price {field} cannot be read. The prices of the row are not "
                "used."
            )
        steps[int(start)] = tier.get("price")
    return sorted(steps.items(), key=lambda step: step[0])


def _is_size(value: object) -> TypeGuard[int | Decimal]:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | Decimal)
        or not Decimal(value).is_finite()
    ):
        return False
    return 0 < value <= _MAX_REQUEST_TOKENS and value == int(value)


def _amount(field: str, published: object) -> Decimal:
    if (
        field in _HOURLY
        and isinstance(published, int | Decimal)
        and not isinstance(published, bool)
    ):
        published = Decimal(published) / _SECONDS_AN_HOUR
    return per_million(field, published, per=_FIELDS[field][1])


# --- from entries to lines ------------------------------------------------------------------------


def _last_entry(entries: Sequence[TariffEntry], day: date, hour: time) -> Tariff:
    """Apply the rule of the list: the last entry that applies, and the first one if none does."""
    for entry in reversed(entries):
        if entry.condition.holds(day, hour):
            return entry.tariff
    return entries[0].tariff if entries else {}


def _merge_variants(entries: Sequence[TariffEntry], day: date, hour: time) -> Tariff:
    """Apply the rule of variants: each unit from the first entry that applies and has it."""
    merged: Tariff = {}
    for entry in entries:
        if entry.condition.holds(day, hour):
            for unit, steps in entry.tariff.items():
                merged.setdefault(unit, steps)
    return merged


def _lines_by_day(
    entries: Sequence[TariffEntry], choose: Callable[[Sequence[TariffEntry], date, time], Tariff]
) -> list[PriceLine]:
    """What holds from the beginning, and on each day on which something begins the lines that then
    change."""
    days = sorted({_ALWAYS, *(entry.condition.start for entry in entries)})
    bounds = {
        bound
        for entry in entries
        for bound in (entry.condition.opens, entry.condition.closes)
        if bound
    }
    hours = sorted({time(), *bounds})
    lines: list[PriceLine] = []
    standing: dict[tuple[str, int], Decimal] = {}
    for day in days:
        tariff = _over_the_day([choose(entries, day, hour) for hour in hours])
        due = {
            (unit, above): amount
            for unit, steps in tariff.items()
            for above, amount in steps.items()
        }
        for unit, above in standing.keys() - due.keys():
            # A tier or an hour that is gone costs what the rest costs; a unit that is gone keeps
            # its last price.
            steps = tariff.get(unit) or tariff.get(unit.removesuffix("_off_peak"))
            amount = _at_size(steps, above) if steps else None
            if amount is not None:
                due[unit, above] = amount
        lines += [
            PriceLine(unit, amount, above, None if day == _ALWAYS else day)
            for (unit, above), amount in due.items()
            if standing.get((unit, above)) != amount
        ]
        standing |= due
    return lines


def _over_the_day(by_hour: Sequence[Tariff]) -> Tariff:
    """Return the highest price of the day for each unit, and the lowest as `<unit>_off_peak` if
    they differ."""
    tariff: Tariff = {}
    for unit in {unit: None for hour in by_hour for unit in hour}:
        priced = [hour[unit] for hour in by_hour if unit in hour]
        dearest, cheapest = {}, {}
        for above in sorted({above for steps in priced for above in steps}):
            amounts = [amount for steps in priced if (amount := _at_size(steps, above)) is not None]
            dearest[above], cheapest[above] = max(amounts), min(amounts)
        tariff[unit] = dearest
        if cheapest != dearest and f"{unit}_off_peak" in PRICE_UNITS:
            tariff[f"{unit}_off_peak"] = cheapest
    return tariff


def _at_size(steps: dict[int, Decimal], size: int) -> Decimal | None:
    """Return the price of a request of this size; None below the smallest size that has a price."""
    reached: Iterable[int] = (above for above in steps if above <= size)
    largest = max(reached, default=None)
    return None if largest is None else steps[largest]
