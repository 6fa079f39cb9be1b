"""Checkly's list of unresolved incidents, with a severity and services."""

from typing import Any

from apps.feeds.incidents.records import ReportedIncident, ReportedStatus, ReportedUpdate
from apps.feeds.incidents.values import (
    end_after,
    newest_first,
    read_incidents,
    read_list,
    read_moment,
    read_names,
    read_text,
    read_title,
    require_id,
    require_start,
    says_duplicate,
)
from apps.feeds.parsers.payload import text_of

FORM = "checkly"
# Checkly has three levels, the highest being "major".
_IMPACTS = {"MINOR": "minor", "MEDIUM": "major", "MAJOR": "critical", "CRITICAL": "critical"}
_MAINTENANCE = "MAINTENANCE"


def read(document: dict[str, Any]) -> ReportedStatus:
    incidents, rejects = read_incidents(read_list(document.get("incidents")), _read_incident)
    return ReportedStatus(FORM, False, incidents, rejects)


def _read_incident(raw: dict[str, Any]) -> ReportedIncident | None:
    severity = text_of(raw.get("severity"), 20).upper()
    if severity == _MAINTENANCE:
        return None
    external_id = require_id(raw.get("id"))
    updates = newest_first(
        ReportedUpdate(
            read_moment(update.get("publicIncidentUpdateDate"))
            or read_moment(update.get("created_at")),
            text_of(update.get("status"), 20).lower(),
            read_text(update.get("description")),
        )
        for update in read_list(raw.get("incidentUpdates"))
        if isinstance(update, dict)
    )
    times = [update.at for update in updates if update.at is not None]
    posted_at = read_moment(raw.get("created_at"))
    started_at = require_start(min(times, default=None), posted_at)
    status = text_of(raw.get("lastUpdateStatus"), 20).lower()
    has_ended = status == "resolved"
    ended_at = None
    for update in updates:
        if not has_ended or update.status != "resolved":
            break
        ended_at = update.at
    impact = _IMPACTS.get(severity, "")
    title = read_title(raw.get("name"))
    return ReportedIncident(
        external_id=external_id,
        title=title,
        impact=impact,
        highest_impact=impact,
        started_at=started_at,
        ended_at=end_after(started_at, ended_at),
        has_ended=has_ended,
        components=read_names(read_list(raw.get("services"))),
        status=status,
        updates=updates,
        posted_at=posted_at,
        says_duplicate=says_duplicate(title, updates),
    )
