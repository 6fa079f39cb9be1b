"""Headline of a digest: one sentence, which is the subject and the heading of the email."""

from collections.abc import Mapping, Sequence
from datetime import date

from apps.alerts.delivery.digest.parts import MAX_SUBJECT_LENGTH, DigestContext, DigestItem
from apps.alerts.kinds.usage_discrepancy_text import PLURAL_CLAUSES
from apps.alerts.models import DayKind, FeedKind, FlagKind, SeenKind, StateKind
from apps.alerts.text import capitalised, counted, long_day, one_line, spelled
from apps.inventory.models import Application, Criticality

_FLAG_LEADS: Mapping[str, str] = {
    FlagKind.WORSENED: "beyond what was accepted: ",
    FlagKind.ACCEPTANCE_EXPIRED: "an acceptance ran out: ",
    FlagKind.RESOLVED: "under tolerance again: ",
}
_MORE_FLAGS: Mapping[str, str] = {
    FlagKind.OPENED: "over the limit",
    FlagKind.WORSENED: "likewise",
    FlagKind.ACCEPTANCE_EXPIRED: "likewise",
    FlagKind.RESOLVED: "likewise",
}
# groups whose sentence begins with the name of a feed
_FEED_KINDS = frozenset({FeedKind.SUSPECT, FeedKind.LATE, FeedKind.FROZEN, FeedKind.FRESH})
# names of several reminders of a kind
_GROUP_NOUNS: Mapping[str, str] = {
    StateKind.ASSESSMENTS_STALE: "assessments are stale",
    DayKind.ACCEPTANCE_EXPIRING: "acceptances expire",
    DayKind.EXIT_TEST_EXPIRING: "exit tests expire",
    DayKind.WAIVER_EXPIRING: "waivers expire",
    DayKind.GATE_WAIVER_EXPIRING: "waivers of the gate expire",
    DayKind.APPROVAL_EXPIRING: "decisions expire",
    DayKind.REVIEW_DUE: "reviews are due",
    DayKind.TREATMENT_DUE: "treatments are due",
    DayKind.MUTE_EXPIRING: "mutes expire",
    DayKind.KEY_EXPIRING: "keys expire",
}


def build_headline(
    grouped: Mapping[str, Sequence[DigestItem]], context: DigestContext, owner: str
) -> str:
    """Return the first group as a sentence, and the number of the other changes.

    `grouped` is {group: items} in the order of the digest. `owner` is the team of all affected
    applications; empty for several teams. The sentence is at most MAX_SUBJECT_LENGTH long.
    """
    group, items = next(iter(grouped.items()))
    n_other = sum(len(group_items) for group_items in grouped.values()) - len(items)
    lead = _lead(group, items, context, owner)
    if group not in _FEED_KINDS:
        # the name of a feed keeps its own spelling, such as deprecations.info
        lead = capitalised(lead)
    suffix = f"; {counted(n_other, 'other change')}" if n_other else ""
    return one_line(lead, max_length=MAX_SUBJECT_LENGTH - len(suffix)) + suffix


def _lead(group: str, items: Sequence[DigestItem], context: DigestContext, owner: str) -> str:
    """Return the clause about the items of one group, such as `Motor damage estimator loses a model
    on 30 November 2026`.

    Flags, feeds and reminders are named themselves. Other groups begin with the affected
    applications and add the first or last of their dates.
    """
    if group in FlagKind:
        more_clause = (
            f", and {counted(len(items) - 1, 'more')} {_MORE_FLAGS[group]}"
            if len(items) > 1
            else ""
        )
        return _FLAG_LEADS.get(group, "") + items[0].what + more_clause
    if group in _FEED_KINDS:
        return _feed_lead(group, items)
    affected = frozenset[int]().union(*(item.affected for item in items))
    is_single = len(affected) == 1
    subject = _affected_applications([context.applications[pk] for pk in affected], owner)
    dates = sorted(item.on for item in items if item.on)
    if group == "gone":
        date_phrase = _dates_phrase(dates[::-1], "last")
        return f"{subject} {'has' if is_single else 'have'} lost a model{date_phrase}"
    if group == StateKind.RUNWAY_NEGATIVE:
        end_clause = _ends_ahead(items, context, is_single=is_single)
        return f"{subject} can no longer move in time{end_clause}"
    if group in _GROUP_NOUNS or group in SeenKind:
        return _own_lead(group, items)
    if group == "asked":
        return f"{items[0].title}: {items[0].what}"
    if group == "passed":
        return f"no longer so: {items[0].title}"
    if group == "backfilled":
        n_models = sum(item.n_models for item in items)
        verb = "stands" if is_single else "stand"
        return f"{subject} {verb} on {_models(n_models)} that had already ended"
    if group == "ending":
        announced_dates = sorted(item.on for item in items if item.on and not item.soft)
        if dates and not announced_dates:
            return f"{subject} may lose a model, not before {long_day(dates[0])}"
        date_phrase = _dates_phrase(announced_dates, "first")
        return f"{subject} {'loses' if is_single else 'lose'} a model{date_phrase}"
    if group == "delisted":
        return f"{subject} {'stands' if is_single else 'stand'} on a model that is no longer listed"
    if group in {"dearer", "cheaper"}:
        return f"prices {'rise' if group == 'dearer' else 'fall'} for {subject}".removesuffix(",")
    return f"{subject} {'has' if is_single else 'have'} more time: {items[0].what}"


def _ends_ahead(items: Sequence[DigestItem], context: DigestContext, *, is_single: bool) -> str:
    """Return the clause about the nearest future retirement, `: its model ends on 30 November
    2026`; empty if all have passed.

    `is_single`: one application is affected.
    """
    future_ends = [(item.on, item.soft) for item in items if item.on and item.on >= context.today]
    if not future_ends:
        return ""
    on, is_earliest = min(future_ends)
    verb = "may end from" if is_earliest else "ends on"
    possessive = "its" if is_single else "the first"
    return f": {possessive} model {verb} {long_day(on)}{' on' if is_earliest else ''}"


def _own_lead(group: str, items: Sequence[DigestItem]) -> str:
    """Return the clause about a reminder or a discrepancy: the item itself if it is the only one,
    else the number of them.

    An example: `FR-27: the acceptance by Amara Nwosu expires in 21 days, on 15 Dec 2026`.
    """
    if group == StateKind.ASSESSMENTS_STALE:
        n = len({pk for item in items for pk in item.affected})
        return f"assessments of {counted(n, 'application')} are stale"
    if len(items) == 1:
        return f"{items[0].title} {items[0].what}"
    if group in SeenKind:
        return f"{spelled(len(items))} applications {PLURAL_CLAUSES[group]}"
    return f"{spelled(len(items))} {_GROUP_NOUNS[group]}"


def _feed_lead(group: str, items: Sequence[DigestItem]) -> str:
    """Return the clause about the first feed and the number of further feeds.

    An example: `LiteLLM price map is late: last read on 20 Nov 2026, and one more feed likewise`.
    """
    item, n_more = items[0], len(items) - 1
    if group == FeedKind.SUSPECT:
        lead = f"{item.title} brought something suspect, which waits for a decision"
    else:
        verb_phrase = "is late: " if group == FeedKind.LATE else ""
        lead = f"{item.title} {verb_phrase}{item.what.partition('; ')[0]}"
    return f"{lead}, and {counted(n_more, 'more feed')} likewise" if n_more else lead


def _models(n: int) -> str:
    return "a model" if n == 1 else f"{spelled(n)} models"


def _affected_applications(applications: Sequence[Application], owner: str) -> str:
    """Return the name of the only application, or the number of them: `five applications of Claims,
    two of them critical,`."""
    if len(applications) == 1:
        return one_line(applications[0].name, max_length=80)
    n_critical = sum(
        application.criticality == Criticality.CRITICAL for application in applications
    )
    owner_phrase = f" of {owner}" if owner else ""
    if n_critical == len(applications):
        return f"{spelled(len(applications))} critical applications{owner_phrase}"
    critical_clause = f", {spelled(n_critical)} of them critical," if n_critical else ""
    return f"{spelled(len(applications))} applications{owner_phrase}{critical_clause}"


def _dates_phrase(dates: Sequence[date], position: str) -> str:
    """Return the first of the dates as a phrase: ` on {date}` if they are all equal, else with
    `position` (first or last) before it; empty without dates."""
    if not dates:
        return ""
    return (
        f" on {long_day(dates[0])}"
        if len(set(dates)) == 1
        else f": {position} on {long_day(dates[0])}"
    )
