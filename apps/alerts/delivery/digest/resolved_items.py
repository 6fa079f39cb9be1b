"""Items about alerts whose cause has ended, for recipients of a message about them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from apps.alerts.delivery.digest.applications import (
    application_lines,
    n_more_applications,
    visible_by_criticality,
)
from apps.alerts.delivery.digest.causes import Concern, alert_ids, cause_of_id, visible_ids
from apps.alerts.delivery.digest.model_items import model_title
from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry, DigestItem, Group
from apps.alerts.kinds.reminders import reminder_text
from apps.alerts.models import (
    KINDS,
    Alert,
    DayKind,
    IssueAlertKind,
    Notice,
    SeenKind,
    StateKind,
)
from apps.alerts.text import long_day, one_line, with_full_stop
from apps.inventory.models import Application

# Alerts about the retirement of a model: of several about one model and application, the first
# kind is reported.
_RETIREMENT_KINDS: tuple[str, ...] = (
    IssueAlertKind.RETIRED_MODEL_IN_USE,
    StateKind.RUNWAY_NEGATIVE,
    DayKind.MILESTONE,
)


def resolved_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """Return an item for each fact that has ended: several alerts about the retirement of one model
    for one application are one."""
    resolved = [
        entry
        for entry in entries
        if entry.occasion == Notice.Occasion.RESOLVED
        and (not entry.application_ids or visible_ids([entry], context))
    ]
    groups: dict[object, list[DigestEntry]] = defaultdict(list)
    by_concern: dict[Concern, DigestEntry] = {}
    repeated: dict[int, list[int]] = defaultdict(list)
    for entry in sorted(resolved, key=_reporting_order):
        cause = _find_cause(entry.alert, context)
        concerns = [(cause, pk) for pk in entry.application_ids] if cause else []
        if concerns and all(concern in by_concern for concern in concerns):
            first = by_concern[concerns[0]]
            repeated[first.alert.pk].append(entry.alert.pk)
            continue
        for concern in concerns:
            by_concern.setdefault(concern, entry)
        groups[(cause, entry.alert.resolution_sentence) if cause else entry.alert.pk].append(entry)
    return [_build_item(group, context, repeated) for group in groups.values()]


def _reporting_order(entry: DigestEntry) -> tuple[int, int]:
    order = {kind: place for place, kind in enumerate(_RETIREMENT_KINDS)}
    return order.get(entry.alert.kind, len(order)), entry.alert.pk


def _find_cause(alert: Alert, context: DigestContext) -> str:
    is_retirement = alert.kind in _RETIREMENT_KINDS and alert.offering_id is not None
    return cause_of_id(alert.offering_id, context) if is_retirement else ""


def _build_item(
    entries: Sequence[DigestEntry], context: DigestContext, repeated: dict[int, list[int]]
) -> DigestItem:
    alert = entries[0].alert
    affected = visible_ids(entries, context)
    applications = visible_by_criticality(affected, context)
    slug = applications[0].slug if len(applications) == 1 else ""
    path = (
        reminder_text.reminder_path(alert, slug=slug)
        if alert.subject_kind
        else f"/alerts/{alert.pk}/"
    )
    sentence = with_full_stop(one_line(alert.resolution_sentence)) or "The cause has ended."
    ids = alert_ids(entries)
    return DigestItem(
        title=_find_title(alert, applications, context),
        url=context.public_url + path,
        what=sentence,
        margin="resolved",
        severity=1,
        affected=affected,
        on=None,
        group=Group.ENDED,
        applications=application_lines(applications, context),
        n_more_applications=n_more_applications(applications),
        alert_ids=(*ids, *(other for pk in ids for other in repeated.get(pk, ()))),
    )


def _find_title(alert: Alert, applications: Sequence[Application], context: DigestContext) -> str:
    if alert.kind in SeenKind and applications:
        return f"{one_line(applications[0].name)}: {SeenKind(alert.kind).label.lower()}"
    if alert.kind == StateKind.ASSESSMENTS_STALE:
        return "Stale assessments"
    offering = context.offerings.get(alert.offering_id or 0)
    if offering is not None:
        retirement = f", {long_day(alert.due_on)}" if alert.due_on else ""
        return f"{model_title([offering])}{retirement}"
    if alert.kind in DayKind:
        return one_line(reminder_text.reminder_title(alert))
    return KINDS.get(alert.kind, "Alert")
