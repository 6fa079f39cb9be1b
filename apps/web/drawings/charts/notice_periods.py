"""Notice periods of a provider in days: a dot per model on one scale, stacked where they coincide.

Strips are below each other (all notices, or the earlier and the later half), each with its median;
the minimums that the provider promises cross them all."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_DOT = 7.0  # breadth of a dot with its gap


@dataclass(frozen=True, slots=True)
class NoticePeriod:
    """Notice period. `seen`: counted from the day on which the date was first seen here; `short`:
    below the threshold of short ones."""

    days: int
    seen: bool = False
    short: bool = False


@dataclass(frozen=True, slots=True)
class NoticeStrip:
    label: str
    detail: str
    notices: tuple[NoticePeriod, ...]
    median: float
    is_bound: bool = False


@dataclass(frozen=True, slots=True)
class PublishedNotice:
    days: int
    label: str


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    css: str


@dataclass(frozen=True, slots=True)
class NoticeLabel:
    """Label at a vertical line; `flip` puts it before the line."""

    x: float
    y: float
    text: str
    flip: bool


@dataclass(frozen=True, slots=True)
class NoticeRow:
    y: float
    label: str
    detail: str
    y_label: float
    dots: tuple[Dot, ...]
    median: NoticeLabel
    y_top: float


@dataclass(frozen=True, slots=True)
class NoticePicture:
    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    short_width: float
    ticks: tuple[tuple[float, str], ...]
    rows: tuple[NoticeRow, ...]
    promises: tuple[NoticeLabel, ...]
    stacked: bool


def draw_notice_periods(
    strips: Sequence[NoticeStrip],
    *,
    promises: Sequence[PublishedNotice],
    short_days: int,
    narrow: bool = False,
) -> NoticePicture:
    """Draw the strips; `narrow` is for a phone: the strips' names are above them."""
    width, left, right = (340.0, 6.0, 322.0) if narrow else (1120.0, 218.0, 1080.0)
    most_days = max(
        [
            short_days,
            *(notice.days for strip in strips for notice in strip.notices),
            *(published.days for published in promises),
        ]
    )
    step = next(
        (step for step in (15, 30, 60, 90, 180, 365) if most_days / step <= (5 if narrow else 12)),
        730,
    )
    end = (most_days // step + 1) * step

    def x(days: float) -> float:
        return round(left + (right - left) * days / end, 1)

    columns = [_stack_notices(strip, x) for strip in strips]
    tallest = max((len(column) for strip in columns for column in strip.values()), default=1)
    rise = min(_DOT, 84 / tallest)
    thick = round(rise * (tallest - 1) + _DOT, 1)
    top = 14.0 * len(promises) + 6
    rows, y = [], top
    for strip, stacks in zip(strips, columns, strict=True):
        y_top = y + (34 if narrow else 10)
        y = round(y_top + thick, 1)
        dots = [
            Dot(column_x, round(y - _DOT / 2 - rise * rank, 1), _dot_css(notice))
            for column_x, column in stacks.items()
            for rank, notice in enumerate(column)
        ]
        rows.append(
            NoticeRow(
                y=y,
                label=strip.label,
                detail=strip.detail,
                y_label=y_top - 18 if narrow else round(y - thick / 2 - 2, 1),
                dots=tuple(dots),
                median=_line_label(
                    x(strip.median),
                    y + 15,
                    f"median {'≥ ' if strip.is_bound else ''}{strip.median:g} days",
                    right,
                ),
                y_top=round(y_top - 4, 1),
            )
        )
        y += 20
    return NoticePicture(
        width=width,
        height=round(y + 18, 1),
        left=left,
        right=right,
        top=top,
        bottom=round(y, 1),
        short_width=round(x(short_days) - left, 1),
        ticks=tuple(
            (x(days), f"{days}{' days' if days == end else ''}") for days in range(0, end + 1, step)
        ),
        rows=tuple(rows),
        promises=tuple(
            _line_label(x(promise.days), 10 + 14.0 * rank, promise.label, right)
            for rank, promise in enumerate(sorted(promises, key=lambda promise: promise.days))
        ),
        stacked=narrow,
    )


def _stack_notices(
    strip: NoticeStrip, x: Callable[[float], float]
) -> dict[float, list[NoticePeriod]]:
    """Return {x: notices stacked there}; those closer than a dot's breadth share a column."""
    bins: dict[int, list[NoticePeriod]] = defaultdict(list)
    for notice in sorted(strip.notices, key=lambda notice: (notice.days, notice.seen)):
        bins[round(x(notice.days) / _DOT)].append(notice)
    return {
        round(sum(x(notice.days) for notice in column) / len(column), 1): column
        for column in bins.values()
    }


def _dot_css(notice: NoticePeriod) -> str:
    return "box" if notice.seen else "red" if notice.short else "ink"


def _line_label(x: float, y: float, text: str, right: float) -> NoticeLabel:
    return NoticeLabel(x, y, text, flip=x + 6.4 * len(text) > right + 30)
