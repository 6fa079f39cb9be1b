"""Items about time left, stale assessments, days of the organisation's own, and what has passed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from apps.alerts.delivery.digest.applications import (
    application_lines,
    application_name,
    days_left,
    effort_text,
    fallback_clause,
    runway,
    signed_days,
    visible_by_criticality,
)
from apps.alerts.delivery.digest.model_items import offering_title, replacement_text
from apps.alerts.delivery.digest.occasions import occasion_note
from apps.alerts.delivery.digest.parts import (
    MAX_APPLICATIONS,
    DigestContext,
    DigestEntry,
    DigestItem,
    PrimaryUse,
)
from apps.alerts.kinds.reminders import reminder_text
from apps.alerts.models import Alert, DayKind, Notice, SeenKind, StateKind, SubjectKind
from apps.alerts.text import capitalised, counted, day, days, listed, one_line, spelled
from apps.inventory.models import Application

# what one item names of what falls due on one day; the rest is counted
MAX_NAMED_SUBJECTS = 6


# --- runway ---------------------------------------------------------------------------------------


def runway_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    items = []
    for entry in entries:
        if entry.alert.kind == StateKind.RUNWAY_NEGATIVE and not is_runway_over(entry, context):
            shown = visible_by_criticality(entry.application_ids, context)
            if shown and (use := _use(entry.alert, context)) is not None:
                items.append(_runway_item(entry, shown[0], use, context))
    return items


def is_runway_over(entry: DigestEntry, context: DigestContext) -> bool:
    """There is enough time by now, or it is used no longer: the mail need not frighten anybody."""
    if entry.alert.kind != StateKind.RUNWAY_NEGATIVE or entry.occasion == Notice.Occasion.RESOLVED:
        return False
    use = _use(entry.alert, context)
    margin = runway(use, context) if use is not None else None
    # the register counts by its own day: where the recipient's is still the one before, nothing is
    # over
    return margin is None or margin >= 1


def _use(alert: Alert, context: DigestContext) -> PrimaryUse | None:
    for pk in alert.application_ids:
        for use in context.uses.get(pk, ()):
            if use.dependency_id == alert.subject_id:
                return use
    return None


def _runway_item(
    entry: DigestEntry, application: Application, use: PrimaryUse, context: DigestContext
) -> DigestItem:
    margin, left = runway(use, context), days_left(use, context)
    assert margin is not None
    offering = context.offerings.get(use.offering_id)
    where = offering_title(offering) if offering is not None else "Its model"
    owner = application.business_owner_name or application.technical_owner_name
    parts = [f"{where} {_ends(use, left)}", f"leaving needs {effort_text(use)}"]
    said = [
        "; ".join(parts),
        *([f"Owner {one_line(owner, most=80)}"] if owner else []),
        fallback_clause(use.fallback),
    ]
    return DigestItem(
        title=application_name(application),
        api_id=one_line(offering.api_id) if offering is not None else "",
        url=f"{context.public_url}/applications/{application.slug}/",
        what=". ".join(said),
        margin=signed_days(margin),
        pressing=True,
        applications=(),
        n_more_applications=0,
        replacement=replacement_text(offering, context) if offering is not None else "",
        sources=(),
        severity=entry.alert.severity,
        affected=frozenset({application.pk}),
        on=use.ends_on,
        soft=use.at_least,
        group=StateKind.RUNWAY_NEGATIVE,
        note=occasion_note([entry], context),
        alert_ids=(entry.alert.pk,),
        offering_id=use.offering_id,
        cells=(
            f"{'from ' if use.at_least else ''}{day(use.ends_on)}" if use.ends_on else "soon",
            "any day" if use.at_least and not left else days(left) if left is not None else "",
            effort_text(use).partition(" (")[0],
        ),
    )


def _ends(use: PrimaryUse, left: int | None) -> str:
    """`ends on 30 Nov 2026, in 5 days`"""
    if use.ends_on is None:
        return "ends soon"
    if use.at_least:
        return f"may end any day from {day(use.ends_on)} on"
    if left is not None and left < 0:
        return f"ended on {day(use.ends_on)}"
    return f"ends on {day(use.ends_on)}, {'today' if not left else f'in {days(left)}'}"


# --- days of the organisation's own ---------------------------------------------------------------


def day_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """One item per kind, day and application: fifty acceptances that end on one day are one thing
    to do."""
    alike: dict[tuple[object, ...], list[DigestEntry]] = defaultdict(list)
    for entry in entries:
        alert = entry.alert
        if alert.kind in DayKind and alert.kind != DayKind.MILESTONE:
            alike[alert.kind, alert.due_on, tuple(entry.application_ids)].append(entry)
    items = [_day_item(group, context) for group in alike.values()]
    return [item for item in items if item is not None]


def _day_item(entries: Sequence[DigestEntry], context: DigestContext) -> DigestItem | None:
    alert = entries[0].alert
    shown = visible_by_criticality(entries[0].application_ids, context)
    if entries[0].application_ids and not shown:
        return None
    things = [reminder_text.reminder_subject(entry.alert) for entry in entries]
    more = (
        f" and {spelled(len(things) - MAX_NAMED_SUBJECTS)} more"
        if len(things) > MAX_NAMED_SUBJECTS
        else ""
    )
    left = (alert.due_on - context.today).days if alert.due_on else 0
    title = one_line(
        things[0] if len(things) == 1 else f"{listed(things[:MAX_NAMED_SUBJECTS])}{more}", most=400
    )
    return DigestItem(
        title=title,
        api_id="",
        url=context.public_url
        + reminder_text.reminder_path(alert, slug=shown[0].slug if len(shown) == 1 else ""),
        what=reminder_text.reminder_predicate(alert, on=context.today, is_plural=len(things) != 1),
        margin=_margin(left),
        pressing=left <= 0 and alert.kind != DayKind.MUTE_EXPIRING,
        applications=application_lines(shown, context)
        if alert.subject_kind != SubjectKind.APPLICATION
        else (),
        n_more_applications=max(0, len(shown) - MAX_APPLICATIONS),
        replacement="",
        sources=(),
        severity=max(entry.alert.severity for entry in entries),
        affected=frozenset(row.pk for row in shown),
        on=alert.due_on,
        group=alert.kind,
        note=occasion_note(entries, context),
        alert_ids=tuple(entry.alert.pk for entry in entries),
    )


def _margin(left: int) -> str:
    if left > 0:
        return days(left)
    return "today" if left == 0 else f"{days(-left)} over"


# --- stale assessments ----------------------------------------------------------------------------


def stale_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    return [
        item
        for entry in entries
        if entry.alert.kind == StateKind.ASSESSMENTS_STALE
        and (item := _stale_item(entry, context)) is not None
    ]


def _stale_item(entry: DigestEntry, context: DigestContext) -> DigestItem | None:
    alert = entry.alert
    shown = visible_by_criticality(entry.application_ids, context)
    if not shown:
        return None
    ids = {row.pk for row in shown}
    named = [row for row in alert.details.get("named", []) if row.get("application") in ids]
    n = sum(int(n) for pk, n in alert.details.get("n_of", {}).items() if int(pk) in ids) or len(
        named
    )
    because = list(dict.fromkeys(one_line(row["because"]).rstrip(".") for row in named))
    whats = list(dict.fromkeys(one_line(row["what"], most=100) for row in named))
    return DigestItem(
        title=one_line(_titled(whats, n), most=400),
        api_id="",
        url=f"{context.public_url}/alerts/{alert.pk}/",
        what=". ".join(because[:3]) or "Something they rest on has changed",
        margin=f"{n:,} stale",
        pressing=False,
        applications=application_lines(shown, context),
        n_more_applications=max(0, len(shown) - MAX_APPLICATIONS),
        replacement="",
        sources=(),
        severity=alert.severity,
        affected=frozenset(ids),
        on=None,
        group=StateKind.ASSESSMENTS_STALE,
        note=occasion_note([entry], context),
        alert_ids=(alert.pk,),
    )


def _titled(whats: Sequence[str], n: int) -> str:
    """The risks by name, the rest counted; several assessments may be of one risk."""
    named = listed(whats[:MAX_NAMED_SUBJECTS])
    if not named:
        return capitalised(counted(n, "assessment"))
    n_more = n - len(whats[:MAX_NAMED_SUBJECTS]) if len(whats) > MAX_NAMED_SUBJECTS else 0
    return named + (f" and {spelled(n_more)} more" if n_more else "")


# --- what has passed ------------------------------------------------------------------------------


def passed_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """That the cause of an alert is gone, for whom a message had told of it."""
    return [
        item
        for entry in entries
        if entry.occasion == Notice.Occasion.RESOLVED
        and (item := _passed_item(entry, context)) is not None
    ]


def _passed_item(entry: DigestEntry, context: DigestContext) -> DigestItem | None:
    alert = entry.alert
    shown = visible_by_criticality(entry.application_ids, context)
    if entry.application_ids and not shown:
        return None
    slug = shown[0].slug if len(shown) == 1 else ""
    return DigestItem(
        title=_title_of_passed(alert, shown, context),
        api_id="",
        url=context.public_url
        + (
            reminder_text.reminder_path(alert, slug=slug)
            if alert.subject_kind
            else f"/alerts/{alert.pk}/"
        ),
        what=one_line(alert.resolution_sentence or "The cause is gone").rstrip("."),
        margin="over",
        pressing=False,
        applications=application_lines(shown, context),
        n_more_applications=max(0, len(shown) - MAX_APPLICATIONS),
        replacement="",
        sources=(),
        severity=1,
        affected=frozenset(row.pk for row in shown),
        on=None,
        group="passed",
        alert_ids=(alert.pk,),
    )


def _title_of_passed(alert: Alert, shown: Sequence[Application], context: DigestContext) -> str:
    offering = context.offerings.get(alert.offering_id or 0)
    if alert.kind == StateKind.RUNWAY_NEGATIVE and shown:
        return f"{one_line(shown[0].name)}: time to move"
    if alert.kind in SeenKind and shown:
        return f"{one_line(shown[0].name)}: {SeenKind(alert.kind).label.lower()}"
    if offering is not None:
        return offering_title(offering) + (f", {day(alert.due_on)}" if alert.due_on else "")
    if alert.kind == StateKind.ASSESSMENTS_STALE:
        return "Stale assessments"
    return one_line(reminder_text.reminder_subject(alert)) or "An alert"


__all__ = ["Application", "day_items", "passed_items", "runway_items", "stale_items"]
