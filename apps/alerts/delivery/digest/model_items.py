"""Items about events and about milestones before an end: what happened to a model, and to whom."""

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
    """One item per thing that happened: rows of several sources that say the same of one offering
    are one, and so are an end that was announced and the milestone before it. `told` are (offering,
    application) of which the mail says already that they end too soon: no milestone need say it
    again."""
    alike: dict[tuple[object, ...], list[DigestEntry]] = defaultdict(list)
    for entry in entries:
        event = entry.alert.event
        if event is not None:
            alike[_fact_key(event)].append(entry)
        elif entry.alert.kind == DayKind.MILESTONE:
            alike[entry.alert.offering_id, DayKind.MILESTONE, entry.alert.due_on].append(entry)
    event_groups = [group for group in alike.values() if group[0].alert.event is not None]
    events = [_event_item(group, context) for group in event_groups]
    known = {
        (entry.alert.offering_id, item.on, pk)
        for item, group in zip(events, event_groups, strict=True)
        for entry in group
        for pk in item.affected
    }
    milestones = [
        _milestone_item(group, context, known, notified)
        for group in alike.values()
        if group[0].alert.event is None
    ]
    return [item for item in [*events, *milestones] if item.affected or _is_subscribed_news(item)]


def _fact_key(event: ProviderEvent) -> tuple[object, ...]:
    """Return what distinguishes the fact of an event: an announced retirement is one fact for all
    its model IDs."""
    if event.announcement is not None:
        return ("announcement", event.announcement.pk, event.kind == EventKind.WITHDRAWN)
    return event.offering_id, event.kind, str(event.old), str(event.new), event.effective_on


def _is_subscribed_news(item: DigestItem) -> bool:
    """News of a provider that somebody subscribed to, whoever stands on it."""
    return item.group == "asked"


def _affected(entries: Iterable[DigestEntry], context: DigestContext) -> frozenset[int]:
    return frozenset(
        pk for entry in entries for pk in entry.application_ids if pk in context.applications
    )


def _event_item(entries: Sequence[DigestEntry], context: DigestContext) -> DigestItem:
    events = sorted(
        (entry.alert.event for entry in entries if entry.alert.event is not None),
        key=lambda event: (event.kind != EventKind.ANNOUNCED, event.pk),
    )
    event = events[0]
    offering = event.offering
    offering_ids = list({each.offering_id: None for each in events})
    is_one_id = len(offering_ids) == 1
    affected = _affected(entries, context)
    shown = visible_by_criticality(affected, context)
    roles = {
        row.pk: frozenset[str]().union(
            *(context.roles.get((each.pk, row.pk), ()) for each in events)
        )
        for row in shown
    }
    on = _day_of_effect(event)
    soft = (
        on is not None and offering.date_kind == DateKind.NOT_BEFORE and offering.retires_on == on
    )
    left = (on - context.today).days if on is not None else None
    group = (
        "asked"
        if not any(entry.application_ids for entry in entries)
        else _group_of(event, left, soft=soft)
    )
    ending = group in {"gone", "ending"}
    return DigestItem(
        title=offering_title(offering) if is_one_id else _announcement_title(event, len(events)),
        api_id=one_line(offering.api_id) if is_one_id else "",
        url=context.public_url + _fact_path(event),
        what=_change_clause(event, soft=soft) + _monthly(entries),
        margin=_margin(event, group, left, soft=soft),
        pressing=group == "gone"
        or (group == "ending" and not soft and left is not None and left <= 30)
        or group == "delisted",
        applications=application_lines(
            shown, context, roles=roles, ending_offering_ids=offering_ids if ending else []
        ),
        n_more_applications=max(0, len(shown) - MAX_APPLICATIONS),
        replacement=_replacement(event, context),
        sources=_sources(events, context),
        severity=max(entry.alert.severity for entry in entries),
        affected=affected,
        on=on,
        group=group,
        note=occasion_note(entries, context),
        alert_ids=tuple(entry.alert.pk for entry in entries),
        offering_id=offering.pk,
        soft=soft,
    )


def _milestone_item(
    entries: Sequence[DigestEntry],
    context: DigestContext,
    known: Collection[tuple[int | None, date | None, int]],
    notified: Collection[tuple[int | None, int]],
) -> DigestItem:
    """What an event or a runway in the same mail says of the same end and application is not said
    again."""
    alert = entries[0].alert
    offering = context.offerings[alert.offering_id or 0]
    affected = frozenset(
        pk
        for pk in _affected(entries, context)
        if (alert.offering_id, alert.due_on, pk) not in known
        and (alert.offering_id, pk) not in notified
    )
    shown = visible_by_criticality(affected, context)
    soft = bool(alert.details.get("soft"))
    on = alert.due_on
    left = (on - context.today).days if on is not None else 0
    when = f"on {day(on)}" if on else ""
    what = f"ends {when}" if left > 0 else f"ended {when}"
    if soft and on:
        what = f"does not end before {day(on)}" if left > 0 else f"may end any day since {day(on)}"
    elif left == 0:
        what = f"ends today, {day(on)}" if on else "ends today"
    return DigestItem(
        title=offering_title(offering),
        api_id=one_line(offering.api_id),
        url=f"{context.public_url}/offerings/{offering.pk}/",
        what=what,
        margin=_left(left, soft=soft),
        pressing=left <= 30 and not soft,
        applications=application_lines(shown, context, ending_offering_ids=[offering.pk]),
        n_more_applications=max(0, len(shown) - MAX_APPLICATIONS),
        replacement=replacement_text(offering, context),
        sources=(),
        severity=max(entry.alert.severity for entry in entries),
        affected=affected,
        on=on,
        group="gone" if left <= 0 and not soft else "ending",
        note=occasion_note(entries, context),
        alert_ids=tuple(entry.alert.pk for entry in entries),
        offering_id=offering.pk,
        soft=soft,
    )


def offering_title(offering: Offering) -> str:
    name = (
        offering.version.foundation.name if offering.version else offering.name or offering.api_id
    )
    where = f" in {offering.region_scope}" if offering.region_scope else ""
    return one_line(f"{name} at {offering.host.name}{where}")


def _announcement_title(event: ProviderEvent, n_events: int) -> str:
    return one_line(f"{event.announcement.subject_name} ({n_events} model IDs)")


def _fact_path(event: ProviderEvent) -> str:
    if event.announcement is not None:
        return f"/retirements/{event.announcement.pk}/"
    return f"/events/{event.pk}/"


def _monthly(entries: Iterable[DigestEntry]) -> str:
    """`; for what you use about 1,240 USD a month more`, where it is known."""
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
    if event.kind == EventKind.WITHDRAWN:
        return None
    if event.kind == EventKind.DELISTED:
        return as_day(event.old)
    return event.effective_on or as_day(event.new)


def _group_of(event: ProviderEvent, left: int | None, *, soft: bool) -> str:
    if event.kind in {EventKind.MOVED_LATER, EventKind.WITHDRAWN}:
        return "relief"
    if event.kind == EventKind.DELISTED:
        return "delisted"
    if event.kind == EventKind.REPRICED:
        return "dearer" if is_price_increase(event.old, event.new) else "cheaper"
    past = left is not None and left <= 0 and not soft
    return "gone" if event.kind == EventKind.RETIRED or past else "ending"


def _change_clause(event: ProviderEvent, *, soft: bool) -> str:
    """The change in one clause, old value first."""
    old, new = as_day(event.old), as_day(event.new) or event.effective_on
    old_text, new_text = day(old) if old else "no date", day(new) if new else "no date"
    until = "not before " if soft else ""
    if event.kind == EventKind.ANNOUNCED:
        return f"end announced: no date → {until}{new_text}"
    if event.kind in {EventKind.MOVED_EARLIER, EventKind.MOVED_LATER}:
        by = (
            f", {days(abs((new - old).days))} {'later' if new > old else 'earlier'}"
            if old and new
            else ""
        )
        return f"end moved: {old_text} → {until}{new_text}{by}"
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


def _margin(event: ProviderEvent, group: str, left: int | None, *, soft: bool) -> str:
    if event.kind == EventKind.REPRICED:
        return "price"
    return "no date" if left is None else _left(left, soft=soft)


def _left(left: int, *, soft: bool) -> str:
    if left > 0:
        return f"{'at least ' if soft else ''}{days(left)} left"
    if soft:
        return "any day"
    return "today" if left == 0 else f"{days(-left)} ago"


def _replacement(event: ProviderEvent, context: DigestContext) -> str:
    """What the provider names in its place; a new price or more time needs none."""
    if event.kind in {EventKind.REPRICED, EventKind.WITHDRAWN}:
        return ""
    return replacement_text(event.offering, context)


def replacement_text(offering: Offering, context: DigestContext) -> str:
    """`gemini-3-pro at Google, 2.00 in and 12.00 out; today 1.25 and 10.00 USD per million
    tokens`"""
    other = offering.replacement
    if other is None:
        return one_line(offering.replacement_text)
    name = f"{other.api_id} at {other.host.name}"
    then, now = context.prices.get(other.pk), context.prices.get(offering.pk)
    if then is None or then.input is None:
        return one_line(name)
    today = f"; today {_pair(now)}" if now is not None and now.input is not None else ""
    return one_line(f"{name}, {_pair(then, named=True)}{today} USD per million tokens")


def _pair(prices: Price, *, named: bool = False) -> str:
    first = f"{price(prices.input)}{' in' if named else ''}"
    return (
        first
        if prices.output is None
        else f"{first} and {price(prices.output)}{' out' if named else ''}"
    )


def _sources(events: Sequence[ProviderEvent], context: DigestContext) -> tuple[SourceLink, ...]:
    links: dict[SourceLink, None] = {}
    for event in events:
        announcement = event.announcement
        name = announcement.announced_by if announcement is not None else None
        for url in context.sources.get(event.pk) or [""]:
            links[SourceLink(one_line(name or event.source.name), web_address(url))] = None
    return tuple(links)[:MAX_SOURCES]
