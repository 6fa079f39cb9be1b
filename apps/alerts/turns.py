"""What became of an alert: who answered what and when, read from its history."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.accounts.models import User
from apps.alerts.answering import Answer
from apps.alerts.models import Alert
from apps.alerts.models.outcomes import resolution_sentence
from apps.alerts.wording import day

MOST = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """`who` did `what` (a predicate: `acknowledged it`) at a moment; `reason` and `how` may be
    empty."""

    at: datetime
    who: str
    what: str
    reason: str = ""
    how: str = ""


def turns_of(alert: Alert) -> list[Turn]:
    """The latest first; two statements. When it would go further is left out: that is nobody's
    answer."""
    history = Alert.history.rel.related_model._default_manager  # type: ignore[attr-defined]
    rows = list(
        history.filter(pgh_obj_id=alert.pk).select_related("pgh_context").order_by("pgh_id")[:MOST]
    )
    people = _people(rows)
    turns: list[Turn] = []
    before: Any = None
    for row in rows:
        said = row.pgh_context.metadata if row.pgh_context is not None else {}
        for step in _steps(before, row, people, is_undo=said.get("code") == Answer.UNDO):
            reason = _note(said) if step.reason is None else step.reason
            turns.append(
                Turn(row.pgh_created_at, _who(said, people), step.what, reason, _how(said))
            )
        before = row
    turns.reverse()
    return turns


def _people(rows: Iterable[Any]) -> dict[int, str]:
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
class _Step:
    """One change between two versions; `reason` is None where the user's own note says why."""

    what: str
    reason: str | None = None


def _steps(before: Any, row: Any, people: dict[int, str], *, is_undo: bool) -> list[_Step]:
    if row.pgh_label == "insert" or before is None:
        # why a job ran says nothing about the alert it raised
        return [_Step("raised it", "")]
    steps = []
    if row.state != before.state or row.snoozed_until != before.snoozed_until:
        restored = is_undo and row.state != Alert.State.OPEN
        match row.state:
            case Alert.State.ACKNOWLEDGED if restored:
                steps.append(_Step("took an answer back: it is acknowledged as before"))
            case Alert.State.SNOOZED if restored:
                until = day(row.snoozed_until)
                steps.append(_Step(f"took an answer back: it is snoozed until {until} as before"))
            case Alert.State.RESOLVED if restored:
                steps.append(_Step("took an answer back: it is resolved as before"))
            case Alert.State.ACKNOWLEDGED:
                steps.append(_Step("acknowledged it"))
            case Alert.State.SNOOZED:
                steps.append(_Step(f"snoozed it until {day(row.snoozed_until)}"))
            case Alert.State.RESOLVED:
                sentence = resolution_sentence(row.resolution, row.resolution_text)
                steps.append(_Step("resolved it", sentence))
            case _:
                steps.append(_Step("opened it again"))
    if row.assigned_to_id != before.assigned_to_id:
        to = people.get(row.assigned_to_id, "somebody")
        what = "took the assignment back" if row.assigned_to_id is None else f"gave it to {to}"
        steps.append(_Step(what))
    if row.escalation > before.escalation:
        to_whom = "governance" if row.escalation == 2 else "the team's owners"
        steps.append(_Step(f"passed it on to {to_whom}"))
    return steps


def _who(said: dict[str, Any], people: dict[int, str]) -> str:
    if said.get("user") in people:
        return people[said["user"]]
    if said.get("job"):
        return "The register"
    return str(said.get("actor") or "The register")


def _note(said: dict[str, Any]) -> str:
    """What the user wrote to an answer; of any other change, why it was made."""
    return str(said.get("note" if "code" in said else "reason") or "")


def _how(said: dict[str, Any]) -> str:
    address = str(said.get("url") or "")
    if address.startswith("/alerts/answer/"):
        return "by the link in a mail"
    return "through the API" if address.startswith("/api/") else ""
