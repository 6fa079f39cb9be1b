"""Two or more inputs for every picture, the last ones extreme: nothing, one, many, long names,
far-off values."""

import math
from collections.abc import Callable
from datetime import date, timedelta

from apps.web.drawings.base.picture import THIRD, Picture
from apps.web.drawings.base.scales import Unit, compact, number, price, share
from apps.web.drawings.charts.bars import Bar, draw_bars
from apps.web.drawings.charts.comparison_bars import ComparisonRow, draw_comparison
from apps.web.drawings.charts.exposure_states import StateBar, draw_states
from apps.web.drawings.charts.loss_curve import Level, draw_loss_curve
from apps.web.drawings.charts.price_steps import Series, draw_price_steps
from apps.web.drawings.charts.runways import Runway, draw_runways
from apps.web.drawings.charts.trend import draw_trend
from apps.web.drawings.diagrams.flow import Path, draw_flow
from apps.web.drawings.diagrams.lineage import LineageLink, LineageVersion, draw_lineage
from apps.web.drawings.timelines.calendar import CalendarRetirement, draw_calendar

TODAY = date(2026, 11, 24)
LONG = "Reinsurance treaty wording comparison assistant of the northern region, second edition"
SHARES = Unit("share of critical applications", share)
PRICES = Unit("USD per million output tokens", price, number)
MONEY = Unit("USD a year", compact)
COUNTS = Unit("applications")
LAYERS = ("Team", "Foundation", "Developer", "Host")

type Drawn = Callable[..., Picture | None]


def _bars(rows, **named):
    return lambda **shape: draw_bars(rows, **{"unit": SHARES, "limit": 0.5, **named, **shape})


def _steps(series, **named):
    return lambda **shape: draw_price_steps(
        series, **{"unit": PRICES, "today": TODAY, **named, **shape}
    )


def _trend(points, **named):
    return lambda **shape: draw_trend(points, **{"unit": SHARES, "limit": 0.5, **named, **shape})


def _loss(scale, **named):
    curve = [(step * 1e5, math.exp(-step / scale)) for step in range(400)]
    twin = [(step * 1e5, math.exp(-step / scale * 3)) for step in range(400)]
    levels = [
        Level(
            n,
            scale * math.log(n) * 1e5,
            scale * math.log(n) * 1e5 / 3,
            scale * math.log(n) * 9e4,
            scale * 5e5,
        )
        for n in (20, 100)
    ]
    given = {"unit": MONEY, "twin": twin, "levels": levels, "expected": scale * 1e5, **named}
    return lambda **shape: draw_loss_curve(curve, **{**given, **shape})


def _calendar(ends, **named):
    return lambda **shape: draw_calendar(ends, **{"today": TODAY, **named, **shape})


def _flow(paths, **named):
    return lambda **shape: draw_flow(paths, **{"layers": LAYERS, "unit": COUNTS, **named, **shape})


def _family(
    n, kinds=("fine_tune", "distillation", "quantisation", "merge", "adapter", "next_generation")
):
    kin = [
        LineageVersion(
            str(i), f"{LONG[: 8 + i]} {i}", "ends 30 Nov 2026" * (i % 2), own=i == 2, late=i == 5
        )
        for i in range(n)
    ]
    return kin, [LineageLink(str(i * 5 // 9), str(i), kinds[i % len(kinds)]) for i in range(1, n)]


def _lineage(kin, descents, **named):
    return lambda **shape: draw_lineage(kin, descents, **{**named, **shape})


def _days(n, value):
    return [(TODAY - timedelta(n - rank), value(rank)) for rank in range(n + 1)]


_PATHS = [
    Path(("Claims", "Claude Sonnet", "Anthropic", "Bedrock"), 9),
    Path(("Fraud", "Claude Haiku", "Anthropic", "Bedrock"), 4),
    Path(("Fraud", "GPT-4.1", "OpenAI", "Azure"), 5),
    Path(("Claims", "", "", "Azure"), 2),
]

# {picture: what draws it, each from other data}
SAMPLES: dict[str, list[Drawn]] = {
    "bars": [
        _bars(
            [
                Bar("Anthropic", 0.62, 0.46, 0.71, note="8 of 13"),
                Bar("OpenAI", 0.23),
                Bar("?", 0.1, unsure=True),
            ]
        ),
        _bars([Bar("Google", 0.45), Bar("OpenAI", 0.2, 0.1, 0.3)], top=1),
        _bars(
            [Bar(LONG, 120_000, limit=100_000, note="of 3,000,000"), Bar("b", 0), Bar("c", -9_000)],
            unit=MONEY,
        ),
        _bars([Bar(f"{LONG[:n]} {n}", n / 30, 0, n / 25) for n in range(30, 0, -1)]),
        _bars([Bar("one", 0)], limit=None, unit=COUNTS, integers_only=True, width=THIRD),
    ],
    "steps": [
        _steps(
            [
                Series("Sonnet 4.5", ((date(2025, 9, 29), 15),), until=date(2026, 11, 30)),
                Series(
                    "Sonnet 5",
                    ((date(2026, 6, 30), 10), (date(2026, 9, 1), 15), (date(2027, 1, 1), 18)),
                    hot=True,
                ),
            ]
        ),
        _steps(
            [
                Series(
                    "Haiku 4.5",
                    ((date(2025, 10, 1), 5), (date(2026, 3, 1), None), (date(2026, 5, 1), 5.5)),
                )
            ]
        ),
        _steps(
            [Series(f"{LONG} {n}", ((TODAY - timedelta(900 - n), n or 0.075),)) for n in range(25)]
        ),
        _steps([Series("new", ((TODAY, 0.0),))]),
    ],
    "trend": [
        _trend(_days(365, lambda n: 0.4 + n / 1700), top=1),
        _trend(_days(30, lambda n: None if 9 < n < 14 else 0.3)),
        _trend([(TODAY, 0.9)]),
        _trend(_days(40, lambda n: n * 1e9), unit=MONEY, limit=None, every_days=7),
    ],
    "loss_curve": [
        _loss(20),
        _loss(35, log=True),
        _loss(3, twin=(), expected=None),
        _loss(
            20,
            band=[
                (step * 1e5, math.exp(-step / 20) * 0.8, math.exp(-step / 20)) for step in range(60)
            ],
        ),
    ],
    "states": [
        lambda **shape: draw_states(
            [StateBar("", {"exposed": 7, "cushioned": 4, "portable": 3, "may_stand": 5})], **shape
        ),
        lambda **shape: draw_states(
            [StateBar("A", {"partial": 2}), StateBar("B", {"exposed": 3, "portable": 1})], **shape
        ),
        lambda **shape: draw_states(
            [StateBar(LONG, {"exposed": 1, "partial": 99}), StateBar("b", {"partial": 1})], **shape
        ),
    ],
    "compare": [
        lambda **shape: draw_comparison(
            [ComparisonRow("exposed", 7, 3), ComparisonRow("partial", 1, 5)],
            names=("A", "B"),
            unit=COUNTS,
            **shape,
        ),
        lambda **shape: draw_comparison(
            [ComparisonRow("exposed", 2, 9)],
            names=("A", "C"),
            unit=COUNTS,
            integers_only=True,
            **shape,
        ),
        lambda **shape: draw_comparison(
            [ComparisonRow(LONG, -8e6, 5e7), ComparisonRow("b", None, 0)],
            names=(LONG, LONG),
            unit=MONEY,
            **shape,
        ),
    ],
    "runways": [
        lambda **shape: draw_runways(
            [Runway("Triage", 6, 45, tested=True), Runway("Assist", 135, 40)], **shape
        ),
        lambda **shape: draw_runways(
            [Runway("Copilot", 200, None), Runway("Finder", None, 30, tested=True)], **shape
        ),
        lambda **shape: draw_runways(
            [Runway(LONG, -400, 20), Runway("b", 4000, 900, at_least=True)], **shape
        ),
        lambda **shape: draw_runways([Runway("a", 0, 0), Runway("b", None, None)], **shape),
    ],
    "calendar": [
        _calendar(
            [
                CalendarRetirement("GPT-4.1", date(2027, 4, 14), urgent=True, weight=3),
                CalendarRetirement("o3", date(2027, 8, 1), soft=True),
            ]
        ),
        _calendar([CalendarRetirement("Sonnet 4.5", date(2026, 11, 30))], months=12),
        _calendar(
            [
                CalendarRetirement(
                    f"{LONG[: n % 80]} {n}", TODAY + timedelta(n * 37 % 530), weight=n % 9
                )
                for n in range(300)
            ]
        ),
    ],
    "flow": [
        _flow(_PATHS, over=frozenset({("Developer", "Anthropic")})),
        _flow(_PATHS[1:]),
        _flow(_PATHS[:1]),
        _flow(
            [
                Path(
                    (
                        f"{LONG[: n % 60]} {n % 41}",
                        f"F {n * 7 % 83}",
                        f"D {n * 3 % 19}",
                        f"H {n % 11}",
                    ),
                    1 + n % 97,
                )
                for n in range(500)
            ]
        ),
    ],
    "lineage": [
        _lineage(*_family(7)),
        _lineage(*_family(4, kinds=("next_generation",))),
        _lineage(*_family(70)),
        _lineage(
            [LineageVersion(str(n), f"Generation {n} {LONG}") for n in range(20)],
            [LineageLink(str(n), str(n + 1), "next_generation") for n in range(19)],
        ),
        _lineage(
            [LineageVersion("a", LONG)],
            [LineageLink("a", "a", "merge"), LineageLink("b", "a", "merge")],
        ),
    ],
}
