"""Digest items about provider events, and about milestones before a retirement."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date

from apps.alerts.delivery.digest.applications import application_lines, visible_by_criticality
from apps.alerts.delivery.digest.occasions import occasion_note
from apps.alerts.delivery.digest.parts import (
    MAX_APPLICATIONS,
    MAX_SOURCES,
    DigestContext,
    DigestEntry,
    DigestItem,
    Price,
    SourceLink,
)
from apps.alerts.kinds.severity import is_price_increase
from apps.alerts.models import DayKind
from apps.alerts.text import as_day, day, days, money, one_line, price, price_change, web_address
from apps.catalog.models import DateKind, Offering, ProviderEvent

EventKind = ProviderEvent.Kind


def event_items(
    entries: Iterable[DigestEntry],
    context: DigestContext,
    *,
    notified: Collection[tuple[int | None, int]] = (),
) -> list[DigestItem]:
    """Return an item for each event or milestone that affects an application or was subscribed to.

    Equal rows of several sources are one item. A milestone before a retirement that an event in the
    same digest announces is omitted. `notified` are the pairs (offering, application) whose
    negative runway the digest reports: their milestones are omitted, too.
    """
    entries_by_subject: dict[tuple[object, ...], list[DigestEntry]] = defaultdict(list)
    for entry in entries:
        event = entry.alert.event
        if event is not None:
            entries_by_subject[
                event.offering_id, event.kind, str(event.old), str(event.new), event.effective_on
            ].append(entry)
        elif entry.alert.kind == DayKind.MILESTONE:
            entries_by_subject[
                entry.alert.offering_id, DayKind.MILESTONE, entry.alert.due_on
            ].append(entry)
    events = [
        _event_item(group, context)
        for group in entries_by_subject.values()
        if group[0].alert.event is not None
    ]
    announced_ends = {(item.offering_id, item.on, pk) for item in events for pk in item.affected}
    milestones = [
        _milestone_item(group, context, announced_ends, notified)
        for group in entries_by_subject.values()
        if group[0].alert.event is None
    ]
    return [item for item in [*events, *milestones] if item.affected or _is_subscribed_news(item)]


def _is_subscribed_news(item: DigestItem) -> bool:
    """Return whether the item is there because of a subscription, whatever depends on the model."""
    return item.group == "asked"


def _affected_ids(entries: Iterable[DigestEntry], context: DigestContext) -> frozenset[int]:
    """Return the IDs of the applications of the entries that the recipient can view."""
    return frozenset(
        pk for entry in entries for pk in entry.application_ids if pk in context.applications
    )


def _event_item(entries: Sequence[DigestEntry], context: DigestContext) -> DigestItem:
    """Return the item of entries about one event, of which several sources can have a row.

    Events without affected applications are in the group `asked` (subscriptions). Red mark:
    retired, delisted, or retiring within 30 days on an announced date.
    """
    events = [entry.alert.event for entry in entries if entry.alert.event is not None]
    event = events[0]
    offering = event.offering
    affected = _affected_ids(entries, context)
    applications = visible_by_criticality(affected, context)
    roles = {
        row.pk: frozenset[str]().union(
            *(context.roles.get((provider_event.pk, row.pk), ()) for provider_event in events)
        )
        for row in applications
    }
    on = _day_of_effect(event)
    is_earliest = (
        on is not None and offering.date_kind == DateKind.NOT_BEFORE and offering.retires_on == on
    )
    n_days_left = (on - context.today).days if on is not None else None
    group = (
        "asked"
        if not any(entry.application_ids for entry in entries)
        else _group_of(event, n_days_left, is_earliest=is_earliest)
    )
    is_ending = group in {"gone", "ending"}
    return DigestItem(
        title=offering_title(offering),
        api_id=one_line(offering.api_id),
        url=f"{context.public_url}/events/{event.pk}/",
        what=_change_clause(event, is_earliest=is_earliest) + _monthly_clause(entries),
        margin=_margin(event, group, n_days_left, is_earliest=is_earliest),
        pressing=group == "gone"
        or (group == "ending" and not is_earliest and n_days_left is not None and n_days_left <= 30)
        or group == "delisted",
        applications=application_lines(
            applications,
            context,
            roles=roles,
            ending_offering_ids=[offering.pk] if is_ending else [],
        ),
        n_more_applications=max(0, len(applications) - MAX_APPLICATIONS),
        replacement=_replacement(event, context),
        sources=_sources(events, context),
        severity=max(entry.alert.severity for entry in entries),
        affected=affected,
        on=on,
        group=group,
        note=occasion_note(entries, context),
        alert_ids=tuple(entry.alert.pk for entry in entries),
        offering_id=offering.pk,
        soft=is_earliest,
    )


def _milestone_item(
    entries: Sequence[DigestEntry],
    context: DigestContext,
    announced_ends: Collection[tuple[int | None, date | None, int]],
    notified: Collection[tuple[int | None, int]],
) -> DigestItem:
    """Return the item of a milestone: the days until a retirement date.

    Applications in `announced_ends`, triples (offering, date, application), and in `notified`,
    pairs (offering, application), are omitted, since another item of the digest reports the same.
    """
    alert = entries[0].alert
    offering = context.offerings[alert.offering_id or 0]
    affected = frozenset(
        pk
        for pk in _affected_ids(entries, context)
        if (alert.offering_id, alert.due_on, pk) not in announced_ends
        and (alert.offering_id, pk) not in notified
    )
    applications = visible_by_criticality(affected, context)
    is_earliest = bool(alert.details.get("soft"))
    on = alert.due_on
    n_days_left = (on - context.today).days if on is not None else 0
    date_phrase = f"on {day(on)}" if on else ""
    clause = f"ends {date_phrase}" if n_days_left > 0 else f"ended {date_phrase}"
    if is_earliest and on:
        clause = (
            f"does not end before {day(on)}"
            if n_days_left > 0
            else f"may end any day since {day(on)}"
        )
    elif n_days_left == 0:
        clause = f"ends today, {day(on)}" if on else "ends today"
    return DigestItem(
        title=offering_title(offering),
        api_id=one_line(offering.api_id),
        url=f"{context.public_url}/offerings/{offering.pk}/",
        what=clause,
        margin=_format_days_left(n_days_left, is_earliest=is_earliest),
        pressing=n_days_left <= 30 and not is_earliest,
        applications=application_lines(applications, context, ending_offering_ids=[offering.pk]),
        n_more_applications=max(0, len(applications) - MAX_APPLICATIONS),
        replacement=replacement_text(offering, context),
        sources=(),
        severity=max(entry.alert.severity for entry in entries),
        affected=affected,
        on=on,
        group="gone" if n_days_left <= 0 and not is_earliest else "ending",
        note=occasion_note(entries, context),
        alert_ids=tuple(entry.alert.pk for entry in entries),
        offering_id=offering.pk,
        soft=is_earliest,
    )


def offering_title(offering: Offering) -> str:
    """Return `{foundation} at {host}`, with the region if the offering has one."""
    name = (
        offering.version.foundation.name if offering.version else offering.name or offering.api_id
    )
    region = f" in {offering.region_scope}" if offering.region_scope else ""
    return one_line(f"{name} at {offering.host.name}{region}")


def _monthly_clause(entries: Iterable[DigestEntry]) -> str:
    """Return the change of monthly cost, `; for what is used about 1,240 USD a month more`; empty
    if unknown or zero."""
    amounts = [
        money(entry.alert.details["monthly_usd"])
        for entry in entries
        if "monthly_usd" in entry.alert.details
    ]
    total = sum(amounts)
    if not amounts or not total:
        return ""
    return (
        f"; for what is used about {abs(total):,.0f} USD a month {'more' if total > 0 else 'less'}"
    )


def _day_of_effect(event: ProviderEvent) -> date | None:
    """Return the day on which the change takes effect: the new date or, of a delisted offering, the
    date it had. None if no date is known."""
    if event.kind == EventKind.WITHDRAWN:
        return None
    if event.kind == EventKind.DELISTED:
        return as_day(event.old)
    return event.effective_on or as_day(event.new)


def _group_of(event: ProviderEvent, n_days_left: int | None, *, is_earliest: bool) -> str:
    """Return the key of GROUP_GUIDANCE. `n_days_left` is negative after the date; None without
    one."""
    if event.kind in {EventKind.MOVED_LATER, EventKind.WITHDRAWN}:
        return "relief"
    if event.kind == EventKind.DELISTED:
        return "delisted"
    if event.kind == EventKind.REPRICED:
        return "dearer" if is_price_increase(event.old, event.new) else "cheaper"
    has_passed = n_days_left is not None and n_days_left <= 0 and not is_earliest
    return "gone" if event.kind == EventKind.RETIRED or has_passed else "ending"


def _change_clause(event: ProviderEvent, *, is_earliest: bool) -> str:
    """Return the change as one clause, old value first. `is_earliest`: the new date is a lower
    bound."""
    old, new = as_day(event.old), as_day(event.new) or event.effective_on
    old_text, new_text = day(old) if old else "no date", day(new) if new else "no date"
    prefix = "not before " if is_earliest else ""
    if event.kind == EventKind.ANNOUNCED:
        return f"end announced: no date → {prefix}{new_text}"
    if event.kind in {EventKind.MOVED_EARLIER, EventKind.MOVED_LATER}:
        shift = (
            f", {days(abs((new - old).days))} {'later' if new > old else 'earlier'}"
            if old and new
            else ""
        )
        return f"end moved: {old_text} → {prefix}{new_text}{shift}"
    if event.kind == EventKind.WITHDRAWN:
        return f"end taken back: {old_text} → no date"
    if event.kind == EventKind.RETIRED:
        return f"retired on {new_text}" if new else "retired"
    if event.kind == EventKind.DELISTED:
        return f"left the list; the date it had: {old_text}"
    if event.kind == EventKind.REPRICED:
        return price_change(event.old, event.new)
    if event.kind == EventKind.ALIAS_MOVED:
        return f"the name moved: {_id(event.old)} → {_id(event.new)}"
    return event.get_kind_display().lower()


def _id(value: object) -> str:
    return one_line(value, max_length=100) if value else "nothing"


def _margin(event: ProviderEvent, group: str, n_days_left: int | None, *, is_earliest: bool) -> str:
    """Return the figure beside the item: days left, or that it is about a price."""
    if event.kind == EventKind.REPRICED:
        return "price"
    return (
        "no date"
        if n_days_left is None
        else _format_days_left(n_days_left, is_earliest=is_earliest)
    )


def _format_days_left(n_days_left: int, *, is_earliest: bool) -> str:
    """Return the days left; of an earliest retirement date (`is_earliest`) a lower bound."""
    if n_days_left > 0:
        return f"{'at least ' if is_earliest else ''}{days(n_days_left)} left"
    if is_earliest:
        return "any day"
    return "today" if n_days_left == 0 else f"{days(-n_days_left)} ago"


def _replacement(event: ProviderEvent, context: DigestContext) -> str:
    """Return the replacement that the provider names; empty for a new price or a withdrawn date,
    which need none."""
    if event.kind in {EventKind.REPRICED, EventKind.WITHDRAWN}:
        return ""
    return replacement_text(event.offering, context)


def replacement_text(offering: Offering, context: DigestContext) -> str:
    """Return the replacement that the provider names, with its price beside the current one if both
    are known.

    An example: `gemini-3-pro at Google, 2.00 in and 12.00 out; today 1.25 and 10.00 USD per million
    tokens`. A replacement that is no offering is returned as the provider wrote it; empty without
    one.
    """
    replacement = offering.replacement
    if replacement is None:
        return one_line(offering.replacement_text)
    name = f"{replacement.api_id} at {replacement.host.name}"
    replacement_price, current_price = (
        context.prices.get(replacement.pk),
        context.prices.get(offering.pk),
    )
    if replacement_price is None or replacement_price.input is None:
        return one_line(name)
    comparison = (
        f"; today {_format_price_pair(current_price)}"
        if current_price is not None and current_price.input is not None
        else ""
    )
    replacement_prices = _format_price_pair(replacement_price, is_labelled=True)
    return one_line(f"{name}, {replacement_prices}{comparison} USD per million tokens")


def _format_price_pair(prices: Price, *, is_labelled: bool = False) -> str:
    """Return input and output price, `2.00 and 12.00`; with `is_labelled`, `2.00 in and 12.00
    out`."""
    input_text = f"{price(prices.input)}{' in' if is_labelled else ''}"
    return (
        input_text
        if prices.output is None
        else f"{input_text} and {price(prices.output)}{' out' if is_labelled else ''}"
    )


def _sources(events: Sequence[ProviderEvent], context: DigestContext) -> tuple[SourceLink, ...]:
    """Return at most MAX_SOURCES different links to the sources of the events."""
    links: dict[SourceLink, None] = {}
    for event in events:
        for url in context.sources.get(event.pk) or [""]:
            links[SourceLink(one_line(event.source.name), web_address(url))] = None
    return tuple(links)[:MAX_SOURCES]
