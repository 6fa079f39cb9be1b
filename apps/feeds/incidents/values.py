"""Small readers of values, shared by all forms of status pages."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from apps.catalog.claims.feed_rows import RejectedRow
from apps.feeds.incidents.records import (
    MAX_COMPONENTS,
    MAX_TITLE_LENGTH,
    MAX_UPDATE_LENGTH,
    MAX_UPDATES,
    ReportedIncident,
    ReportedUpdate,
)
from apps.feeds.parsers.notices import CONTROL_CHARACTERS, html_to_text, parse_time_of_feed
from apps.feeds.parsers.payload import (
    MAX_EXTERNAL_ID_LENGTH,
    InvalidPayloadError,
    is_storable,
    rejected_row,
    text_of,
)

MAX_INCIDENTS = 5_000
MAX_NAME_LENGTH = 200
# Epoch times above this are milliseconds.
_FIRST_MILLISECONDS = 100_000_000_000
_DUPLICATE = re.compile(
    r"\b(?:a duplicate (?:of|incident|post|report)|duplicate of\b|is a duplicate|this is a dupe"
    r"|posted (?:in error|twice)|merged (?:into|with) (?:another|the|an existing) incident)",
    re.IGNORECASE,
)


class UnreadableIncidentError(Exception):
    """An incident without an ID or a start; `str()` is the sentence of its rejection."""


def read_incidents(
    raw_incidents: Sequence[Any], read: Callable[[dict[str, Any]], ReportedIncident | None]
) -> tuple[tuple[ReportedIncident, ...], tuple[RejectedRow, ...]]:
    """Read incidents with `read`, which returns None for what is none, such as a maintenance.
    Returns each ID once, and what could not be read. Raises InvalidPayloadError if nothing could be
    read, or there are more than any status page lists."""
    if len(raw_incidents) > MAX_INCIDENTS:
        raise InvalidPayloadError(
            f"The status page lists more than {MAX_INCIDENTS:,} incidents. Check the URL."
        )
    incidents: dict[str, ReportedIncident] = {}
    rejects: list[RejectedRow] = []
    for number, raw in enumerate(raw_incidents):
        try:
            incident = read(_require_object(raw))
        except UnreadableIncidentError as error:
            key = text_of(raw.get("id"), MAX_EXTERNAL_ID_LENGTH) if isinstance(raw, dict) else ""
            rejects.append(rejected_row(key or f"incident {number}", str(error), repr(raw)[:500]))
            continue
        if incident is not None:
            incidents.setdefault(incident.external_id, incident)
    if rejects and not incidents:
        raise InvalidPayloadError(
            f"No incident of the status page can be read: {rejects[0].reason} The form of the page "
            "may have changed. Check the URL."
        )
    return tuple(incidents.values()), tuple(rejects)


def _require_object(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise UnreadableIncidentError("The incident is not an object.")
    return raw


def require_id(value: Any) -> str:
    """Return the ID of an incident. Raises UnreadableIncidentError."""
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > MAX_EXTERNAL_ID_LENGTH or not is_storable(text):
        raise UnreadableIncidentError("The incident has no usable ID.")
    return text


def require_start(*moments: datetime | None) -> datetime:
    """Return the first of these times that is known. Raises UnreadableIncidentError."""
    for moment in moments:
        if moment is not None:
            return moment
    raise UnreadableIncidentError("The start of the incident cannot be read.")


def read_moment(value: Any) -> datetime | None:
    """Return a time from ISO 8601 or RFC 822 text, or seconds or milliseconds since 1970, as UTC;
    None if it is not plausible."""
    if isinstance(value, str) and value.strip().isdigit():
        value = int(value.strip()[:20])
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        try:
            seconds = float(value) / (1000 if value > _FIRST_MILLISECONDS else 1)
            moment = datetime.fromtimestamp(seconds, tz=UTC)
        except (ValueError, ArithmeticError, OSError):
            return None
        return moment if 1990 <= moment.year < 2100 else None
    return parse_time_of_feed(value) if isinstance(value, str) else None


def read_title(value: Any) -> str:
    """Return a title in one line, without markup and control characters."""
    text = html_to_text(value[:2000]) if isinstance(value, str) else ""
    return " ".join(text.replace("**", "").split())[:MAX_TITLE_LENGTH] or "Incident"


def read_text(value: Any) -> str:
    """Return the text of an update without markup."""
    text = html_to_text(value) if isinstance(value, str) else ""
    return CONTROL_CHARACTERS.sub(" ", text).strip()[:MAX_UPDATE_LENGTH]


def read_names(values: Iterable[Any], key: str = "name") -> tuple[str, ...]:
    """Return the names of these objects, each once."""
    names = (
        text_of(value.get(key) if isinstance(value, dict) else value, MAX_NAME_LENGTH)
        for value in values
    )
    return tuple(dict.fromkeys(name for name in names if name))[:MAX_COMPONENTS]


def read_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def newest_first(updates: Iterable[ReportedUpdate]) -> tuple[ReportedUpdate, ...]:
    """Return the latest updates, newest first; those without a time keep their place at the end."""
    oldest = datetime.min.replace(tzinfo=UTC)
    ordered = sorted(updates, key=lambda update: update.at or oldest, reverse=True)
    return tuple(ordered[:MAX_UPDATES])


def says_duplicate(title: str, updates: Iterable[ReportedUpdate]) -> bool:
    """Return whether an incident says that it repeats another one."""
    return any(_DUPLICATE.search(text) for text in (title, *(update.text for update in updates)))


def end_after(started_at: datetime, ended_at: datetime | None) -> datetime | None:
    """Return the end, not before the start."""
    return max(started_at, ended_at) if ended_at is not None else None
