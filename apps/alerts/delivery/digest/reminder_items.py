"""Digest items about negative runways, reminders, stale assessments and resolved alerts."""

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

# subjects that one item names; further ones are counted
MAX_NAMED_SUBJECTS = 6


# --- runway ---------------------------------------------------------------------------------------


def runway_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """Return an item for each alert about a runway that is still negative today."""
    items = []
    for entry in entries:
        if entry.alert.kind == StateKind.RUNWAY_NEGATIVE and not is_runway_over(entry, context):
            applications = visible_by_criticality(entry.application_ids, context)
            if applications and (use := _find_primary_use(entry.alert, context)) is not None:
                items.append(_runway_item(entry, applications[0], use, context))
    return items


def is_runway_over(entry: DigestEntry, context: DigestContext) -> bool:
    """Return whether the runway of the alert is no longer negative, or the dependency no longer
    used: then the digest omits the alert."""
    if entry.alert.kind != StateKind.RUNWAY_NEGATIVE or entry.occasion == Notice.Occasion.RESOLVED:
        return False
    use = _find_primary_use(entry.alert, context)
    margin = runway(use, context) if use is not None else None
    # the registry counts by its own day: a recipient whose day is still the one before has a margin
    # of one day more, so the margin must be at least a day
    return margin is None or margin >= 1


def _find_primary_use(alert: Alert, context: DigestContext) -> PrimaryUse | None:
    """Return the primary use that the alert is about; None if it has ended or cannot be viewed."""
    for pk in alert.application_ids:
        for use in context.uses.get(pk, ()):
            if use.dependency_id == alert.subject_id:
                return use
    return None


def _runway_item(
    entry: DigestEntry, application: Application, use: PrimaryUse, context: DigestContext
) -> DigestItem:
    """Return the item of one application whose migration takes longer than the time left."""
    margin, n_days_left = runway(use, context), days_left(use, context)
    assert margin is not None
    offering = context.offerings.get(use.offering_id)
    model_name = offering_title(offering) if offering is not None else "Its model"
    owner = application.business_owner or application.technical_owner
    clauses = [
        f"{model_name} {_describe_end(use, n_days_left)}",
        f"leaving needs {effort_text(use)}",
    ]
    sentences = [
        "; ".join(clauses),
        *([f"Owner {one_line(owner, max_length=80)}"] if owner else []),
        fallback_clause(use.fallback),
    ]
    return DigestItem(
        title=application_name(application),
        api_id=one_line(offering.api_id) if offering is not None else "",
        url=f"{context.public_url}/applications/{application.slug}/",
        what=". ".join(sentences),
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
            "any day"
            if use.at_least and not n_days_left
            else days(n_days_left)
            if n_days_left is not None
            else "",
            effort_text(use).partition(" (")[0],
        ),
    )


def _describe_end(use: PrimaryUse, n_days_left: int | None) -> str:
    """Return the clause about the retirement, `ends on 30 Nov 2026, in 5 days`."""
    if use.ends_on is None:
        return "ends soon"
    if use.at_least:
        return f"may end any day from {day(use.ends_on)} on"
    if n_days_left is not None and n_days_left < 0:
        return f"ended on {day(use.ends_on)}"
    return (
        f"ends on {day(use.ends_on)}, {'today' if not n_days_left else f'in {days(n_days_left)}'}"
    )


# --- days of the organisation's own ---------------------------------------------------------------


def day_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """Return an item for each kind, date and set of applications, so that fifty acceptances that
    expire on one day are one item."""
    entries_by_subject: dict[tuple[object, ...], list[DigestEntry]] = defaultdict(list)
    for entry in entries:
        alert = entry.alert
        if alert.kind in DayKind and alert.kind != DayKind.MILESTONE:
            entries_by_subject[alert.kind, alert.due_on, tuple(entry.application_ids)].append(entry)
    items = [_day_item(group, context) for group in entries_by_subject.values()]
    return [item for item in items if item is not None]


def _day_item(entries: Sequence[DigestEntry], context: DigestContext) -> DigestItem | None:
    """Return the item of entries with the same kind, date and applications; None if the recipient
    can view none of the applications."""
    alert = entries[0].alert
    applications = visible_by_criticality(entries[0].application_ids, context)
    if entries[0].application_ids and not applications:
        return None
    subjects = [reminder_text.reminder_subject(entry.alert) for entry in entries]
    more_clause = (
        f" and {spelled(len(subjects) - MAX_NAMED_SUBJECTS)} more"
        if len(subjects) > MAX_NAMED_SUBJECTS
        else ""
    )
    n_days_left = (alert.due_on - context.today).days if alert.due_on else 0
    title = one_line(
        subjects[0]
        if len(subjects) == 1
        else f"{listed(subjects[:MAX_NAMED_SUBJECTS])}{more_clause}",
        max_length=400,
    )
    return DigestItem(
        title=title,
        api_id="",
        url=context.public_url
        + reminder_text.reminder_path(
            alert, slug=applications[0].slug if len(applications) == 1 else ""
        ),
        what=reminder_text.reminder_predicate(
            alert, on=context.today, is_plural=len(subjects) != 1
        ),
        margin=_format_margin(n_days_left),
        pressing=n_days_left <= 0 and alert.kind != DayKind.MUTE_EXPIRING,
        applications=application_lines(applications, context)
        if alert.subject_kind != SubjectKind.APPLICATION
        else (),
        n_more_applications=max(0, len(applications) - MAX_APPLICATIONS),
        replacement="",
        sources=(),
        severity=max(entry.alert.severity for entry in entries),
        affected=frozenset(row.pk for row in applications),
        on=alert.due_on,
        group=alert.kind,
        note=occasion_note(entries, context),
        alert_ids=tuple(entry.alert.pk for entry in entries),
    )


def _format_margin(n_days_left: int) -> str:
    """Return the days left, or the days since the date."""
    if n_days_left > 0:
        return days(n_days_left)
    return "today" if n_days_left == 0 else f"{days(-n_days_left)} over"


# --- stale assessments ----------------------------------------------------------------------------


def stale_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """Return an item for each alert about stale assessments of visible applications."""
    return [
        item
        for entry in entries
        if entry.alert.kind == StateKind.ASSESSMENTS_STALE
        and (item := _stale_item(entry, context)) is not None
    ]


def _stale_item(entry: DigestEntry, context: DigestContext) -> DigestItem | None:
    """Return the item of the stale assessments of visible applications; None without one.

    The alert lists some assessments with names and reasons (`named`) and counts all of them by
    application (`n_of`).
    """
    alert = entry.alert
    applications = visible_by_criticality(entry.application_ids, context)
    if not applications:
        return None
    application_ids = {row.pk for row in applications}
    assessments = [
        row for row in alert.details.get("named", []) if row.get("application") in application_ids
    ]
    n_stale = sum(
        int(n_stale)
        for pk, n_stale in alert.details.get("n_of", {}).items()
        if int(pk) in application_ids
    ) or len(assessments)
    reasons = list(dict.fromkeys(one_line(row["because"]).rstrip(".") for row in assessments))
    risk_names = list(dict.fromkeys(one_line(row["what"], max_length=100) for row in assessments))
    return DigestItem(
        title=one_line(_list_risks(risk_names, n_stale), max_length=400),
        api_id="",
        url=f"{context.public_url}/alerts/{alert.pk}/",
        what=". ".join(reasons[:3]) or "Something they rest on has changed",
        margin=f"{n_stale:,} stale",
        pressing=False,
        applications=application_lines(applications, context),
        n_more_applications=max(0, len(applications) - MAX_APPLICATIONS),
        replacement="",
        sources=(),
        severity=alert.severity,
        affected=frozenset(application_ids),
        on=None,
        group=StateKind.ASSESSMENTS_STALE,
        note=occasion_note([entry], context),
        alert_ids=(alert.pk,),
    )


def _list_risks(risk_names: Sequence[str], n_stale: int) -> str:
    """Return the risks by name and the number of the others; several assessments can be of one
    risk."""
    listed_names = listed(risk_names[:MAX_NAMED_SUBJECTS])
    if not listed_names:
        return capitalised(counted(n_stale, "assessment"))
    n_more = (
        n_stale - len(risk_names[:MAX_NAMED_SUBJECTS])
        if len(risk_names) > MAX_NAMED_SUBJECTS
        else 0
    )
    return listed_names + (f" and {spelled(n_more)} more" if n_more else "")


# --- resolved alerts ------------------------------------------------------------------------------


def passed_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """Return an item for each resolved alert that the recipient was notified of."""
    return [
        item
        for entry in entries
        if entry.occasion == Notice.Occasion.RESOLVED
        and (item := _passed_item(entry, context)) is not None
    ]


def _passed_item(entry: DigestEntry, context: DigestContext) -> DigestItem | None:
    """Return the item of a resolved alert; None if the recipient can view none of its
    applications."""
    alert = entry.alert
    applications = visible_by_criticality(entry.application_ids, context)
    if entry.application_ids and not applications:
        return None
    slug = applications[0].slug if len(applications) == 1 else ""
    return DigestItem(
        title=_title_of_passed(alert, applications, context),
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
        applications=application_lines(applications, context),
        n_more_applications=max(0, len(applications) - MAX_APPLICATIONS),
        replacement="",
        sources=(),
        severity=1,
        affected=frozenset(row.pk for row in applications),
        on=None,
        group="passed",
        alert_ids=(alert.pk,),
    )


def _title_of_passed(
    alert: Alert, applications: Sequence[Application], context: DigestContext
) -> str:
    """Return what the alert was about: application, offering or reminder."""
    offering = context.offerings.get(alert.offering_id or 0)
    if alert.kind == StateKind.RUNWAY_NEGATIVE and applications:
        return f"{one_line(applications[0].name)}: time to move"
    if alert.kind in SeenKind and applications:
        return f"{one_line(applications[0].name)}: {SeenKind(alert.kind).label.lower()}"
    if offering is not None:
        return offering_title(offering) + (f", {day(alert.due_on)}" if alert.due_on else "")
    if alert.kind == StateKind.ASSESSMENTS_STALE:
        return "Stale assessments"
    return one_line(reminder_text.reminder_subject(alert)) or "An alert"


__all__ = ["Application", "day_items", "passed_items", "runway_items", "stale_items"]
