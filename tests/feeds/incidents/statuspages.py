"""Bodies of status pages in the shape of Statuspage and incident.io, as small as they can be."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PAGE = {"id": "page1", "name": "Acme", "url": "https://status.acme.example"}


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def update(status: str, at: datetime, body: str = "We are on it.") -> dict[str, Any]:
    return {
        "id": f"u-{at:%d%H%M}",
        "status": status,
        "body": body,
        "created_at": iso(at),
        "updated_at": iso(at),
        "display_at": iso(at),
        "affected_components": None,
    }


def incident(
    key: str = "inc1",
    *updates: dict[str, Any],
    name: str = "Elevated errors",
    impact: str = "major",
    started_at: datetime = AT,
    components: Iterable[str] = ("API",),
    **fields: Any,
) -> dict[str, Any]:
    """One incident of Statuspage; its status is that of the newest of `updates`."""
    all_updates = updates or (update("investigating", started_at),)
    newest = max(all_updates, key=lambda row: row["created_at"])
    resolved = [row["created_at"] for row in all_updates if row["status"] == "resolved"]
    return {
        "id": key,
        "name": name,
        "status": newest["status"],
        "impact": impact,
        "created_at": iso(started_at),
        "updated_at": newest["created_at"],
        "started_at": iso(started_at),
        "monitoring_at": None,
        "resolved_at": max(resolved, default=None),
        "shortlink": f"https://stspg.example/{key}",
        "incident_updates": sorted(all_updates, key=lambda row: row["created_at"], reverse=True),
        "components": [{"id": name, "name": name} for name in components],
    } | fields


def resolved(key: str = "inc1", *, at: datetime = AT + HOUR, **fields: Any) -> dict[str, Any]:
    """An incident that ended `at`."""
    start = fields.get("started_at", AT)
    return incident(key, update("investigating", start), update("resolved", at), **fields)


def incident_io(row: dict[str, Any]) -> dict[str, Any]:
    """The same incident as incident.io serves it behind Statuspage's paths."""
    gone = {"components", "started_at", "monitoring_at", "resolved_at", "shortlink"}
    return {name: value for name, value in row.items() if name not in gone}


def summary(*incidents: dict[str, Any], **parts: Any) -> bytes:
    document = {
        "page": PAGE,
        "status": {"indicator": "none", "description": "All Systems Operational"},
        "components": [{"id": "c1", "name": "API", "status": "operational"}],
        "incidents": list(incidents),
        "scheduled_maintenances": [],
    }
    return json.dumps(document | parts).encode()


def history(*incidents: dict[str, Any], noise: int = 0) -> bytes:
    page = PAGE | {"updated_at": iso(AT + noise * MINUTE)}
    return json.dumps({"page": page, "incidents": list(incidents)}).encode()


def entry(
    key: str,
    *updates: tuple[datetime, str, str],
    title: str = "Elevated errors",
    late: datetime | None = None,
) -> str:
    """An entry of Statuspage's history.atom; `updates` are (time, status, text), newest first."""
    paragraphs = "".join(
        f"<p> <small>{at:%b} <var data-var='date'>{at:%d}</var>, <var data-var='time'>{at:%H:%M}"
        f"</var> UTC</small><br> <strong>{status}</strong> - {text} </p>"
        for at, status, text in updates
    )
    content = paragraphs.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    published = updates[0][0]
    return (
        f"<entry><id>tag:acme.example,2005:Incident/{abs(hash(key)) % 10**8}</id>"
        f"<published>{iso(published)}</published><updated>{iso(late or published)}</updated>"
        f'<link rel="alternate" type="text/html" href="https://status.acme.example/incidents/{key}"/>'
        f'<title>{title}</title><content type="html">{content}</content></entry>'
    )


def atom(*entries: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>Acme Status - Incident History</title>{''.join(entries)}</feed>"
    ).encode()
