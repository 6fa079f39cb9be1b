"""Words about offerings whose announced retirement date has come (domain.md rule 11): due until
their source confirms the retirement, or retired though it did not."""

from datetime import date

from apps.catalog.models import DueStatus, Offering
from apps.common.text import format_date

_DUE_NOTES = {
    DueStatus.STILL_LISTED: "still listed by its host",
    DueStatus.UNCONFIRMED: "not confirmed by its source yet",
}
_RETIRED_NOTES = {
    DueStatus.STILL_LISTED: "its host still lists it",
    DueStatus.UNCONFIRMED: "its source was not read since",
}


def due_text(due_on: date, status: str, today: date) -> str:
    """Return how a date that has come and is not confirmed reads: "due today, still listed by its
    host"."""
    day = "today" if due_on == today else f"since {format_date(due_on)}"
    return f"due {day}, {_DUE_NOTES[DueStatus(status or DueStatus.UNCONFIRMED)]}"


def due_note(offering: Offering, today: date) -> str:
    """Return what its source says of an offering whose announced date has come; empty for any other
    offering."""
    if offering.is_due(today):
        return _DUE_NOTES[DueStatus(offering.due_status or DueStatus.UNCONFIRMED)]
    return retired_note(offering.due_status) if offering.is_retired(today) else ""


def retired_note(status: str) -> str:
    """Return the note of a retirement that the source has not confirmed; empty if it has."""
    return _RETIRED_NOTES[DueStatus(status)] if status else ""
