"""AWS public current events: UTF-16, current events only, times in seconds in one place and in
milliseconds in another."""

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

FORM = "aws"
_RESOLVED = "0"
_IMPACTS = {"0": "none", "1": "minor", "2": "major", "3": "critical"}
_STATUSES = {"0": "resolved", "1": "informational", "2": "degradation", "3": "disruption"}


def read(document: list[Any]) -> ReportedStatus:
    incidents, rejects = read_incidents(document, _read_event)
    return ReportedStatus(FORM, False, incidents, rejects)


def _read_event(raw: dict[str, Any]) -> ReportedIncident:
    external_id = require_id(raw.get("arn"))
    log = [entry for entry in read_list(raw.get("event_log")) if isinstance(entry, dict)]
    codes = [_read_code(entry.get("status")) for entry in log]
    updates = newest_first(
        ReportedUpdate(
            read_moment(entry.get("timestamp")),
            _STATUSES.get(code, ""),
            read_text(entry.get("message")),
        )
        for entry, code in zip(log, codes, strict=True)
    )
    times = [update.at for update in updates if update.at is not None]
    started_at = require_start(read_moment(raw.get("date")), min(times, default=None))
    services = raw.get("impacted_services")
    services = services if isinstance(services, dict) else {}
    code = _read_code(raw.get("status"))
    has_ended = code == _RESOLVED
    highest = highest_of(
        _IMPACTS.get(code, ""),
        *(_IMPACTS.get(entry, "") for entry in codes),
        *(
            _IMPACTS.get(_read_code(service.get("max")), "")
            for service in services.values()
            if isinstance(service, dict)
        ),
    )
    title = read_title(raw.get("summary"))
    arn_parts = external_id.split(":")
    return ReportedIncident(
        external_id=external_id,
        title=title,
        impact=highest if has_ended else _IMPACTS.get(code, ""),
        highest_impact=highest,
        started_at=started_at,
        ended_at=end_after(started_at, max(times, default=None)) if has_ended else None,
        has_ended=has_ended,
        components=read_names(services.values(), "service_name")
        or read_names([raw.get("service_name")]),
        regions=read_names([arn_parts[3]] if len(arn_parts) > 3 else []),
        status=_STATUSES.get(code, ""),
        updates=updates,
        posted_at=min(times, default=None),
        says_duplicate=says_duplicate(title, updates),
    )


def _read_code(value: Any) -> str:
    """Return a status code as text; the same code is a number in one place and text in another."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
