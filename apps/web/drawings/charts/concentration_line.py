"""Share of one node at the ends of the past months and today, against its tolerance: the small
line beside the sentence of Home and of the board summary."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from apps.web.drawings.base.picture import Dot, Picture, Stroke, across, line
from apps.web.drawings.base.text_layout import Label
from apps.web.wording import share

type MonthlyValue = tuple[date, float | None]

_WIDTH, _HEIGHT = 320.0, 96.0
_LEFT, _RIGHT, _TOP, _BOTTOM, _AXIS = 6.0, 210.0, 10.0, 62.0, 78.0
_TEXT = 222.0
_LINE_HEIGHT = 14.0


def draw_concentration_line(
    values: Sequence[MonthlyValue], *, name: str, tolerance: float | None
) -> Picture | None:
    """Draw the values, oldest first and today's last; None with fewer than two. A month without
    critical applications breaks the line."""
    known = [(place, day, value) for place, (day, value) in enumerate(values) if value is not None]
    if len(known) < 2 or known[-1][0] != len(values) - 1:
        return None
    shares = [value for _, _, value in known] + ([tolerance] if tolerance is not None else [])
    high, low = max(shares), min(shares)
    # small changes are not drawn as large ones: the scale spans at least a fifth
    low = max(0.0, min(low - 0.05, high - 0.2))
    high = min(1.0, max(high + 0.05, low + 0.2))

    def x(place: int) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * place / (len(values) - 1), 1)

    def y(value: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * (value - low) / (high - low), 1)

    strokes = [
        Stroke(line([(x(a), y(value_a)), (x(b), y(value_b))]), "l2", name="line")
        for (a, _, value_a), (b, _, value_b) in pairwise(known)
        if b == a + 1
    ]
    last_place, last_day, last_value = known[-1]
    is_over = tolerance is not None and last_value > tolerance
    y_last = y(last_value)
    labels = [Label(_TEXT, round(y_last + 4, 1), f"{share(last_value)} today", "b")]
    grid = [Stroke(across(_AXIS, _LEFT, _RIGHT + 4), "g")]
    if tolerance is not None:
        y_limit = y(tolerance)
        grid.append(Stroke(across(y_limit, _LEFT, _RIGHT + 4), "rl dash", name="limit"))
        # the two texts stand one below the other, the greater value above
        y_text = y_limit
        if abs(y_limit - y_last) < _LINE_HEIGHT:
            y_text = y_last + (_LINE_HEIGHT if tolerance <= last_value else -_LINE_HEIGHT)
        labels.append(Label(_TEXT, round(y_text + 4, 1), f"{share(tolerance)} tolerance", "r"))
    first_place, first_day, first_value = known[0]
    y_first = y(first_value)
    labels.append(
        Label(
            x(first_place),
            # on the side away from the line
            round(y_first + 13 if y(known[1][2]) <= y_first else y_first - 7, 1),
            share(first_value),
            "s halo",
        )
    )
    labels += [
        Label(_LEFT, 92, f"{first_day:%b %Y}", "s"),
        Label(_RIGHT + 4, 92, f"{last_day:%b %Y}", "s e"),
    ]
    return Picture(
        width=_WIDTH,
        height=_HEIGHT,
        narrow=False,
        title=_describe(known, name, tolerance),
        desc="One point for each month end, and one for today.",
        grid=tuple(grid),
        strokes=tuple(strokes),
        dots=(Dot(x(last_place), y_last, "red" if is_over else "ink", 3.5, name="last"),),
        labels=tuple(labels),
    )


def _describe(known: Sequence[tuple[int, date, float]], name: str, tolerance: float | None) -> str:
    (_, first_day, first_value), (_, _, last_value) = known[0], known[-1]
    text = (
        f"Share of critical applications that depend on {name}, month by month: "
        f"{share(first_value)} in {first_day:%B %Y}, {share(last_value)} today."
    )
    return f"{text} The tolerance is {share(tolerance)}." if tolerance is not None else text
