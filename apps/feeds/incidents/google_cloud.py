"""Google Cloud's incidents.json: an array of about a year, newest first; without `end` an incident
is open."""

from typing import Any

from apps.feeds.incidents.records import (
    ReportedIncident,
    ReportedStatus,
    ReportedUpdate,
    highest_of,
)
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
from apps.feeds.parsers.payload import safe_url, text_of

FORM = "google_cloud"
_PAGE = "https://status.cloud.google.com/"
_IMPACTS = {
    "AVAILABLE": "none",
    "SERVICE_INFORMATION": "minor",
    "SERVICE_DISRUPTION": "major",
    "SERVICE_OUTAGE": "critical",
}


def read(document: list[Any]) -> ReportedStatus:
    incidents, rejects = read_incidents(document, _read_incident)
    return ReportedStatus(FORM, True, incidents, rejects)


def _read_incident(raw: dict[str, Any]) -> ReportedIncident:
    external_id = require_id(raw.get("id"))
    raw_updates = [update for update in read_list(raw.get("updates")) if isinstance(update, dict)]
    updates = newest_first(
        ReportedUpdate(
            read_moment(update.get("when")) or read_moment(update.get("created")),
            text_of(update.get("status"), 20).lower(),
            read_text(update.get("text")),
        )
        for update in raw_updates
    )
    started_at = require_start(read_moment(raw.get("begin")), read_moment(raw.get("created")))
    ended_at = read_moment(raw.get("end"))
    impact = _IMPACTS.get(text_of(raw.get("status_impact"), 30), "")
    title = read_title(raw.get("external_desc"))
    locations = [
        *read_list(raw.get("currently_affected_locations")),
        *read_list(raw.get("previously_affected_locations")),
        *(place for update in raw_updates for place in read_list(update.get("affected_locations"))),
    ]
    path = text_of(raw.get("uri"), 300)
    return ReportedIncident(
        external_id=external_id,
        title=title,
        impact=impact,
        highest_impact=highest_of(
            impact,
            *(_IMPACTS.get(text_of(update.get("status"), 30), "") for update in raw_updates),
        ),
        started_at=started_at,
        ended_at=end_after(started_at, ended_at),
        has_ended=ended_at is not None,
        components=read_names(read_list(raw.get("affected_products")), "title")
        or read_names([raw.get("service_name")]),
        regions=read_names(locations, "id"),
        url=safe_url(_PAGE + path) if path else "",
        status=updates[0].status if updates else "",
        updates=updates,
        posted_at=read_moment(raw.get("created")),
        says_duplicate=says_duplicate(title, updates),
    )
