"""Migration tasks and late migrations in a digest: a sentence in the item about the retirement of
the same model for the same application, if there is one, otherwise an item of their own."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from apps.alerts.delivery.digest.applications import (
    application_lines,
    n_more_applications,
    visible_by_criticality,
)
from apps.alerts.delivery.digest.causes import alert_ids, cause_of_id, highest_severity_of
from apps.alerts.delivery.digest.occasions import occasion_note
from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry, DigestItem, Group
from apps.alerts.kinds.task_text import (
    AlertedTask,
    alerted_tasks,
    campaign_title,
    task_path,
    task_sentences,
)
from apps.alerts.models import IssueAlertKind, StateKind, TaskKind
from apps.alerts.text import counted, days

# the order of the sentences of an item
_KIND_ORDER = (
    TaskKind.LATE,
    TaskKind.FINISH_DUE,
    TaskKind.START_DUE,
    TaskKind.READY,
    TaskKind.ASSIGNED,
)


@dataclass(frozen=True, slots=True)
class _TaskFact:
    """What one entry says of one task; `cause` is the key of its model."""

    entry: DigestEntry
    task: AlertedTask
    cause: str


def merge_tasks(
    items: Iterable[DigestItem], entries: Iterable[DigestEntry], context: DigestContext
) -> list[DigestItem]:
    """Return the items, with the tasks of the same model and application, and an item for each
    campaign with other tasks."""
    facts = _collect_facts(entries, context)
    merged_items, merged_facts = [], set()
    for item in items:
        own_facts = [
            fact
            for fact in facts
            if item.cause
            and fact.cause == item.cause
            # a task is told of by the first item about its model and application
            and fact.task.application_id in item.affected
            and (fact.entry.alert.pk, fact.task.task_id) not in merged_facts
        ]
        merged_facts |= {(fact.entry.alert.pk, fact.task.task_id) for fact in own_facts}
        merged_items.append(_add_tasks(item, own_facts, context) if own_facts else item)
    by_campaign: dict[int | None, list[_TaskFact]] = defaultdict(list)
    for fact in facts:
        if (fact.entry.alert.pk, fact.task.task_id) not in merged_facts:
            by_campaign[fact.entry.alert.subject_id].append(fact)
    return [*merged_items, *(_build_item(rows, context) for rows in by_campaign.values())]


def _collect_facts(entries: Iterable[DigestEntry], context: DigestContext) -> list[_TaskFact]:
    """Return what the entries say of tasks whose application the recipient can view, in the order
    of the sentences of an item."""
    task_entries = sorted(
        (entry for entry in entries if entry.alert.kind in TaskKind),
        key=lambda entry: (_KIND_ORDER.index(TaskKind(entry.alert.kind)), entry.alert.pk),
    )
    return [
        _TaskFact(entry, task, cause_of_id(task.offering_id, context))
        for entry in task_entries
        for task in alerted_tasks(entry.alert)
        if task.application_id in entry.application_ids
        and task.application_id in context.applications
    ]


def _add_tasks(item: DigestItem, facts: Sequence[_TaskFact], context: DigestContext) -> DigestItem:
    entries = _list_entries(facts)
    return replace(
        item,
        what=" ".join([item.what, *_list_sentences(facts, context)]),
        severity=max(item.severity, highest_severity_of(entries)),
        pressing=item.pressing or _has_late_task(facts),
        note=item.note or occasion_note(entries, context),
        alert_ids=tuple(dict.fromkeys([*item.alert_ids, *alert_ids(entries)])),
    )


def _build_item(facts: Sequence[_TaskFact], context: DigestContext) -> DigestItem:
    entries = _list_entries(facts)
    first = entries[0].alert
    affected = frozenset(fact.task.application_id for fact in facts)
    applications = visible_by_criticality(affected, context)
    is_one_task = len({fact.task.task_id for fact in facts}) == 1
    path = task_path(first) if is_one_task else f"/campaigns/{first.subject_id}/"
    return DigestItem(
        title=campaign_title(first),
        url=context.public_url + path,
        what=" ".join(_list_sentences(facts, context)),
        margin=_margin(facts, context),
        severity=highest_severity_of(entries),
        affected=affected,
        on=min((fact.task.day for fact in facts if fact.task.day is not None), default=None),
        group=Group.TASKS,
        pressing=_has_late_task(facts),
        applications=application_lines(applications, context),
        n_more_applications=n_more_applications(applications),
        n=len({fact.task.task_id for fact in facts}),
        note=occasion_note(entries, context),
        alert_ids=alert_ids(entries),
    )


def _list_entries(facts: Iterable[_TaskFact]) -> list[DigestEntry]:
    """Return the entries of the facts, each once."""
    return list({fact.entry.alert.pk: fact.entry for fact in facts}.values())


def _list_sentences(facts: Sequence[_TaskFact], context: DigestContext) -> list[str]:
    tasks_by_alert: dict[int, list[AlertedTask]] = defaultdict(list)
    for fact in facts:
        tasks_by_alert[fact.entry.alert.pk].append(fact.task)
    return [
        sentence
        for entry in _list_entries(facts)
        for sentence in task_sentences(
            entry.alert, tasks_by_alert[entry.alert.pk], on=context.today
        )
    ]


def _has_late_task(facts: Iterable[_TaskFact]) -> bool:
    return any(fact.entry.alert.kind == TaskKind.LATE for fact in facts)


def _margin(facts: Sequence[_TaskFact], context: DigestContext) -> str:
    """Return the figure beside the title: of late tasks the days, before a date the days left, else
    the number of tasks."""
    kind = facts[0].entry.alert.kind
    dates = [
        fact.task.day
        for fact in facts
        if fact.entry.alert.kind == kind and fact.task.day is not None
    ]
    if kind == TaskKind.LATE and dates:
        return f"{days((context.today - min(dates)).days)} late"
    left = (min(dates) - context.today).days if dates else 0
    if kind in {TaskKind.START_DUE, TaskKind.FINISH_DUE} and left > 0:
        return f"{days(left)} left"
    return counted(len({fact.task.task_id for fact in facts}), "task")


# --- late migrations ------------------------------------------------------------------------------


def merge_late_migrations(
    items: Sequence[DigestItem], late_items: Iterable[DigestItem]
) -> list[DigestItem]:
    """Return the items, and those of `late_items` about applications for which no other item
    reports the retirement; the others say that the migration should have started."""
    merged_items = list(items)
    for late in late_items:
        places = [
            place
            for place, item in enumerate(merged_items)
            if item.cause and item.cause == late.cause and item.affected & late.affected
        ]
        covered = frozenset[int]().union(*(merged_items[place].affected for place in places))
        for place in places:
            merged_items[place] = _add_late_migration(merged_items[place], late)
        if not late.affected <= covered:
            merged_items.append(late)
    return merged_items


def _add_late_migration(item: DigestItem, late: DigestItem) -> DigestItem:
    sentence = "" if item.group in _LATE_GROUPS else "The migration should have started."
    return replace(
        item,
        what=f"{item.what} {sentence}".rstrip(),
        severity=max(item.severity, late.severity),
        alert_ids=tuple(dict.fromkeys([*item.alert_ids, *late.alert_ids])),
    )


# groups whose items say themselves that the time does not suffice
_LATE_GROUPS: frozenset[str] = frozenset(
    {
        StateKind.RUNWAY_NEGATIVE,
        IssueAlertKind.RETIRED_MODEL_IN_USE,
        IssueAlertKind.MIGRATION_LATE,
        Group.RETIRED,
    }
)
