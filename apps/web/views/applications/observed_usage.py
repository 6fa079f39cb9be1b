"""Observed usage of one application: by sender, under which names, how often, and where it differs
from its declaration."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from apps.intake.models import Discrepancy, Observation
from apps.intake.queries import DailyCalls, calls_by_day, refused_calls
from apps.inventory.models import Application
from apps.web.drawings.base.picture import THIRD, ResponsivePicture, responsive_picture
from apps.web.drawings.base.scales import Unit, compact
from apps.web.drawings.charts.trend import draw_trend
from apps.web.views.intake import presenters

MAX_ROWS = 20
MAX_OPEN_DISCREPANCIES = 10
CALL_DAYS = 30


@dataclass(frozen=True, slots=True)
class ObservationRow:
    row: Observation
    sender: str
    state: object
    n_refused: int = 0


@dataclass(frozen=True, slots=True)
class ObservedUsage:
    """Observed usage of an application. `rows` are the latest observations and `is_cut` states that
    there are more; `calls` are of the last CALL_DAYS days, `picture` is drawn from them."""

    rows: Sequence[ObservationRow]
    is_cut: bool
    calls: Sequence[DailyCalls]
    picture: ResponsivePicture | None
    open: Sequence[tuple[Discrepancy, str]]

    @property
    def n_calls(self) -> int:
        return sum(day_calls.n_calls for day_calls in self.calls)

    @property
    def n_errors(self) -> int:
        return sum(day_calls.n_errors for day_calls in self.calls)

    @property
    def n_refused(self) -> int:
        return sum(day_calls.n_refused for day_calls in self.calls)


def observed_usage(application: Application, today: date) -> ObservedUsage:
    """Return the observed usage; two statements, and two more if anything was observed."""
    observations = list(
        Observation.objects.filter(application=application)
        .select_related("offering__host", "served_version", "service")
        .order_by("-last_seen_at", "-pk")[: MAX_ROWS + 1]
    )
    refused = (
        refused_calls([row.pk for row in observations], since=today - timedelta(days=CALL_DAYS))
        if observations
        else {}
    )
    calls = (
        calls_by_day(application_id=application.pk, today=today, days=CALL_DAYS)
        if observations
        else []
    )
    discrepancies = (
        Discrepancy.objects.filter(application=application)
        .open()
        .order_by("-opened_at", "-pk")[:MAX_OPEN_DISCREPANCIES]
    )
    return ObservedUsage(
        rows=[
            ObservationRow(
                row,
                presenters.sender_name(row.stream),
                presenters.OBSERVED[row.state],
                refused.get(row.pk, 0),
            )
            for row in observations[:MAX_ROWS]
        ],
        is_cut=len(observations) > MAX_ROWS,
        calls=calls,
        picture=_draw_calls(calls, today),
        open=[(row, presenters.describe_discrepancy(row)) for row in discrepancies],
    )


def _draw_calls(calls: Sequence[DailyCalls], today: date) -> ResponsivePicture | None:
    """Draw calls by day; a day without calls counts as 0."""
    if len(calls) < 2:
        return None
    n_calls_by_day = {day_calls.day: day_calls.n_calls for day_calls in calls}
    days = (today - calls[0].day).days + 1
    points = [
        (day, n_calls_by_day.get(day, 0))
        for day in (calls[0].day + timedelta(n) for n in range(days))
    ]
    return responsive_picture(
        draw_trend, points, unit=Unit("calls a day", compact), integers_only=True, width=THIRD
    )
