"""The headline: the first section as a sentence, which is subject and heading of the email."""

from collections.abc import Mapping, Sequence
from datetime import date

from apps.alerts.delivery.digest.parts import MAX_SUBJECT_LENGTH, DigestContext, DigestItem, Group
from apps.alerts.kinds import issue_text
from apps.alerts.kinds.reminders.reminder_text import plural_verb, reminder_nouns
from apps.alerts.kinds.usage_discrepancy_text import PLURAL_CLAUSES
from apps.alerts.models import (
    DayKind,
    FeedKind,
    FlagKind,
    IssueAlertKind,
    PersonKind,
    SeenKind,
    StateKind,
)
from apps.alerts.text import counted, long_day, one_line
from apps.inventory.models import Application, Criticality

# {kind: (of one flag, what several are)}
_FLAGS: Mapping[str, tuple[str, str]] = {
    FlagKind.OPENED: ("{clause}", "over tolerance"),
    FlagKind.WORSENED: ("Above the accepted level: {clause}", "above the accepted level"),
    FlagKind.ACCEPTANCE_EXPIRED: ("An acceptance expired: {clause}", "with an expired acceptance"),
    FlagKind.RESOLVED: ("Back within tolerance: {clause}", "back within tolerance"),
}
# {kind: of several feeds}
_FEEDS: Mapping[str, str] = {
    FeedKind.SUSPECT: "Changes from {n} feeds are on hold",
    FeedKind.LATE: "{n} feeds are late",
    FeedKind.FROZEN: "{n} feeds are not updating",
    FeedKind.FRESH: "{n} feeds are up to date again",
}


def build_headline(grouped: Mapping[str, Sequence[DigestItem]], context: DigestContext) -> str:
    """Return the first section as a sentence, with the number of items in the others; `grouped` is
    in the order of the email."""
    group, items = next(iter(grouped.items()))
    n_other = sum(len(found) for found in grouped.values()) - len(items)
    rest = f", and {counted(n_other, 'other change')}" if n_other else ""
    lead = _describe_group(group, items, context)
    return one_line(lead, max_length=MAX_SUBJECT_LENGTH - len(rest)) + rest


def _describe_group(group: str, items: Sequence[DigestItem], context: DigestContext) -> str:
    first, n = items[0], len(items)
    if group in FlagKind:
        template, several = _FLAGS[group]
        more = f", and {n - 1:,} more {several}" if n > 1 else ""
        return f"{template.format(clause=first.headline)}{more}"
    if group in _FEEDS:
        return first.headline if n == 1 else _FEEDS[group].format(n=f"{n:,}")
    if group in IssueAlertKind:
        return _describe_issues(group, items, context)
    if group in PersonKind:
        if n == 1:
            return f"{PersonKind(group).label}: {first.title}"
        return f"{n:,} {issue_text.PLURAL_CLAUSES[group]}"
    if group in SeenKind:
        return first.what.rstrip(".") if n == 1 else f"{n:,} applications {PLURAL_CLAUSES[group]}"
    if group in DayKind:
        return _describe_deadlines(group, items)
    if group == Group.TASKS:
        if n == 1:
            return f"{first.title}: {first.what.split('. ')[0].rstrip('.')}"
        n_tasks = sum(item.n for item in items)
        return f"{counted(n_tasks, 'migration task')} in {n:,} campaigns"
    if group == Group.SUBSCRIPTION:
        return f"{first.title}: {first.what.rstrip('.')}"
    if group == Group.ENDED:
        return f"Resolved: {first.title}" if n == 1 else f"{n:,} alerts are resolved"
    return _describe_applications(group, items, context)


def _describe_applications(group: str, items: Sequence[DigestItem], context: DigestContext) -> str:
    affected = frozenset[int]().union(*(item.affected for item in items))
    who = _name_applications([context.applications[pk] for pk in affected])
    verb = "uses" if len(affected) == 1 else "use"
    match group:
        case StateKind.RUNWAY_NEGATIVE:
            return f"{who} cannot be migrated in time{_first_retirement(items, context)}"
        case StateKind.ASSESSMENTS_STALE:
            return f"Assessments of {who} are stale"
        case Group.UPCOMING:
            return f"{who} {verb} {_describe_upcoming(items)}"
        case Group.RETIRED:
            return f"{who} {verb} {_describe_retired(items)}"
        case FeedKind.BACKFILLED:
            n_models = sum(item.n for item in items)
            models = "a model" if n_models == 1 else f"{n_models:,} models"
            return f"{who} {verb} {models} that had already retired"
        case Group.DELISTED:
            models = "a model that its source" if len(items) == 1 else "models that their sources"
            return f"{who} {verb} {models} no longer list{'s' if len(items) == 1 else ''}"
        case Group.CAPABILITY_LOST:
            models = "a model that lost" if len(items) == 1 else "models that lost"
            return f"{who} {verb} {models} a capability in use"
        case Group.PRICE_INCREASE:
            return f"Prices rise for {who}"
        case Group.PRICE_DECREASE:
            return f"Prices fall for {who}"
    return _describe_postponed(items)


def _first_retirement(items: Sequence[DigestItem], context: DigestContext) -> str:
    """Return `; first retirement 30 November 2026`, empty without a coming date."""
    coming = [(item.on, item.is_earliest) for item in items if item.on and item.on >= context.today]
    if not coming:
        return ""
    on, is_earliest = min(coming)
    if is_earliest:
        return f"; earliest retirement {long_day(on)}"
    label = "retirement" if len(set(coming)) == 1 else "first retirement"
    return f"; {label} {long_day(on)}"


def _describe_upcoming(items: Sequence[DigestItem]) -> str:
    announced = sorted({item.on for item in items if item.on and not item.is_earliest})
    earliest = sorted({item.on for item in items if item.on})
    models = "a model that retires" if len(items) == 1 else "models that retire"
    if not earliest:
        return models
    if not announced:
        return f"{models} no earlier than {long_day(earliest[0])}"
    if len(announced) == 1 and len(earliest) == 1:
        return f"{models} on {long_day(announced[0])}"
    return f"{models}; first retirement {long_day(announced[0])}"


def _describe_retired(items: Sequence[DigestItem]) -> str:
    dates: list[date] = sorted({item.on for item in items if item.on})
    models = "a model" if len(items) == 1 else "models"
    if not dates:
        return f"{models} that retired"
    if len(dates) == 1:
        return f"{models} that retired on {long_day(dates[0])}"
    return f"{models} that retired; last retirement {long_day(dates[-1])}"


def _describe_postponed(items: Sequence[DigestItem]) -> str:
    first = items[0]
    if len(items) > 1:
        return f"Retirements of {len(items):,} models are postponed or withdrawn"
    if first.on is None:
        return f"The retirement of {first.title} is withdrawn"
    return f"The retirement of {first.title} is postponed to {long_day(first.on)}"


def _describe_issues(group: str, items: Sequence[DigestItem], context: DigestContext) -> str:
    affected = frozenset[int]().union(*(item.affected for item in items))
    who = _name_applications([context.applications[pk] for pk in affected])
    verb = "uses" if len(affected) == 1 else "use"
    first, n = items[0], len(items)
    dates = sorted({item.on for item in items if item.on})
    match group:
        case IssueAlertKind.RETIRED_MODEL_IN_USE:
            return f"{who} still {verb} {_describe_retired(items)}"
        case IssueAlertKind.DECISION_PROPOSED | IssueAlertKind.USE_CASE_PROPOSED if n == 1:
            return first.headline
        case IssueAlertKind.INCIDENT if n == 1:
            is_one = len(affected) == 1
            return f"{who} {'is' if is_one else 'are'} concerned by an incident at {first.title}"
        case IssueAlertKind.APPROVAL_VIOLATED if n == 1:
            # only an expired approval has a date
            clause = "although its approval expired" if dates else "against its approval"
            return f"{who} {verb} {first.title} {clause}"
        case IssueAlertKind.MIGRATION_LATE:
            return f"The migration of {who} should have started{_first_retirement(items, context)}"
        case IssueAlertKind.FALLBACK_RETIRES if n == 1 and dates:
            return f"The fallback {first.title} of {who} retires on {long_day(dates[0])}"
        case IssueAlertKind.FALLBACK_RETIRES if dates:
            clause = issue_text.PLURAL_CLAUSES[group]
            return f"{n:,} {clause}; first retirement {long_day(dates[0])}"
    return f"{n:,} {issue_text.PLURAL_CLAUSES[group]}"


def _describe_deadlines(group: str, items: Sequence[DigestItem]) -> str:
    first = items[0]
    n = sum(item.n for item in items)
    if n == 1:
        return f"{first.title}: {first.what[:1].lower()}{first.what[1:].rstrip('.')}"
    verb = plural_verb(group)
    dates = sorted({item.on for item in items if item.on})
    when = ""
    if len(dates) == 1:
        when = f" on {long_day(dates[0])}"
    elif dates:
        when = f"; first on {long_day(dates[0])}"
    return f"{n:,} {reminder_nouns(group)[1]} {verb}{when}"


def _name_applications(applications: Sequence[Application]) -> str:
    """Return `Motor damage estimator`, `5 applications`, or `5 critical applications`."""
    if len(applications) == 1:
        return one_line(applications[0].name, max_length=80)
    is_critical = all(row.criticality == Criticality.CRITICAL for row in applications)
    return f"{len(applications):,} {'critical ' if is_critical else ''}applications"
