"""Sentences about the reason of a notification that is not about a new alert."""

from collections.abc import Iterable

from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry
from apps.alerts.models import Notice
from apps.alerts.text import day
from apps.common.time import day_of

Occasion = Notice.Occasion


def occasion_note(entries: Iterable[DigestEntry], context: DigestContext) -> str:
    """Return a sentence about the reason of the notification, the first of the entries; empty for
    new alerts."""
    notes = [note for entry in entries if (note := _describe_occasion(entry, context))]
    return notes[0] if notes else ""


def _describe_occasion(entry: DigestEntry, context: DigestContext) -> str:
    """Return the sentence about the reason of the notification; empty for a new alert."""
    since = day(day_of(entry.alert.raised_at))
    match entry.occasion:
        case Occasion.ESCALATED:
            user_name = context.people.get(entry.alert.user_id or 0)
            return f"Nobody has answered since {since}" + (
                f"; it fell to {user_name}." if user_name else "."
            )
        case Occasion.WOKEN:
            return "Snoozed until today."
        case Occasion.UNMUTED:
            return "Mute ended. The alert still needs a response."
        case Occasion.ASSIGNED:
            return "Assigned to you."
    return ""
