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
from apps.web.lists.pagination import csv_response
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.retirement_rows import timeline_rows
from apps.web.wording import as_word, long_day, number

# links of the page, in days; any other number of days works in the URL
HORIZONS = (30, 90, 180, 365)
DEFAULT_HORIZON = 180
MAX_HORIZON = 3 * 365
MAX_DRAWN_MARKS = 24
# lines of the page; the CSV has all
MAX_ROWS = 300
URGENT_DAYS = 30


@dataclass(frozen=True, slots=True)
class CalendarLine:
    entry: CalendarEntry
    n_days: int

    @property
    def words(self) -> str:
        """Return the summary; on other days than the date itself without `today`."""
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


def _date_range(query: CalendarQuery, today: date) -> tuple[date, date]:
    """Return (first, last) day of the list; with past dates it starts PAST_DAYS ago."""
    return today - timedelta(PAST_DAYS if query.past else 0), today + timedelta(query.days)


def _load_lines(
    user: User, query: CalendarQuery, today: date, *, max_lines: int = MAX_ENTRIES
) -> tuple[list[CalendarLine], bool]:
    """Return the first lines of the date range, and whether there are more than `max_lines`."""
    first_day, last_day = _date_range(query, today)
    entries, is_cut = calendar_entries(
        user, today=today, first=first_day, last=last_day, kind=query.kind, limit=max_lines
    )
    return [CalendarLine(entry, (entry.on - today).days) for entry in entries], is_cut


@require_safe
def calendar_page(request: HttpRequest) -> HttpResponse:
    """Show retirements and deadlines by month, by the filters of the URL."""
    user, at = signed_in_user(request), now()
    today, query = day_of(at), _parse_query(request)
    first_day, last_day = _date_range(query, today)
    lines, is_cut = _load_lines(user, query, today, max_lines=MAX_ROWS)
    # most calendars fit on the page, so that no count is needed
    n = (
        count_entries(user, today=today, first=first_day, last=last_day, kind=query.kind)
        if is_cut
        else len(lines)
    )
    n_coming = n if not query.past else sum(not line.is_past for line in lines)
    if is_cut and query.past:
        n_coming = count_entries(user, today=today, first=today, last=last_day, kind=query.kind)
    retiring_rows = retiring_offerings(
        user=user, on=today, within=query.days, limit=MAX_DRAWN_MARKS + 1, since=first_day
    )
    wide, narrow = _draw_timelines(retiring_rows[:MAX_DRAWN_MARKS], today, query.days)
    return render_page(
        request,
        "calendar/calendar.html",
        fragment="listing",
        title="Calendar",
        counts="Dates of records that you can view",
        as_of=at,
        sentence=calendar_headline(_find_next(user, lines, query, today), n_coming, query),
        asked=query,
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
        more=len(retiring_rows) > MAX_DRAWN_MARKS,
        drawn=MAX_DRAWN_MARKS,
        cut=MAX_ENTRIES if n > MAX_ENTRIES else 0,
        n_feeds=CalendarFeed.objects.visible_to(user).filter(user=user, revoked_at=None).count(),
    )


def _find_next(
    user: User, lines: Sequence[CalendarLine], query: CalendarQuery, today: date
) -> CalendarLine | None:
    """Return the next line from today on; if past dates fill the page, it is loaded separately."""
    next_line = next((line for line in lines if not line.is_past), None)
    if next_line is None and len(lines) >= MAX_ROWS:
        lines_ahead, _is_cut = _load_lines(
            user, CalendarQuery(query.days, query.kind, past=False), today, max_lines=1
        )
        next_line = next(iter(lines_ahead), None)
    return next_line


def _draw_timelines(
    retiring_rows: Sequence[RetiringOffering], today: date, days: int
) -> tuple[Timeline | None, Timeline | None]:
    if not retiring_rows:
        return None, None
    timeline_entries = [timeline_rows(row, today) for row in retiring_rows]
    return (
        retirements.draw_timeline(timeline_entries, today=today, days=days),
        retirements.draw_timeline(timeline_entries, today=today, days=days, narrow=True),
    )


def calendar_headline(next_line: CalendarLine | None, n: int, query: CalendarQuery) -> Headline:
    """State the number of upcoming dates and the next one; the count stops at MAX_ENTRIES."""
    within = pluralize(query.days, "the next day", f"the next {query.days} days")
    if next_line is None:
        return Headline(f"No retirements or other dates in {within}.")
    count = pluralize(n, "{n} date in {within}", "{n} dates in {within}").format(
        n=f"More than {number(MAX_ENTRIES)}" if n > MAX_ENTRIES else as_word(n).capitalize(),
        within=within,
    )
    day_text = "today" if next_line.n_days == 0 else long_day(next_line.entry.on)
    return Headline(
        f"{count}; " + "next: ",
        day_text if next_line.is_urgent else "",
        ("" if next_line.is_urgent else day_text) + f": {next_line.words}.",
    )


@require_safe
def calendar_csv(request: HttpRequest) -> StreamingHttpResponse:
    user, today = signed_in_user(request), day_of(now())
    query = _parse_query(request)
    lines, _is_cut = _load_lines(user, query, today)
    return csv_response(
        "calendar",
        ["day", "days left", "kind", "what", "page"],
        lines,
        lambda line: [line.entry.on, line.n_days, line.entry.category, line.words, line.entry.path],
    )
