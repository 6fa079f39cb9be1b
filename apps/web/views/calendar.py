"""What ends when: one's own days as a picture, a list by month, a CSV; and an address for calendar
programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.formats import date_format
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.alerts.calendar import Entry, count_for, entries_for
from apps.alerts.calendar_queries import BACK_DAYS, MOST, kinds_ahead
from apps.alerts.models import KINDS, CalendarFeed
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import RetiringOffering, retiring_offerings
from apps.web.drawings import timeline
from apps.web.drawings.timeline import Timeline
from apps.web.forms import signed_in
from apps.web.listing import csv_answer
from apps.web.page import Sentence, page
from apps.web.views.overview import ending_of
from apps.web.wording import long_day, number, spelled

# offered as links; any other number of days works from the address
HORIZONS = (30, 90, 180, 365)
USUAL = 180
FARTHEST = 3 * 365
DRAWN = 24
# lines of the page; the file has all
SHOWN = 300
URGENT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Line:
    entry: Entry
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
class Month:
    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for; `kind` is a category, empty for all."""

    days: int
    kind: str
    past: bool


def _asked(request: HttpRequest) -> Asked:
    text = request.GET.get("days", "")
    days = min(int(text), FARTHEST) if text.isdecimal() and 0 < len(text) < 6 else USUAL
    return Asked(max(days, 1), request.GET.get("kind", ""), request.GET.get("past") == "yes")


def _window(asked: Asked, today: date) -> tuple[date, date]:
    """(first, last): what has passed goes back a quarter."""
    return today - timedelta(BACK_DAYS if asked.past else 0), today + timedelta(asked.days)


def _lines(user: User, asked: Asked, today: date, *, most: int = MOST) -> tuple[list[Line], bool]:
    """The first days of the window; True where there are more than `most`."""
    first, last = _window(asked, today)
    entries, is_cut = entries_for(
        user, today=today, first=first, last=last, kind=asked.kind, most=most
    )
    return [Line(entry, (entry.on - today).days) for entry in entries], is_cut


@require_safe
def calendar(request: HttpRequest) -> HttpResponse:
    user, at = signed_in(request), now()
    today, asked = day_of(at), _asked(request)
    first, last = _window(asked, today)
    lines, is_cut = _lines(user, asked, today, most=SHOWN)
    # most calendars are shorter, and counted by themselves
    n = (
        count_for(user, today=today, first=first, last=last, kind=asked.kind)
        if is_cut
        else len(lines)
    )
    n_coming = n if not asked.past else sum(not line.is_past for line in lines)
    if is_cut and asked.past:
        n_coming = count_for(user, today=today, first=today, last=last, kind=asked.kind)
    ends = retiring_offerings(user=user, on=today, within=asked.days, limit=DRAWN + 1, since=first)
    wide, narrow = _drawn(ends[:DRAWN], today, asked.days)
    return page(
        request,
        "calendar/calendar.html",
        fragment="listing",
        title="Calendar",
        counts="Dates of what you may see",
        as_of=at,
        sentence=sentence(_next(user, lines, asked, today), n_coming, asked),
        asked=asked,
        horizons=HORIZONS,
        kinds=sorted({KINDS[kind] for kind in kinds_ahead()}),
        months=[
            Month(name, tuple(group))
            for name, group in groupby(
                lines[:SHOWN], key=lambda line: date_format(line.entry.on, "F Y")
            )
        ],
        n=n,
        n_left=max(0, min(n, MOST) - SHOWN),
        wide=wide,
        narrow=narrow,
        more=len(ends) > DRAWN,
        drawn=DRAWN,
        cut=MOST if n > MOST else 0,
        n_feeds=CalendarFeed.objects.visible_to(user).filter(user=user, revoked_at=None).count(),
    )


def _next(user: User, lines: Sequence[Line], asked: Asked, today: date) -> Line | None:
    """The next day to come; asked for where those that have passed fill the page."""
    coming = next((line for line in lines if not line.is_past), None)
    if coming is None and len(lines) >= SHOWN:
        ahead, _is_cut = _lines(user, Asked(asked.days, asked.kind, past=False), today, most=1)
        coming = next(iter(ahead), None)
    return coming


def _drawn(
    ends: Sequence[RetiringOffering], today: date, days: int
) -> tuple[Timeline | None, Timeline | None]:
    if not ends:
        return None, None
    drawn = [ending_of(row, today) for row in ends]
    return (
        timeline.timeline(drawn, today=today, days=days),
        timeline.timeline(drawn, today=today, days=days, narrow=True),
    )


def sentence(first: Line | None, n: int, asked: Asked) -> Sentence:
    """How many days come, and the next one; counting stops at MOST."""
    within = pluralize(asked.days, "the next day", f"the next {asked.days} days")
    if first is None:
        return Sentence(f"Nothing ends or is due in {within}.")
    count = pluralize(n, "{n} date falls in {within}", "{n} dates fall in {within}").format(
        n=f"More than {number(MOST)}" if n > MOST else spelled(n).capitalize(), within=within
    )
    when = "today" if first.n_days == 0 else long_day(first.entry.on)
    return Sentence(
        f"{count}; " + "the next is ",
        when if first.is_urgent else "",
        ("" if first.is_urgent else when) + f": {first.words}.",
    )


@require_safe
def calendar_csv(request: HttpRequest) -> StreamingHttpResponse:
    user, today = signed_in(request), day_of(now())
    asked = _asked(request)
    lines, _is_cut = _lines(user, asked, today)
    return csv_answer(
        "calendar",
        ["day", "days left", "kind", "what", "page"],
        lines,
        lambda line: [line.entry.on, line.n_days, line.entry.category, line.words, line.entry.path],
    )
