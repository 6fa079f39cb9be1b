"""Chart of how questions grow with the portfolio, from the printed results of `manage.py bench` at
several sizes:

    python -m tools.benchmarks.growth_chart 10k.txt 100k.txt 1m.txt >docs/images/scale.svg

Both axes are logarithmic: a line at 45 degrees is ten times the time for ten times the
applications. Solid lines are the product, dashed lines the statement by hand on the same data.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from pathlib import Path

# {question as `bench` prints it: label}
QUESTIONS = {
    "blast radius of a top version, by team": "blast radius by team",
    "states of a top version, counted": "states counted",
    "concentration, developer by count": "concentration by developer",
    "single points of failure, first 50": "single points, first 50",
    "inherited risks, totals; by hand in tables of the engine": "inherited risks, totals",
    "states of a top version, one page of 50": "states, one page of 50",
}
_COLOURS = ("#1f6f8b", "#b5541c", "#5b3f8c", "#2f7d3b", "#a3264f", "#7a6a12")
_LINE = re.compile(r"^(.{1,90}?) {1,80}([0-9.]{1,12}) ms  p95")
_BY_HAND = re.compile(r"by hand {1,20}([0-9.]{1,12})  x")
_SIZE = re.compile(r"^applications ([0-9]{1,9}),")
_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 210, 16, 40


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """Milliseconds by question at one size: of the product, and by hand (None: not measured)."""

    n_applications: int
    timings: Mapping[str, tuple[float, float | None]]


def read_result(text: str) -> BenchmarkResult:
    """Read what `manage.py bench` printed. Raises ValueError if its last line is missing."""
    timings: dict[str, tuple[float, float | None]] = {}
    n_applications = 0
    for line in text.splitlines():
        if size := _SIZE.match(line):
            n_applications = int(size[1])
        elif timing := _LINE.match(line):
            by_hand = _BY_HAND.search(line)
            timings[timing[1]] = (float(timing[2]), float(by_hand[1]) if by_hand else None)
    if not n_applications:
        raise ValueError("The result has no line that begins with 'applications'. Run bench again.")
    return BenchmarkResult(n_applications, timings)


class _Axes:
    """Positions of sizes and milliseconds; both axes show whole powers of ten."""

    def __init__(self, results: Sequence[BenchmarkResult]) -> None:
        values = [
            value
            for result in results
            for question in QUESTIONS
            for value in result.timings.get(question, ())
            if value
        ]
        self.sizes = [result.n_applications for result in results]
        self._low, self._high = floor(log10(min(values))), ceil(log10(max(values)))
        self.powers = range(self._low, self._high + 1)

    def x(self, size: int) -> float:
        first, last = log10(self.sizes[0]), log10(self.sizes[-1])
        return _LEFT + (log10(size) - first) / (last - first) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, milliseconds: float) -> float:
        share = (log10(milliseconds) - self._low) / (self._high - self._low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def draw_chart(results: Sequence[BenchmarkResult]) -> str:
    """Return the chart as SVG. Takes at least two results, of the smallest size first."""
    axes = _Axes(results)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        'font-family="sans-serif" font-size="12">',
        "<title>Milliseconds by number of applications, product and statement by hand</title>",
        "<style>text{fill:#333}.grid{stroke:#ccc}"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}}</style>",
    ]
    for power in axes.powers:
        y = axes.y(10.0**power)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g} ms</text>'
        )
    parts += [
        f'<text x="{axes.x(size):.1f}" y="{_HEIGHT - 16}" text-anchor="middle">{size:,}</text>'
        for size in axes.sizes
    ]
    label_y = 0.0
    ends = sorted(
        QUESTIONS, key=lambda question: -results[-1].timings.get(question, (0.0, None))[0]
    )
    for question, colour in zip(ends, _COLOURS, strict=True):
        measured = [result for result in results if question in result.timings]
        for place, dashes in ((0, ""), (1, ' stroke-dasharray="5 4"')):
            points = " ".join(
                f"{axes.x(result.n_applications):.1f},{axes.y(value):.1f}"
                for result in measured
                if (value := result.timings[question][place])
            )
            parts.append(
                f'<polyline fill="none" stroke="{colour}" stroke-width="2"{dashes} '
                f'points="{points}"/>'
            )
        # labels keep a line of text from each other
        label_y = max(label_y + 16, axes.y(measured[-1].timings[question][0]) + 4)
        parts.append(
            f'<text x="{_WIDTH - _RIGHT + 10}" y="{label_y:.1f}" style="fill:{colour}">'
            f"{QUESTIONS[question]}</text>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def main(paths: Sequence[str]) -> None:
    results = [read_result(Path(path).read_text(encoding="utf-8")) for path in paths]
    sys.stdout.write(draw_chart(sorted(results, key=lambda result: result.n_applications)))


if __name__ == "__main__":
    main(sys.argv[1:])
