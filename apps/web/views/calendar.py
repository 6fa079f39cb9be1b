"""Calendar of the user's own dates: a chart, a list by month, a CSV, and a URL for calendar
apps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.formats import date_format
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.alerts.calendar.feed import CalendarEntry, calendar_entries, count_entries
from apps.alerts.calendar.queries import MAX_ENTRIES, PAST_DAYS, calendar_kinds
from apps.alerts.models import KINDS, CalendarFeed
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import RetiringOffering, retiring_offerings
from apps.web.drawings.timelines import retirements
from apps.web.drawings.timelines.retirements import Timeline
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.overview import timeline_rows
from apps.web.wording import as_word, long_day, number

# offered as links; any other number of days works from the address
HORIZONS = (30, 90, 180, 365)
DEFAULT_HORIZON = 180
MAX_HORIZON = 3 * 365
MAX_DRAWN_MARKS = 24
# lines of the page; the file has all
MAX_ROWS = 300
URGENT_DAYS = 30


@dataclass(frozen=True, slots=True)
class CalendarLine:
    entry: CalendarEntry
    n_days: int

    @property
    def words(self) -> str:
        """The words of the day itself, read on another one."""
        return self.entry.summary.removesuffix(" today") if self.n_days else self.entry.summary

    @property
    def is_past(self) -> bool:
        return self.n_days < 0

    @property
    def is_urgent(self) -> bool:
        return self.n_days <= URGENT_DAYS


@dataclass(frozen=True, slots=True)
class CalendarMonth:
    name: str
    lines: tuple[CalendarLine, ...]


@dataclass(frozen=True, slots=True)
class CalendarQuery:
    """Query of the URL; `kind` is a category, empty for all."""

    days: int
    kind: str
    past: bool


def _parse_query(request: HttpRequest) -> CalendarQuery:
    text = request.GET.get("days", "")
    days = (
        min(int(text), MAX_HORIZON) if text.isdecimal() and 0 < len(text) < 6 else DEFAULT_HORIZON
    )
    return CalendarQuery(
        max(days, 1), request.GET.get("kind", ""), request.GET.get("past") == "yes"
    )


def _window(asked: CalendarQuery, today: date) -> tuple[date, date]:
    """(first, last): what has passed goes back a quarter."""
    return today - timedelta(PAST_DAYS if asked.past else 0), today + timedelta(asked.days)


def _lines(
    user: User, asked: CalendarQuery, today: date, *, most: int = MAX_ENTRIES
) -> tuple[list[CalendarLine], bool]:
    """The first days of the window; True where there are more than `most`."""
    first, last = _window(asked, today)
    entries, is_cut = calendar_entries(
        user, today=today, first=first, last=last, kind=asked.kind, limit=most
    )
    return [CalendarLine(entry, (entry.on - today).days) for entry in entries], is_cut


@require_safe
def calendar_page(request: HttpRequest) -> HttpResponse:
    user, at = signed_in_user(request), now()
    today, asked = day_of(at), _parse_query(request)
    first, last = _window(asked, today)
    lines, is_cut = _lines(user, asked, today, most=MAX_ROWS)
    # most calendars are shorter, and counted by themselves
    n = (
        count_entries(user, today=today, first=first, last=last, kind=asked.kind)
        if is_cut
        else len(lines)
    )
    n_coming = n if not asked.past else sum(not line.is_past for line in lines)
    if is_cut and asked.past:
        n_coming = count_entries(user, today=today, first=today, last=last, kind=asked.kind)
    ends = retiring_offerings(
        user=user, on=today, within=asked.days, limit=MAX_DRAWN_MARKS + 1, since=first
    )
    wide, narrow = _drawn(ends[:MAX_DRAWN_MARKS], today, asked.days)
    return render_page(
        request,
        "calendar/calendar.html",
        fragment="listing",
        title="Calendar",
        counts="Dates of what you may see",
        as_of=at,
        sentence=calendar_headline(_next(user, lines, asked, today), n_coming, asked),
        asked=asked,
        horizons=HORIZONS,
        kinds=sorted({KINDS[kind] for kind in calendar_kinds()}),
        months=[
            CalendarMonth(name, tuple(group))
            for name, group in groupby(
                lines[:MAX_ROWS], key=lambda line: date_format(line.entry.on, "F Y")
            )
        ],
        n=n,
        n_left=max(0, min(n, MAX_ENTRIES) - MAX_ROWS),
        wide=wide,
        narrow=narrow,
        more=len(ends) > MAX_DRAWN_MARKS,
        drawn=MAX_DRAWN_MARKS,
        cut=MAX_ENTRIES if n > MAX_ENTRIES else 0,
        n_feeds=CalendarFeed.objects.visible_to(user).filter(user=user, revoked_at=None).count(),
    )


def _next(
    user: User, lines: Sequence[CalendarLine], asked: CalendarQuery, today: date
) -> CalendarLine | None:
    """The next day to come; asked for where those that have passed fill the page."""
    coming = next((line for line in lines if not line.is_past), None)
    if coming is None and len(lines) >= MAX_ROWS:
        ahead, _is_cut = _lines(
            user, CalendarQuery(asked.days, asked.kind, past=False), today, most=1
        )
        coming = next(iter(ahead), None)
    return coming


def _drawn(
    ends: Sequence[RetiringOffering], today: date, days: int
) -> tuple[Timeline | None, Timeline | None]:
    if not ends:
        return None, None
    drawn = [timeline_rows(row, today) for row in ends]
    return (
        retirements.draw_timeline(drawn, today=today, days=days),
        retirements.draw_timeline(drawn, today=today, days=days, narrow=True),
    )


def calendar_headline(first: CalendarLine | None, n: int, asked: CalendarQuery) -> Headline:
    """State how many dates are ahead, and the next one; counting stops at MAX_ENTRIES."""
    within = pluralize(asked.days, "the next day", f"the next {asked.days} days")
    if first is None:
        return Headline(f"Nothing ends or is due in {within}.")
    count = pluralize(n, "{n} date falls in {within}", "{n} dates fall in {within}").format(
        n=f"More than {number(MAX_ENTRIES)}" if n > MAX_ENTRIES else as_word(n).capitalize(),
        within=within,
    )
    when = "today" if first.n_days == 0 else long_day(first.entry.on)
    return Headline(
        f"{count}; " + "the next is ",
        when if first.is_urgent else "",
        ("" if first.is_urgent else when) + f": {first.words}.",
    )


@require_safe
def calendar_csv(request: HttpRequest) -> StreamingHttpResponse:
    user, today = signed_in_user(request), day_of(now())
    asked = _parse_query(request)
    lines, _is_cut = _lines(user, asked, today)
    return csv_response(
        "calendar",
        ["day", "days left", "kind", "what", "page"],
        lines,
        lambda line: [line.entry.on, line.n_days, line.entry.category, line.words, line.entry.path],
    )
