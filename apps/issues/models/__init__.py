from apps.issues.models.activity import Activity
from apps.issues.models.causes import Cause, CauseKind, CauseOffering
from apps.issues.models.issues import (
    Issue,
    IssueQuerySet,
    IssueResolution,
    Urgency,
    UrgencyExpression,
)
from apps.issues.models.queue import ChangedApplication, EvaluationState
from apps.issues.models.tickets import (
    Ticket,
    TicketConnection,
    TicketCredential,
    TicketEvent,
    TicketProgress,
)

__all__ = [
    "Activity",
    "Cause",
    "CauseKind",
    "CauseOffering",
    "ChangedApplication",
    "EvaluationState",
    "Issue",
    "IssueQuerySet",
    "IssueResolution",
    "Ticket",
    "TicketConnection",
    "TicketCredential",
    "TicketEvent",
    "TicketProgress",
    "Urgency",
    "UrgencyExpression",
]
