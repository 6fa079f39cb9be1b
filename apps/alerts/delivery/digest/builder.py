"""The content of a digest: entries in, sentence and sections out. No queries, no clock."""

from collections.abc import Iterable, Sequence
from datetime import date

from apps.alerts.delivery.digest.causes import concerns_of, merge_repeated
from apps.alerts.delivery.digest.decision_items import decision_items, use_case_items
from apps.alerts.delivery.digest.discrepancy_items import discrepancy_items
from apps.alerts.delivery.digest.flag_and_feed_items import feed_items, flag_items
from apps.alerts.delivery.digest.headline import build_headline
from apps.alerts.delivery.digest.issue_items import (
    issue_items,
    late_migration_items,
    retired_in_use_items,
    retiring_fallbacks,
)
from apps.alerts.delivery.digest.model_items import (
    event_items,
    group_events,
    milestone_items,
    retirement_changes,
)
from apps.alerts.delivery.digest.parts import (
    MAX_ITEMS_OF_FIRST_DIGEST,
    SIZE_LIMITS,
    Digest,
    DigestContext,
    DigestEntry,
    DigestItem,
    DigestSection,
    Group,
    SizeLimit,
)
from apps.alerts.delivery.digest.person_items import merge_person_facts
from apps.alerts.delivery.digest.reminder_items import deadline_items, stale_items
from apps.alerts.delivery.digest.resolved_items import resolved_items
from apps.alerts.delivery.digest.runway_items import runway_items
from apps.alerts.delivery.digest.task_items import merge_late_migrations, merge_tasks
from apps.alerts.kinds.exposure_flag_text import GUIDANCE as FLAG_GUIDANCE
from apps.alerts.kinds.feeds.feed_text import GUIDANCE as FEED_GUIDANCE
from apps.alerts.kinds.reminders.reminder_text import GUIDANCE as REMINDER_GUIDANCE
from apps.alerts.models import (
    DayKind,
    FeedKind,
    FlagKind,
    IssueAlertKind,
    Notice,
    PersonKind,
    SeenKind,
    StateKind,
)
from apps.alerts.text import one_line

# {group: (heading, what to do)}, in the order of the sections of equal severity.
GROUP_GUIDANCE: dict[str, tuple[str, str]] = {
    StateKind.RUNWAY_NEGATIVE: REMINDER_GUIDANCE[StateKind.RUNWAY_NEGATIVE],
    Group.RETIRED: ("Retired", "Calls might fail or reach another model. Migrate now."),
    IssueAlertKind.RETIRED_MODEL_IN_USE: REMINDER_GUIDANCE[IssueAlertKind.RETIRED_MODEL_IN_USE],
    IssueAlertKind.MIGRATION_LATE: REMINDER_GUIDANCE[IssueAlertKind.MIGRATION_LATE],
    IssueAlertKind.INCIDENT: REMINDER_GUIDANCE[IssueAlertKind.INCIDENT],
    Group.UPCOMING: REMINDER_GUIDANCE[DayKind.MILESTONE],
    Group.TASKS: ("Migration tasks", "Start and finish each migration by its dates."),
    FeedKind.BACKFILLED: FEED_GUIDANCE[FeedKind.BACKFILLED],
    Group.DELISTED: ("Delisted", "No date published. Ask the provider."),
    Group.CAPABILITY_LOST: (
        "Capabilities withdrawn",
        "These applications use what was withdrawn. Test them, or replace the model.",
    ),
    IssueAlertKind.APPROVAL_VIOLATED: REMINDER_GUIDANCE[IssueAlertKind.APPROVAL_VIOLATED],
    IssueAlertKind.FALLBACK_RETIRES: REMINDER_GUIDANCE[IssueAlertKind.FALLBACK_RETIRES],
    **{kind: REMINDER_GUIDANCE[kind] for kind in PersonKind},
    IssueAlertKind.DECISION_PROPOSED: REMINDER_GUIDANCE[IssueAlertKind.DECISION_PROPOSED],
    IssueAlertKind.USE_CASE_PROPOSED: REMINDER_GUIDANCE[IssueAlertKind.USE_CASE_PROPOSED],
    **{kind: FLAG_GUIDANCE[kind] for kind in FlagKind},
    **{
        kind: FEED_GUIDANCE[kind]
        for kind in (FeedKind.SUSPECT, FeedKind.LATE, FeedKind.FROZEN, FeedKind.FRESH)
    },
    **{
        kind: REMINDER_GUIDANCE[kind]
        for kind in (
            DayKind.EXIT_TEST_EXPIRING,
            DayKind.ACCEPTANCE_EXPIRING,
            DayKind.WAIVER_EXPIRING,
            DayKind.GATE_WAIVER_EXPIRING,
            DayKind.APPROVAL_EXPIRING,
            DayKind.KEY_EXPIRING,
            DayKind.MUTE_EXPIRING,
            DayKind.REVIEW_DUE,
            DayKind.TREATMENT_DUE,
            DayKind.STAGE_BEGINS,
            StateKind.ASSESSMENTS_STALE,
            *SeenKind,
        )
    },
    Group.PRICE_INCREASE: ("Price increases", "Check the budget of these applications."),
    Group.PRICE_DECREASE: ("Price decreases", "No action needed."),
    Group.POSTPONED: ("Retirement postponed", "Adjust the plans made for the earlier date."),
    Group.SUBSCRIPTION: ("Your subscriptions", "None of your applications is affected."),
    Group.ENDED: ("Resolved", "No action needed."),
}


def build_items(entries: Sequence[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """Return everything that these entries report to the recipient, most severe first. One fact is
    one item: of several alerts about the retirement of a model for one application, the most
    severe is reported."""
    merged = merge_repeated(entries)
    live = [entry for entry in merged if entry.occasion != Notice.Occasion.RESOLVED]
    events = group_events(live)
    late = runway_items(live, context, retirement_changes(events, context))
    retired = retired_in_use_items(live, context)
    reported = concerns_of([*late, *retired])
    changes = event_items(events, context, reported)
    milestones = milestone_items(live, context, changes, reported)
    warned = frozenset[tuple[int, int]]().union(
        *(item.warned_fallbacks for item in [*late, *retired, *changes, *milestones])
    )
    fallbacks = warned | retiring_fallbacks(live)
    retirements = [
        *late,
        *retired,
        *changes,
        *milestone_items(live, context, changes, reported, fallbacks),
    ]
    late_migrations = merge_late_migrations(retirements, late_migration_items(live, context))
    items = [
        *merge_tasks(late_migrations, live, context),
        *issue_items(live, context, warned),
        *decision_items(live, context),
        *use_case_items(live, context),
        *flag_items(live, context),
        *feed_items(live, context),
        *deadline_items(live, context),
        *stale_items(live, context),
        *discrepancy_items(live, context),
    ]
    items = [*merge_person_facts(items, live, context), *resolved_items(merged, context)]
    items.sort(key=lambda item: (-item.severity, item.on or date.max, item.title))
    return items


def build_digest(
    entries: Sequence[DigestEntry],
    context: DigestContext,
    *,
    is_first: bool = False,
    fit: SizeLimit = SIZE_LIMITS[0],
) -> Digest | None:
    """Return the digest of these entries; None if the recipient can no longer view any of it.

    `is_first`: no message was sent to the recipient before, so that the digest summarises all open
    alerts. `fit` is how much of it is shown."""
    items = build_items(entries, context)
    if not items:
        return None
    grouped = {
        group: [item for item in items if item.group == group]
        for group in sorted({item.group for item in items}, key=lambda name: _rank(name, items))
    }
    is_summary = is_first and len(items) > MAX_ITEMS_OF_FIRST_DIGEST
    sections = []
    room = min(fit.items, MAX_ITEMS_OF_FIRST_DIGEST) if is_summary else fit.items
    for group, found in grouped.items():
        title, todo = GROUP_GUIDANCE[group]
        shown = tuple(item.cut_to(fit.applications) for item in found[:room])
        sections.append(DigestSection(title, todo, shown, n_more=max(0, len(found) - room)))
        room = max(0, room - len(found))
    # The preheader is shown by email programs beside the subject.
    first = [item for found in grouped.values() for item in found][:3]
    return Digest(
        sentence=build_headline(grouped, context),
        preheader=one_line(" ".join(f"{item.title}: {item.what}" for item in first)),
        sections=tuple(sections),
        lead=_describe_first_digest(items) if is_summary else "",
        subjects=frozenset(entry.alert.subject for entry in entries),
    )


def _describe_first_digest(items: Iterable[DigestItem]) -> str:
    n_alerts = len({pk for item in items for pk in item.alert_ids})
    return (
        f"This is your first digest: all {n_alerts:,} open alerts, most severe first. "
        "Later digests list changes only."
    )


def _rank(group: str, items: Iterable[DigestItem]) -> tuple[int, int]:
    severity = max(item.severity for item in items if item.group == group)
    return -severity, list(GROUP_GUIDANCE).index(group)
