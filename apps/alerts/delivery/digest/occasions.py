"""The reason why an alert is sent again; empty for a new alert."""

from collections.abc import Iterable

from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry
from apps.alerts.models import Notice
from apps.alerts.text import long_day
from apps.common.time import day_of

Occasion = Notice.Occasion


def occasion_note(entries: Iterable[DigestEntry], context: DigestContext) -> str:
    """Return a sentence; empty for what is new."""
    notes = [note for entry in entries if (note := _note(entry, context))]
    return notes[0] if notes else ""


def _note(entry: DigestEntry, context: DigestContext) -> str:
    match entry.occasion:
        case Occasion.ESCALATED:
            since = long_day(day_of(entry.alert.raised_at))
            owner = context.people.get(entry.alert.user_id or 0)
            by_owner = f" by {owner}" if owner else ""
            return f"Not acknowledged{by_owner} since {since}; escalated to you."
        case Occasion.WOKEN:
            return "The snooze ended today."
        case Occasion.UNMUTED:
            return "The mute ended. The alert still needs a response."
        case Occasion.ASSIGNED:
            return "Assigned to you."
    return ""
