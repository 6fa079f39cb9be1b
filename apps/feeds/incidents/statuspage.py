"""Statuspage v2 (summary.json, incidents.json, unresolved.json), and incident.io behind the same
paths: no components of an incident, no `started_at`, no `resolved_at`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.feeds.incidents.records import (
    IMPACTS,
    ReportedIncident,
    ReportedStatus,
    ReportedUpdate,
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
from apps.feeds.parsers.payload import InvalidPayloadError, safe_url, text_of

FORM = "statuspage"
_CLOSED = frozenset({"resolved", "postmortem", "completed"})
_MAINTENANCE = frozenset({"scheduled", "in_progress", "verifying", "completed"})
# Parts of a summary that the list of incidents does not have.
_SUMMARY_PARTS = ("components", "scheduled_maintenances", "status")


def read(document: dict[str, Any]) -> ReportedStatus:
    """Read a body of the form. A summary lists open incidents; a list with one that is over is a
    history. Raises InvalidPayloadError if the body has no list of incidents."""
    raw_incidents = document.get("incidents")
    if not isinstance(raw_incidents, list):
        raise InvalidPayloadError(
            "The status page lists no incidents at this address. Use the address that ends with "
            "/api/v2/summary.json or /api/v2/incidents.json."
        )
    page = document["page"] if isinstance(document.get("page"), dict) else {}
    page_url = safe_url(page.get("url"))
    incidents, rejects = read_incidents(
        raw_incidents, lambda raw: _read_incident(raw, page_url.rstrip("/"))
    )
    if any(part in document for part in _SUMMARY_PARTS):
        lists_history: bool | None = False
    else:
        lists_history = True if any(incident.has_ended for incident in incidents) else None
    return ReportedStatus(FORM, lists_history, incidents, rejects)


def _read_incident(raw: dict[str, Any], page_url: str) -> ReportedIncident | None:
    status = text_of(raw.get("status"), 20).lower()
    impact = text_of(raw.get("impact"), 20).lower()
    if impact == "maintenance" or status in _MAINTENANCE or raw.get("scheduled_for"):
        return None
    external_id = require_id(raw.get("id"))
    raw_updates = [
        update for update in read_list(raw.get("incident_updates")) if isinstance(update, dict)
    ]
    updates = newest_first(_read_update(update) for update in raw_updates)
    times = [update.at for update in updates if update.at is not None]
    posted_at = read_moment(raw.get("created_at"))
    first_update_at = min(times, default=None)
    started_at = require_start(read_moment(raw.get("started_at")), first_update_at, posted_at)
    has_ended = status in _CLOSED
    title = read_title(raw.get("name"))
    components = read_names(read_list(raw.get("components"))) or read_names(
        component
        for update in raw_updates
        for component in read_list(update.get("affected_components"))
    )
    impact = impact if impact in IMPACTS else ""
    url = safe_url(raw.get("shortlink"))
    if not url and page_url:
        url = safe_url(f"{page_url}/incidents/{external_id}")
    return ReportedIncident(
        external_id=external_id,
        title=title,
        impact=impact,
        highest_impact=impact,
        started_at=started_at,
        ended_at=end_after(started_at, _find_end(raw, updates)) if has_ended else None,
        has_ended=has_ended,
        components=components,
        url=url,
        status=status,
        updates=updates,
        posted_at=posted_at,
        says_duplicate=says_duplicate(title, updates),
    )


def _read_update(raw: dict[str, Any]) -> ReportedUpdate:
    return ReportedUpdate(
        read_moment(raw.get("display_at")) or read_moment(raw.get("created_at")),
        text_of(raw.get("status"), 20).lower(),
        read_text(raw.get("body")),
    )


def _find_end(raw: dict[str, Any], updates: Sequence[ReportedUpdate]) -> datetime | None:
    """Return when an incident that is over ended: as the page says, unless an update after that
    reopened it; else the first update of the last run that is resolved. A postmortem changes
    nothing."""
    resolved_at = reopened_at = None
    for update in reversed(updates):
        if update.status not in _CLOSED:
            resolved_at, reopened_at = None, update.at
        elif update.status == "resolved" and resolved_at is None:
            resolved_at = update.at
    stated = read_moment(raw.get("resolved_at"))
    if stated is not None and (reopened_at is None or stated >= reopened_at):
        return stated
    return resolved_at or stated or read_moment(raw.get("updated_at"))
