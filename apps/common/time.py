"""Clock, days and intervals. Only `now` reads the clock; other functions take the time as an
argument."""

from datetime import UTC, date, datetime


def now() -> datetime:
    """Return the current time, aware and in UTC; the only place that reads the wall clock."""
    return datetime.now(UTC)


def day_of(moment: datetime) -> date:
    """Return the UTC day of an aware datetime."""
    return moment.astimezone(UTC).date()


def start_of(day: date) -> datetime:
    """Return the first moment of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def parse_moment(text: str) -> datetime:
    """Parse an ISO 8601 time or day; without a time zone it is UTC. Raises ValueError with a
    sentence for users."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"'{text}' is not a valid ISO 8601 time. Use a form such as 2026-11-24T15:00:00Z."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
