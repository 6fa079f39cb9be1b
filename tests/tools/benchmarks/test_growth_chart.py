"""The chart of growth: printed results in, lines of product and hand-written statements out."""

import pytest

from tools.benchmarks.growth_chart import QUESTIONS, draw_chart, read_result


def printed(size: int, milliseconds: float) -> str:
    lines = [
        f"{question:62} {milliseconds:9.1f} ms  p95 {milliseconds:9.1f}    1 statements"
        f"       2 rows  by hand {milliseconds / 2:9.1f}  x  2.00"
        for question in QUESTIONS
    ]
    return "\n".join([*lines, f"applications {size}, in_scope 1, postgresql 18.6"])


def test_a_result_has_the_size_and_both_times_of_each_question():
    result = read_result(printed(10_000, 4.0))

    assert result.n_applications == 10_000
    assert set(result.timings) == set(QUESTIONS)
    assert set(result.timings.values()) == {(4.0, 2.0)}


def test_a_result_that_was_cut_off_is_refused():
    with pytest.raises(ValueError, match="no line that begins with 'applications'"):
        read_result(printed(10_000, 4.0).rpartition("\n")[0])


def test_ten_times_the_time_is_higher_in_the_chart():
    chart = draw_chart([read_result(printed(10_000, 1.0)), read_result(printed(100_000, 10.0))])

    first = next(line for line in chart.splitlines() if line.startswith("<polyline"))
    (x1, y1), (x2, y2) = (
        tuple(map(float, point.split(","))) for point in first.split('points="')[1][:-3].split()
    )
    assert x1 < x2
    assert y1 > y2
    assert chart.count("stroke-dasharray") == len(QUESTIONS)
    assert "10,000" in chart
    assert "100,000" in chart
