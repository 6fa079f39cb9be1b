"""Assessment history of an inherited risk: who, what, when and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from apps.accounts.models import User
from apps.risks.levels import Level
from apps.risks.models import Assessment, Treatment
from apps.web.views.risks import presenters
from apps.web.wording import long_day

MAX_ENTRIES = 40


@dataclass(frozen=True, slots=True)
class AssessmentEntry:
    """Entry of the history: user, action, time and reason; `changes` are (field, before, after)."""

    at: datetime
    who: str
    why: str
    what: str
    changes: list[tuple[str, str, str]]


_TRACKED_FIELDS = (
    "state",
    "current",
    "residual",
    "confidence",
    "treatment",
    "plan",
    "owner_id",
    "due_on",
    "accepted_until",
    "accept_reason",
    "not_applicable_reason",
    "stale_reason",
)


def assessment_history(assessment: Assessment) -> list[AssessmentEntry]:
    """Return the history, newest first; two statements. Actors are named, not their usernames."""
    rows = list(
        assessment.history.select_related("pgh_context").order_by("-pgh_id")[  # type: ignore[attr-defined]
            : MAX_ENTRIES + 1
        ]
    )
    actors = {
        row.pgh_context.metadata.get("actor") or "" for row in rows[:MAX_ENTRIES] if row.pgh_context
    }
    persons = User.objects.filter(
        Q(pk__in={row.owner_id for row in rows if row.owner_id}) | Q(username__in=actors)
    )
    people = {person.pk: str(person) for person in persons}
    names = {person.username: str(person) for person in persons}
    entries = []
    for number, row in enumerate(rows[:MAX_ENTRIES]):
        before = rows[number + 1] if number + 1 < len(rows) else None
        metadata = row.pgh_context.metadata if row.pgh_context else {}
        changes = []
        for name in _TRACKED_FIELDS:
            old_text, new_text = (
                _format_field(before, name, people) if before else "",
                _format_field(row, name, people),
            )
            if old_text != new_text:
                changes.append((_label_field(name), old_text, new_text))
        action = "assessed for the first time" if row.pgh_label == "insert" else "changed"
        entries.append(
            AssessmentEntry(
                row.pgh_created_at,
                names.get(metadata.get("actor", ""), metadata.get("actor") or "unknown"),
                metadata.get("reason", ""),
                action,
                changes,
            )
        )
    return entries


def _label_field(name: str) -> str:
    return {
        "state": "State",
        "current": "Current",
        "residual": "Residual",
        "confidence": "Confidence",
        "treatment": "Treatment",
        "plan": "Plan",
        "owner_id": "Owner",
        "due_on": "Due",
        "accepted_until": "Accepted until",
        "accept_reason": "Accepted since",
        "not_applicable_reason": "Not applicable since",
        "stale_reason": "Stale since",
    }[name]


def _format_field(row: Any, name: str, people: dict[int, str]) -> str:
    """Return the value of a field as text; `people` are {ID: name}."""
    if name in ("current", "residual"):
        likelihood, impact = getattr(row, f"{name}_likelihood"), getattr(row, f"{name}_impact")
        return presenters.describe_level(Level(likelihood, impact)) if likelihood and impact else ""
    value = getattr(row, name)
    if value in (None, ""):
        return ""
    match name:
        case "state":
            return str(presenters.STATES[value])
        case "treatment":
            return Treatment(value).label
        case "owner_id":
            return people.get(value, str(value))
        case "due_on" | "accepted_until":
            return long_day(value)
    return str(value)
