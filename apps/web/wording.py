"""Labels of values: the same sentence for the same fact on every page."""

import json
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.catalog.capabilities.fields import FIELDS
from apps.catalog.capabilities.phrases import describe_lost_capabilities, format_value
from apps.catalog.claims.feed_rows import NOT_BEFORE, PRICE_UNITS, STAGES
from apps.catalog.claims.values import split_price_key
from apps.catalog.models import ProviderEvent
from apps.common.text import pluralize
from apps.exposure.models import TaskTiming, TaskTimingKind

Kind = ProviderEvent.Kind
_ISO_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(\+00:00|Z))?")
# a day by itself, not the end of an id such as gpt-4.1-2025-04-14 or @2025-04-14
_ISO_DAY = re.compile(r"(?<![\w.:@/-])\d{4}-\d{2}-\d{2}(?![\w:/@-])")
_UNIT_ORDER = {unit: position for position, unit in enumerate(PRICE_UNITS)}
_NUMBERS = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)


def day(value: date, *, today: date | None = None) -> str:
    """Format a date as `8 Apr 2027`, or as `8 Apr` if it is today or later in the same year.

    A past date always has its year: beside future dates, `17 Feb` would look like one of next year.
    """
    text = f"{value.day} {value:%b}"
    is_to_come_this_year = today is not None and today <= value and value.year == today.year
    return text if is_to_come_this_year else f"{text} {value.year}"


def moment(value: datetime, *, today: date) -> str:
    """Format a time as `8 Apr 2027, 14:05`; without the year if it is that of `today`."""
    year = "" if value.year == today.year else f" {value.year}"
    return f"{value.day} {value:%b}{year}, {value:%H:%M}"


def long_day(value: date) -> str:
    """Format a date as `8 April 2027`, for sentences; with non-breaking spaces."""
    return f"{value.day}\u00a0{value:%B}\u00a0{value.year}"


def month(text: str) -> str:
    """Format a month `2027-02` as `February 2027`."""
    first = date.fromisoformat(f"{text}-01")
    return f"{first:%B}\u00a0{first.year}"


def retirement_day(retires_on: date, retires_month: str = "") -> str:
    """Format a retirement date as `8 April 2027`, or as the month where its source states no
    more."""
    return month(retires_month) if retires_month else long_day(retires_on)


def from_today(value: date, *, today: date) -> str:
    """Format a date as `in 135 days`, `today`, `56 days ago`."""
    n_days = (value - today).days
    if n_days == 0:
        return "today"
    days = f"{number(abs(n_days))} day{'' if abs(n_days) == 1 else 's'}"
    return f"in {days}" if n_days > 0 else f"{days} ago"


def describe_timing(timing: TaskTiming | None) -> str:
    """Say by how much a task is late, as `Too late by 12 days`; empty on time."""
    if timing is None or timing.kind == TaskTimingKind.ON_TIME:
        return ""
    days = pluralize(timing.days, "1 day", f"{number(timing.days)} days")
    word = "Overdue" if timing.kind == TaskTimingKind.OVERDUE else "Too late"
    return f"{word} by {days}"


def number(value: Any) -> str:
    """Format a number with thousands separators and a true minus."""
    return f"{value:,}".replace("-", "−")


def bounded_number(n: int, limit: int) -> str:
    """Format a number that was counted up to `limit` + 1: `10,000+` if it is above the limit."""
    return f"{number(limit)}+" if n > limit else number(n)


def as_word(n: int) -> str:
    """Write small numbers as words, for sentences."""
    return _NUMBERS[n] if 0 <= n < len(_NUMBERS) else number(n)


def count_of(n: int, singular: str, plural: str = "") -> str:
    """Return the count as a word with its noun: `two applications`."""
    return f"{as_word(n)} {singular if n == 1 else plural or singular + 's'}"


def quantity_of(n: int, singular: str, plural: str = "") -> str:
    """Return the number with its noun: `2 applications`."""
    return f"{number(n)} {singular if n == 1 else plural or singular + 's'}"


def share(value: Any) -> str:
    return f"{round(float(value) * 100)}%"


def price(value: Any) -> str:
    """Format a price with at least two decimals, further ones only if they are significant: 3.00,
    0.075."""
    try:
        amount = Decimal(str(value)).normalize()
    except InvalidOperation:
        return str(value)
    places = max(2, -int(amount.as_tuple().exponent))
    return f"{amount:,.{places}f}"


def ago(value: datetime, *, at: datetime) -> str:
    seconds = int((at - value).total_seconds())
    if seconds < 0:
        return f"in {_format_span(-seconds)}"
    return "just now" if seconds < 60 else f"{_format_span(seconds)} ago"


def _format_span(seconds: int) -> str:
    minutes = seconds // 60
    if minutes < 60:
        return f"{max(minutes, 1)} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} d"


def join_names(names: Sequence[str], *, max_names: int = 4) -> str:
    """Join names as `a, b and c`; beyond `max_names` the rest is counted."""
    listed_names = list(names[:max_names])
    if len(names) > max_names:
        return ", ".join(listed_names) + f" and {number(len(names) - max_names)} more"
    return " and ".join(
        filter(None, [", ".join(listed_names[:-1]), listed_names[-1] if listed_names else ""])
    )


def iso_day(value: Any, *, today: date | None = None) -> str:
    """Format an ISO date of a stored value for display; other text is unchanged, None is `no
    date`."""
    if not value:
        return "no date"
    try:
        return day(date.fromisoformat(str(value)), today=today)
    except ValueError:
        return str(value)


def with_written_dates(text: Any) -> str:
    """Format the ISO dates of a stored sentence for display; ids that end in a date are
    unchanged."""
    return _ISO_DAY.sub(lambda found: iso_day(found[0]), str(text))


def format_recorded_value(text: str) -> str:
    """Format a value of a history: a date or a time for display, all else unchanged."""
    if not _ISO_STAMP.fullmatch(text):
        return text
    at = datetime.fromisoformat(text)
    return day(at.date()) if len(text) == 10 else f"{day(at.date())}, {at:%H:%M:%S} UTC"


def describe_change(event: ProviderEvent, *, today: date | None = None) -> str:
    """Describe an event, from its old and new value, in one clause."""
    old_value, new_value = event.old, event.new
    if event.kind == Kind.ANNOUNCED:
        return f"retires {iso_day(new_value)}"
    if event.kind in {Kind.MOVED_EARLIER, Kind.MOVED_LATER}:
        return f"{iso_day(old_value)} → {iso_day(new_value)}{_describe_move(old_value, new_value)}"
    if event.kind == Kind.WITHDRAWN:
        return f"{iso_day(old_value)} was withdrawn"
    if event.kind == Kind.RETIRED:
        return f"retired on {iso_day(new_value or event.effective_on)}"
    if event.kind == Kind.DELISTED:
        return "left the feed" + (
            f"; its date was {iso_day(old_value)}" if old_value else " without a date"
        )
    if event.kind == Kind.REPRICED:
        return _describe_price_change(old_value, new_value)
    if event.kind == Kind.CAPABILITY_LOST and isinstance(new_value, dict):
        return f"lost {describe_lost_capabilities(new_value)}"
    if event.kind == Kind.DISAGREEMENT:
        return f"{iso_day(new_value)}, another source says {iso_day(old_value)}"
    if event.kind == Kind.TERMS_CHANGED and isinstance(new_value, dict):
        return (
            f"{quantity_of(int(new_value.get('added', 0)), 'line')} added and "
            f"{number(int(new_value.get('removed', 0)))} removed"
        )
    if event.kind == Kind.RELEASED:
        return f"released {iso_day(new_value)}" if new_value else "released"
    if old_value or new_value:
        return f"{_describe_value(old_value)} → {_describe_value(new_value)}"
    return ""


def _describe_move(old_day: Any, new_day: Any) -> str:
    try:
        n_days = (date.fromisoformat(str(new_day)) - date.fromisoformat(str(old_day))).days
    except ValueError:
        return ""
    return f", {number(abs(n_days))} days {'later' if n_days > 0 else 'earlier'}"


def _describe_price_change(old_prices: Any, new_prices: Any) -> str:
    if not isinstance(new_prices, dict):
        return f"{_describe_value(old_prices)} → {_describe_value(new_prices)}"
    known_prices = old_prices if isinstance(old_prices, dict) else {}
    phrases = []
    for unit in sorted({*known_prices, *new_prices}, key=_unit_order):
        old_amount, new_amount = known_prices.get(unit), new_prices.get(unit)
        phrases.append(
            f"{unit_name(unit)} {price(old_amount) if old_amount is not None else '–'} → "
            f"{price(new_amount) if new_amount is not None else '–'}"
        )
    return "; ".join(phrases) + " USD per million"


def unit_name(key: str) -> str:
    """Return the display name of a price key (`input`, `input>200000`, `input@2027-01-01`)."""
    try:
        unit, above, starts_on = split_price_key(key)
    except ValueError:
        return key
    name = PRICE_UNITS.get(unit, unit.replace("_", " "))
    return (
        name
        + (f" above {number(above)}" if above else "")
        + (f" from {day(starts_on)}" if starts_on else "")
    )


def _unit_order(key: str) -> tuple[int, str]:
    unit = key.partition("@")[0].partition(">")[0]
    return (_UNIT_ORDER.get(unit, len(_UNIT_ORDER)), key)


def describe_claim(topic: str, value: Any, *, today: date | None = None) -> str:
    """Describe a source value in one clause."""
    if not isinstance(value, dict):
        return _describe_value(value)
    if topic == "lifecycle":
        return _describe_lifecycle(value)
    if topic == "price":
        return _describe_prices(value)
    if topic in FIELDS:
        return _describe_stated_values(topic, value)
    return (
        "; ".join(
            f"{name.replace('_', ' ')}: {_describe_value(field_value)}"
            for name, field_value in value.items()
            if field_value
        )
        or "nothing"
    )


def _describe_stated_values(topic: str, value: dict[str, Any]) -> str:
    """Return {field: fact} as a list: `tool calling: yes; vision: no (silent since 8 Apr 2027)`."""
    phrases = []
    for field, fact in value.items():
        if field not in FIELDS[topic] or not isinstance(fact, dict):
            continue
        silence = fact.get("silent_since")
        since = f" (silent since {iso_day(silence)})" if silence else ""
        label = FIELDS[topic][field].label
        phrases.append(f"{label}: {format_value(field, fact.get('value'))}{since}")
    return "; ".join(phrases) or "nothing"


def _describe_lifecycle(value: dict[str, Any]) -> str:
    """Return the claim about the lifecycle of an offering as a phrase."""
    phrases = []
    if value.get("retires_on"):
        is_lower_bound = value.get("date_kind") == NOT_BEFORE
        verb = "retires no earlier than" if is_lower_bound else "retires"
        when = value.get("retires_month")
        phrases.append(f"{verb} {month(when) if when else iso_day(value['retires_on'])}")
    else:
        phrases.append("no date")
    if value.get("status") or value.get("lifecycle"):
        phrases.append(str(value.get("status") or value.get("lifecycle")))
    if value.get("announced_on"):
        phrases.append(f"announced {iso_day(value['announced_on'])}")
    if value.get("successor"):
        phrases.append(f"successor {value['successor']}")
    for stage, starts_on, date_kind in value.get("stages", ()):
        phrases.append(describe_stage(stage, starts_on, date_kind))
    for region, (retires_on, date_kind) in value.get("regions", {}).items():
        if retires_on:
            at_least = "no earlier than " if date_kind == NOT_BEFORE else ""
            phrases.append(f"{at_least}{iso_day(retires_on)} in {region}")
    return ", ".join(phrases)


def describe_stage(stage: str, starts_on: str | None, date_kind: str) -> str:
    """Describe a stage as a source states it: `extended access from 8 Apr 2027`."""
    name = STAGES.get(stage, stage).lower()
    if not starts_on:
        return name
    return f"{name} {'no earlier than' if date_kind == NOT_BEFORE else 'from'} {iso_day(starts_on)}"


def _describe_prices(value: dict[str, Any]) -> str:
    """Describe {price key: amount} as values.price_value stores it."""
    lines = [
        f"{unit_name(key)} {price(value[key])}"
        for key in sorted(value, key=_unit_order)
        if key != "currency"
    ]
    currency = value.get("currency", "USD")
    return f"{'; '.join(lines)} {currency} per million" if lines else "no price"


def _describe_value(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, str):
        return iso_day(value)
    return (
        json.dumps(value, ensure_ascii=False, sort_keys=True)
        if isinstance(value, dict | list)
        else str(value)
    )


def pretty_json(value: Any) -> str:
    return (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
    )
