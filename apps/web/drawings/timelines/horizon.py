"""Bars of the next days as percentages of the width: SVG attributes that need no view box, so
that text is never stretched and one markup serves every width."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class HorizonMonth:
    """Begin of a month on the axis; `x` is a percentage. The dates beside it have years."""

    x: float
    label: str


def horizon_months(*, today: date, days: int) -> list[HorizonMonth]:
    """Return the begins of months within the next days."""
    months: list[HorizonMonth] = []
    day = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    while (day - today).days < days:
        months.append(HorizonMonth(horizon_length(day, today=today, days=days), f"{day:%b}"))
        day = (day + timedelta(days=32)).replace(day=1)
    return months


def horizon_length(day: date, *, today: date, days: int) -> float:
    """Return the percentage of the width at which a day is, between 0 and 100."""
    return round(min(max(100 * (day - today).days / days, 0), 100), 1)
