"""iCalendar feed (RFC 5545) of one user's retirement dates and deadlines, which calendar apps poll.

It has one all-day event for each retirement of a model and each date of the organisation, limited
to subjects that the user can view. An event keeps its UID for as long as its subject exists, so
that a changed date moves the event."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Max
from django.db.models.functions import Greatest

from apps.accounts.models import User
from apps.alerts.calendar.queries import (
    MAX_ENTRIES,
    UpcomingDeadline,
    UpcomingRetirement,
    calendar_kinds,
    count_upcoming,
    upcoming_deadlines,
    upcoming_retirements,
)
from apps.alerts.kinds.reminders.reminder_text import reminder_heading
from apps.alerts.models import KINDS, Alert, DayKind, SubjectKind
from apps.alerts.text import day, listed, long_day, one_line
from apps.catalog.models import Offering
from apps.common.processes.lazy_import import lazy_import
from apps.common.time import day_of, start_of
from apps.inventory.models import Application

if TYPE_CHECKING:
    import icalendar
else:
    icalendar = lazy_import("icalendar")

# a summary names these and counts the rest
MAX_NAMES_IN_SUMMARY = 3
REFRESH_INTERVAL = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One all-day event. `sequence` grows with every change of its subject; `changed_at` is the
    time of the latest change."""

    uid: str
    on: date
    summary: str
    description: str
    path: str
    category: str
    sequence: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class _VisibleApplication:
    """An application that the user can view."""

    name: str
    slug: str
    changed_at: datetime | None


def build_calendar(user: User, *, at: datetime) -> bytes:
    """Build the calendar of what `user` can view, from three months ago on; five statements
    whatever its size. Equal as long as its content is unchanged, so that an ETag works."""
    entries, is_cut = calendar_entries(user, today=day_of(at), most=MAX_ENTRIES)
    return render_ical(entries, is_cut=is_cut)


def calendar_entries(
    user: User,
    *,
    today: date,
    first: date | None = None,
    last: date | None = None,
    kind: str = "",
    most: int = MAX_ENTRIES,
) -> tuple[list[CalendarEntry], bool]:
    """List the events by date, between `first` and `last` and of one category if given.

    At most `most` retirements and `most` deadlines are returned. The second value is True if there
    are more; the ones nearest to `first` (without it: to today) are returned."""
    if not user.is_active:
        return [], False
    kinds, team_ids = kinds_in_category(kind), _team_ids(user)
    days = upcoming_deadlines(
        on=today, team_ids=team_ids, user_id=user.pk, first=first, last=last, kinds=kinds, most=most
    )
    is_cut = len(days) > most
    days = _nearest(days, first or today, most)
    if is_cut and first is not None:
        # an end behind the last of as many days as are asked for is not asked for either
        last = days[-1].on
    ends = (
        upcoming_retirements(on=today, team_ids=team_ids, first=first, last=last, most=most)
        if DayKind.MILESTONE in kinds
        else []
    )
    is_cut = is_cut or len(ends) > most
    ends = _nearest(ends, first or today, most)
    named = {pk for end in ends for pk in end.application_ids}
    applications = _applications(
        user, named | {row.application_id for row in days if row.application_id}
    )
    offerings = Offering.objects.select_related("host", "replacement__host").in_bulk(
        [end.offering_id for end in ends]
    )
    entries = [
        *_retirement_entries(ends, offerings, applications),
        *_deadline_entries(days, applications),
    ]
    return sorted(entries, key=lambda entry: (entry.on, entry.uid)), is_cut


def count_entries(user: User, *, today: date, first: date, last: date, kind: str = "") -> int:
    """Count the events, MAX_ENTRIES + 1 if there are more; one statement."""
    if not user.is_active:
        return 0
    return count_upcoming(
        on=today,
        team_ids=_team_ids(user),
        user_id=user.pk,
        first=first,
        last=last,
        kinds=kinds_in_category(kind),
    )


def kinds_in_category(category: str) -> list[str]:
    """List the deadline kinds of an event category; all if it is empty."""
    return [kind for kind in calendar_kinds() if not category or KINDS[kind] == category]


def _team_ids(user: User) -> list[int] | None:
    return None if user.can_read_all else sorted(user.team_roles())


def _nearest[Row: UpcomingRetirement | UpcomingDeadline](
    rows: Sequence[Row], day: date, most: int
) -> list[Row]:
    return sorted(rows, key=lambda row: abs((row.on - day).days))[:most]


def _applications(user: User, ids: set[int]) -> dict[int, _VisibleApplication]:
    rows = (
        Application.objects.visible_to(user)
        .filter(pk__in=ids)
        .annotate(changed=Greatest("updated_at", Max("dependencies__updated_at")))
        .order_by()
        .values_list("pk", "name", "slug", "changed")
    )
    return {
        pk: _VisibleApplication(one_line(name), slug, changed) for pk, name, slug, changed in rows
    }


# --- ends of models -------------------------------------------------------------------------------


def _retirement_entries(
    ends: Sequence[UpcomingRetirement],
    offerings: Mapping[int, Offering],
    applications: Mapping[int, _VisibleApplication],
) -> Iterator[CalendarEntry]:
    for end in ends:
        visible = [applications[pk] for pk in end.application_ids if pk in applications]
        if not visible:
            continue
        offering = offerings[end.offering_id]
        # between the two reads an application may have gone to another team
        n = end.n - (len(end.application_ids) - len(visible))
        name = one_line(offering)
        ends_so = f"{name} retires no earlier than {day(end.on)}" if end.soft else f"{name} retires"
        yield CalendarEntry(
            uid=_uid(f"offering-{offering.pk}-end"),
            on=end.on,
            summary=one_line(f"{ends_so}: {_names(visible[:MAX_NAMES_IN_SUMMARY], n)}", most=300),
            description="\n".join(_retirement_entry(end, offering, name, visible, n)),
            path=f"/offerings/{offering.pk}/",
            category=KINDS[DayKind.MILESTONE],
            sequence=end.n_versions,
            changed_at=_latest(end.changed_at, *(each.changed_at for each in visible)),
        )


def _retirement_entry(
    end: UpcomingRetirement,
    offering: Offering,
    name: str,
    applications: Sequence[_VisibleApplication],
    n: int,
) -> Iterator[str]:
    if end.soft:
        yield (
            f"{name} retires no earlier than {long_day(end.on)}. From then on it can retire any "
            "day."
        )
    else:
        yield f"{name} retires on {long_day(end.on)}. The date is announced."
    primaries = f"{end.n_primary:,}" if end.n_primary else "none"
    yield f"Used by {n:,} application{'' if n == 1 else 's'}, {primaries} as a primary model:"
    yield from (f"- {each.name}" for each in applications)
    if n > len(applications):
        yield f"- and {n - len(applications):,} more"
    replacement = (
        str(offering.replacement) if offering.replacement is not None else offering.replacement_text
    )
    if replacement:
        yield f"Provider's replacement: {one_line(replacement)}"


def _names(applications: Sequence[_VisibleApplication], n: int) -> str:
    names = [each.name for each in applications]
    more = n - len(names)
    return f"{', '.join(names)} and {more:,} more" if more else listed(names)


# --- days of the organisation's own ---------------------------------------------------------------


def _deadline_entries(
    days: Sequence[UpcomingDeadline], applications: Mapping[int, _VisibleApplication]
) -> Iterator[CalendarEntry]:
    for row in days:
        seen = applications.get(row.application_id or 0)
        if row.application_id is not None and seen is None:
            continue
        # the words of an alert about it, on the day itself
        alert = Alert(
            kind=row.kind,
            subject_kind=row.subject_kind,
            subject_id=row.subject_id,
            details=row.words,
        )
        alert.due_on = row.on
        heading = one_line(
            reminder_heading(alert, name=seen.name if seen else "", on=row.on), most=300
        )
        yield CalendarEntry(
            uid=_uid(f"{row.subject_kind}-{row.subject_id}-{row.kind}".replace("_", "-")),
            on=row.on,
            summary=heading,
            description=f"{heading[:1].upper()}{heading[1:]}.",
            path=_path(row, seen),
            category=KINDS[row.kind],
            sequence=row.n_versions,
            changed_at=_latest(row.changed_at, seen.changed_at if seen else None),
        )


def _path(row: UpcomingDeadline, application: _VisibleApplication | None) -> str:
    if application is not None:
        return f"/applications/{application.slug}/"
    return "/" if row.subject_kind == SubjectKind.FLAG else "/alerts/"


# --- RFC 5545 -------------------------------------------------------------------------------------


def render_ical(entries: Sequence[CalendarEntry], *, is_cut: bool = False) -> bytes:
    """Render the entries as iCalendar text. The library escapes and folds lines."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Foundation Registry//Calendar 1//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("name", icalendar.vText("Foundation Registry"))
    calendar.add("x-wr-calname", icalendar.vText("Foundation Registry"))
    if is_cut:
        calendar.add(
            "x-wr-caldesc",
            icalendar.vText(
                f"More than {MAX_ENTRIES:,} dates: the calendar shows those nearest to today."
            ),
        )
    calendar.add("refresh-interval", REFRESH_INTERVAL, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", icalendar.vText("PT6H"))
    for entry in entries:
        calendar.add_component(_event(entry))
    return bytes(calendar.to_ical())


def _event(entry: CalendarEntry) -> "icalendar.Event":
    event = icalendar.Event()
    url = f"{settings.PUBLIC_URL}{entry.path}"
    event.add("uid", entry.uid)
    event.add("dtstamp", entry.changed_at)
    event.add("last-modified", entry.changed_at)
    event.add("sequence", entry.sequence)
    event.add("dtstart", entry.on)
    event.add("dtend", entry.on + timedelta(days=1))
    event.add("summary", entry.summary)
    event.add("description", f"{entry.description}\n{url}")
    event.add("url", url)
    event.add("categories", [entry.category])
    # it tells of a day and takes no time of it
    event.add("transp", "TRANSPARENT")
    return event


def _uid(what: str) -> str:
    return f"{what}@{urlsplit(settings.PUBLIC_URL).hostname or 'localhost'}"


def _latest(*moments: datetime | None) -> datetime:
    known = [moment for moment in moments if moment is not None]
    return max(known).replace(microsecond=0) if known else start_of(date(2020, 1, 1))


__all__ = ["CalendarEntry", "build_calendar", "calendar_entries", "count_entries", "render_ical"]
