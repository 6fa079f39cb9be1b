"""What became of an alert: who answered what and when, read from its history."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.accounts.models import User
from apps.alerts.models import Alert
from apps.alerts.undoing import TAKEN_BACK
from apps.alerts.wording import day

# the reasons that say no more than the turn itself
_PLAIN = (
    "alert acknowledged",
    "alert snoozed until",
    "alert assigned to",
    "assignment taken back",
    TAKEN_BACK,
)
MOST = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """`who` did `what` (a predicate: `acknowledged it`) at a moment; `reason` and `how` may be empty."""

    at: datetime
    who: str
    what: str
    reason: str = ""
    how: str = ""


def turns_of(alert: Alert) -> list[Turn]:
    """The latest first; two statements. When it would go further is left out: that is nobody's answer."""
    history = Alert.history.rel.related_model._default_manager  # type: ignore[attr-defined]
    rows = list(
        history.filter(pgh_obj_id=alert.pk).select_related("pgh_context").order_by("pgh_id")[:MOST]
    )  # fmt: skip
    people = _people(rows)
    turns: list[Turn] = []
    before: Any = None
    for row in rows:
        said = row.pgh_context.metadata if row.pgh_context is not None else {}
        for what in _whats(before, row, people, is_back=said.get("reason") == TAKEN_BACK):
            # why a job ran says nothing about the alert it raised
            said_why = "" if what == "raised it" else _reason(said)
            reason = row.resolved_why if what.startswith("resolved") else said_why
            turns.append(Turn(row.pgh_created_at, _who(said, people), what, reason, _how(said)))
        before = row
    turns.reverse()
    return turns


def _people(rows: Iterable[Any]) -> dict[int, str]:
    ids: set[int] = set()
    for row in rows:
        ids |= {pk for pk in (row.assigned_to_id, row.acknowledged_by_id, row.resolved_by_id) if pk is not None}
        if row.pgh_context is not None and isinstance(row.pgh_context.metadata.get("user"), int):
            ids.add(row.pgh_context.metadata["user"])
    return {person.pk: str(person) for person in User.objects.filter(pk__in=ids)}


def _whats(before: Any, row: Any, people: dict[int, str], *, is_back: bool) -> list[str]:
    if row.pgh_label == "insert" or before is None:
        return ["raised it"]
    whats = []
    if row.state != before.state or row.snoozed_until != before.snoozed_until:
        back = is_back and row.state != Alert.State.OPEN
        match row.state:
            case Alert.State.ACKNOWLEDGED if back:
                whats.append("took an answer back: it is acknowledged as before")
            case Alert.State.SNOOZED if back:
                whats.append(f"took an answer back: it is snoozed until {day(row.snoozed_until)} as before")
            case Alert.State.RESOLVED if back:
                whats.append("took an answer back: it is resolved as before")
            case Alert.State.ACKNOWLEDGED:
                whats.append("acknowledged it")
            case Alert.State.SNOOZED:
                whats.append(f"snoozed it until {day(row.snoozed_until)}")
            case Alert.State.RESOLVED:
                whats.append("resolved it")
            case _:
                whats.append("opened it again")
    if row.assigned_to_id != before.assigned_to_id:
        to = people.get(row.assigned_to_id, "somebody")
        whats.append("took the assignment back" if row.assigned_to_id is None else f"gave it to {to}")
    if row.escalation > before.escalation:
        whats.append("passed it on to governance" if row.escalation == 2 else "passed it on to the team's owners")
    return whats


def _who(said: dict[str, Any], people: dict[int, str]) -> str:
    if said.get("user") in people:
        return people[said["user"]]
    if said.get("job"):
        return "The register"
    return str(said.get("actor") or "The register")


def _reason(said: dict[str, Any]) -> str:
    reason = str(said.get("reason") or "")
    return "" if reason.startswith(_PLAIN) else reason


def _how(said: dict[str, Any]) -> str:
    address = str(said.get("url") or "")
    if address.startswith("/alerts/answer/"):
        return "by the link in a mail"
    return "through the API" if address.startswith("/api/") else ""
