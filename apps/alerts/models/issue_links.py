"""Links between alerts and issues: an alert notifies of the issues it is linked with."""

from django.db import models

from apps.alerts.models.alerts import Alert
from apps.issues.models import Issue


class AlertIssue(models.Model):
    """A link: the alert notifies of the issue.

    With the notifications of the alert it is the key of what was sent: the issue, the recipient
    (`Notice.user`, `team` or `webhook`) and the trigger (kind and milestone of the alert, and
    `Notice.occasion`). It is kept for as long as the alert."""

    # the unique constraint has the index of the alert
    alert = models.ForeignKey(
        Alert, on_delete=models.CASCADE, related_name="issue_links", db_index=False
    )
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="alert_links")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["alert", "issue"], name="alert_issue_once"),
        ]

    def __str__(self) -> str:
        return f"alert {self.alert_id} of issue {self.issue_id}"


class PendingLink(models.Model):
    """An alert or an issue whose links are not determined yet. Triggers of the database add the
    rows, in the transaction that adds the alert or the issue; `link_issues` removes them.

    Not foreign keys, because the records might be deleted."""

    alert_id = models.BigIntegerField(null=True)
    issue_id = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"alert {self.alert_id}" if self.alert_id else f"issue {self.issue_id}"
