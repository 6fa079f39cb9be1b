"""Why an alert is told now, where that is not its being new."""

from collections.abc import Iterable

from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry
from apps.alerts.models import Notice
from apps.alerts.text import day
from apps.common.time import day_of

Occasion = Notice.Occasion


def occasion_note(entries: Iterable[DigestEntry], context: DigestContext) -> str:
    """A sentence; empty for what is simply new."""
    notes = [note for entry in entries if (note := _note(entry, context))]
    return notes[0] if notes else ""


def _note(entry: DigestEntry, context: DigestContext) -> str:
    since = day(day_of(entry.alert.raised_at))
    match entry.occasion:
        case Occasion.ESCALATED:
            party = context.people.get(entry.alert.user_id or 0)
            return f"Nobody has answered since {since}" + (
                f"; it fell to {party}." if party else "."
            )
        case Occasion.WOKEN:
            return "Snoozed until today."
        case Occasion.UNMUTED:
            return "Mute ended. The alert still needs a response."
        case Occasion.ASSIGNED:
            return "Assigned to you."
    return ""
