"""What was seen of one application: by whom, under which names, how often, and where that is not
what it declares."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from apps.intake.models import Discrepancy, Observation
from apps.intake.queries import DailyCalls, calls_by_day
from apps.inventory.models import Application
from apps.web.drawings.picture import THIRD, Both, both
from apps.web.drawings.scales import Unit, compact
from apps.web.drawings.trend import trend
from apps.web.views.intake import words

MOST_SHOWN = 20
MOST_OPEN = 10
CALL_DAYS = 30


@dataclass(frozen=True, slots=True)
class Sighting:
    row: Observation
    sender: str
    state: object


@dataclass(frozen=True, slots=True)
class Seen:
    """`is_cut` says that there are more rows; `calls` are of the last CALL_DAYS days, `picture` is
    drawn from them."""

    rows: Sequence[Sighting]
    is_cut: bool
    calls: Sequence[DailyCalls]
    picture: Both | None
    open: Sequence[tuple[Discrepancy, str]]

    @property
    def n_calls(self) -> int:
        return sum(each.n_calls for each in self.calls)

    @property
    def n_errors(self) -> int:
        return sum(each.n_errors for each in self.calls)


def seen_of(application: Application, today: date) -> Seen:
    """Two statements, and a third where calls were counted."""
    found = list(
        Observation.objects.filter(application=application)
        .select_related("offering__host", "served_version", "service")
        .order_by("-last_seen_at", "-pk")[: MOST_SHOWN + 1]
    )
    calls = (
        calls_by_day(application_id=application.pk, today=today, days=CALL_DAYS) if found else []
    )
    opened = (
        Discrepancy.objects.filter(application=application)
        .open()
        .order_by("-opened_at", "-pk")[:MOST_OPEN]
    )
    return Seen(
        rows=[
            Sighting(row, words.sender(row.stream), words.OBSERVED[row.state])
            for row in found[:MOST_SHOWN]
        ],
        is_cut=len(found) > MOST_SHOWN,
        calls=calls,
        picture=_picture(calls, today),
        open=[(row, words.finding(row)) for row in opened],
    )


def _picture(calls: Sequence[DailyCalls], today: date) -> Both | None:
    """Calls by the day; a day between the first and today without any is none."""
    if len(calls) < 2:
        return None
    counted = {each.day: each.n_calls for each in calls}
    days = (today - calls[0].day).days + 1
    points = [
        (day, counted.get(day, 0)) for day in (calls[0].day + timedelta(n) for n in range(days))
    ]
    return both(trend, points, unit=Unit("calls a day", compact), whole=True, width=THIRD)
