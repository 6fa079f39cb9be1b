"""What a digest says, before it is laid out: alerts in, sentence and sections out. No queries, no clock."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from apps.alerts.feed_words import GUIDANCE, ended_models, feed_path, n_unnamed, particulars, source_name
from apps.alerts.flag_words import GUIDANCE as FLAG_GUIDANCE
from apps.alerts.flag_words import amount, clause, kind_of, line, measured_then
from apps.alerts.models import Alert, FeedKind, FlagKind
from apps.alerts.severity import is_dearer
from apps.alerts.wording import (
    as_day,
    capitalised,
    counted,
    day,
    days,
    listed,
    long_day,
    one_line,
    price_change,
    spelled,
    web_address,
)
from apps.catalog.models import DateKind, ProviderEvent
from apps.exposure.models import ExposureFlag
from apps.inventory.models import Application, Criticality

Kind = ProviderEvent.Kind

# what one mail shows; the rest is counted, so that no mail outgrows a mailbox
MOST_ITEMS = 60
MOST_APPLICATIONS = 12
MOST_SOURCES = 4
MOST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the alerts of one digest speak of, loaded beforehand.

    `applications` holds those the recipient may see; others are left out. `roles` is {(event, application):
    roles}, `sources` {event: addresses}, `nodes` {node: name}.
    """

    today: date
    public_url: str
    applications: Mapping[int, Application]
    roles: Mapping[tuple[int, int], frozenset[str]] = field(default_factory=dict)
    sources: Mapping[int, Sequence[str]] = field(default_factory=dict)
    nodes: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that happened. `margin` is the figure beside it; `pressing` asks for the red pencil."""

    title: str
    api_id: str
    url: str
    what: str
    margin: str
    pressing: bool
    applications: tuple[str, ...]
    n_more_applications: int
    replacement: str
    sources: tuple[Source, ...]
    severity: int
    affected: frozenset[int]
    on: date | None
    group: str
    n_models: int = 1


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    todo: str
    items: tuple[Item, ...]
    n_more: int = 0


@dataclass(frozen=True, slots=True)
class Digest:
    """`sentence` is subject, heading and first line alike."""

    sentence: str
    preheader: str
    sections: tuple[Section, ...]


# {group: (heading, what to do)}; of equal severity the earlier comes first
_GROUPS = {
    "gone": ("Already ended", "Calls may fail or be answered by another model. Move these applications now."),
    "backfilled": GUIDANCE[FeedKind.BACKFILLED],
    "ending": ("Plan the move", "Choose a successor, test it and move before the day named."),
    "delisted": ("No longer listed", "Gone from the source without a date. Ask the provider until when it answers."),
    "suspect": GUIDANCE[FeedKind.SUSPECT],
    FlagKind.WORSENED: FLAG_GUIDANCE[FlagKind.WORSENED],
    FlagKind.ACCEPTANCE_EXPIRED: FLAG_GUIDANCE[FlagKind.ACCEPTANCE_EXPIRED],
    FlagKind.OPENED: FLAG_GUIDANCE[FlagKind.OPENED],
    "late": GUIDANCE[FeedKind.LATE],
    "frozen": GUIDANCE[FeedKind.FROZEN],
    "dearer": ("Prices rise", "Check the budget of these applications."),
    "cheaper": ("Prices fall", "Nothing to do."),
    "relief": ("More time", "Nothing to do now; plans that rest on the earlier date may change."),
    FlagKind.RESOLVED: FLAG_GUIDANCE[FlagKind.RESOLVED],
    "fresh": GUIDANCE[FeedKind.FRESH],
}
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
_OF_FEEDS = frozenset({FeedKind.SUSPECT, FeedKind.LATE, FeedKind.FROZEN, FeedKind.FRESH})


def digest_of(alerts: Sequence[Alert], facts: Facts, *, owner: str = "") -> Digest | None:
    """The digest of these alerts; None where nothing is left that the recipient may see.

    `owner` is the team whose applications these are, empty where the recipient looks after the whole organisation.
    """
    items = [*_event_items(alerts, facts), *_flag_items(alerts, facts), *_feed_items(alerts, facts)]
    if not items:
        return None
    items.sort(key=lambda item: (-item.severity, item.on or date.max, item.title))
    grouped = {
        group: [item for item in items if item.group == group]
        for group in sorted({item.group for item in items}, key=lambda group: _urgency(group, items))
    }
    sections, room = [], MOST_ITEMS
    for group, found in grouped.items():
        title, todo = _GROUPS[group]
        sections.append(Section(title, todo, tuple(found[:room]), n_more=max(0, len(found) - room)))
        room = max(0, room - len(found))
    # the urgent ones once more, for the line that mail programs show beside the subject
    first = [item for found in grouped.values() for item in found][:3]
    return Digest(
        sentence=_sentence(grouped, facts, one_line(owner, most=60)),
        preheader=one_line(" ".join(f"{item.title}: {item.what}." for item in first)),
        sections=tuple(sections),
    )


def _urgency(group: str, items: Iterable[Item]) -> tuple[int, int]:
    loudest = max(item.severity for item in items if item.group == group)
    return (-loudest, list(_GROUPS).index(group))


# --- events -----------------------------------------------------------------------------------------------------


def _event_items(alerts: Iterable[Alert], facts: Facts) -> list[Item]:
    """One item per thing that happened: rows of several sources that say the same of one offering are one."""
    alike: dict[tuple[object, ...], list[Alert]] = defaultdict(list)
    for alert in alerts:
        if (event := alert.event) is not None:
            alike[event.offering_id, event.kind, str(event.old), str(event.new), event.effective_on].append(alert)
    items = [_event_item(group, facts) for group in alike.values()]
    return [item for item in items if item.affected]


def _event_item(alerts: Sequence[Alert], facts: Facts) -> Item:
    events = [alert.event for alert in alerts if alert.event is not None]
    event = events[0]
    offering = event.offering
    affected = {pk for alert in alerts for pk in alert.application_ids if pk in facts.applications}
    shown = sorted((facts.applications[pk] for pk in affected), key=lambda row: (row.criticality, row.name, row.pk))
    lines = []
    for application in shown[:MOST_APPLICATIONS]:
        roles = frozenset[str]().union(*(facts.roles.get((each.pk, application.pk), ()) for each in events))
        lines.append(_application_line(application, roles))
    on = _day_of_effect(event)
    soft = on is not None and offering.date_kind == DateKind.NOT_BEFORE and offering.retires_on == on
    left = (on - facts.today).days if on is not None else None
    group = _group_of(event, left, soft=soft)
    name = offering.version.foundation.name if offering.version else offering.name or offering.api_id
    where = f" in {offering.region_scope}" if offering.region_scope else ""
    return Item(
        title=one_line(f"{name} at {offering.host.name}{where}"),
        api_id=one_line(offering.api_id),
        url=f"{facts.public_url}/events/{event.pk}/",
        what=_what(event, soft=soft),
        margin=_margin(event, group, left, soft=soft),
        pressing=group == "gone" or (group == "ending" and left is not None and left <= 30) or group == "delisted",
        applications=tuple(lines),
        n_more_applications=len(shown) - len(lines),
        replacement=_replacement(event),
        sources=_sources(events, facts),
        severity=max(alert.severity for alert in alerts),
        affected=frozenset(affected),
        on=on,
        group=group,
    )


def _application_line(application: Application, roles: frozenset[str]) -> str:
    """`Motor damage estimator (critical)`; the roles are named where none of them is primary."""
    words = [Criticality(application.criticality).label.lower()]
    if roles and "primary" not in roles:
        words.append("as " + listed(sorted(roles)))
    return f"{one_line(application.name)} ({', '.join(words)})"


def _day_of_effect(event: ProviderEvent) -> date | None:
    if event.kind == Kind.WITHDRAWN:
        return None
    if event.kind == Kind.DELISTED:
        return as_day(event.old)
    return event.effective_on or as_day(event.new)


def _group_of(event: ProviderEvent, left: int | None, *, soft: bool) -> str:
    if event.kind in {Kind.MOVED_LATER, Kind.WITHDRAWN}:
        return "relief"
    if event.kind == Kind.DELISTED:
        return "delisted"
    if event.kind == Kind.REPRICED:
        return "dearer" if is_dearer(event.old, event.new) else "cheaper"
    past = left is not None and left <= 0 and not soft
    return "gone" if event.kind == Kind.RETIRED or past else "ending"


def _what(event: ProviderEvent, *, soft: bool) -> str:
    """The change in one clause, old value first."""
    old, new = as_day(event.old), as_day(event.new) or event.effective_on
    old_text, new_text = day(old) if old else "no date", day(new) if new else "no date"
    until = "not before " if soft else ""
    if event.kind == Kind.ANNOUNCED:
        return f"end announced: no date → {until}{new_text}"
    if event.kind in {Kind.MOVED_EARLIER, Kind.MOVED_LATER}:
        by = f", {days(abs((new - old).days))} {'later' if new > old else 'earlier'}" if old and new else ""
        return f"end moved: {old_text} → {until}{new_text}{by}"
    if event.kind == Kind.WITHDRAWN:
        return f"end taken back: {old_text} → no date"
    if event.kind == Kind.RETIRED:
        return f"retired on {new_text}" if new else "retired"
    if event.kind == Kind.DELISTED:
        return f"left the list; the date it had: {old_text}"
    return price_change(event.old, event.new)


def _margin(event: ProviderEvent, group: str, left: int | None, *, soft: bool) -> str:
    if event.kind == Kind.REPRICED:
        return "price"
    if left is None:
        return "no date"
    if left > 0:
        return f"{'at least ' if soft else ''}{days(left)} left"
    if soft:
        return "any day"
    return "today" if left == 0 else f"{days(-left)} ago"


def _replacement(event: ProviderEvent) -> str:
    """What the provider names in its place; a new price or more time needs none."""
    if event.kind in {Kind.REPRICED, Kind.WITHDRAWN}:
        return ""
    offering = event.offering
    if offering.replacement is not None:
        return one_line(f"{offering.replacement.api_id} at {offering.replacement.host.name}")
    return one_line(offering.replacement_text)


def _sources(events: Sequence[ProviderEvent], facts: Facts) -> tuple[Source, ...]:
    found: dict[Source, None] = {}
    for event in events:
        for url in facts.sources.get(event.pk) or [""]:
            found[Source(one_line(event.source.name), web_address(url))] = None
    return tuple(found)[:MOST_SOURCES]


# --- flags ------------------------------------------------------------------------------------------------------


def _flag_items(alerts: Iterable[Alert], facts: Facts) -> list[Item]:
    return [_flag_item(alert, alert.flag, facts) for alert in alerts if alert.flag is not None]


def _flag_item(alert: Alert, flag: ExposureFlag, facts: Facts) -> Item:
    policy, then = flag.policy, measured_then(alert, flag)
    name = one_line(facts.nodes.get(flag.node_id, "")) if flag.node_id is not None else one_line(policy.name)
    affected = frozenset(pk for pk in alert.application_ids if pk in facts.applications)
    shown = sorted((facts.applications[pk] for pk in affected), key=lambda row: (row.criticality, row.name, row.pk))
    n_unnamed = max(0, int(alert.details.get("n", 0)) - len(alert.application_ids))
    return Item(
        title=name,
        api_id="",
        # the node as one of its layer, since a name may be developer and host at once
        url=f"{facts.public_url}/alerts/",
        what=f"{clause(policy, then, node=name, kind=kind_of(flag))} ({line(policy, then)})",
        margin=amount(policy, then.value),
        pressing=alert.kind != FlagKind.RESOLVED,
        applications=tuple(_application_line(row, frozenset()) for row in shown[:MOST_APPLICATIONS]),
        n_more_applications=max(0, len(shown) - MOST_APPLICATIONS) + n_unnamed,
        replacement="",
        sources=(),
        severity=alert.severity,
        affected=affected,
        on=None,
        group=alert.kind,
    )


# --- feeds ------------------------------------------------------------------------------------------------------


def _feed_items(alerts: Iterable[Alert], facts: Facts) -> list[Item]:
    items = [_feed_item(alert, facts) for alert in alerts if alert.run is not None or alert.source is not None]
    # a team is told of its applications; governance is told of the feed, whoever stands on it
    return [item for item in items if item.affected or item.group != FeedKind.BACKFILLED]


def _feed_item(alert: Alert, facts: Facts) -> Item:
    affected = frozenset(pk for pk in alert.application_ids if pk in facts.applications)
    shown = sorted((facts.applications[pk] for pk in affected), key=lambda row: (row.criticality, row.name, row.pk))
    ended = ended_models(alert, affected)
    n_models = len(ended) + n_unnamed(alert)
    return Item(
        title=source_name(alert),
        api_id="",
        url=facts.public_url + feed_path(alert),
        what=particulars(alert, applications=affected),
        margin=_feed_margin(alert, facts, n_models),
        pressing=alert.kind == FeedKind.BACKFILLED or (alert.kind == FeedKind.SUSPECT and alert.severity >= 4),
        applications=tuple(_application_line(row, frozenset()) for row in shown[:MOST_APPLICATIONS]),
        n_more_applications=max(0, len(shown) - MOST_APPLICATIONS),
        replacement="",
        sources=(),
        severity=alert.severity,
        affected=affected,
        on=max((model.ended_on for model in ended if model.ended_on), default=None),
        group=alert.kind,
        n_models=n_models,
    )


def _feed_margin(alert: Alert, facts: Facts, n_models: int) -> str:
    if alert.kind == FeedKind.BACKFILLED:
        return f"{n_models} model{'' if n_models == 1 else 's'}"
    if alert.kind == FeedKind.SUSPECT:
        return "held"
    since = as_day(alert.details.get("since"))
    return days((facts.today - since).days) if since else "fresh"


# --- the sentence -----------------------------------------------------------------------------------------------


def _sentence(grouped: Mapping[str, Sequence[Item]], facts: Facts, owner: str) -> str:
    """The first group in words; `grouped` is in the order of the mail."""
    group, items = next(iter(grouped.items()))
    n_other = sum(len(found) for found in grouped.values()) - len(items)
    lead = _lead(group, items, facts, owner)
    if group not in _OF_FEEDS:
        # a feed is called as it calls itself: deprecations.info
        lead = capitalised(lead)
    rest = f"; {counted(n_other, 'other change')}" if n_other else ""
    return one_line(lead, most=MOST_SUBJECT - len(rest)) + rest


def _lead(group: str, items: Sequence[Item], facts: Facts, owner: str) -> str:
    if group in FlagKind:
        more = f", and {counted(len(items) - 1, 'more')} {_MORE_FLAGS[group]}" if len(items) > 1 else ""
        return _FLAG_LEADS.get(group, "") + items[0].what + more
    if group in _OF_FEEDS:
        return _feed_lead(group, items)
    affected = frozenset[int]().union(*(item.affected for item in items))
    single = len(affected) == 1
    who = _who([facts.applications[pk] for pk in affected], owner)
    dates = sorted(item.on for item in items if item.on)
    if group == "gone":
        when = _when(dates[::-1], "last")
        return f"{who} {'has' if single else 'have'} lost a model{when}"
    if group == "backfilled":
        n_models = sum(item.n_models for item in items)
        return f"{who} {'stands' if single else 'stand'} on {_models(n_models)} that had already ended"
    if group == "ending":
        return f"{who} {'loses' if single else 'lose'} a model{_when(dates, 'first')}"
    if group == "delisted":
        return f"{who} {'stands' if single else 'stand'} on a model that is no longer listed"
    if group in {"dearer", "cheaper"}:
        return f"prices {'rise' if group == 'dearer' else 'fall'} for {who}".removesuffix(",")
    return f"{who} {'has' if single else 'have'} more time: {items[0].what}"


def _feed_lead(group: str, items: Sequence[Item]) -> str:
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


def _who(applications: Sequence[Application], owner: str) -> str:
    """`Motor damage estimator`, or `five applications of Claims, two of them critical,`"""
    if len(applications) == 1:
        return one_line(applications[0].name, most=80)
    n_critical = sum(row.criticality == Criticality.CRITICAL for row in applications)
    of = f" of {owner}" if owner else ""
    if n_critical == len(applications):
        return f"{spelled(len(applications))} critical applications{of}"
    some = f", {spelled(n_critical)} of them critical," if n_critical else ""
    return f"{spelled(len(applications))} applications{of}{some}"


def _when(dates: Sequence[date], which: str) -> str:
    if not dates:
        return ""
    return f" on {long_day(dates[0])}" if len(set(dates)) == 1 else f": {which} on {long_day(dates[0])}"
