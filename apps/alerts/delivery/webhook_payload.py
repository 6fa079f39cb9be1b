"""Webhook payload: alerts as JSON, with the content of an email. docs/alerts.md has the schema."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.alerts.delivery.digest.builder import GROUP_GUIDANCE, build_items
from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry
from apps.alerts.models import Alert, Notice

# Version of the schema; increased with every incompatible change.
PAYLOAD_VERSION = 1


def build_payload(
    notice_alerts: Sequence[tuple[Notice, Alert]], context: DigestContext, *, at: datetime
) -> dict[str, Any]:
    """Build {"type", "version", "at", "alerts": [...]}; `type` is `alerts`."""
    # One alert at a time: an email merges alerts about the same thing, a payload does not.
    items_by_notice = {
        notice.pk: build_items([DigestEntry.of(notice, alert)], context)
        for notice, alert in notice_alerts
    }
    return {
        "type": "alerts",
        "version": PAYLOAD_VERSION,
        "at": at.isoformat(),
        "alerts": [
            _format_alert(notice, alert, next(iter(items_by_notice[notice.pk]), None), context)
            for notice, alert in notice_alerts
        ],
    }


def _format_alert(
    notice: Notice, alert: Alert, item: Any, context: DigestContext
) -> dict[str, Any]:
    """Return an alert as JSON. `item` is its digest item with title and guidance; None if no item
    is about it."""
    applications = [
        context.applications[pk] for pk in alert.application_ids if pk in context.applications
    ]
    return {
        "id": alert.pk,
        "key": alert.key,
        "trigger": notice.occasion_word,
        "kind": alert.kind,
        "severity": alert.severity,
        "state": alert.state,
        "raised_at": alert.raised_at.isoformat(),
        "due_on": alert.due_on.isoformat() if alert.due_on else None,
        "milestone": alert.milestone,
        "team": alert.team_id,
        "title": item.title if item else None,
        "what": item.what if item else None,
        "todo": GROUP_GUIDANCE[item.group][1] if item else None,
        "replacement": (item.replacement or None) if item else None,
        "url": item.url if item else f"{context.public_url}/alerts/{alert.pk}/",
        "applications": [
            {
                "slug": row.slug,
                "name": row.name,
                "criticality": row.get_criticality_display().lower(),
            }
            for row in applications
        ],
    }
