"""Alerts about proposed use cases: each governance person is notified once of each proposal."""

from datetime import datetime

from apps.alerts.kinds.severity import issue_severity
from apps.alerts.lifecycle.creation import AlertDraft, alert_key, store_alerts
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import Alert, IssueAlertKind, Notice, Resolution, SubjectKind
from apps.alerts.recipients import organisation_roles
from apps.inventory.models import ProposedUseCase
from apps.issues.models import CauseKind, Issue


def raise_use_case_alerts(*, at: datetime) -> int:
    """Create alerts about undecided use cases, and return the number of new ones. Alerts of users
    who can no longer decide, or whose use case is decided, are resolved."""
    kind = IssueAlertKind.USE_CASE_PROPOSED
    issues = {
        issue.details["use_case"]: issue.pk
        for issue in Issue.objects.unresolved().filter(cause__kind=CauseKind.PROPOSED_USE_CASE)
    }
    alerts = Alert.objects.live().filter(kind=kind)
    ended = list(alerts.exclude(subject_id__in=issues.values()).values_list("pk", flat=True))
    resolve_alerts(ended, resolution=Resolution.ISSUE_RESOLVED, at=at)
    if not issues:
        return 0
    deciders = organisation_roles().deciders
    former = alerts.exclude(user__in=deciders).values_list("pk", flat=True)
    resolve_alerts(list(former), resolution=Resolution.REROUTED, at=at, notify=False)
    return store_alerts(
        [
            AlertDraft(
                Alert(
                    key=alert_key(
                        f"issue:{issues[use_case.pk]}",
                        kind,
                        f"user:{user.pk}",
                        milestone=f"use_case:{use_case.pk}",
                    ),
                    kind=kind,
                    severity=issue_severity(kind),
                    subject_kind=SubjectKind.ISSUE,
                    subject_id=issues[use_case.pk],
                    details={
                        "name": use_case.name,
                        "tier": use_case.get_tier_display().lower(),
                    },
                    user=user,
                    raised_at=at,
                ),
                why=Notice.Why.GOVERNANCE,
            )
            for use_case in ProposedUseCase.objects.undecided().filter(pk__in=issues).order_by("pk")
            for user in deciders
        ]
    )
