"""Ongoing incidents of applications, as their issues state them."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from apps.issues.models import CauseKind, Issue
from apps.issues.subjects import split_subject


@dataclass(frozen=True, slots=True)
class OngoingIncident:
    """An ongoing incident of a host that an application calls; `url` is its status page."""

    incident_id: int
    host: str
    title: str
    impact: str
    started_at: datetime
    url: str


def ongoing_incidents(application_ids: Collection[int]) -> Mapping[int, list[OngoingIncident]]:
    """Return {application: its ongoing incidents of impact major or critical, latest first}; one
    statement. The caller has checked that the applications can be viewed."""
    found: dict[int, list[OngoingIncident]] = defaultdict(list)
    if not application_ids:
        return found
    issues = (
        Issue.objects.unresolved()
        .filter(cause__kind=CauseKind.INCIDENT, application__in=application_ids)
        .order_by("-due_on", "-pk")
        .values_list("application_id", "cause__subject", "details")
    )
    for application_id, subject, details in issues:
        found[application_id].append(
            OngoingIncident(
                split_subject(subject)[1],
                details["host"],
                details["title"],
                details["impact"],
                datetime.fromisoformat(details["started_at"]),
                details["url"],
            )
        )
    return found


__all__ = ["OngoingIncident", "ongoing_incidents"]
