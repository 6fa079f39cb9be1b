"""Items about decisions that a second person must confirm, and about proposed use cases."""

from collections.abc import Iterable

from apps.alerts.delivery.digest.occasions import occasion_note
from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry, DigestItem
from apps.alerts.kinds.issue_text import issue_heading, issue_path, issue_subject
from apps.alerts.models import IssueAlertKind
from apps.alerts.text import one_line


def decision_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """Return an item for each proposal."""
    return [
        _build_item(entry, context)
        for entry in entries
        if entry.alert.kind == IssueAlertKind.DECISION_PROPOSED
    ]


def _build_item(entry: DigestEntry, context: DigestContext) -> DigestItem:
    alert = entry.alert
    author = one_line(alert.details.get("by", ""), max_length=80)
    return DigestItem(
        title=issue_subject(alert),
        url=context.public_url + issue_path(alert),
        what=f"{author} proposed the decision. It applies once a second person confirms it.",
        headline=issue_heading(alert, name=""),
        margin="to confirm",
        severity=alert.severity,
        affected=frozenset(),
        on=None,
        group=IssueAlertKind.DECISION_PROPOSED,
        note=occasion_note([entry], context),
        alert_ids=(alert.pk,),
    )


def use_case_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """Return an item for each proposed use case."""
    return [
        _build_use_case_item(entry, context)
        for entry in entries
        if entry.alert.kind == IssueAlertKind.USE_CASE_PROPOSED
    ]


def _build_use_case_item(entry: DigestEntry, context: DigestContext) -> DigestItem:
    alert = entry.alert
    tier = one_line(alert.details.get("tier", ""), max_length=20)
    return DigestItem(
        title=issue_subject(alert),
        url=context.public_url + issue_path(alert),
        what=f"A person without an account proposed it. Risk tier: {tier}.",
        headline=issue_heading(alert, name=""),
        margin="to decide",
        severity=alert.severity,
        affected=frozenset(),
        on=None,
        group=IssueAlertKind.USE_CASE_PROPOSED,
        note=occasion_note([entry], context),
        alert_ids=(alert.pk,),
    )
