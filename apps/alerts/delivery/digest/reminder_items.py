"""Items about deadlines of the organisation, and about stale assessments."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from apps.alerts.delivery.digest.applications import (
    application_lines,
    n_more_applications,
    visible_by_criticality,
)
from apps.alerts.delivery.digest.causes import alert_ids, highest_severity_of
from apps.alerts.delivery.digest.occasions import occasion_note
from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry, DigestItem
from apps.alerts.kinds.reminders import reminder_text
from apps.alerts.models import DayKind, StateKind, SubjectKind
from apps.alerts.text import counted, days, join_with_more, one_line, with_full_stop

# Records that one item names; the others are counted.
MAX_NAMED_SUBJECTS = 6
MAX_REASONS = 3


# --- deadlines of the organisation ----------------------------------------------------------------


def deadline_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """Return an item for each kind, date and application: many acceptances that expire on one day
    are one task. A flag whose acceptance has expired by now has an item of its own, as has an
    approval that has expired and is still needed."""
    entries = list(entries)
    expired_flag_ids = {entry.alert.flag_id for entry in entries if entry.alert.flag_id is not None}
    violated_approval_ids = {entry.alert.details.get("approval") for entry in entries}
    groups: dict[tuple[object, ...], list[DigestEntry]] = defaultdict(list)
    for entry in entries:
        alert = entry.alert
        if alert.subject_kind == SubjectKind.FLAG and alert.subject_id in expired_flag_ids:
            continue
        if alert.kind == DayKind.APPROVAL_EXPIRING and alert.subject_id in violated_approval_ids:
            continue
        if alert.kind in DayKind and alert.kind != DayKind.MILESTONE:
            groups[alert.kind, alert.due_on, tuple(entry.application_ids)].append(entry)
    items = [_build_deadline_item(group, context) for group in groups.values()]
    return [item for item in items if item is not None]


def _build_deadline_item(
    entries: Sequence[DigestEntry], context: DigestContext
) -> DigestItem | None:
    alerts = [entry.alert for entry in entries]
    alert = alerts[0]
    applications = visible_by_criticality(entries[0].application_ids, context)
    if entries[0].application_ids and not applications:
        return None
    names = list(dict.fromkeys(reminder_text.reminder_title(each) for each in alerts))
    n_more = max(0, len(names) - MAX_NAMED_SUBJECTS)
    left = (alert.due_on - context.today).days if alert.due_on else 0
    slug = applications[0].slug if len(applications) == 1 else ""
    # An item about the application itself does not name it again.
    is_of_application = alert.subject_kind == SubjectKind.APPLICATION
    lines = () if is_of_application else application_lines(applications, context)
    return DigestItem(
        title=one_line(join_with_more(names[:MAX_NAMED_SUBJECTS], n_more), max_length=400),
        url=context.public_url + reminder_text.reminder_path(alert, slug=slug),
        what=reminder_text.reminder_sentence(alerts, on=context.today),
        margin=_deadline_margin(alert.kind, left),
        severity=highest_severity_of(entries),
        affected=frozenset(row.pk for row in applications),
        on=alert.due_on,
        group=alert.kind,
        pressing=left <= 0 and alert.kind not in {DayKind.MUTE_EXPIRING, DayKind.STAGE_BEGINS},
        applications=lines,
        n_more_applications=n_more_applications(applications),
        n=len(entries),
        note=occasion_note(entries, context),
        alert_ids=alert_ids(entries),
    )


def _deadline_margin(kind: str, left: int) -> str:
    if left > 0:
        return f"{days(left)} left"
    if left == 0:
        return "today"
    return f"{days(-left)} {'overdue' if reminder_text.is_due_kind(kind) else 'ago'}"


# --- stale assessments ----------------------------------------------------------------------------


def stale_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    return [
        item
        for entry in entries
        if entry.alert.kind == StateKind.ASSESSMENTS_STALE
        and (item := _build_stale_item(entry, context)) is not None
    ]


def _build_stale_item(entry: DigestEntry, context: DigestContext) -> DigestItem | None:
    alert = entry.alert
    applications = visible_by_criticality(entry.application_ids, context)
    if not applications:
        return None
    ids = {row.pk for row in applications}
    named = [row for row in alert.details.get("named", []) if row.get("application") in ids]
    n = sum(int(n) for pk, n in alert.details.get("n_of", {}).items() if int(pk) in ids) or len(
        named
    )
    reasons = list(dict.fromkeys(with_full_stop(one_line(row["because"])) for row in named))
    risks = list(dict.fromkeys(one_line(row["what"], max_length=100) for row in named))
    return DigestItem(
        title=one_line(_join_risks(risks, n), max_length=400),
        url=f"{context.public_url}/alerts/{alert.pk}/",
        what=" ".join(filter(None, reasons[:MAX_REASONS])) or "The basis has changed.",
        margin=f"{n:,} stale",
        severity=alert.severity,
        affected=frozenset(ids),
        on=None,
        group=StateKind.ASSESSMENTS_STALE,
        applications=application_lines(applications, context),
        n_more_applications=n_more_applications(applications),
        note=occasion_note([entry], context),
        alert_ids=(alert.pk,),
    )


def _join_risks(risks: Sequence[str], n: int) -> str:
    """Name the risks and count the further assessments; several assessments can be of one risk."""
    if not risks:
        return counted(n, "assessment")
    n_more = n - MAX_NAMED_SUBJECTS if len(risks) > MAX_NAMED_SUBJECTS else 0
    return join_with_more(risks[:MAX_NAMED_SUBJECTS], n_more)
