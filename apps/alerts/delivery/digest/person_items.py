"""Issues assigned to a person, and comments that mention one: a sentence in the item about the same
fact, if the digest has one, otherwise an item of their own."""

from collections.abc import Iterable
from dataclasses import replace

from apps.alerts.delivery.digest.applications import application_lines, visible_by_criticality
from apps.alerts.delivery.digest.causes import alert_ids, cause_of_id, visible_ids
from apps.alerts.delivery.digest.occasions import occasion_note
from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry, DigestItem
from apps.alerts.kinds.issue_text import issue_path, issue_subject, person_sentence
from apps.alerts.models import PersonKind, SubjectKind


def merge_person_facts(
    items: Iterable[DigestItem], entries: Iterable[DigestEntry], context: DigestContext
) -> list[DigestItem]:
    """Return the items, with the assignments of the issues that they report, and an item for each
    other assignment and each comment."""
    entries = list(entries)
    merged = list(items)
    issue_of = {
        entry.alert.pk: entry.alert.subject_id
        for entry in entries
        if entry.alert.subject_kind == SubjectKind.ISSUE and entry.alert.kind not in PersonKind
    }
    own_items = []
    for entry in entries:
        if entry.alert.kind not in PersonKind:
            continue
        if entry.application_ids and not visible_ids([entry], context):
            continue
        place = _find_place(merged, entry, issue_of, context)
        if place is None:
            own_items.append(_build_item(entry, context))
        else:
            merged[place] = _add_sentence(merged[place], entry, context)
    return [*merged, *own_items]


def _find_place(
    items: list[DigestItem],
    entry: DigestEntry,
    issue_of: dict[int, int | None],
    context: DigestContext,
) -> int | None:
    """Return the place of the item that reports the fact of the issue; None without one. A comment
    is more than its fact."""
    if entry.alert.kind != PersonKind.ASSIGNED:
        return None
    alert = entry.alert
    cause = cause_of_id(alert.offering_id, context) if alert.details.get("is_retirement") else ""
    affected = visible_ids([entry], context)
    for place, item in enumerate(items):
        is_same_issue = any(issue_of.get(pk) == alert.subject_id for pk in item.alert_ids)
        if is_same_issue or (cause and item.cause == cause and affected <= item.affected):
            return place
    return None


def _describe(entry: DigestEntry, context: DigestContext) -> str:
    by = context.people.get(entry.alert.details.get("by", 0), "A user")
    to = "you" if entry.is_own else context.people.get(entry.alert.user_id or 0, "another user")
    return person_sentence(entry.alert, by=by, to=to)


def _add_sentence(item: DigestItem, entry: DigestEntry, context: DigestContext) -> DigestItem:
    return replace(
        item,
        what=f"{item.what} {_describe(entry, context)}",
        severity=max(item.severity, entry.alert.severity),
        note=item.note or occasion_note([entry], context),
        alert_ids=tuple(dict.fromkeys([*item.alert_ids, entry.alert.pk])),
    )


def _build_item(entry: DigestEntry, context: DigestContext) -> DigestItem:
    alert = entry.alert
    affected = visible_ids([entry], context)
    return DigestItem(
        title=issue_subject(alert),
        url=context.public_url + issue_path(alert),
        what=_describe(entry, context),
        margin="",
        severity=alert.severity,
        affected=affected,
        on=alert.due_on,
        group=PersonKind(alert.kind),
        applications=application_lines(visible_by_criticality(affected, context), context),
        note=occasion_note([entry], context),
        alert_ids=alert_ids([entry]),
    )
