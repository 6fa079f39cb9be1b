"""Clocks, days and intervals; every function that depends on now takes it as an argument
elsewhere."""

from datetime import UTC, date, datetime


def now() -> datetime:
    """The one place that reads the wall clock: aware, UTC."""
    return datetime.now(UTC)


def day_of(moment: datetime) -> date:
    """The UTC day of an aware moment."""
    return moment.astimezone(UTC).date()


def start_of(day: date) -> datetime:
    """The first moment of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def parse_moment(text: str) -> datetime:
    """An ISO 8601 moment or day; without a zone it is UTC. ValueError with a sentence otherwise."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"'{text}' is not a valid ISO 8601 time. Use a form such as 2026-11-24T15:00:00Z."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
