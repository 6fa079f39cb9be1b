"""Items about issues: one for each fact, with its applications."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from apps.alerts.delivery.digest.applications import (
    application_lines,
    n_more_applications,
    visible_by_criticality,
    warned_fallbacks,
)
from apps.alerts.delivery.digest.causes import (
    alert_ids,
    cause_of_id,
    highest_severity_of,
    offerings_of_cause,
    visible_ids,
)
from apps.alerts.delivery.digest.model_items import first_replacement, format_left
from apps.alerts.delivery.digest.occasions import occasion_note
from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry, DigestItem
from apps.alerts.kinds.issue_text import (
    incident_sentences,
    issue_path,
    issue_predicate,
    issue_subject,
)
from apps.alerts.models import Alert, IssueAlertKind

_CAUSE_KINDS = {
    IssueAlertKind.RETIRED_MODEL_IN_USE: "retirement",
    IssueAlertKind.APPROVAL_VIOLATED: "approval_violation",
    IssueAlertKind.FALLBACK_RETIRES: "fallback_retires",
    IssueAlertKind.MIGRATION_LATE: "retirement",
    IssueAlertKind.INCIDENT: "incident",
}
# kinds about the retirement of a model, whose items have the migration of each application
_RETIREMENT_KINDS = frozenset({IssueAlertKind.RETIRED_MODEL_IN_USE, IssueAlertKind.MIGRATION_LATE})


def retired_in_use_items(
    entries: Iterable[DigestEntry], context: DigestContext
) -> list[DigestItem]:
    """Return an item for each retired model that is still used."""
    kinds = {IssueAlertKind.RETIRED_MODEL_IN_USE}
    return [_build_item(group, context) for group in _group_facts(entries, kinds, context)]


def late_migration_items(
    entries: Iterable[DigestEntry], context: DigestContext
) -> list[DigestItem]:
    """Return an item for each model whose migration should have started."""
    kinds = {IssueAlertKind.MIGRATION_LATE}
    return [_build_item(group, context) for group in _group_facts(entries, kinds, context)]


def issue_items(
    entries: Iterable[DigestEntry], context: DigestContext, warned: Collection[tuple[int, int]]
) -> list[DigestItem]:
    """Return an item for each violated approval, each ongoing incident, and each fallback that
    retires unless another item `warned` of it: (application, fallback) pairs."""
    kinds = {
        IssueAlertKind.APPROVAL_VIOLATED,
        IssueAlertKind.FALLBACK_RETIRES,
        IssueAlertKind.INCIDENT,
    }
    remaining = [
        entry
        for entry in entries
        if entry.alert.kind != IssueAlertKind.FALLBACK_RETIRES
        or not all((pk, entry.alert.offering_id) in warned for pk in entry.application_ids)
    ]
    return [_build_item(group, context) for group in _group_facts(remaining, kinds, context)]


def retiring_fallbacks(entries: Iterable[DigestEntry]) -> frozenset[tuple[int, int]]:
    """Return the (application, fallback) pairs of alerts about fallbacks that retire."""
    return frozenset(
        (pk, entry.alert.offering_id or 0)
        for entry in entries
        if entry.alert.kind == IssueAlertKind.FALLBACK_RETIRES
        for pk in entry.application_ids
    )


def _group_facts(
    entries: Iterable[DigestEntry], kinds: Collection[str], context: DigestContext
) -> list[Sequence[DigestEntry]]:
    """Group the entries by fact; those without a visible application are left out."""
    groups: dict[tuple[str, str, str], list[DigestEntry]] = defaultdict(list)
    for entry in entries:
        alert = entry.alert
        if alert.kind in kinds and visible_ids([entry], context):
            groups[alert.kind, issue_subject(alert), issue_predicate(alert)].append(entry)
    return list(groups.values())


def _build_item(entries: Sequence[DigestEntry], context: DigestContext) -> DigestItem:
    first = entries[0].alert
    kind = IssueAlertKind(first.kind)
    affected = visible_ids(entries, context)
    applications = visible_by_criticality(affected, context)
    path = issue_path(first) if len(entries) == 1 else f"/work/?kind={_CAUSE_KINDS[kind]}"
    is_retirement = kind in _RETIREMENT_KINDS
    cause = cause_of_id(first.offering_id, context) if is_retirement else ""
    offering_ids = offerings_of_cause(cause, context) if is_retirement else frozenset()
    lines = application_lines(applications, context, retiring=offering_ids)
    return DigestItem(
        title=issue_subject(first),
        url=context.public_url + path,
        what=_describe(first),
        margin=_margin(entries, context),
        severity=highest_severity_of(entries),
        affected=affected,
        on=first.due_on,
        group=kind,
        pressing=is_retirement,
        is_earliest=bool(first.details.get("soft")),
        applications=lines,
        n_more_applications=n_more_applications(applications),
        replacement=first_replacement(
            [context.offerings[pk] for pk in sorted(offering_ids)], context
        ),
        note=occasion_note(entries, context),
        alert_ids=alert_ids(entries),
        cause=cause,
        warned_fallbacks=warned_fallbacks(lines),
    )


def _describe(alert: Alert) -> str:
    if alert.kind == IssueAlertKind.INCIDENT:
        return incident_sentences(alert)
    return f"The model {issue_predicate(alert)}."


def _margin(entries: Sequence[DigestEntry], context: DigestContext) -> str:
    alert = entries[0].alert
    if alert.kind == IssueAlertKind.APPROVAL_VIOLATED:
        grounds = alert.details.get("grounds", ())
        return next((name for name in ("blocked", "expired") if name in grounds), "restricted")
    if alert.kind == IssueAlertKind.INCIDENT:
        return str(alert.details["impact"])
    if alert.due_on is None:
        return "retired"
    left = (alert.due_on - context.today).days
    return format_left(left, is_earliest=bool(alert.details.get("soft")))
