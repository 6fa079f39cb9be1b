"""Lifecycle timeline of offerings, one per track: the accepted value on a thick line, each source
value on thin ones below."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from apps.catalog.claims.values import retires_on
from apps.web.drawings.diagrams.stack_section import cut_section


@dataclass(frozen=True, slots=True)
class Claim:
    """Value of one source today; `missing` if the row has left its feed."""

    source: str
    ends_on: date | None
    soft: bool
    missing: bool

    @classmethod
    def of(cls, assertion: Any) -> "Claim":
        value = assertion.value if isinstance(assertion.value, dict) else {}
        return cls(
            assertion.source.name,
            retires_on(value),
            value.get("date_kind") == "not_before",
            assertion.missing_since is not None,
        )


@dataclass(frozen=True, slots=True)
class Track:
    host: str
    api_id: str
    released_on: date | None
    ends_on: date | None
    soft: bool
    urgent: bool
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """Source value or the accepted date. `x` is None without a date; `flip` puts the text before
    the mark."""

    y: float
    name: str
    text: str
    x: float | None
    soft: bool
    flip: bool
    faint: bool = False


@dataclass(frozen=True, slots=True)
class LifecycleTrack:
    track: Track
    y: float
    host: str
    api_id: str
    x_from: float
    accepted: Line
    lines: tuple[Line, ...]

    @property
    def x_end(self) -> float:
        return self.accepted.x or 0


@dataclass(frozen=True, slots=True)
class Lifecycle:
    height: float
    right: float
    left: float
    today_x: float
    months: tuple[tuple[float, str], ...]
    tracks: tuple[LifecycleTrack, ...]


def draw_lifecycle(tracks: Sequence[Track], *, today: date) -> Lifecycle:
    """Draw a track for each offering: release, retirement date, and the dates that each source
    states.

    The time axis covers at most 900 days before and after today.
    """
    days = [
        day
        for track in tracks
        for day in (track.ends_on, *(claim.ends_on for claim in track.claims))
        if day
    ]
    begin = max(
        min(
            [track.released_on for track in tracks if track.released_on] + [today - timedelta(365)]
        ),
        today - timedelta(900),
    )
    end = min(max([*days, today + timedelta(120)]) + timedelta(45), today + timedelta(900))
    left, right = 330.0, 960.0

    def x(day: date) -> float:
        return round(
            left + (right - left) * (min(max(day, begin), end) - begin).days / (end - begin).days, 1
        )

    lifecycle_tracks, y = [], 36.0
    for track in tracks:
        accepted_line = _build_line(
            y + 16,
            "accepted",
            track.ends_on,
            x,
            soft=track.soft,
            empty_text="no retirement date",
            right=right,
        )
        lines = tuple(
            _build_line(
                y + 36 + 18 * i,
                claim.source,
                claim.ends_on,
                x,
                soft=claim.soft,
                empty_text="no date",
                right=right,
                faint=claim.missing,
            )
            for i, claim in enumerate(track.claims)
        )
        lifecycle_tracks.append(
            LifecycleTrack(
                track,
                y,
                cut_section(track.host, 32),
                cut_section(track.api_id, 30),
                x(track.released_on or begin),
                accepted_line,
                lines,
            )
        )
        y += 40 + 18 * max(len(lines), 1)
    return Lifecycle(
        round(y, 1),
        right,
        left,
        x(today),
        tuple(_quarter_ticks(begin, end, x)),
        tuple(lifecycle_tracks),
    )


def _build_line(
    y: float,
    name: str,
    day: date | None,
    x: Any,
    *,
    soft: bool,
    empty_text: str,
    right: float,
    faint: bool = False,
) -> Line:
    """Return the line of a date of a track; without a date, `empty_text`. `soft`: the date is a
    lower bound. `faint`: the row of the source is gone."""
    if day is None:
        return Line(
            y,
            cut_section(name, 22),
            empty_text + (", delisted" if faint else ""),
            None,
            soft,
            flip=False,
            faint=faint,
        )
    day_x = x(day)
    text = (
        f"{'no earlier than ' if soft else ''}{day.day} {day:%b %Y}{', delisted' if faint else ''}"
    )
    return Line(y, cut_section(name, 22), text, day_x, soft, flip=day_x > right - 20, faint=faint)


def _quarter_ticks(begin: date, end: date, x: Any) -> list[tuple[float, str]]:
    step = 6 if (end - begin).days > 900 else 3
    quarters: list[tuple[float, str]] = []
    day = date(begin.year, 1, 1)
    while day < end:
        if day >= begin:
            quarters.append(
                (x(day), f"{day:%b %Y}" if not quarters or day.month == 1 else f"{day:%b}")
            )
        month = day.month - 1 + step
        day = date(day.year + month // 12, month % 12 + 1, 1)
    return quarters
