"""RSS and Atom of status pages: Statuspage's history.atom and .rss, xAI, and others that state the
status of an item in words.

They have no impact, or words for it. The times of Statuspage's updates have no year, and the time
of an entry changes with a postmortem weeks later, so start and end are those of the updates."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from xml.etree.ElementTree import Element

from apps.feeds.incidents.records import ReportedIncident, ReportedStatus, ReportedUpdate
from apps.feeds.incidents.values import (
    UnreadableIncidentError,
    end_after,
    newest_first,
    read_incidents,
    read_moment,
    read_names,
    read_title,
    require_id,
    require_start,
    says_duplicate,
)
from apps.feeds.parsers.notices import (
    find_first_text,
    html_to_text,
    index_children,
    list_items,
    local_name,
)
from apps.feeds.parsers.payload import safe_url

FORM = "news"
_ENDED = frozenset({"resolved", "postmortem", "completed"})
_MAINTENANCE = frozenset({"scheduled", "in progress", "verifying", "completed"})
_STATUSES = (
    r"Resolved|Monitoring|Identified|Investigating|Update|Postmortem|Scheduled|In progress"
    r"|Verifying|Completed"
)
# "Aug 21, 00:37 UTC", the line above an update of Statuspage
_STAMP = re.compile(r"([A-Z][a-z]{2}) (\d{1,2}), (\d{1,2}):(\d{2}) ([A-Z]{2,5})")
_UPDATE = re.compile(rf"({_STATUSES}) - (.*)")
_STATUS_LINE = re.compile(r"Status: ([A-Za-z][A-Za-z ]{2,20})")
_SEVERITY_LINE = re.compile(r"Severity: ([A-Za-z]{3,20})")
_RESOLVED_LINE = re.compile(r"Resolved: (.{10,60})")
_DATE_LINE = re.compile(
    r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}(?::\d{2})? \w{1,5}"
)
_LINK_ID = re.compile(r"/incidents/([A-Za-z0-9_-]{4,100})")
_COMPONENT_TITLE = re.compile(r"\[([^\[\]]{1,100})\](.*)")
_COMPONENT_LINE = re.compile(
    r"(.{1,150}) \((?:Operational|Degraded[a-z ]{0,30}|Partial[a-z ]{0,30}|Major[a-z ]{0,30}"
    r"|Full[a-z ]{0,30})\)",
    re.IGNORECASE,
)
_SEVERITIES = {"available": "", "degraded": "minor", "partial": "major", "unavailable": "critical"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Hours from UTC of the zones in which status pages write.
_ZONES = {
    "UTC": 0,
    "GMT": 0,
    "PST": -8,
    "PDT": -7,
    "MST": -7,
    "MDT": -6,
    "CST": -6,
    "CDT": -5,
    "EST": -5,
    "EDT": -4,
    "BST": 1,
    "CET": 1,
    "CEST": 2,
}


@dataclass(frozen=True, slots=True)
class _Item:
    """An item or entry; `text` is its content as lines of plain text."""

    id: str
    link: str
    title: str
    published_at: datetime | None
    changed_at: datetime | None
    text: str
    categories: tuple[str, ...]


def read(root: Element) -> ReportedStatus:
    is_atom = local_name(root) == "feed"
    incidents, rejects = read_incidents(
        [{"children": index_children(item)} for item in list_items(root)],
        lambda raw: _read_incident(_read_item(raw["children"], is_atom=is_atom)),
    )
    lists_history = True if any(incident.has_ended for incident in incidents) else None
    return ReportedStatus(FORM, lists_history, incidents, rejects, is_precise=False)


def _read_item(children: dict[str, list[Element]], *, is_atom: bool) -> _Item:
    links = children.get("link", [])
    link = find_first_text(children, "link")
    if is_atom:
        best = next((a for a in links if a.get("rel", "alternate") == "alternate"), None)
        link = best.get("href", "") if best is not None else ""
    published = read_moment(find_first_text(children, "published", "pubdate", "date"))
    changed = read_moment(find_first_text(children, "updated"))
    return _Item(
        id=find_first_text(children, "id", "guid"),
        link=safe_url(link),
        title=read_title(find_first_text(children, "title")),
        published_at=published or changed,
        changed_at=changed or published,
        text=html_to_text(
            find_first_text(children, "content", "encoded", "description", "summary")
        ),
        categories=tuple(
            ("".join(element.itertext()) or element.get("term", "")).strip().lower()
            for element in children.get("category", ())
        ),
    )


def _read_incident(item: _Item) -> ReportedIncident | None:
    link_id = _LINK_ID.search(item.link)
    external_id = require_id(link_id[1] if link_id else item.id or item.link)
    lines = item.text.splitlines()
    updates = _read_stamped(lines, item) or _read_dated(lines)
    statuses = {update.status for update in updates}
    if statuses & _MAINTENANCE or "THIS IS A SCHEDULED EVENT" in item.text.upper():
        return None
    stated = _find(_STATUS_LINE, item.text).strip().lower()
    named = [update.status for update in updates if update.status != "update"]
    status = stated or (named[0] if named else "")
    if not status:
        status = next((word for word in item.categories if word in _ENDED), "")
    if not status:
        raise UnreadableIncidentError("The item states no status.")
    has_ended = status in _ENDED
    times = [update.at for update in updates if update.at is not None]
    # Statuspage publishes an entry when its incident is resolved; elsewhere that is its start.
    first_at = min(times, default=None)
    posted_at = item.published_at
    started_at = require_start(
        min(filter(None, (first_at, posted_at if stated else None)), default=None), posted_at
    )
    ended_at = read_moment(_find(_RESOLVED_LINE, item.text)) or _find_end(updates)
    component, title = _split_title(item.title)
    severity = _find(_SEVERITY_LINE, item.text).lower()
    impact = _SEVERITIES.get(severity, "")
    components = (component,) if component else _read_components(lines)
    return ReportedIncident(
        external_id=external_id,
        title=title,
        impact=impact,
        highest_impact=impact,
        started_at=started_at,
        ended_at=end_after(started_at, ended_at) if has_ended else None,
        has_ended=has_ended,
        components=components,
        url=item.link,
        status=status[:20],
        updates=updates,
        posted_at=first_at or posted_at,
        says_duplicate=says_duplicate(title, updates),
    )


def _find(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""


def _split_title(title: str) -> tuple[str, str]:
    """Return (component, title) of `[API] Errors`."""
    match = _COMPONENT_TITLE.fullmatch(title)
    return (match[1].strip(), match[2].strip() or title) if match else ("", title)


def _read_components(lines: list[str]) -> tuple[str, ...]:
    """Return the components that stand below "Affected components", each with its state."""
    heading = next(
        (n for n, line in enumerate(lines) if line.lower().startswith("affected components")), None
    )
    if heading is None:
        return ()
    matches = (_COMPONENT_LINE.fullmatch(line.strip(" -•")) for line in lines[heading + 1 :])
    return read_names(match[1] for match in matches if match)


def _read_stamped(lines: list[str], item: _Item) -> tuple[ReportedUpdate, ...]:
    """Read Statuspage's updates, each below a time without year. The year is the latest that is not
    after the entry's own time."""
    known = [at for at in (item.published_at, item.changed_at) if at is not None]
    latest = max(known) + timedelta(days=1) if known else None
    updates: list[ReportedUpdate] = []
    for line, below in pairwise(lines):
        stamp, update = _STAMP.fullmatch(line), _UPDATE.match(below)
        if stamp and update:
            at = _read_stamp(stamp, latest)
            updates.append(ReportedUpdate(at, update[1].lower(), update[2].strip()))
    return newest_first(updates)


def _read_stamp(stamp: re.Match[str], latest: datetime | None) -> datetime | None:
    month, day, hour, minute, zone = stamp.groups()
    if latest is None or zone not in _ZONES or month not in _MONTHS:
        return None
    for year in (latest.year, latest.year - 1, latest.year - 4):
        try:
            at = datetime(
                year, _MONTHS.index(month) + 1, int(day), int(hour), int(minute), tzinfo=UTC
            ) - timedelta(hours=_ZONES[zone])
        except ValueError:
            # 29 February of another year
            continue
        if at <= latest:
            return at
    return None


def _read_dated(lines: list[str]) -> tuple[ReportedUpdate, ...]:
    """Read updates that stand below a full date: the date, the status, the text."""
    updates = []
    for number, line in enumerate(lines):
        if _DATE_LINE.fullmatch(line):
            status = lines[number + 1] if number + 1 < len(lines) else ""
            text = lines[number + 2] if number + 2 < len(lines) else ""
            updates.append(
                ReportedUpdate(
                    read_moment(line), status[:20].lower(), "" if _DATE_LINE.match(text) else text
                )
            )
    return newest_first(updates)


def _find_end(updates: tuple[ReportedUpdate, ...]) -> datetime | None:
    """Return the time of the first update of the last run that is resolved."""
    ended_at = None
    for update in reversed(updates):
        if update.status == "resolved":
            ended_at = ended_at or update.at
        elif update.status not in _ENDED and update.status != "update":
            ended_at = None
    return ended_at
