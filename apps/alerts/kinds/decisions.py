"""Alerts about decisions that a second person must confirm: each governance person other than the
author is notified once of each proposal."""

from collections.abc import Collection
from datetime import datetime

from apps.accounts.models import User
from apps.alerts.kinds.severity import issue_severity
from apps.alerts.lifecycle.creation import AlertDraft, alert_key, store_alerts
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import Alert, IssueAlertKind, Notice, Resolution, SubjectKind
from apps.alerts.recipients import display_name, organisation_roles
from apps.inventory.models import DecisionProposal
from apps.issues.models import CauseKind, Issue


def raise_decision_alerts(*, at: datetime) -> int:
    """Create alerts about open proposals, and return the number of new ones. Alerts of users who
    can no longer decide, or whose proposal is decided, are resolved."""
    issues = {
        issue.details["proposal"]: issue.pk
        for issue in Issue.objects.unresolved().filter(cause__kind=CauseKind.TOLERANCE_CHANGE)
        if "proposal" in issue.details
    }
    alerts = Alert.objects.live().filter(kind=IssueAlertKind.DECISION_PROPOSED)
    ended = list(alerts.exclude(subject_id__in=issues.values()).values_list("pk", flat=True))
    resolve_alerts(ended, resolution=Resolution.ISSUE_RESOLVED, at=at)
    if not issues:
        return 0
    deciders = organisation_roles().deciders
    former = alerts.exclude(user__in=deciders).values_list("pk", flat=True)
    resolve_alerts(list(former), resolution=Resolution.REROUTED, at=at, notify=False)
    proposals = DecisionProposal.objects.open().select_related("proposed_by").filter(pk__in=issues)
    return store_alerts(
        [
            draft
            for proposal in proposals
            for draft in _decision_drafts(proposal, issues[proposal.pk], deciders, at=at)
        ]
    )


def _decision_drafts(
    proposal: DecisionProposal, issue_id: int, deciders: Collection[User], *, at: datetime
) -> list[AlertDraft]:
    kind = IssueAlertKind.DECISION_PROPOSED
    return [
        AlertDraft(
            Alert(
                key=alert_key(
                    f"issue:{issue_id}",
                    kind,
                    f"user:{user.pk}",
                    milestone=f"proposal:{proposal.pk}",
                ),
                kind=kind,
                severity=issue_severity(kind),
                subject_kind=SubjectKind.ISSUE,
                subject_id=issue_id,
                details={
                    "name": proposal.target_name,
                    "decision": proposal.kind,
                    "by": display_name(proposal.proposed_by),
                },
                user=user,
                raised_at=at,
            ),
            why=Notice.Why.GOVERNANCE,
        )
        for user in deciders
        if user.pk != proposal.proposed_by_id
    ]
