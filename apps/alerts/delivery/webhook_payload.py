"""Webhook payload: alerts as JSON, with the content of an email. docs/alerts.md has the schema."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.alerts.delivery.digest.builder import GROUP_GUIDANCE, build_items
from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry
from apps.alerts.models import Alert, Notice

# the version of the shape; a change that breaks readers gets a new one
PAYLOAD_VERSION = 1


def build_payload(
    notified: Sequence[tuple[Notice, Alert]], context: DigestContext, *, at: datetime
) -> dict[str, Any]:
    """Build {"type", "version", "at", "alerts": [...]}; `type` is `alerts`."""
    # one by one: a mail says a thing once, here each alert says it
    said = {
        notice.pk: build_items([DigestEntry.of(notice, alert)], context)
        for notice, alert in notified
    }
    return {
        "type": "alerts",
        "version": PAYLOAD_VERSION,
        "at": at.isoformat(),
        "alerts": [
            _as_json(notice, alert, next(iter(said[notice.pk]), None), context)
            for notice, alert in notified
        ],
    }


def _as_json(notice: Notice, alert: Alert, item: Any, context: DigestContext) -> dict[str, Any]:
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
