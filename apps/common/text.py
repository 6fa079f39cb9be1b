"""Words for numbers of things."""

from datetime import date


def pluralize(n: float, singular: str, plural: str) -> str:
    """Choose the sentence for `n` things: `singular` where there is exactly one, else `plural`."""
    return singular if n == 1 else plural


def format_date(day: date) -> str:
    """Return the date as readers see it: `8 April 2027`."""
    return f"{day.day} {day:%B %Y}"
