"""What ends when: one's own days as a picture, a list by month, a CSV; and an address for calendar programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.alerts.calendar import Entry, entries_for
from apps.alerts.calendar_queries import MOST
from apps.alerts.models import CalendarFeed
from apps.common.time import day_of, now
from apps.exposure.portfolio_queries import Ending, endings
from apps.web.drawings import timeline
from apps.web.drawings.timeline import Timeline
from apps.web.forms import signed_in
from apps.web.listing import csv_answer
from apps.web.page import Sentence, page
from apps.web.views.overview import ending_of
from apps.web.wording import long_day, spelled

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
        return self.entry.summary.removesuffix(_(" today")) if self.n_days else self.entry.summary

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


def _lines(entries: Sequence[Entry], asked: Asked, today: date) -> list[Line]:
    until = today + timedelta(asked.days)
    return [
        Line(entry, (entry.on - today).days)
        for entry in entries
        if entry.on <= until and (asked.past or entry.on >= today) and (not asked.kind or entry.category == asked.kind)
    ]


def _entries(user: User, asked: Asked, today: date) -> tuple[list[Entry], bool]:
    return entries_for(
        user, today=today, first=None if asked.past else today, last=today + timedelta(asked.days)
    )  # fmt: skip


@require_safe
def calendar(request: HttpRequest) -> HttpResponse:
    user, at = signed_in(request), now()
    today, asked = day_of(at), _asked(request)
    entries, is_cut = _entries(user, asked, today)
    lines = _lines(entries, asked, today)
    ends = endings(user=user, on=today, within=asked.days, most=DRAWN + 1)
    wide, narrow = _drawn(ends[:DRAWN], today, asked.days)
    return page(
        request,
        "calendar/calendar.html",
        fragment="listing",
        title=_("Calendar"),
        counts=_("Days of what you may see"),
        as_of=at,
        sentence=sentence(lines, asked, today),
        asked=asked,
        horizons=HORIZONS,
        kinds=sorted({entry.category for entry in entries}),
        months=[
            Month(name, tuple(group))
            for name, group in groupby(lines[:SHOWN], key=lambda line: date_format(line.entry.on, "F Y"))
        ],
        n=len(lines),
        n_left=max(0, len(lines) - SHOWN),
        wide=wide,
        narrow=narrow,
        more=len(ends) > DRAWN,
        drawn=DRAWN,
        cut=MOST if is_cut else 0,
        n_feeds=CalendarFeed.objects.visible_to(user).filter(user=user, revoked_at=None).count(),
    )


def _drawn(ends: Sequence[Ending], today: date, days: int) -> tuple[Timeline | None, Timeline | None]:
    if not ends:
        return None, None
    drawn = [ending_of(row, today) for row in ends]
    return (
        timeline.timeline(drawn, today=today, days=days),
        timeline.timeline(drawn, today=today, days=days, narrow=True),
    )


def sentence(lines: Sequence[Line], asked: Asked, today: date) -> Sentence:
    """How many days come, and the next one."""
    coming = [line for line in lines if not line.is_past]
    within = ngettext("the next day", "the next %(n)s days", asked.days) % {"n": asked.days}
    if not coming:
        return Sentence(_("Nothing ends or is due in %(within)s.") % {"within": within})
    n, first = len(coming), coming[0]
    count = (
        ngettext("%(n)s day matters in %(within)s", "%(n)s days matter in %(within)s", n)
        % {"n": spelled(n).capitalize(), "within": within}
    )  # fmt: skip
    when = _("today") if first.n_days == 0 else long_day(first.entry.on)
    return Sentence(
        f"{count}; " + _("the next is "), when if first.is_urgent else "",
        ("" if first.is_urgent else when) + f": {first.words}.",
    )  # fmt: skip


@require_safe
def calendar_csv(request: HttpRequest) -> StreamingHttpResponse:
    user, today = signed_in(request), day_of(now())
    asked = _asked(request)
    lines = _lines(_entries(user, asked, today)[0], asked, today)
    return csv_answer(
        "calendar",
        ["day", "days left", "kind", "what", "page"],
        lines,
        lambda line: [line.entry.on, line.n_days, line.entry.category, line.words, line.entry.path],
    )
