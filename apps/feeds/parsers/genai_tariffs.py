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

# {field: (unit, quantity of the published number)}. Of two fields for one unit the earlier is used.
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
# Keys by which a variant is selected, and the service levels with a unit in the catalogue. OpenAI's
# "fast" is the same as its "priority".
_LEVEL_KEYS = ("processing", "service_tier")
_LEVELS = ("batch", "priority", "flex")
_CONDITIONS = frozenset({"start_date", "start_time", "end_time"})
_MAX_REQUEST_TOKENS = 100_000_000
_ALWAYS = date.min
_MAX_PUBLISHED_LENGTH = 200

# {unit: {request size in tokens from which it applies: amount}}; the size 0 is missing if only
# larger requests have a price.
type Tariff = dict[str, dict[int, Decimal]]


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """The prices of one model. `published` is {label of the field: its published value as text};
    `unmapped` are price fields without a unit in the catalogue."""

    lines: tuple[PriceLine, ...]
    published: dict[str, str]
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

    0 does not occur, and could mean either a free model or an unknown price: it is not read as a
    price. Lines that start on a day are listed beside those they replace; a line that changes
    nothing is left out. Raises UnclearPriceError if a relevant field, a tier or a condition is not
    plausible or not supported."""
    reader = _PriceReader()
    standard = reader.entries(raw.get("prices"))
    lines = _list_lines_by_day(standard, _select_last_entry)
    variants = reader.variants(raw.get("price_variants"))
    for level in _LEVELS:
        lines += _list_lines_by_day(
            [entry for variant_level, entry in variants if variant_level == level], _merge_variants
        )
    lines.sort(key=lambda line: (line.unit, line.above_tokens, line.starts_on or _ALWAYS))
    return ModelPrices(tuple(lines), reader.published, tuple(reader.unmapped))


class _PriceReader:
    """A reader of one model's price fields that stores their published values."""

    def __init__(self) -> None:
        self.published: dict[str, str] = {}
        self.unmapped: list[str] = []

    def entries(self, prices: object) -> list[TariffEntry]:
        if isinstance(prices, list):
            return [self._read_entry(entry) for entry in prices]
        return [TariffEntry(TariffCondition(), self._read_tariff(prices, ""))]

    def variants(self, value: object) -> list[tuple[str, TariffEntry]]:
        """Return (level, entry) of the variants with a supported service level, in their order."""
        if value is None:
            return []
        if not isinstance(value, list):
            raise UnclearPriceError(
                "The price variants are not a list. The prices of the row are not used."
            )
        variants = []
        for variant in value:
            level = _read_level(variant)
            if level:
                variants.append((level, self._read_entry(variant, level)))
        return variants

    def _read_entry(self, value: object, level: str = "") -> TariffEntry:
        if not isinstance(value, dict) or duplicate_keys(value):
            raise UnclearPriceError(
                "An entry of the prices cannot be read. The prices of the row are not used."
            )
        condition = _read_condition(value.get("constraint"))
        return TariffEntry(condition, self._read_tariff(value.get("prices"), f"{condition}", level))

    def _read_tariff(self, fields: object, condition_text: str, level: str = "") -> Tariff:
        """Return {unit: {request tokens above which it applies: amount per million}} of one object
        of prices. Zero amounts are left out. `level` is a suffix of units, such as a quality;
        `condition_text` describes the condition in the record of published amounts."""
        if fields is None:
            return {}
        if not isinstance(fields, dict):
            raise UnclearPriceError(
                f"The prices are {quote(fields)}, which is not an object. The prices of the row "
                "are not used."
            )
        if duplicates := duplicate_keys(fields):
            names = ", ".join(sorted(duplicates))
            raise UnclearPriceError(
                f"The prices contain {names} twice. The prices of the row are not used."
            )
        tariff: Tariff = {}
        self.unmapped += [
            field for field, value in fields.items() if field not in _FIELDS and value is not None
        ]
        for field, (unit, _) in _FIELDS.items():
            value = fields.get(field)
            priced_unit = f"{unit}_{level}" if level else unit
            if value is None or priced_unit not in PRICE_UNITS:
                continue
            steps = {}
            for above, published in _read_steps(field, value):
                amount = _normalise_amount(field, published)
                self._record_published(
                    field
                    + (f" above {above}" if above else "")
                    + condition_text
                    + (f", {level}" * bool(level)),
                    published,
                )
                if amount > 0:
                    steps[above] = amount
            if steps:
                tariff.setdefault(priced_unit, steps)
        return tariff

    def _record_published(self, label: str, published: object) -> None:
        if len(self.published) < _MAX_PUBLISHED_LENGTH:
            self.published[label] = str(published)[:40]


def _read_level(variant: object) -> str:
    """Return the service level by which a variant is selected; "" if it is selected by something
    else or by more."""
    selector = variant.get("when") if isinstance(variant, dict) else None
    if not isinstance(selector, dict) or len(selector) != 1:
        return ""
    return next((selector[key] for key in _LEVEL_KEYS if selector.get(key) in _LEVELS), "")


def _read_condition(value: object) -> TariffCondition:
    """Return the condition under which prices apply; an empty one if `value` is None. Raises
    UnclearPriceError for a condition that is not a start date or a time of day."""
    if value is None:
        return TariffCondition()
    constraints = (
        {key: bound for key, bound in value.items() if bound is not None}
        if isinstance(value, dict)
        else {}
    )
    if (
        not isinstance(value, dict)
        or not constraints.keys() <= _CONDITIONS
        or duplicate_keys(value)
    ):
        raise UnclearPriceError(
            f"The condition {quote(value)} of a price cannot be read. The prices of the row are "
            "not used."
        )
    try:
        start = read_iso_day(constraints.get("start_date"))
        opens, closes = (_parse_time(constraints.get(key)) for key in ("start_time", "end_time"))
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


def _parse_time(value: object) -> time | None:
    """Parse a time of day in UTC, written with Z or without a zone; ValueError for anything
    else."""
    if value is None:
        return None
    parsed_time = time.fromisoformat(value if isinstance(value, str) else "")
    if parsed_time.utcoffset():
        raise ValueError(f"{value} is not in UTC")
    return parsed_time.replace(tzinfo=None)


def _read_steps(field: str, value: object) -> list[tuple[int, object]]:
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


def _normalise_amount(field: str, published: object) -> Decimal:
    if (
        field in _HOURLY
        and isinstance(published, int | Decimal)
        and not isinstance(published, bool)
    ):
        published = Decimal(published) / _SECONDS_AN_HOUR
    return per_million(field, published, per=_FIELDS[field][1])


# --- from entries to lines ------------------------------------------------------------------------


def _select_last_entry(entries: Sequence[TariffEntry], day: date, hour: time) -> Tariff:
    """Apply the rule of the list: the last entry that applies, and the first one if none does."""
    for entry in reversed(entries):
        if entry.condition.holds(day, hour):
            return entry.tariff
    return entries[0].tariff if entries else {}


def _merge_variants(entries: Sequence[TariffEntry], day: date, hour: time) -> Tariff:
    """Apply the rule of variants: each unit from the first entry that applies and has it."""
    merged_tariff: Tariff = {}
    for entry in entries:
        if entry.condition.holds(day, hour):
            for unit, steps in entry.tariff.items():
                merged_tariff.setdefault(unit, steps)
    return merged_tariff


def _list_lines_by_day(
    entries: Sequence[TariffEntry], choose: Callable[[Sequence[TariffEntry], date, time], Tariff]
) -> list[PriceLine]:
    """Return the lines that apply from the beginning, and for each later day on which an entry
    starts the lines that change on that day."""
    days = sorted({_ALWAYS, *(entry.condition.start for entry in entries)})
    bounds = {
        bound
        for entry in entries
        for bound in (entry.condition.opens, entry.condition.closes)
        if bound
    }
    hours = sorted({time(), *bounds})
    lines: list[PriceLine] = []
    current_amounts: dict[tuple[str, int], Decimal] = {}
    for day in days:
        tariff = _summarise_day([choose(entries, day, hour) for hour in hours])
        new_amounts = {
            (unit, above): amount
            for unit, steps in tariff.items()
            for above, amount in steps.items()
        }
        for unit, above in current_amounts.keys() - new_amounts.keys():
            # A tier or off-peak time that no longer exists has the remaining price; a unit that no
            # longer exists keeps its last price.
            steps = tariff.get(unit) or tariff.get(unit.removesuffix("_off_peak"))
            amount = _price_at_size(steps, above) if steps else None
            if amount is not None:
                new_amounts[unit, above] = amount
        lines += [
            PriceLine(unit, amount, above, None if day == _ALWAYS else day)
            for (unit, above), amount in new_amounts.items()
            if current_amounts.get((unit, above)) != amount
        ]
        current_amounts |= new_amounts
    return lines


def _summarise_day(by_hour: Sequence[Tariff]) -> Tariff:
    """Return the highest price of the day for each unit, and the lowest as `<unit>_off_peak` if
    they differ."""
    tariff: Tariff = {}
    for unit in {unit: None for hour in by_hour for unit in hour}:
        steps_by_hour = [hour[unit] for hour in by_hour if unit in hour]
        dearest, cheapest = {}, {}
        for above in sorted({above for steps in steps_by_hour for above in steps}):
            amounts = [
                amount
                for steps in steps_by_hour
                if (amount := _price_at_size(steps, above)) is not None
            ]
            dearest[above], cheapest[above] = max(amounts), min(amounts)
        tariff[unit] = dearest
        if cheapest != dearest and f"{unit}_off_peak" in PRICE_UNITS:
            tariff[f"{unit}_off_peak"] = cheapest
    return tariff


def _price_at_size(steps: dict[int, Decimal], size: int) -> Decimal | None:
    """Return the price of a request of this size; None below the smallest size that has a price."""
    thresholds: Iterable[int] = (above for above in steps if above <= size)
    largest = max(thresholds, default=None)
    return None if largest is None else steps[largest]
