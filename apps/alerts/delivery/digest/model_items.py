"""Items about provider events and about reminders before a retirement."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from apps.alerts.delivery.digest.applications import (
    application_lines,
    n_more_applications,
    retirement_predicate,
    visible_by_criticality,
    warned_fallbacks,
)
from apps.alerts.delivery.digest.causes import (
    Concern,
    alert_ids,
    cause_of,
    cause_of_id,
    first_ids,
    highest_severity_of,
    visible_ids,
)
from apps.alerts.delivery.digest.occasions import occasion_note
from apps.alerts.delivery.digest.parts import (
    MAX_MODEL_IDS,
    MAX_SOURCES,
    DigestContext,
    DigestEntry,
    DigestItem,
    Group,
    Price,
    SourceLink,
)
from apps.alerts.kinds.severity import is_price_increase
from apps.alerts.models import DayKind
from apps.alerts.text import (
    as_day,
    days,
    join_with_more,
    long_day,
    money,
    one_line,
    price,
    price_change,
    web_address,
)
from apps.catalog.capabilities.phrases import describe_lost_capabilities
from apps.catalog.models import DateKind, Offering, OfferingKind, ProviderEvent

EventKind = ProviderEvent.Kind

MAX_HOSTS = 3
# Events about a retirement that an item about a negative runway of the same model includes.
_ANNOUNCEMENTS = frozenset({EventKind.ANNOUNCED, EventKind.MOVED_EARLIER, EventKind.MOVED_LATER})


@dataclass(frozen=True, slots=True)
class RetirementChange:
    """An announcement or a move of a retirement, as a sentence. `is_move`: the date changed."""

    sentence: str
    sources: tuple[SourceLink, ...]
    alert_ids: tuple[int, ...]
    is_move: bool


# --- provider events ------------------------------------------------------------------------------

type EventGroup = Sequence[DigestEntry]


def group_events(entries: Iterable[DigestEntry]) -> list[EventGroup]:
    """Group events with the same content: several sources, and several model IDs of one version,
    report one fact."""
    groups: dict[tuple[object, ...], list[DigestEntry]] = defaultdict(list)
    for entry in entries:
        event = entry.alert.event
        if event is not None and event.offering is not None:
            is_news = not entry.application_ids
            groups[
                cause_of(event.offering),
                event.kind,
                str(event.old),
                str(event.new),
                event.effective_on,
                is_news,
            ].append(entry)
    return list(groups.values())


def retirement_changes(
    groups: Iterable[EventGroup], context: DigestContext
) -> dict[Concern, list[RetirementChange]]:
    """Return {(cause, application): announcements and moves of the retirement}."""
    changes: dict[Concern, list[RetirementChange]] = defaultdict(list)
    for group in groups:
        events = _events_of(group)
        event = events[0]
        if event.kind not in _ANNOUNCEMENTS:
            continue
        change = RetirementChange(
            _describe_change(event, is_earliest=_is_earliest(event)),
            _find_sources(events, context),
            alert_ids(group),
            is_move=event.kind != EventKind.ANNOUNCED,
        )
        for pk in visible_ids(group, context):
            changes[cause_of(_offering_of(event)), pk].append(change)
    return changes


def event_items(
    groups: Iterable[EventGroup], context: DigestContext, reported: Collection[Concern]
) -> list[DigestItem]:
    """Return an item for each group. Announcements and retirements leave out the applications for
    which another item has `reported` the retirement of the model."""
    items = [_build_event_item(group, context, reported) for group in groups]
    return [item for item in items if item.affected or item.group == Group.SUBSCRIPTION]


def _build_event_item(
    entries: EventGroup, context: DigestContext, reported: Collection[Concern]
) -> DigestItem:
    events = _events_of(entries)
    event = events[0]
    offerings = list({each.offering_id: _offering_of(each) for each in events}.values())
    cause = cause_of(_offering_of(event))
    affected = visible_ids(entries, context)
    if event.kind in _ANNOUNCEMENTS or event.kind == EventKind.RETIRED:
        affected = frozenset(pk for pk in affected if (cause, pk) not in reported)
    applications = visible_by_criticality(affected, context)
    roles = {
        row.pk: frozenset[str]().union(
            *(context.roles.get((each.pk, row.pk), ()) for each in events)
        )
        for row in applications
    }
    on, is_earliest = _date_of_effect(event), _is_earliest(event)
    left = (on - context.today).days if on is not None else None
    is_subscribed = not any(entry.application_ids for entry in entries)
    group = (
        Group.SUBSCRIPTION if is_subscribed else _find_group(event, left, is_earliest=is_earliest)
    )
    is_retirement = group in {Group.RETIRED, Group.UPCOMING}
    lines = application_lines(
        applications,
        context,
        roles=roles,
        retiring=_retiring_offerings(offerings, on, context) if is_retirement else (),
    )
    model_ids, n_more_model_ids = first_ids(offerings, MAX_MODEL_IDS)
    return DigestItem(
        title=model_title(offerings),
        url=f"{context.public_url}/events/{event.pk}/",
        what=_describe_event(event, entries, context, is_earliest=is_earliest),
        margin=_event_margin(event, entries, left, is_earliest=is_earliest),
        severity=highest_severity_of(entries),
        affected=affected,
        on=on,
        is_earliest=is_earliest,
        group=group,
        pressing=group in {Group.RETIRED, Group.DELISTED}
        or (group == Group.UPCOMING and not is_earliest and left is not None and left <= 30),
        applications=lines,
        n_more_applications=n_more_applications(applications),
        model_ids=model_ids,
        n_more_model_ids=n_more_model_ids,
        # A new price or a withdrawn retirement needs no replacement.
        replacement=""
        if event.kind in {EventKind.REPRICED, EventKind.WITHDRAWN}
        else first_replacement(offerings, context),
        sources=_find_sources(events, context),
        note=occasion_note(entries, context),
        alert_ids=alert_ids(entries),
        cause=cause if is_retirement else "",
        warned_fallbacks=warned_fallbacks(lines),
    )


def _events_of(entries: EventGroup) -> list[ProviderEvent]:
    return [entry.alert.event for entry in entries if entry.alert.event is not None]


def _offering_of(event: ProviderEvent) -> Offering:
    """Return the offering of an event; those of a provider as a whole create no alerts."""
    assert event.offering is not None
    return event.offering


def _is_earliest(event: ProviderEvent) -> bool:
    on, offering = _date_of_effect(event), _offering_of(event)
    return (
        on is not None and offering.date_kind == DateKind.NOT_BEFORE and offering.retires_on == on
    )


def _date_of_effect(event: ProviderEvent) -> date | None:
    if event.kind in {EventKind.WITHDRAWN, EventKind.CAPABILITY_LOST}:
        return None
    if event.kind == EventKind.DELISTED:
        return as_day(event.old)
    return event.effective_on or as_day(event.new)


def _find_group(event: ProviderEvent, left: int | None, *, is_earliest: bool) -> Group:
    if event.kind in {EventKind.MOVED_LATER, EventKind.WITHDRAWN}:
        return Group.POSTPONED
    if event.kind == EventKind.DELISTED:
        return Group.DELISTED
    if event.kind == EventKind.CAPABILITY_LOST:
        return Group.CAPABILITY_LOST
    if event.kind == EventKind.REPRICED:
        is_increase = is_price_increase(event.old, event.new)
        return Group.PRICE_INCREASE if is_increase else Group.PRICE_DECREASE
    is_past = left is not None and left <= 0 and not is_earliest
    return Group.RETIRED if event.kind == EventKind.RETIRED or is_past else Group.UPCOMING


def _describe_event(
    event: ProviderEvent, entries: EventGroup, context: DigestContext, *, is_earliest: bool
) -> str:
    sentence = _describe_change(event, is_earliest=is_earliest)
    if event.kind != EventKind.REPRICED:
        return sentence
    if event.effective_on is not None and event.effective_on > context.today:
        sentence += f" The new prices apply from {long_day(event.effective_on)}."
    return " ".join(filter(None, [sentence, _describe_monthly_change(entries)]))


def _describe_change(event: ProviderEvent, *, is_earliest: bool) -> str:
    """Return the event as one or two whole sentences about the model."""
    old, new = as_day(event.old), as_day(event.new) or event.effective_on
    match event.kind:
        case EventKind.ANNOUNCED:
            return _describe_announcement(new, is_earliest=is_earliest)
        case EventKind.MOVED_EARLIER | EventKind.MOVED_LATER:
            return _describe_move(old, new, is_earliest=is_earliest)
        case EventKind.WITHDRAWN:
            return (
                f"The retirement announced for {long_day(old)} was withdrawn."
                if old
                else "The announced retirement was withdrawn."
            )
        case EventKind.RETIRED:
            return f"The model retired on {long_day(new)}." if new else "The model retired."
        case EventKind.DELISTED:
            published = (
                f"The last published retirement date was {long_day(old)}."
                if old
                else "A retirement date was never published."
            )
            return f"The source no longer lists the model. {published}"
        case EventKind.REPRICED:
            return price_change(event.old, event.new)
        case EventKind.CAPABILITY_LOST:
            return f"The model no longer offers {_describe_lost(event.new)}."
        case EventKind.ALIAS_MOVED:
            old_id, new_id = _format_id(event.old), _format_id(event.new)
            return f"The alias now refers to {new_id}, before to {old_id}."
        case EventKind.RELEASED:
            return "The model was released."
        case EventKind.TERMS_CHANGED:
            return "The terms changed."
        case EventKind.DISAGREEMENT:
            return "The sources contradict each other."
    return f"{event.get_kind_display()}."


def _describe_lost(lost: object) -> str:
    fields = lost if isinstance(lost, dict) else {}
    return describe_lost_capabilities(fields) or "a capability"


def _describe_announcement(new: date | None, *, is_earliest: bool) -> str:
    if new is None:
        return "The retirement was announced without a date."
    if is_earliest:
        return f"The model retires no earlier than {long_day(new)}."
    return f"The retirement was announced for {long_day(new)}."


def _describe_move(old: date | None, new: date | None, *, is_earliest: bool) -> str:
    subject = "The earliest retirement date" if is_earliest else "The retirement"
    if new is None:
        return f"{subject} moved."
    if old is None:
        return f"{subject} moved to {long_day(new)}."
    distance = f"{days(abs((new - old).days))} {'later' if new > old else 'earlier'}"
    return f"{subject} moved from {long_day(old)} to {long_day(new)}, {distance}."


def _format_id(value: object) -> str:
    return one_line(value, max_length=100) if value else "no model"


def _describe_monthly_change(entries: EventGroup) -> str:
    """Return the change of the monthly cost, where it is known. Several sources of one event count
    once."""
    amounts = {}
    for entry in entries:
        alert = entry.alert
        if "monthly_usd" in alert.details:
            party = (alert.offering_id, alert.team_id, alert.user_id)
            amounts[party] = money(alert.details["monthly_usd"])
    total = sum(amounts.values())
    if not total:
        return ""
    change = "more" if total > 0 else "less"
    return f"The recorded usage costs about {abs(total):,.0f} USD per month {change}."


def _event_margin(
    event: ProviderEvent, entries: EventGroup, left: int | None, *, is_earliest: bool
) -> str:
    match event.kind:
        case EventKind.REPRICED:
            percents = [money(entry.alert.details.get("percent")) for entry in entries]
            percent = max(percents, key=abs, default=money(0))
            return f"{'−' if percent < 0 else '+'}{abs(percent):,.0f}%" if percent else "price"
        case EventKind.WITHDRAWN | EventKind.CAPABILITY_LOST:
            return "withdrawn"
        case EventKind.DELISTED if left is None:
            return "no date"
    if left is None:
        return "no date" if event.kind in _ANNOUNCEMENTS else event.get_kind_display().lower()
    return format_left(left, is_earliest=is_earliest)


def _find_sources(
    events: Sequence[ProviderEvent], context: DigestContext
) -> tuple[SourceLink, ...]:
    """Return who published the events: the user who announced a retirement, or the source."""
    links: dict[SourceLink, None] = {}
    for event in events:
        announcement = event.announcement
        announcer = announcement.announced_by if announcement is not None else None
        for url in context.sources.get(event.pk) or [""]:
            name = one_line(announcer or event.source.name)
            links[SourceLink(name, web_address(url))] = None
    return tuple(links)[:MAX_SOURCES]


# --- reminders ------------------------------------------------------------------------------------


def milestone_items(
    entries: Iterable[DigestEntry],
    context: DigestContext,
    events: Iterable[DigestItem],
    reported: Collection[Concern],
    fallbacks: Collection[tuple[int, int]] = (),
) -> list[DigestItem]:
    """Return an item for each model and date. Applications for which an event of the same date, or
    another item, has reported the retirement are left out; also those for which another item
    reports the model as their fallback: `fallbacks` are (application, offering) pairs."""
    groups: dict[tuple[object, ...], list[DigestEntry]] = defaultdict(list)
    for entry in entries:
        alert = entry.alert
        if alert.kind == DayKind.MILESTONE and alert.offering_id in context.offerings:
            cause = cause_of_id(alert.offering_id, context)
            groups[cause, alert.due_on, bool(alert.details.get("soft"))].append(
                _without_fallbacks(entry, context, fallbacks)
            )
    dated = {(item.cause, item.on, pk) for item in events if item.cause for pk in item.affected}
    items = [_build_milestone_item(group, context, dated, reported) for group in groups.values()]
    return [item for item in items if item.affected]


def _without_fallbacks(
    entry: DigestEntry, context: DigestContext, fallbacks: Collection[tuple[int, int]]
) -> DigestEntry:
    """Leave out applications that use the model as one of these fallbacks, and not as a primary
    model."""
    offering_id = entry.alert.offering_id or 0
    ids = tuple(
        pk
        for pk in entry.application_ids
        if (pk, offering_id) not in fallbacks
        or any(use.offering_id == offering_id for use in context.uses.get(pk, ()))
    )
    return replace(entry, application_ids=ids)


def _build_milestone_item(
    entries: Sequence[DigestEntry],
    context: DigestContext,
    dated: Collection[tuple[str, date | None, int]],
    reported: Collection[Concern],
) -> DigestItem:
    alert = entries[0].alert
    offering_ids = dict.fromkeys(entry.alert.offering_id or 0 for entry in entries)
    offerings = [context.offerings[pk] for pk in offering_ids]
    cause, on = cause_of(offerings[0]), alert.due_on
    affected = frozenset(
        pk
        for pk in visible_ids(entries, context)
        if (cause, on, pk) not in dated and (cause, pk) not in reported
    )
    applications = visible_by_criticality(affected, context)
    is_earliest = bool(alert.details.get("soft"))
    left = (on - context.today).days if on is not None else 0
    lines = application_lines(
        applications, context, retiring=_retiring_offerings(offerings, on, context)
    )
    model_ids, n_more_model_ids = first_ids(offerings, MAX_MODEL_IDS)
    retires = retirement_predicate(on, context.today, is_earliest=is_earliest)
    return DigestItem(
        title=model_title(offerings),
        url=f"{context.public_url}/offerings/{offerings[0].pk}/",
        what=f"The model {retires}.",
        margin=format_left(left, is_earliest=is_earliest),
        severity=highest_severity_of(entries),
        affected=affected,
        on=on,
        is_earliest=is_earliest,
        group=Group.RETIRED if left <= 0 and not is_earliest else Group.UPCOMING,
        pressing=left <= 30 and not is_earliest,
        applications=lines,
        n_more_applications=n_more_applications(applications),
        model_ids=model_ids,
        n_more_model_ids=n_more_model_ids,
        replacement=first_replacement(offerings, context),
        note=occasion_note(entries, context),
        alert_ids=alert_ids(entries),
        cause=cause,
        warned_fallbacks=warned_fallbacks(lines),
    )


def _retiring_offerings(
    offerings: Sequence[Offering], on: date | None, context: DigestContext
) -> frozenset[int]:
    """Return the offerings of an item, and the others of the same model with the same date."""
    cause = cause_of(offerings[0])
    return frozenset(offering.pk for offering in offerings) | {
        pk
        for pk, other in context.offerings.items()
        if other.retires_on == on and cause_of(other) == cause
    }


def format_left(left: int, *, is_earliest: bool) -> str:
    if left > 0:
        return f"{'at least ' if is_earliest else ''}{days(left)} left"
    if is_earliest:
        return "any day"
    return "today" if left == 0 else f"{days(-left)} ago"


# --- names ----------------------------------------------------------------------------------------


def model_title(offerings: Sequence[Offering]) -> str:
    """Return the model with its hosts: `Claude Sonnet 4.5 on Anthropic and Amazon Bedrock`; with
    the region, if it is only one."""
    first = offerings[0]
    if first.kind == OfferingKind.NAME:
        return one_line(first.label)
    name = first.version.foundation.name if first.version else first.name or first.api_id
    hosts = list(dict.fromkeys(one_line(offering.host.name) for offering in offerings))
    regions = {offering.region_scope for offering in offerings}
    region = f" in {first.region_scope}" if len(regions) == 1 and first.region_scope else ""
    shown = join_with_more(hosts[:MAX_HOSTS], len(hosts) - MAX_HOSTS)
    return one_line(f"{name} on {shown}{region}")


def first_replacement(offerings: Iterable[Offering], context: DigestContext) -> str:
    texts = (replacement_text(offering, context) for offering in offerings)
    return next((text for text in texts if text), "")


def replacement_text(offering: Offering, context: DigestContext) -> str:
    """Return the provider's replacement with its list prices: `gemini-3-pro on Google, 2.00 USD per
    million input tokens and 12.00 USD per million output tokens (today 1.25 and 10.00 USD)`."""
    other = offering.replacement
    if other is None:
        return one_line(offering.replacement_text).rstrip(".")
    name = f"{other.api_id} on {other.host.name}"
    then, now = context.prices.get(other.pk), context.prices.get(offering.pk)
    if then is None or then.input is None:
        return one_line(name)
    listed_price = f"{price(then.input)} USD per million input tokens"
    if then.output is not None:
        listed_price += f" and {price(then.output)} USD per million output tokens"
    today = (
        f" (today {_format_prices(now)} USD)" if now is not None and now.input is not None else ""
    )
    return one_line(f"{name}, {listed_price}{today}")


def _format_prices(prices: Price) -> str:
    if prices.output is None:
        return price(prices.input)
    return f"{price(prices.input)} and {price(prices.output)}"


__all__ = [
    "EventGroup",
    "RetirementChange",
    "event_items",
    "first_replacement",
    "format_left",
    "group_events",
    "milestone_items",
    "model_title",
    "replacement_text",
    "retirement_changes",
]
