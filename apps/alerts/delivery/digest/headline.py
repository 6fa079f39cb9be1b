"""The sentence: the first group in words, subject and heading of the mail."""

from collections.abc import Mapping, Sequence
from datetime import date

from apps.alerts.delivery.digest.parts import MAX_SUBJECT_LENGTH, DigestContext, DigestItem
from apps.alerts.kinds import issue_text
from apps.alerts.kinds.usage_discrepancy_text import PLURAL_CLAUSES
from apps.alerts.models import DayKind, FeedKind, FlagKind, IssueAlertKind, SeenKind, StateKind
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
# the groups whose sentence begins with the name of a feed
_FEED_KINDS = frozenset({FeedKind.SUSPECT, FeedKind.LATE, FeedKind.FROZEN, FeedKind.FRESH})
# days of the organisation's own: what several of them are called
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
    """The first group in words; `grouped` is in the order of the mail."""
    group, items = next(iter(grouped.items()))
    n_other = sum(len(found) for found in grouped.values()) - len(items)
    lead = _lead(group, items, context, owner)
    if group not in _FEED_KINDS:
        # a feed is called as it calls itself: deprecations.info
        lead = capitalised(lead)
    rest = f"; {counted(n_other, 'other change')}" if n_other else ""
    return one_line(lead, max_length=MAX_SUBJECT_LENGTH - len(rest)) + rest


def _lead(group: str, items: Sequence[DigestItem], context: DigestContext, owner: str) -> str:
    if group in FlagKind:
        more = (
            f", and {counted(len(items) - 1, 'more')} {_MORE_FLAGS[group]}"
            if len(items) > 1
            else ""
        )
        return _FLAG_LEADS.get(group, "") + items[0].what + more
    if group in _FEED_KINDS:
        return _feed_lead(group, items)
    affected = frozenset[int]().union(*(item.affected for item in items))
    single = len(affected) == 1
    who = _affected_applications([context.applications[pk] for pk in affected], owner)
    dates = sorted(item.on for item in items if item.on)
    if group == "gone":
        when = _dates_phrase(dates[::-1], "last")
        return f"{who} {'has' if single else 'have'} lost a model{when}"
    if group == StateKind.RUNWAY_NEGATIVE:
        return f"{who} can no longer move in time{_ends_ahead(items, context, single=single)}"
    if group in _GROUP_NOUNS or group in SeenKind or group in IssueAlertKind:
        return _own_lead(group, items)
    if group == "asked":
        return f"{items[0].title}: {items[0].what}"
    if group == "passed":
        return f"no longer so: {items[0].title}"
    if group == "backfilled":
        n_models = sum(item.n_models for item in items)
        return (
            f"{who} {'stands' if single else 'stand'} on {_models(n_models)} that had already ended"
        )
    if group == "ending":
        firm = sorted(item.on for item in items if item.on and not item.soft)
        if dates and not firm:
            return f"{who} may lose a model, not before {long_day(dates[0])}"
        return f"{who} {'loses' if single else 'lose'} a model{_dates_phrase(firm, 'first')}"
    if group == "delisted":
        return f"{who} {'stands' if single else 'stand'} on a model that is no longer listed"
    if group in {"dearer", "cheaper"}:
        return f"prices {'rise' if group == 'dearer' else 'fall'} for {who}".removesuffix(",")
    return f"{who} {'has' if single else 'have'} more time: {items[0].what}"


def _ends_ahead(items: Sequence[DigestItem], context: DigestContext, *, single: bool) -> str:
    """`: its model ends on 30 November 2026`"""
    ahead = [(item.on, item.soft) for item in items if item.on and item.on >= context.today]
    if not ahead:
        return ""
    on, soft = min(ahead)
    verb = "may end from" if soft else "ends on"
    return (
        f": {'its' if single else 'the first'} model {verb} {long_day(on)}{' on' if soft else ''}"
    )


def _own_lead(group: str, items: Sequence[DigestItem]) -> str:
    """`FR-27: the acceptance by Amara Nwosu expires in 21 days, on 15 Dec 2026`, or how many there
    are."""
    if group == StateKind.ASSESSMENTS_STALE:
        n = len({pk for item in items for pk in item.affected})
        return f"assessments of {counted(n, 'application')} are stale"
    if len(items) == 1:
        return f"{items[0].title} {items[0].what}"
    if group in SeenKind:
        return f"{spelled(len(items))} applications {PLURAL_CLAUSES[group]}"
    if group in IssueAlertKind:
        return f"{spelled(len(items))} {issue_text.PLURAL_CLAUSES[group]}"
    return f"{spelled(len(items))} {_GROUP_NOUNS[group]}"


def _feed_lead(group: str, items: Sequence[DigestItem]) -> str:
    """`LiteLLM price map is late: last read on 20 Nov 2026, and one more feed likewise`"""
    first, n_more = items[0], len(items) - 1
    if group == FeedKind.SUSPECT:
        lead = f"{first.title} brought something suspect, which waits for a decision"
    else:
        head = "is late: " if group == FeedKind.LATE else ""
        lead = f"{first.title} {head}{first.what.partition('; ')[0]}"
    return f"{lead}, and {counted(n_more, 'more feed')} likewise" if n_more else lead


def _models(n: int) -> str:
    return "a model" if n == 1 else f"{spelled(n)} models"


def _affected_applications(applications: Sequence[Application], owner: str) -> str:
    """`Motor damage estimator`, or `five applications of Claims, two of them critical,`"""
    if len(applications) == 1:
        return one_line(applications[0].name, max_length=80)
    n_critical = sum(row.criticality == Criticality.CRITICAL for row in applications)
    of = f" of {owner}" if owner else ""
    if n_critical == len(applications):
        return f"{spelled(len(applications))} critical applications{of}"
    some = f", {spelled(n_critical)} of them critical," if n_critical else ""
    return f"{spelled(len(applications))} applications{of}{some}"


def _dates_phrase(dates: Sequence[date], which: str) -> str:
    if not dates:
        return ""
    return (
        f" on {long_day(dates[0])}"
        if len(set(dates)) == 1
        else f": {which} on {long_day(dates[0])}"
    )
