"""What a webhook is sent: alerts as JSON, with what a mail says of them. docs/mail.md has the
shape."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.alerts.digest import Entry, Facts
from apps.alerts.digest.building import GROUPS, items_of
from apps.alerts.models import Alert, Notice

# the version of the shape; a change that breaks readers gets a new one
VERSION = 1


def payload_of(
    told: Sequence[tuple[Notice, Alert]], facts: Facts, *, at: datetime
) -> dict[str, Any]:
    """{"type", "version", "at", "alerts": [...]}; `type` is `alerts`."""
    # one by one: a mail says a thing once, here each alert says it
    said = {notice.pk: items_of([Entry.of(notice, alert)], facts) for notice, alert in told}
    return {
        "type": "alerts",
        "version": VERSION,
        "at": at.isoformat(),
        "alerts": [
            _as_json(notice, alert, next(iter(said[notice.pk]), None), facts)
            for notice, alert in told
        ],
    }


def _as_json(notice: Notice, alert: Alert, item: Any, facts: Facts) -> dict[str, Any]:
    applications = [
        facts.applications[pk] for pk in alert.application_ids if pk in facts.applications
    ]
    return {
        "id": alert.pk,
        "key": alert.key,
        "occasion": notice.occasion_word,
        "kind": alert.kind,
        "severity": alert.severity,
        "state": alert.state,
        "raised_at": alert.raised_at.isoformat(),
        "due_on": alert.due_on.isoformat() if alert.due_on else None,
        "milestone": alert.milestone,
        "team": alert.team_id,
        "title": item.title if item else None,
        "what": item.what if item else None,
        "todo": GROUPS[item.group][1] if item else None,
        "replacement": (item.replacement or None) if item else None,
        "url": item.url if item else f"{facts.public_url}/alerts/{alert.pk}/",
        "applications": [
            {
                "slug": row.slug,
                "name": row.name,
                "criticality": row.get_criticality_display().lower(),
            }
            for row in applications
        ],
    }
