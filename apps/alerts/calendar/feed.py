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
from apps.alerts.text import listed, long_day, one_line
from apps.catalog.models import Offering, OfferingKind
from apps.common.processes.lazy_import import lazy_import
from apps.common.time import day_of, start_of
from apps.inventory.models import Application

if TYPE_CHECKING:
    import icalendar
else:
    icalendar = lazy_import("icalendar")

# {category: kind} in URLs that users saved before the categories had their present names.
_FORMER_CATEGORIES: Mapping[str, str] = {
    "Days to the end": DayKind.MILESTONE,
    "Acceptance expires": DayKind.ACCEPTANCE_EXPIRING,
    "Exit test expires": DayKind.EXIT_TEST_EXPIRING,
    "Waiver expires": DayKind.WAIVER_EXPIRING,
    "Gate waiver expires": DayKind.GATE_WAIVER_EXPIRING,
    "Approval expires": DayKind.APPROVAL_EXPIRING,
    "Mute expires": DayKind.MUTE_EXPIRING,
    "Key expires": DayKind.KEY_EXPIRING,
}
# A summary names this many applications and counts the others.
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
    entries, is_cut = calendar_entries(user, today=day_of(at), limit=MAX_ENTRIES)
    return render_ical(entries, is_cut=is_cut)


def calendar_entries(
    user: User,
    *,
    today: date,
    first: date | None = None,
    last: date | None = None,
    kind: str = "",
    limit: int = MAX_ENTRIES,
) -> tuple[list[CalendarEntry], bool]:
    """List the events by date, between `first` and `last` and of one category if given.

    At most `limit` retirements and `limit` deadlines are returned. The second value is True if
    there are more; the ones nearest to `first` (without it: to today) are returned."""
    if not user.is_active:
        return [], False
    kinds, team_ids = kinds_in_category(kind), _list_visible_team_ids(user)
    deadlines = upcoming_deadlines(
        on=today,
        team_ids=team_ids,
        user_id=user.pk,
        first=first,
        last=last,
        kinds=kinds,
        limit=limit,
    )
    is_cut = len(deadlines) > limit
    deadlines = _select_nearest(deadlines, first or today, limit)
    if is_cut and first is not None:
        # Load no retirement after the last deadline that is returned.
        last = deadlines[-1].on
    retirements = (
        upcoming_retirements(on=today, team_ids=team_ids, first=first, last=last, limit=limit)
        if DayKind.MILESTONE in kinds
        else []
    )
    is_cut = is_cut or len(retirements) > limit
    retirements = _select_nearest(retirements, first or today, limit)
    application_ids = {pk for retirement in retirements for pk in retirement.application_ids}
    applications = _load_applications(
        user,
        application_ids
        | {deadline.application_id for deadline in deadlines if deadline.application_id},
    )
    offerings = Offering.objects.select_related("host", "replacement__host").in_bulk(
        [retirement.offering_id for retirement in retirements]
    )
    entries = [
        *_build_retirement_entries(retirements, offerings, applications),
        *_build_deadline_entries(deadlines, applications),
    ]
    return sorted(entries, key=lambda entry: (entry.on, entry.uid)), is_cut


def count_entries(user: User, *, today: date, first: date, last: date, kind: str = "") -> int:
    """Count the events, MAX_ENTRIES + 1 if there are more; one statement."""
    if not user.is_active:
        return 0
    return count_upcoming(
        on=today,
        team_ids=_list_visible_team_ids(user),
        user_id=user.pk,
        first=first,
        last=last,
        kinds=kinds_in_category(kind),
    )


def kinds_in_category(category: str) -> list[str]:
    """List the deadline kinds of an event category; all if it is empty."""
    kind = _FORMER_CATEGORIES.get(category)
    label = KINDS[kind] if kind else category
    return [kind for kind in calendar_kinds() if not label or KINDS[kind] == label]


def _list_visible_team_ids(user: User) -> list[int] | None:
    return None if user.can_read_all else sorted(user.team_roles())


def _select_nearest[Row: UpcomingRetirement | UpcomingDeadline](
    rows: Sequence[Row], day: date, limit: int
) -> list[Row]:
    return sorted(rows, key=lambda row: abs((row.on - day).days))[:limit]


def _load_applications(user: User, ids: set[int]) -> dict[int, _VisibleApplication]:
    rows = (
        Application.objects.visible_to(user)
        .filter(pk__in=ids)
        .annotate(changed=Greatest("updated_at", Max("dependencies__updated_at")))
        .order_by()
        .values_list("pk", "name", "slug", "changed")
    )
    return {
        pk: _VisibleApplication(one_line(name), slug, changed_at)
        for pk, name, slug, changed_at in rows
    }


# --- retirements ----------------------------------------------------------------------------------


def _build_retirement_entries(
    retirements: Sequence[UpcomingRetirement],
    offerings: Mapping[int, Offering],
    applications: Mapping[int, _VisibleApplication],
) -> Iterator[CalendarEntry]:
    """Yield an entry for each retirement of which the reader can view an application."""
    for retirement in retirements:
        visible_applications = [
            applications[pk] for pk in retirement.application_ids if pk in applications
        ]
        if not visible_applications:
            continue
        offering = offerings[retirement.offering_id]
        # Between the two queries an application may have moved to another team.
        n_applications = retirement.n - (
            len(retirement.application_ids) - len(visible_applications)
        )
        name = one_line(offering.label)
        clause = (
            f"{name} retires no earlier than {long_day(retirement.on)}"
            if retirement.soft
            else f"{name} retires"
        )
        names = _join_names(visible_applications[:MAX_NAMES_IN_SUMMARY], n_applications)
        yield CalendarEntry(
            uid=_build_uid(f"offering-{offering.pk}-end"),
            on=retirement.on,
            summary=one_line(f"{clause}: {names}", max_length=300),
            description="\n".join(
                _describe_retirement(
                    retirement, offering, name, visible_applications, n_applications
                )
            ),
            path=f"/offerings/{offering.pk}/",
            category=KINDS[DayKind.MILESTONE],
            sequence=retirement.n_versions,
            changed_at=_find_latest_change(
                retirement.changed_at,
                *(application.changed_at for application in visible_applications),
            ),
        )


def _describe_retirement(
    retirement: UpcomingRetirement,
    offering: Offering,
    name: str,
    applications: Sequence[_VisibleApplication],
    n_applications: int,
) -> Iterator[str]:
    """Yield the lines of the description: the date, the applications and the replacement."""
    if retirement.soft:
        yield (
            f"{name} retires no earlier than {long_day(retirement.on)}. From then on it can retire "
            "any day."
        )
    else:
        source = "The date is announced."
        if offering.kind == OfferingKind.NAME:
            source = "The date is that of a model ID that it may be."
        yield f"{name} retires on {long_day(retirement.on)}. {source}"
    primary_count = f"{retirement.n_primary:,}" if retirement.n_primary else "none"
    suffix = "" if n_applications == 1 else "s"
    yield f"Used by {n_applications:,} application{suffix}, {primary_count} as a primary model:"
    yield from (f"- {application.name}" for application in applications)
    if n_applications > len(applications):
        yield f"- and {n_applications - len(applications):,} more"
    replacement = (
        str(offering.replacement) if offering.replacement is not None else offering.replacement_text
    )
    if replacement:
        yield f"Provider's replacement: {one_line(replacement)}"


def _join_names(applications: Sequence[_VisibleApplication], n: int) -> str:
    names = [application.name for application in applications]
    n_more = n - len(names)
    return f"{', '.join(names)} and {n_more:,} more" if n_more else listed(names)


# --- deadlines of the organisation ----------------------------------------------------------------


def _build_deadline_entries(
    deadlines: Sequence[UpcomingDeadline], applications: Mapping[int, _VisibleApplication]
) -> Iterator[CalendarEntry]:
    """Yield an entry for each deadline whose application, if any, the reader can view."""
    for deadline in deadlines:
        application = applications.get(deadline.application_id or 0)
        if deadline.application_id is not None and application is None:
            continue
        # An unsaved alert, for the heading that an alert has on the day itself.
        alert = Alert(
            kind=deadline.kind,
            subject_kind=deadline.subject_kind,
            subject_id=deadline.subject_id,
            details=deadline.words,
        )
        alert.due_on = deadline.on
        heading = one_line(
            reminder_heading(alert, name=application.name if application else "", on=deadline.on),
            max_length=300,
        )
        yield CalendarEntry(
            uid=_build_uid(
                f"{deadline.subject_kind}-{deadline.subject_id}-{deadline.kind}".replace("_", "-")
            ),
            on=deadline.on,
            summary=heading,
            description=f"{heading[:1].upper()}{heading[1:]}.",
            path=_find_path(deadline, application),
            category=KINDS[deadline.kind],
            sequence=deadline.n_versions,
            changed_at=_find_latest_change(
                deadline.changed_at, application.changed_at if application else None
            ),
        )


def _find_path(deadline: UpcomingDeadline, application: _VisibleApplication | None) -> str:
    if application is not None:
        return f"/applications/{application.slug}/"
    return "/" if deadline.subject_kind == SubjectKind.FLAG else "/alerts/"


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
        calendar.add_component(_build_event(entry))
    return bytes(calendar.to_ical())


def _build_event(entry: CalendarEntry) -> "icalendar.Event":
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
    # The event does not block any time of the day.
    event.add("transp", "TRANSPARENT")
    return event


def _build_uid(subject: str) -> str:
    return f"{subject}@{urlsplit(settings.PUBLIC_URL).hostname or 'localhost'}"


def _find_latest_change(*moments: datetime | None) -> datetime:
    known_moments = [moment for moment in moments if moment is not None]
    return (
        max(known_moments).replace(microsecond=0) if known_moments else start_of(date(2020, 1, 1))
    )


__all__ = ["CalendarEntry", "build_calendar", "calendar_entries", "count_entries", "render_ical"]
