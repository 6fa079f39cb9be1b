"""Instatus' summary.json: active incidents only; the list is missing where there are none."""

from typing import Any

from apps.feeds.incidents.records import ReportedIncident, ReportedStatus
from apps.feeds.incidents.values import (
    read_incidents,
    read_list,
    read_moment,
    read_names,
    read_title,
    require_id,
    require_start,
    says_duplicate,
)
from apps.feeds.parsers.payload import safe_url, text_of

FORM = "instatus"
# As on Statuspage, a major outage of a component is a critical incident.
_IMPACTS = {
    "OPERATIONAL": "none",
    "DEGRADEDPERFORMANCE": "minor",
    "PARTIALOUTAGE": "major",
    "MINOROUTAGE": "minor",
    "MAJOROUTAGE": "critical",
}


def read(document: dict[str, Any]) -> ReportedStatus:
    incidents, rejects = read_incidents(read_list(document.get("activeIncidents")), _read_incident)
    return ReportedStatus(FORM, False, incidents, rejects)


def _read_incident(raw: dict[str, Any]) -> ReportedIncident | None:
    raw_impact = text_of(raw.get("impact"), 30).upper()
    if raw_impact == "UNDERMAINTENANCE":
        return None
    started_at = require_start(read_moment(raw.get("started")))
    status = text_of(raw.get("status"), 20).lower()
    has_ended = status == "resolved"
    title = read_title(raw.get("name"))
    impact = _IMPACTS.get(raw_impact, "")
    return ReportedIncident(
        external_id=require_id(raw.get("id")),
        title=title,
        impact=impact,
        highest_impact=impact,
        started_at=started_at,
        ended_at=None,
        has_ended=has_ended,
        components=read_names(read_list(raw.get("components"))),
        url=safe_url(raw.get("url")),
        status=status,
        posted_at=started_at,
        says_duplicate=says_duplicate(title, ()),
    )
