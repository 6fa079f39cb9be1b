"""Outages and releases of a provider as its track record shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.catalog.models import Source
from apps.catalog.providers.outages import (
    DEFAULT_THRESHOLD,
    RECORD_THRESHOLDS,
    OutageCounts,
    OutageThreshold,
)
from apps.catalog.providers.releases import MIN_INTERVALS, ReleaseIntervals
from apps.common.time import day_of
from apps.feeds.outage_records import OutageRecord
from apps.web.drawings.base.picture import HALF, responsive_picture
from apps.web.drawings.base.scales import Unit
from apps.web.drawings.charts.trend import draw_trend
from apps.web.wording import day, number, quantity_of

# the longest time between the first days of two months
_MONTH_DAYS = 31


@dataclass(frozen=True, slots=True)
class OutageRow:
    """Outages above one threshold; `per_year` is empty without a full month."""

    threshold: str
    n: int
    per_year: str


@dataclass(frozen=True, slots=True)
class OutageRecordSection:
    """Outages of a host. `missing` says what a count needs, if there is none."""

    sentence: str
    missing: str = ""
    rows: Sequence[OutageRow] = ()
    months: Sequence[tuple[date, int]] = ()
    observed: str = ""
    n_open: int = 0
    source: Source | None = None
    picture: Any = None


@dataclass(frozen=True, slots=True)
class ReleaseSection:
    """Days between the releases of a developer. `missing` says what a statistic needs, if there is
    none."""

    sentence: str
    lines: Sequence[tuple[str, str, str]] = ()
    missing: str = ""


def describe_threshold(threshold: OutageThreshold) -> str:
    """Return the threshold in words: "major or critical impact, at least 4 hours"."""
    *earlier, last = threshold.impacts
    impact = f"{', '.join(earlier)} or {last} impact" if earlier else f"{last} impact"
    if not threshold.hours:
        return f"{impact}, of any length"
    return f"{impact}, at least {describe_hours(threshold.hours)}"


def describe_hours(hours: float) -> str:
    return "30 minutes" if hours == 0.5 else quantity_of(int(hours), "hour")


def present_outage_record(
    record: OutageRecord | None, *, has_status_source: bool
) -> OutageRecordSection:
    """Return the section about the outages of a host; `has_status_source`: some source reads its
    status page."""
    if record is None:
        return OutageRecordSection(
            "No outages are counted on this host.",
            "Its status page has stated no impact yet, so its incidents are not counted by impact."
            if has_status_source
            else "No source reads the status page of this host.",
        )
    counts = [record.count(threshold) for threshold in RECORD_THRESHOLDS]
    months = counts[0].months
    return OutageRecordSection(
        sentence=_describe_counts(counts[RECORD_THRESHOLDS.index(DEFAULT_THRESHOLD)]),
        missing="" if months else "No month has been observed from its first to its last day yet.",
        rows=[
            OutageRow(
                describe_threshold(row.threshold).capitalize(),
                row.n,
                f"{row.per_year:.2g}" if row.per_year is not None else "–",
            )
            for row in counts
        ],
        months=months[::-1],
        observed=f"{day(day_of(record.observed_from))} – {day(day_of(record.observed_until))}",
        n_open=sum(length.is_open for length in counts[0].lengths),
        source=record.source,
        picture=_draw_months(months),
    )


def _describe_counts(counts: OutageCounts) -> str:
    if not counts.months:
        return "No full month is observed yet."
    return (
        f"{quantity_of(counts.n, 'outage')} in {quantity_of(len(counts.months), 'month')} with "
        f"{describe_threshold(counts.threshold)}."
    )


def _draw_months(months: Sequence[tuple[date, int]]) -> Any:
    """Return the drawing of the outages of each month; None below two months."""
    if len(months) < 2:
        return None
    return responsive_picture(
        draw_trend,
        [(month, float(count)) for month, count in months],
        unit=Unit("outages per month", lambda value: number(round(value))),
        every_days=_MONTH_DAYS,
        integers_only=True,
        width=HALF,
    )


def present_releases(releases: ReleaseIntervals) -> ReleaseSection:
    """Return the section about the releases of a developer."""
    if not releases.n_versions:
        return ReleaseSection(
            "No releases are recorded in the last two years.",
            missing=f"{quantity_of(releases.n_undated, 'version')} without a release date that is "
            "known to the day."
            if releases.n_undated
            else "",
        )
    counted = (
        f"{quantity_of(releases.n_versions, 'version')} released on "
        f"{quantity_of(releases.n_days, 'day')} of the last two years"
    )
    undated = (
        [
            (
                "Not counted",
                quantity_of(releases.n_undated, "version"),
                "without a release date that is known to the day",
            )
        ]
        if releases.n_undated
        else []
    )
    if releases.median_days is None:
        return ReleaseSection(
            f"{counted}: too few for a statistic.",
            undated,
            f"A median needs {MIN_INTERVALS} intervals between release days.",
        )
    return ReleaseSection(
        f"Median of {releases.median_days:g} days between releases ({counted}).",
        [
            ("Shortest", quantity_of(releases.shortest_days or 0, "day"), ""),
            ("Longest", quantity_of(releases.longest_days or 0, "day"), ""),
            ("Last release", day(releases.last_on) if releases.last_on else "–", ""),
            *undated,
        ],
    )
