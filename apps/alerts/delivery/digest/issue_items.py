"""Digest items about issues: one for each cause, with all applications of the recipient."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from apps.alerts.delivery.digest.applications import application_lines, visible_by_criticality
from apps.alerts.delivery.digest.occasions import occasion_note
from apps.alerts.delivery.digest.parts import (
    MAX_APPLICATIONS,
    DigestContext,
    DigestEntry,
    DigestItem,
)
from apps.alerts.kinds.issue_text import issue_path, issue_predicate, issue_subject
from apps.alerts.models import IssueAlertKind


def issue_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """Return an item for each cause; causes with the same fact for several applications are one
    item."""
    by_fact: dict[tuple[str, str, str], list[DigestEntry]] = defaultdict(list)
    for entry in entries:
        alert = entry.alert
        if alert.kind in IssueAlertKind:
            by_fact[alert.kind, issue_subject(alert), issue_predicate(alert)].append(entry)
    items = []
    for fact in by_fact.values():
        item = _build_item(fact, context)
        if item is not None:
            items.append(item)
    return items


def _build_item(entries: Sequence[DigestEntry], context: DigestContext) -> DigestItem | None:
    application_ids = {pk for entry in entries for pk in entry.application_ids}
    applications = visible_by_criticality(application_ids, context)
    if not applications:
        return None
    first = entries[0].alert
    path = issue_path(first) if len(entries) == 1 else f"/issues/?kind={_cause_kind(first.kind)}"
    return DigestItem(
        title=issue_subject(first),
        api_id="",
        url=context.public_url + path,
        what=issue_predicate(first),
        margin="",
        pressing=first.kind == IssueAlertKind.RETIRED_MODEL_IN_USE,
        applications=application_lines(applications, context),
        n_more_applications=max(0, len(applications) - MAX_APPLICATIONS),
        replacement="",
        sources=(),
        severity=max(entry.alert.severity for entry in entries),
        affected=frozenset(row.pk for row in applications),
        on=first.due_on,
        group=first.kind,
        note=occasion_note(entries, context),
        alert_ids=tuple(entry.alert.pk for entry in entries),
        offering_id=first.offering_id,
    )


def _cause_kind(kind: str) -> str:
    return {
        IssueAlertKind.RETIRED_MODEL_IN_USE: "retirement",
        IssueAlertKind.APPROVAL_VIOLATED: "approval_violation",
    }.get(IssueAlertKind(kind), "fallback_retires")
