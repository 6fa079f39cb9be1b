"""Alert activity: the responses of users and changes by the registry, from the alert's history."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.accounts.models import User
from apps.alerts.lifecycle.responses import AlertResponse
from apps.alerts.models import Alert
from apps.alerts.models.outcomes import resolution_sentence
from apps.alerts.text import day

MAX_VERSIONS = 200


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """One entry: `who` did `what` (a predicate: `acknowledged it`) at a time; `reason` and `how`
    may be empty."""

    at: datetime
    who: str
    what: str
    reason: str = ""
    how: str = ""


# The address of requests from Slack, which the history stores with the changes made by them.
SLACK_PATH = "/integrations/slack/"


def alert_activity(alert: Alert) -> list[ActivityEntry]:
    """List the activity, latest first; two statements. A changed escalation time is left out: it is
    not a response of a user."""
    history = Alert.history.rel.related_model._default_manager  # type: ignore[attr-defined]
    rows = list(
        history.filter(pgh_obj_id=alert.pk)
        .select_related("pgh_context")
        .order_by("pgh_id")[:MAX_VERSIONS]
    )
    user_names = _load_user_names(rows)
    entries: list[ActivityEntry] = []
    previous: Any = None
    for row in rows:
        metadata = row.pgh_context.metadata if row.pgh_context is not None else {}
        for step in _list_changes(
            previous, row, user_names, is_undo=metadata.get("code") == AlertResponse.UNDO
        ):
            reason = _find_note(metadata) if step.reason is None else step.reason
            entries.append(
                ActivityEntry(
                    row.pgh_created_at,
                    _find_actor(metadata, user_names),
                    step.what,
                    reason,
                    _find_channel(metadata),
                )
            )
        previous = row
    entries.reverse()
    return entries


def _load_user_names(rows: Iterable[Any]) -> dict[int, str]:
    ids: set[int] = set()
    for row in rows:
        ids |= {
            pk
            for pk in (row.assigned_to_id, row.acknowledged_by_id, row.resolved_by_id)
            if pk is not None
        }
        if row.pgh_context is not None and isinstance(row.pgh_context.metadata.get("user"), int):
            ids.add(row.pgh_context.metadata["user"])
    return {person.pk: str(person) for person in User.objects.filter(pk__in=ids)}


@dataclass(frozen=True, slots=True)
class _VersionChange:
    """One change between two versions; `reason` is None if the user's own note gives the reason."""

    what: str
    reason: str | None = None


def _list_changes(
    previous: Any, row: Any, user_names: dict[int, str], *, is_undo: bool
) -> list[_VersionChange]:
    """Return the steps between two versions of an alert, `previous` and `row`, as texts. `is_undo`:
    the change was an undo."""
    if row.pgh_label == "insert" or previous is None:
        # The reason of the job does not explain the alert that it created.
        return [_VersionChange("raised the alert", "")]
    steps = []
    if row.details.get("n_comments", 0) > previous.details.get("n_comments", 0):
        steps.append(_VersionChange("commented"))
    if row.state != previous.state or row.snoozed_until != previous.snoozed_until:
        is_restored = is_undo and row.state != Alert.State.OPEN
        match row.state:
            case Alert.State.ACKNOWLEDGED if is_restored:
                steps.append(_VersionChange("undid a response: acknowledged again"))
            case Alert.State.SNOOZED if is_restored:
                until = day(row.snoozed_until)
                steps.append(_VersionChange(f"undid a response: snoozed until {until} again"))
            case Alert.State.RESOLVED if is_restored:
                steps.append(_VersionChange("undid a response: resolved again"))
            case Alert.State.ACKNOWLEDGED:
                steps.append(_VersionChange("acknowledged the alert"))
            case Alert.State.SNOOZED:
                steps.append(_VersionChange(f"snoozed the alert until {day(row.snoozed_until)}"))
            case Alert.State.RESOLVED:
                sentence = resolution_sentence(row.resolution, row.resolution_text)
                steps.append(_VersionChange("resolved the alert", sentence))
            case _:
                steps.append(_VersionChange("reopened the alert"))
    if row.assigned_to_id != previous.assigned_to_id:
        assignee = user_names.get(row.assigned_to_id, "a user")
        action = (
            "removed the assignment"
            if row.assigned_to_id is None
            else (f"assigned the alert to {assignee}")
        )
        steps.append(_VersionChange(action))
    if row.escalation > previous.escalation:
        target = "governance" if row.escalation == 2 else "the team owners"
        steps.append(_VersionChange(f"escalated the alert to {target}"))
    return steps


def _find_actor(metadata: dict[str, Any], user_names: dict[int, str]) -> str:
    if metadata.get("user") in user_names:
        return user_names[metadata["user"]]
    if metadata.get("job"):
        return "The registry"
    return str(metadata.get("actor") or "The registry")


def _find_note(metadata: dict[str, Any]) -> str:
    """Return the user's note on a response; for any other change, its reason."""
    return str(metadata.get("note" if "code" in metadata else "reason") or "")


def _find_channel(metadata: dict[str, Any]) -> str:
    address = str(metadata.get("url") or "")
    if address.startswith("/alerts/answer/"):
        return "by the link in an email"
    if address == SLACK_PATH:
        return "via Slack"
    return "by the API" if address.startswith("/api/") else ""
