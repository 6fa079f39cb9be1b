from apps.issues.models.activity import Activity
from apps.issues.models.causes import Cause, CauseKind, CauseOffering
from apps.issues.models.issues import Issue, IssueQuerySet, IssueResolution, Urgency

__all__ = [
    "Activity",
    "Cause",
    "CauseKind",
    "CauseOffering",
    "Issue",
    "IssueQuerySet",
    "IssueResolution",
    "Urgency",
]
