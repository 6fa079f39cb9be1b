"""Validators of single values that several apps share."""

from datetime import date
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError

FIRST_YEAR, LAST_YEAR = 1990, 2150


def validate_plausible_date(day: date) -> None:
    """Reject dates that can only be a typing error or a placeholder, such as 9999-12-31 for
    "open"."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValidationError(
            (
                f"{day:%Y-%m-%d} is out of range. Enter a date between {FIRST_YEAR} and "
                f"{LAST_YEAR}, or leave it empty."
            ),
            code="unlikely_day",
        )


def validate_time_zone(name: str) -> None:
    """Reject names that the time zone database does not contain."""
    if name not in available_timezones():
        raise ValidationError(
            f"“{name}” is not a valid time zone. Enter one such as Europe/Berlin.",
            code="unknown_zone",
        )
