"""Composition of a digest from entries: headline and sections. It makes no queries and reads no
clock."""

from collections.abc import Iterable, Sequence
from datetime import date

from apps.alerts.delivery.digest.discrepancy_items import discrepancy_items
from apps.alerts.delivery.digest.flag_and_feed_items import feed_items, flag_items
from apps.alerts.delivery.digest.headline import build_headline
from apps.alerts.delivery.digest.issue_items import issue_items
from apps.alerts.delivery.digest.model_items import event_items
from apps.alerts.delivery.digest.parts import (
    MAX_ITEMS_OF_FIRST_DIGEST,
    SIZE_LIMITS,
    Digest,
    DigestContext,
    DigestEntry,
    DigestItem,
    DigestSection,
    SizeLimit,
)
from apps.alerts.delivery.digest.reminder_items import (
    day_items,
    passed_items,
    runway_items,
    stale_items,
)
from apps.alerts.kinds.exposure_flag_text import GUIDANCE as FLAG_GUIDANCE
from apps.alerts.kinds.feeds.feed_text import GUIDANCE as FEED_GUIDANCE
from apps.alerts.kinds.reminders.reminder_text import GUIDANCE as DAY_GUIDANCE
from apps.alerts.models import (
    DayKind,
    FeedKind,
    FlagKind,
    IssueAlertKind,
    Notice,
    SeenKind,
    StateKind,
)
from apps.alerts.text import counted, one_line

# {group: (heading, guidance)}; of groups with equal severity the earlier one comes first
GROUP_GUIDANCE: dict[str, tuple[str, str]] = {
    StateKind.RUNWAY_NEGATIVE: DAY_GUIDANCE[StateKind.RUNWAY_NEGATIVE],
    "gone": (
        "Already ended",
        "Calls may fail or be answered by another model. Move these applications now.",
    ),
    IssueAlertKind.RETIRED_MODEL_IN_USE: DAY_GUIDANCE[IssueAlertKind.RETIRED_MODEL_IN_USE],
    FeedKind.BACKFILLED: FEED_GUIDANCE[FeedKind.BACKFILLED],
    IssueAlertKind.APPROVAL_VIOLATED: DAY_GUIDANCE[IssueAlertKind.APPROVAL_VIOLATED],
    IssueAlertKind.FALLBACK_RETIRES: DAY_GUIDANCE[IssueAlertKind.FALLBACK_RETIRES],
    "ending": DAY_GUIDANCE[DayKind.MILESTONE],
    "delisted": (
        "No longer listed",
        "Gone from the source without a date. Ask the provider until when it answers.",
    ),
    FeedKind.SUSPECT: FEED_GUIDANCE[FeedKind.SUSPECT],
    FlagKind.WORSENED: FLAG_GUIDANCE[FlagKind.WORSENED],
    FlagKind.ACCEPTANCE_EXPIRED: FLAG_GUIDANCE[FlagKind.ACCEPTANCE_EXPIRED],
    FlagKind.OPENED: FLAG_GUIDANCE[FlagKind.OPENED],
    FeedKind.LATE: FEED_GUIDANCE[FeedKind.LATE],
    FeedKind.FROZEN: FEED_GUIDANCE[FeedKind.FROZEN],
    **{
        kind: DAY_GUIDANCE[kind]
        for kind in (
            StateKind.ASSESSMENTS_STALE,
            *SeenKind,
            DayKind.ACCEPTANCE_EXPIRING,
            DayKind.EXIT_TEST_EXPIRING,
            DayKind.WAIVER_EXPIRING,
            DayKind.GATE_WAIVER_EXPIRING,
            DayKind.APPROVAL_EXPIRING,
            DayKind.TREATMENT_DUE,
            DayKind.REVIEW_DUE,
        )
    },
    "dearer": ("Prices rise", "Check the budget of these applications."),
    "cheaper": ("Prices fall", "Nothing to do."),
    "relief": ("More time", "Nothing to do now; plans that rest on the earlier date may change."),
    "asked": ("You asked to hear of", "Nothing of yours stands on it."),
    "passed": ("No longer so", "You were told of this before. Nothing to do."),
    FlagKind.RESOLVED: FLAG_GUIDANCE[FlagKind.RESOLVED],
    FeedKind.FRESH: FEED_GUIDANCE[FeedKind.FRESH],
    DayKind.KEY_EXPIRING: DAY_GUIDANCE[DayKind.KEY_EXPIRING],
    DayKind.MUTE_EXPIRING: DAY_GUIDANCE[DayKind.MUTE_EXPIRING],
}


def build_items(entries: Sequence[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """Return the items of all entries that still apply to the recipient, most urgent first."""
    standing = [entry for entry in entries if entry.occasion != Notice.Occasion.RESOLVED]
    runway_entries = runway_items(standing, context)
    items = [
        *runway_entries,
        *event_items(
            standing,
            context,
            notified={(item.offering_id, pk) for item in runway_entries for pk in item.affected},
        ),
        *flag_items(standing, context),
        *feed_items(standing, context),
        *day_items(standing, context),
        *stale_items(standing, context),
        *issue_items(standing, context),
        *discrepancy_items(standing, context),
        *passed_items(entries, context),
    ]
    items.sort(key=lambda item: (-item.severity, item.on or date.max, item.title))
    return items


def build_digest(
    entries: Sequence[DigestEntry],
    context: DigestContext,
    *,
    owner: str = "",
    is_first: bool = False,
    fit: SizeLimit = SIZE_LIMITS[0],
) -> Digest | None:
    """Return the digest of these entries; None if the recipient can view none of their items.

    `owner` is the team of the applications, empty for several teams. `is_first`: nothing was sent
    to the recipient before, so a long digest is a summary of the current state. `fit` limits the
    numbers of items and of applications in an item.
    """
    items = build_items(entries, context)
    if not items:
        return None
    grouped = {
        group: [item for item in items if item.group == group]
        for group in sorted(
            {item.group for item in items}, key=lambda group: _urgency(group, items)
        )
    }
    is_summary = is_first and len(items) > MAX_ITEMS_OF_FIRST_DIGEST
    sections, room = [], min(fit.items, MAX_ITEMS_OF_FIRST_DIGEST) if is_summary else fit.items
    for group, group_items in grouped.items():
        title, guidance = GROUP_GUIDANCE[group]
        shown_items = tuple(item.cut_to(fit.applications) for item in group_items[:room])
        sections.append(
            DigestSection(title, guidance, shown_items, n_more=max(0, len(group_items) - room))
        )
        room = max(0, room - len(group_items))
    # the most urgent items again, for the line that email programs show beside the subject
    urgent_items = [item for group_items in grouped.values() for item in group_items][:3]
    return Digest(
        sentence=build_headline(grouped, context, one_line(owner, max_length=60)),
        preheader=one_line(" ".join(f"{item.title}: {item.what}." for item in urgent_items)),
        sections=tuple(sections),
        lead=_lead(len(items)) if is_summary else "",
        subjects=frozenset(entry.alert.subject for entry in entries),
    )


def _lead(n: int) -> str:
    return (
        f"This is the first mail to you. It sums up the {counted(n, 'thing')} that stand open, the "
        "most urgent first; "
        "from now on you hear of what changes."
    )


def _urgency(group: str, items: Iterable[DigestItem]) -> tuple[int, int]:
    """Return the sort key of the group: its highest severity first, then the order of
    GROUP_GUIDANCE."""
    max_severity = max(item.severity for item in items if item.group == group)
    return (-max_severity, list(GROUP_GUIDANCE).index(group))
