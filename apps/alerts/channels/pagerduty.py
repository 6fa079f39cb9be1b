"""PagerDuty: events that trigger, acknowledge and resolve one incident for each alert.

Facts, read on 30 November 2026 in github.com/PagerDuty/developer-docs, docs/events-API-v2: 202 is
accepted, 400 not to be repeated, 429 and 5xx to be repeated after some minutes; 512 KB for an
event, 255 characters of `dedup_key`, 1,024 of `payload.summary`; about 120 events a minute and key.
The address of the service region Europe is the one that programs of others use, such as
https://github.com/librenms/librenms/blob/master/LibreNMS/Alert/Transport/Pagerduty.php."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from apps.alerts.channels.calls import ChannelFailure, asked_wait, post_json, read_json
from apps.alerts.channels.message_items import MessageItem
from apps.alerts.models import Alert, Notice
from apps.alerts.text import one_line
from apps.common.credentials import Credentials

MAX_SUMMARY = 1024
MAX_EVENT_BYTES = 512 * 1024
REGIONS = {"us": "United States", "eu": "Europe"}
_SEVERITIES = {5: "critical", 4: "error", 3: "warning"}
_ACTIONS = {
    Notice.Occasion.ACKNOWLEDGED: "acknowledge",
    Notice.Occasion.RESOLVED: "resolve",
}


def dedup_key(alert: Alert) -> str:
    """Return the key of the incident of an alert: an alert is one cause for one owner."""
    return f"{urlsplit(settings.PUBLIC_URL).netloc[:120]}/alerts/{alert.pk}"


def event_action(occasion: str) -> str:
    """Return the action for an occasion of a notification: `trigger`, `acknowledge` or
    `resolve`."""
    return _ACTIONS.get(Notice.Occasion(occasion.partition(" ")[0]), "trigger")


def build_event(alert: Alert, occasion: str, item: MessageItem | None, *, group: str) -> str:
    """Build the JSON of an event, without the routing key. `item` is what happened; None if the
    event only acknowledges or resolves. `group` is the team."""
    action = event_action(occasion)
    event: dict[str, Any] = {"event_action": action, "dedup_key": dedup_key(alert)}
    if action == "trigger":
        url = f"{settings.PUBLIC_URL}/alerts/{alert.pk}/"
        lines = list(item.lines) if item else []
        title = item.title if item else "Alert"
        event["payload"] = {
            "summary": one_line(" ".join([f"{title}:", *lines[:1]]), max_length=MAX_SUMMARY),
            "source": urlsplit(settings.PUBLIC_URL).netloc or "registry",
            "severity": _SEVERITIES.get(alert.severity, "info"),
            "timestamp": alert.raised_at.isoformat(),
            "group": group,
            "class": alert.kind,
            "custom_details": {
                "what": lines,
                "date": alert.due_on.isoformat() if alert.due_on else None,
            },
        }
        event["links"] = [{"href": url, "text": "Open the alert in the registry"}]
        event["client"] = "Foundation Registry"
        event["client_url"] = url
    return json.dumps(event, ensure_ascii=False)


def build_test_event(*, text: str, key: str, at: datetime) -> str:
    """Build an event of severity info for a test. It opens an incident, which the user resolves."""
    return json.dumps(
        {
            "event_action": "trigger",
            "dedup_key": f"{urlsplit(settings.PUBLIC_URL).netloc[:120]}/test/{key}",
            "payload": {
                "summary": text,
                "source": urlsplit(settings.PUBLIC_URL).netloc or "registry",
                "severity": "info",
                "timestamp": at.isoformat(),
            },
            "client": "Foundation Registry",
            "client_url": settings.PUBLIC_URL,
        },
        ensure_ascii=False,
    )


def post_event(body: str, region: str, credentials: Credentials) -> ChannelFailure | None:
    """Post an event with the routing key; None if PagerDuty accepted it."""
    event = json.loads(body) | {"routing_key": credentials["routing_key"]}
    data = json.dumps(event, ensure_ascii=False).encode()
    if len(data) > MAX_EVENT_BYTES:
        return ChannelFailure("The event is larger than the 512 KB of PagerDuty.", final=True)
    response = post_json(settings.PAGERDUTY_EVENTS_URLS[region or "us"], data)
    if isinstance(response, ChannelFailure):
        return response
    if 200 <= response.status < 300:
        return None
    if response.status == 429:
        return ChannelFailure(
            "PagerDuty asks to send more slowly.", wait_seconds=asked_wait(response) or 60
        )
    if response.status == 400:
        answer = read_json(response)
        errors = answer.get("errors")
        said = "; ".join(str(error) for error in errors) if isinstance(errors, list) else ""
        reason = one_line(
            f"PagerDuty does not accept the event: {said or answer.get('message') or 'status 400'}",
            max_length=400,
        ).replace(credentials["routing_key"], "…")
        if "routing_key" in said:
            return ChannelFailure(
                f"{reason}. Enter the integration key of an Events API v2 integration.",
                refuses_channel=True,
            )
        return ChannelFailure(reason, final=True)
    if response.status in {401, 403, 404}:
        return ChannelFailure(
            f"PagerDuty responded with {response.status}. Check the integration key and the "
            "service region.",
            refuses_channel=True,
        )
    is_final = 300 <= response.status < 500 and response.status not in {408, 425}
    return ChannelFailure(
        f"PagerDuty responded with {response.status}.",
        final=is_final,
        wait_seconds=asked_wait(response),
    )
