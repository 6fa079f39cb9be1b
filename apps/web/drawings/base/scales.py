"""Scales: values and days to drawing units, with round ticks; and number formats.

Plain Python; every scale is a frozen value. A scale of amounts begins at zero unless an amount is
negative."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from apps.web.drawings.base.text_layout import text_width

_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120)
_DAY_STEPS = (1, 2, 7, 14, 28)


def number(value: float) -> str:
    """Format a number: thousands separated, a true minus, three digits of a fraction: `12,500`,
    `−3`, `0.075`."""
    text = f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:.3g}"
    return text.replace("-", "−")


def share(value: float) -> str:
    return f"{round(value * 100)}%".replace("-", "−")


def compact(value: float) -> str:
    """Format a number with three digits and a letter for the thousands: `8.9 M`, `35 k`, `420`."""
    size, letter = next(
        (
            (size, letter)
            for size, letter in ((1e9, "bn"), (1e6, "M"), (1e3, "k"))
            if abs(value) >= size * 0.9995
        ),
        (1.0, ""),
    )
    amount = value / size
    text = (
        f"{amount:.0f}" if abs(amount) >= 999.5 or float(amount).is_integer() else f"{amount:.3g}"
    )
    return f"{text} {letter}".strip().replace("-", "−")


def price(value: float) -> str:
    """Format a price with at least two decimals, further ones only if they are significant: `3.00`,
    `0.075`."""
    amount = Decimal(repr(float(value))).normalize()
    places = max(2, -int(amount.as_tuple().exponent))
    return f"{amount:,.{places}f}".replace("-", "−")


def days(value: float) -> str:
    return f"{number(round(value))} d"


@dataclass(frozen=True, slots=True)
class Unit:
    """Unit of numbers: `word` on the axis and in sentences, `write` for a value, `tick` for one on
    the axis."""

    word: str
    write: Callable[[float], str] = number
    tick: Callable[[float], str] | None = None

    def on_axis(self, value: float) -> str:
        return (self.tick or self.write)(value)


def nice_step(span: float, n_parts: int) -> float:
    """Return the smallest of 1, 2 or 5 times a power of ten that cuts `span` into at most
    `n_parts`."""
    if span <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / n_parts))
    # a hair of tolerance: 0.6 / 0.2 is a little more than 3 in floats
    return next(
        factor * power
        for factor in (1, 2, 5, 10, 20)
        if span / (factor * power) <= n_parts * (1 + 1e-9)
    )


@dataclass(frozen=True, slots=True)
class Linear:
    """Linear scale: `low` is at `start`, `high` at `end`; zero is one of them or between."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        return round(
            self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low), 2
        )


def linear(
    values: Iterable[float],
    *,
    start: float,
    end: float,
    n_ticks: int = 5,
    integers_only: bool = False,
    tight: bool = False,
) -> Linear:
    """Return a scale from zero to the tick above the greatest value; `integers_only` allows no
    ticks between integers.

    `tight` ends the scale at the greatest value itself: the ticks end below it."""
    amounts = [float(value) for value in values]
    low, high = min([0.0, *amounts]), max([0.0, *amounts])
    if high - low < 1e-12:  # nothing that could be drawn
        low, high = 0.0, 1.0
    step = nice_step(high - low, max(n_ticks, 1))
    if integers_only:
        step = max(step, 1.0)
    first_rank, last_rank = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if tight:
        first_rank, last_rank = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = tuple(_round_float(step * rank) for rank in range(first_rank, last_rank + 1))
    return Linear(low if tight else ticks[0], high if tight else ticks[-1], start, end, ticks)


def _round_float(value: float) -> float:
    """Round away float errors: 0.1 + 0.2 is 0.3 on an axis."""
    return float(f"{value:.12g}")


@dataclass(frozen=True, slots=True)
class Log:
    """Logarithmic scale; it has no zero, and its axis says so. A value below `low` is drawn at
    `low`."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        clamped = min(max(value, self.low), self.high)
        fraction = math.log(clamped / self.low) / math.log(self.high / self.low)
        return round(self.start + (self.end - self.start) * fraction, 2)


def logarithmic(values: Iterable[float], *, start: float, end: float) -> Log:
    """Return a scale from the power of ten below the least positive value to the 1, 2 or 5 above
    the greatest."""
    positive_values = [value for value in values if value > 0] or [1.0]
    low_power, high_power = (
        math.floor(math.log10(min(positive_values)) + 1e-9),
        math.ceil(math.log10(max(positive_values)) - 1e-9),
    )
    if low_power >= high_power:
        high_power = low_power + 1
    factors = (1,) if high_power - low_power > 2 else (1, 2, 5)
    ticks = [
        _round_float(factor * 10.0**power)
        for power in range(low_power, high_power + 1)
        for factor in factors
    ]
    high = next((tick for tick in ticks if tick >= max(positive_values) * (1 - 1e-9)), ticks[-1])
    high = max(high, ticks[1])
    step = max(1, (high_power - low_power) // 6)
    shown_ticks = [
        tick
        for rank, tick in enumerate(ticks)
        if tick <= high and (len(factors) == 3 or rank % step == 0)
    ]
    return Log(ticks[0], high, start, end, tuple(shown_ticks))


@dataclass(frozen=True, slots=True)
class DayTick:
    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Days:
    """Scale of days: `begin` is at `start`, `finish` at `end`; a day outside is drawn at the edge,
    `shows` returns whether it is inside."""

    begin: date
    finish: date
    start: float
    end: float
    ticks: tuple[DayTick, ...]

    def at(self, day: date) -> float:
        return _day_x(day, self.begin, self.finish, self.start, self.end)

    def shows(self, day: date) -> bool:
        return self.begin <= day <= self.finish


def day_scale(begin: date, finish: date, *, start: float, end: float, gap: float = 10.0) -> Days:
    """Return a scale with ticks at first days of months, as many as their labels leave room for;
    days if only weeks are shown.

    The year is shown at January and at the first tick."""
    if finish <= begin:
        finish = begin + timedelta(1)

    def x(day: date) -> float:
        return _day_x(day, begin, finish, start, end)

    ticks: list[DayTick] = []
    for days_of_step in _list_tick_days(begin, finish):
        ticks = [DayTick(x(day), label) for day, label in _label_days(days_of_step)]
        ends = [tick.x + text_width(tick.label) + gap for tick in ticks]
        if all(ends[i] <= ticks[i + 1].x for i in range(len(ticks) - 1)):
            break
    # a first year without room is better than a wrong or missing month
    return Days(
        begin,
        finish,
        start,
        end,
        tuple(tick for tick in ticks if tick.x + text_width(tick.label) <= end + 24),
    )


def _day_x(day: date, begin: date, finish: date, start: float, end: float) -> float:
    clamped_day = min(max(day, begin), finish)
    return round(start + (end - start) * (clamped_day - begin).days / (finish - begin).days, 2)


def _list_tick_days(begin: date, finish: date) -> Iterable[list[date]]:
    """Yield the days of the ticks, from the densest choice to the sparsest."""
    n_days = (finish - begin).days
    if n_days <= 62:
        for step in _DAY_STEPS:
            yield [begin + timedelta(offset) for offset in range(0, n_days + 1, step)]
    for step in _MONTH_STEPS:
        first_month = begin.year * 12 + begin.month - 1
        months = range(first_month, finish.year * 12 + finish.month)
        month_starts = [
            date(month // 12, month % 12 + 1, 1) for month in months if month % step == 0
        ]
        yield [day for day in month_starts if begin <= day <= finish]


def _label_days(days: list[date]) -> Iterable[tuple[date, str]]:
    """Yield each day with its label: a year, a month or a day of a month, with the year where it
    changes."""
    has_month_parts = any(day.day != 1 for day in days)
    is_yearly = not has_month_parts and len(days) > 1 and all(day.month == 1 for day in days)
    year = None
    for day in days:
        if is_yearly:
            yield day, str(day.year)
            continue
        text = f"{day.day} {day:%b}" if has_month_parts else f"{day:%b}"
        yield day, text if day.year == year else f"{text} {day.year}"
        year = day.year
